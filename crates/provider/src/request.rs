//! A request's body, read.

use record::envelope::Params;
use record::{Content, Oddity, Operation, Part, PartKind, Role, Skeleton, SkeletonBuilder};
use serde_json::Value;

use crate::Format;
use crate::json::{self, Document, Fault};
use crate::oddities::Oddities;
use crate::reader::{Reader, name};
use crate::taker::Taker;

/// What a request's body tells.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadRequest {
    /// The format that it was read in.
    pub format: Format,
    /// What is asked of the model: the format's, unless the body says otherwise.
    pub operation: Operation,
    /// The model asked for; absent when the body names none, or something that is no name.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// The scalars that are safe in the clear; the rest stands in the skeleton.
    pub params: Params,
    /// System prompts, then messages, then tool definitions, each in the order of the body.
    pub parts: Vec<Part>,
    /// The body with references in place of the parts; absent when the body was kept whole.
    pub skeleton: Option<Skeleton>,
    /// False when the provider holds or fetches context that the body only names.
    pub context_complete: bool,
    /// The end user that the body names, verbatim: to be pseudonymised.
    pub user: Option<String>,
    /// Id of the answer that this request continues.
    pub previous_response: Option<String>,
    /// The W3C `traceparent` that a tool server's message carries in its `_meta`, as it came.
    pub traceparent: Option<String>,
    /// What could not be taken as usual.
    pub oddities: Vec<Oddity>,
}

/// Reads a request: the path after the upstream's segment and the body, decompressed. Never fails:
/// what cannot be read is kept whole.
pub fn read_request(format: Format, path: &str, body: &[u8]) -> ReadRequest {
    let mut out = ReadRequest {
        format,
        operation: format.operation(),
        model: None,
        stream: false,
        params: Params::default(),
        parts: Vec::new(),
        skeleton: None,
        context_complete: true,
        user: None,
        previous_response: None,
        traceparent: None,
        oddities: Vec::new(),
    };
    let Some(reader) = format.reader() else {
        keep_whole(&mut out, body, "unknown_format");
        return out;
    };
    reader.target(path, &mut out);
    match json::parse(body) {
        Ok(document) if reader.takes(&document.value) => {
            read_object(reader, document, body, &mut out);
        }
        Ok(_) => keep_whole(&mut out, body, "shape_unexpected"),
        // A GET has no body.
        Err(Fault::Empty) if format == Format::OpenAiResponseById => {}
        Err(Fault::Empty) => out.oddities.push(Oddity::new(Fault::Empty.code())),
        Err(fault) => keep_whole(&mut out, body, fault.code()),
    }
    out
}

fn read_object(reader: &dyn Reader, document: Document, body: &[u8], out: &mut ReadRequest) {
    let mut value = document.value;
    let mut taker = Taker::default();
    let told = name(json::text(&value, "model"), "model_unclear", &mut taker.oddities);
    out.model = told.or_else(|| out.model.take());
    if let Some(stream) = value.get("stream").and_then(Value::as_bool) {
        out.stream = stream;
    }
    out.params = reader.params(&value);
    out.user = user(&value);
    SkeletonBuilder::escape(&mut value);
    reader.request(&mut value, &mut taker, out);
    out.context_complete = !taker.context_elsewhere;
    if document.lost_members > 0 {
        // Readers of JSON differ in which of the two they take: keep the text.
        let lost = format!("{} members", document.lost_members);
        taker.oddities.at("duplicate_key", lost);
        taker.push(opaque(body, Role::User));
    }
    match taker.finish(value) {
        Ok((parts, skeleton, oddities)) => {
            out.parts = parts;
            out.skeleton = Some(skeleton);
            out.oddities.extend(oddities.into_list());
        }
        Err(oddities) => {
            out.oddities.extend(oddities.into_list());
            keep_whole(out, body, Fault::TooDeep.code());
        }
    }
}

/// The end user that a body names. An application's own labels count where their key can mean
/// nobody but the user.
///
/// | member | of |
/// |---|---|
/// | `safety_identifier`, `user` | OpenAI and compatible ones |
/// | `metadata` | Anthropic's `user_id`; OpenAI's and Mistral's free labels |
/// | `requestMetadata` | Bedrock |
/// | `labels` | Gemini on Vertex |
///
/// `prompt_cache_key` names a group of requests, not a user, and is left alone.
fn user(body: &Value) -> Option<String> {
    const KEYS: [&str; 7] =
        ["user_id", "userId", "user-id", "end_user_id", "endUserId", "end_user", "user"];
    let direct = ["user", "safety_identifier"].into_iter().map(|key| body.get(key));
    let labels = ["metadata", "requestMetadata", "labels"]
        .into_iter()
        .flat_map(|holder| KEYS.into_iter().map(move |key| body.get(holder)?.get(key)));
    direct.chain(labels).flatten().find_map(|value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn keep_whole(out: &mut ReadRequest, body: &[u8], code: &'static str) {
    let mut oddities = Oddities::default();
    oddities.note(code);
    if !body.is_empty() {
        let part = opaque(body, Role::User);
        if matches!(part.content, Content::Bytes(_)) && code != "unknown_format" {
            oddities.note("utf8_invalid");
        }
        out.parts = vec![part];
    }
    out.oddities.extend(oddities.into_list());
}

/// Bytes that no reader understood, as text where they are.
pub(crate) fn opaque(bytes: &[u8], role: Role) -> Part {
    Part {
        role,
        kind: PartKind::Opaque,
        content: match std::str::from_utf8(bytes) {
            Ok(text) => Content::Text(text.to_owned()),
            Err(_) => Content::Bytes(bytes.to_vec()),
        },
    }
}
