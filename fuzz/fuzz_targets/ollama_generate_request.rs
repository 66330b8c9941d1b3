#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::ollama_generate_request`."]

custody_fuzz::target!(ollama_generate_request);
