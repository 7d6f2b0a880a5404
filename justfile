# The commands of this project; `.ci/run` uses the same. Without `just` each line works as it stands.

# Lists the recipes.
default:
    @just --list

# Formats all sources.
format:
    cargo fmt

# Checks that all sources are formatted.
format-check:
    cargo fmt --check

# Lints all packages, fuzz targets among them, warnings denied.
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings

# Builds the documentation of all crates, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# Runs all tests.
test:
    cargo test --locked

# Builds and tests the program without the sandbox.
test-without-sandbox:
    cargo test --locked --no-default-features --test without_sandbox

# Writes what is generated from the sources: docs/codes.md and docs/schemas/.
generate:
    UPDATE_DOCS=1 cargo test --locked generated

# Measures the program beside its peers; benches/README.md says what is needed.
measure *arguments:
    python3 benches/peers.py {{ arguments }}

# Scores what is done about text in pictures; tests/pixels/README.md says what is needed.
score-pixels *arguments:
    cargo build --locked
    python3 tests/pixels/run.py {{ arguments }} target/debug/fwupload

# Counts tokens without tests and comments, by crate, of this project or of another.
measure-code folder=".":
    cargo run --quiet --package measure-code -- {{ folder }}

# Everything that has to hold before a change goes in.
ci:
    bash .ci/run
