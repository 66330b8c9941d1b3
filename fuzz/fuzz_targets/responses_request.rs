#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::responses_request`."]

custody_fuzz::target!(responses_request);
