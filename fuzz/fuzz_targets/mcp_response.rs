#![cfg_attr(fuzzing, no_main)]
#![doc = "See `custody_fuzz::mcp_response`."]

custody_fuzz::target!(mcp_response);
