#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::mask_text`."]

custody_fuzz::target!(mask_text);
