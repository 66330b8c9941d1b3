#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::note`."]

custody_fuzz::target!(note);
