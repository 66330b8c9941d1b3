//! The Arrow schema; records and parts in and out of Parquet.
