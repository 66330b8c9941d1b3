#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::gemini_request`."]

custody_fuzz::target!(gemini_request);
