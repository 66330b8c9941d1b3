#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::envelope`."]

custody_fuzz::target!(envelope);
