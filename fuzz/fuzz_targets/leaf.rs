#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::leaf`."]

custody_fuzz::target!(leaf);
