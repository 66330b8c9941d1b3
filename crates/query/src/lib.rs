//! Reading back: show, trace, search, verify.
