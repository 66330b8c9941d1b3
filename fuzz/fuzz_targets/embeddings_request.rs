#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::embeddings_request`."]

custody_fuzz::target!(embeddings_request);
