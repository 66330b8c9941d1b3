//! The pipeline: tapped, parsed, masked, sealed, appended.
