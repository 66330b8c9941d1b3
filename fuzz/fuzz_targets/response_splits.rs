#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::response_splits`."]

custody_fuzz::target!(response_splits);
