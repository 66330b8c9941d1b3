//! Benchmarks as commands.
