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

# Builds the manual as pages for a browser, target/manual/index.html; CONTRIBUTING.md says where mdbook comes from.
docs mdbook="mdbook":
    python3 docs/build.py {{ mdbook }}

# Writes what is generated from the sources: docs/codes.md, docs/reference/, docs/conformance/ and docs/schemas/.
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

# All packages of a target: packaging/README.md says what is needed.
dist target="x86_64-unknown-linux-musl":
    python3 packaging/build.py all {{ target }}

# The program for a target, one file without libraries on Linux, and the wheel around it. The other recipes need it.
dist-wheel target="x86_64-unknown-linux-musl":
    python3 packaging/build.py wheel {{ target }}

# The program, manual pages, completions and licences of a target.
dist-tarball target="x86_64-unknown-linux-musl":
    python3 packaging/build.py tarball {{ target }}

# The program as a Debian package.
dist-deb target="x86_64-unknown-linux-musl":
    python3 packaging/build.py deb {{ target }}

# The program as the npm package of one platform.
dist-npm target="x86_64-unknown-linux-musl":
    python3 packaging/build.py npm {{ target }}

# The npm package that chooses among those of the platforms.
dist-npm-front:
    python3 packaging/build.py npm-front

# The program in a container image without anything else.
dist-container target="x86_64-unknown-linux-musl":
    python3 packaging/build.py container {{ target }}

# The program as a conda package, made of the tarball.
dist-conda target="x86_64-unknown-linux-musl":
    python3 packaging/build.py conda {{ target }}

# Installs each package in a clean place and uploads the example.
dist-check:
    python3 packaging/build.py sums
    python3 packaging/check.py binary tarball wheel deb npm container conda arm64 sums
    sh packaging/stranger.sh target/packages/*x86_64.whl

# Everything that has to hold before a change goes in.
ci:
    bash .ci/run
