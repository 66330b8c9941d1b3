//! Put-once storage: a local directory with the order of syncs that durability needs.
