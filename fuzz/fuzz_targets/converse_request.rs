#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::converse_request`."]

custody_fuzz::target!(converse_request);
