#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::anthropic_response`."]

custody_fuzz::target!(anthropic_response);
