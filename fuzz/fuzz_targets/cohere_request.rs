#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::cohere_request`."]

custody_fuzz::target!(cohere_request);
