#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::chat_response`."]

custody_fuzz::target!(chat_response);
