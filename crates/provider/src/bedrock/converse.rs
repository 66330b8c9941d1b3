//! Converse: one format for all models.

use record::envelope::Params;
use record::{PartKind, Role};
use serde_json::Value;

use crate::framing::Framing;
use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::{self, Taker};
use crate::{ReadRequest, ReadResponse};

use super::block::content;
use super::stream::ConverseStream;
use super::{class, ends_in_failure, params, target, usage};

/// Members of `requestMetadata` that applications name their user in.
const USERS: [&str; 5] = ["user_id", "userId", "user-id", "user", "end_user"];

/// Reads Converse, and Nova's own format, which is the same.
#[derive(Debug)]
pub(crate) struct Converse;

impl Reader for Converse {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        params::read(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        // A managed prompt: its text is with the provider, only the variables are sent.
        taker.context_elsewhere |=
            out.model.as_deref().is_some_and(|model| model.contains(":prompt/"));
        if let Some(metadata) = body.get("requestMetadata") {
            let told = USERS.iter().find_map(|key| json::filled(metadata, key));
            out.user = out.user.take().or_else(|| told.map(str::to_owned));
        }
        if let Some(system) = body.get_mut("system") {
            content(taker, system, Role::System, "system");
        }
        for (index, message) in json::items(body, "messages").iter_mut().enumerate() {
            let role =
                taker::role(json::text(message, "role"), taker, format_args!("messages[{index}]"));
            if let Some(slot) = message.get_mut("content") {
                content(taker, slot, role, format_args!("messages[{index}].content"));
            }
        }
        if let Some(Value::Object(variables)) = body.get_mut("promptVariables") {
            for variable in variables.values_mut() {
                taker.text_at(variable, "text", Role::User, PartKind::Text);
            }
        }
        if let Some(config) = body.get_mut("toolConfig") {
            for tool in json::items(config, "tools") {
                definition(taker, tool);
            }
        }
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        out.usage = json::given(body, "usage").and_then(usage::converse);
        // A router names the model that it chose; otherwise the answer names none.
        let router = body.get("trace").and_then(|trace| trace.get("promptRouter"));
        let model = router.and_then(|router| json::text(router, "invokedModelId"));
        out.model = reader::name(model, "model_unclear", &mut taker.oddities);
        let message = body.get_mut("output").and_then(|output| output.get_mut("message"));
        if let Some(slot) = message.and_then(|message| message.get_mut("content")) {
            content(taker, slot, Role::Assistant, "output.message.content");
        }
        if let Some(reason) = json::filled(body, "stopReason") {
            reader::finish(out, taker, Some(reason), class(reason));
        }
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::EventStream]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(ConverseStream::default()))
    }

    /// The usage comes after the end of the message, so its event is the end.
    fn ends(&self, chunk: &[u8]) -> bool {
        memchr::memmem::find(chunk, b":event-type\x07\x00\x08metadata").is_some()
            || ends_in_failure(chunk)
    }
}

/// Takes a tool as it is offered; a point of the cache stands between tools and is none.
fn definition(taker: &mut Taker, tool: &mut Value) {
    for key in ["toolSpec", "systemTool"] {
        if let Some(slot) = tool.get_mut(key) {
            return taker.whole(slot, Role::System, PartKind::ToolDefinition);
        }
    }
    if tool.get("cachePoint").is_none() {
        taker.whole(tool, Role::System, PartKind::ToolDefinition);
    }
}
