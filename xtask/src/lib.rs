//! Checks and chores of the workspace. The checks are tests: `cargo test -p xtask`.
