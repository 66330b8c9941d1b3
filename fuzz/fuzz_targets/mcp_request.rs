#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::mcp_request`."]

custody_fuzz::target!(mcp_request);
