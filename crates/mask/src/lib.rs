//! Finds sensitive values in text and JSON and takes them out.
