#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::decompress`."]

custody_fuzz::target!(decompress);
