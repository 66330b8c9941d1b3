#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::sse`."]

custody_fuzz::target!(sse);
