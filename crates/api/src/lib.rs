//! The JSON face of query.
