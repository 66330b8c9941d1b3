#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::sealed_part`."]

custody_fuzz::target!(sealed_part);
