#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::mask_json`."]

custody_fuzz::target!(mask_json);
