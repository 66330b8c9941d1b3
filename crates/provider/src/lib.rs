//! Sans-io readers of provider wire formats.
