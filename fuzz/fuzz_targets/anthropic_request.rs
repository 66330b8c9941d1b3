#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::anthropic_request`."]

custody_fuzz::target!(anthropic_request);
