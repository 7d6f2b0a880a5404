# The commands of this project; `.ci/run` uses the same. Without `just`: each line below works as it stands.

# Lists the recipes.
default:
    @just --list

# Counts tokens without tests and comments, by crate, of this project or of another.
measure-code folder=".":
    cargo run --quiet --package measure-code -- {{ folder }}
