#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::gemini_response`."]

custody_fuzz::target!(gemini_response);
