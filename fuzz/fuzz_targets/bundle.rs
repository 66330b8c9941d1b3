#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::bundle`."]

custody_fuzz::target!(bundle);
