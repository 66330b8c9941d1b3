#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::chat_request`."]

custody_fuzz::target!(chat_request);
