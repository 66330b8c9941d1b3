//! The face that takes in: HTTP proxy.
