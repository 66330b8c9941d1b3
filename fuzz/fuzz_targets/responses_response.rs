#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::responses_response`."]

custody_fuzz::target!(responses_response);
