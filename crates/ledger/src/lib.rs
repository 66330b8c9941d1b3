//! Write-ahead log, numbering, sealing, tree, checkpoint, recovery.
