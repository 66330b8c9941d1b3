//! The key store: root key, store key, subject and period keys, signing key.
