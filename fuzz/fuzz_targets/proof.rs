#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::proof`."]

custody_fuzz::target!(proof);
