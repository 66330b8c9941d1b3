#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::cohere_v1_response`."]

custody_fuzz::target!(cohere_v1_response);
