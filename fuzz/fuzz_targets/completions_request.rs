#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::completions_request`."]

custody_fuzz::target!(completions_request);
