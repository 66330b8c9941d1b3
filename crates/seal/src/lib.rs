//! Part commitments, key derivation and key-committing encryption.
