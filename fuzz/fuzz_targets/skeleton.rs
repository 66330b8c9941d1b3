#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::skeleton`."]

custody_fuzz::target!(skeleton);
