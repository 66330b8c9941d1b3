#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::completions_response`."]

custody_fuzz::target!(completions_response);
