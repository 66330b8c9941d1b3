#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::converse_response`."]

custody_fuzz::target!(converse_response);
