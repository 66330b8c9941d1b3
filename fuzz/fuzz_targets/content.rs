#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::content`."]

custody_fuzz::target!(content);
