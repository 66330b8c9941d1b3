//! Flags, configuration, wiring.
