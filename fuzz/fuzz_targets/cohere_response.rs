#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::cohere_response`."]

custody_fuzz::target!(cohere_response);
