#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::embeddings_response`."]

custody_fuzz::target!(embeddings_response);
