#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::ollama_response`."]

custody_fuzz::target!(ollama_response);
