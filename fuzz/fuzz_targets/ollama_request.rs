#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::ollama_request`."]

custody_fuzz::target!(ollama_request);
