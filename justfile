# Thin recipes over cargo and `cargo xtask`, for those who like `just`; each line also works without it.

# what there is
default:
    @just --list

# every role in one process, in release; e.g. `just up --port 4420`
up *ARGS:
    cargo run --release --package segue -- up {{ARGS}}

# everything that must hold, with one seed per scenario; installs what it needs
test *ARGS:
    cargo xtask test {{ARGS}}

# the whole-system tests with many seeds; e.g. `just soak --minutes 60`
soak *ARGS:
    cargo xtask soak {{ARGS}}

# measured figures against their aims: `just bench up`, `just bench encode`
bench WHAT *ARGS:
    cargo xtask bench {{WHAT}} {{ARGS}}

# format, clippy, docs, dependency rules, contracts, licences
lint *ARGS:
    cargo xtask lint {{ARGS}}

# only the contracts
proto-lint:
    cargo xtask proto-lint
