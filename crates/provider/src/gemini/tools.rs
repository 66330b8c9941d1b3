//! Tools as they are offered to the model.

use record::{PartKind, Role};
use serde_json::Value;

use crate::taker::{Field, Taker};

use super::{Name, items, key};

const DECLARATIONS: Name = ("functionDeclarations", "function_declarations");

/// The provider's own tools, whose settings stand under their names.
const OWN: [&str; 20] = [
    "codeExecution",
    "code_execution",
    "computerUse",
    "computer_use",
    "enterpriseWebSearch",
    "enterprise_web_search",
    "fileSearch",
    "file_search",
    "googleMaps",
    "google_maps",
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "mcpServers",
    "mcp_servers",
    "parallelAiSearch",
    "retrieval",
    "urlContext",
    "url_context",
];

/// Takes the tools of a request: each declared function is a definition, and so is each tool of the
/// provider's own.
pub(super) fn definitions(taker: &mut Taker, body: &mut Value) {
    for tool in items(body, ("tools", "tools")) {
        definition(taker, tool);
    }
}

fn definition(taker: &mut Taker, tool: &mut Value) {
    let (role, kind) = (Role::System, PartKind::ToolDefinition);
    let Some(declarations) = key(tool, DECLARATIONS) else {
        return taker.whole(tool, role, kind);
    };
    for slot in items(tool, DECLARATIONS) {
        taker.whole(slot, role, kind);
    }
    for name in OWN {
        let field: [Field<'_>; 1] = [(name, &[name])];
        taker.fields(tool, role, kind, &[], &field);
    }
    let Value::Object(members) = tool else {
        return;
    };
    for (name, slot) in members {
        if name != declarations && !OWN.contains(&name.as_str()) {
            taker.whole(slot, role, kind);
        }
    }
}
