#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::key_wrap`."]

custody_fuzz::target!(key_wrap);
