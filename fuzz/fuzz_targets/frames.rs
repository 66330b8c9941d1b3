#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::frames`."]

custody_fuzz::target!(frames);
