//! RFC 6962 tree, C2SP tiles, checkpoints, signed notes and proofs.
