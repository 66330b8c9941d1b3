#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::invoke_response`."]

custody_fuzz::target!(invoke_response);
