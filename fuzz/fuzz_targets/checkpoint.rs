#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::checkpoint`."]

custody_fuzz::target!(checkpoint);
