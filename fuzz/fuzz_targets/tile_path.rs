#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::tile_path`."]

custody_fuzz::target!(tile_path);
