#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::invoke_request`."]

custody_fuzz::target!(invoke_request);
