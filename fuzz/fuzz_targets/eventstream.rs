#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::eventstream`."]

custody_fuzz::target!(eventstream);
