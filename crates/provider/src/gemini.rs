//! Google's formats: Gemini's and Vertex's, which differ in paths alone.
//!
//! Google's own parser takes each name in camelCase and in `snake_case`, and one object where a list
//! belongs; so do these readers.

mod content;
mod embed;
mod finish;
mod params;
mod partial;
mod stream;
mod tools;
mod usage;

pub(crate) use embed::Embed;

use percent_encoding::percent_decode_str;
use record::envelope::Params;
use record::{PartKind, Role};
use serde_json::Value;

use crate::framing::Framing;
use crate::json;
use crate::reader::{self, Reader, Stream};
use crate::taker::Taker;
use crate::word::is_name;
use crate::{ReadRequest, ReadResponse};

use content::Speaker;

/// A member's name in camelCase and in `snake_case`.
type Name = (&'static str, &'static str);

const CACHED_CONTENT: Name = ("cachedContent", "cached_content");
const CANDIDATES: Name = ("candidates", "candidates");
const CITATION_METADATA: Name = ("citationMetadata", "citation_metadata");
const CITATION_SOURCES: Name = ("citationSources", "citation_sources");
const GENERATE_REQUEST: Name = ("generateContentRequest", "generate_content_request");
const GROUNDING_CHUNKS: Name = ("groundingChunks", "grounding_chunks");
const GROUNDING_METADATA: Name = ("groundingMetadata", "grounding_metadata");
const MODEL_VERSION: Name = ("modelVersion", "model_version");
const RESPONSE_ID: Name = ("responseId", "response_id");
const SYSTEM: Name = ("systemInstruction", "system_instruction");
const USAGE: Name = ("usageMetadata", "usage_metadata");

/// The spelling of a member that an object has and that is not null; of both the first alone, since
/// a part's field can come from one place only.
fn key(object: &Value, name: Name) -> Option<&'static str> {
    [name.0, name.1].into_iter().find(|key| json::given(object, key).is_some())
}

/// A member under either spelling.
fn get(object: &Value, name: Name) -> Option<&Value> {
    object.get(key(object, name)?)
}

/// A member under either spelling, to be changed.
fn get_mut(object: &mut Value, name: Name) -> Option<&mut Value> {
    let key = key(object, name)?;
    object.get_mut(key)
}

/// The items of a member that is a list or, as Google's parser allows, one item without it.
fn items(object: &mut Value, name: Name) -> &mut [Value] {
    match get_mut(object, name) {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_mut(one),
        None => &mut [],
    }
}

/// Reads generateContent and streamGenerateContent.
#[derive(Debug)]
pub(crate) struct Generate;

/// Reads countTokens. What it answers counts tokens that nobody spent, so it is no usage.
#[derive(Debug)]
pub(crate) struct CountTokens;

impl Reader for Generate {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        params::read(body)
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        request(body, taker, out);
    }

    fn answer(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
        answer(body, taker, out);
    }

    fn framings(&self) -> &'static [Framing] {
        &[Framing::Sse, Framing::Array]
    }

    fn stream(&self) -> Option<Box<dyn Stream>> {
        Some(Box::new(stream::CandidateStream::default()))
    }

    fn ends(&self, chunk: &[u8]) -> bool {
        stream::ends(chunk)
    }
}

impl Reader for CountTokens {
    fn target(&self, path: &str, out: &mut ReadRequest) {
        target(path, out);
    }

    fn params(&self, body: &Value) -> Params {
        params::read(get(body, GENERATE_REQUEST).unwrap_or(body))
    }

    fn request(&self, body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
        request(body, taker, out);
        if let Some(inner) = get_mut(body, GENERATE_REQUEST) {
            request(inner, taker, out);
        }
    }

    fn answer(&self, _body: &mut Value, _taker: &mut Taker, _out: &mut ReadResponse) {}
}

/// Tells model and stream by a path `…/models/{model}:{method}`. Tuned models and endpoints keep
/// the word before their name, since their names alone are numbers.
pub(crate) fn target(path: &str, out: &mut ReadRequest) {
    let Some((before, method)) = path.trim_end_matches('/').rsplit_once(':') else {
        return;
    };
    if method.contains('/') {
        return;
    }
    out.stream = method.starts_with("stream");
    let mut segments = before.rsplit('/');
    let (Some(name), kind) = (segments.next(), segments.next().unwrap_or_default()) else {
        return;
    };
    let Ok(name) = percent_decode_str(name).decode_utf8() else {
        return;
    };
    let name = match kind {
        "tunedModels" | "endpoints" => format!("{kind}/{name}"),
        _ => name.into_owned(),
    };
    out.model = Some(name).filter(|name| is_name(name));
}

/// Bodies name the model as a resource, `models/{model}`; the record has one name for it.
fn shorten_model(out: &mut ReadRequest) {
    let Some(name) = &mut out.model else {
        return;
    };
    if let Some((_, short)) = name.rsplit_once("models/").filter(|(_, short)| !short.is_empty()) {
        *name = short.to_owned();
    }
}

fn request(body: &mut Value, taker: &mut Taker, out: &mut ReadRequest) {
    shorten_model(out);
    if out.user.is_none() {
        out.user = labelled_user(body);
    }
    taker.context_elsewhere |= key(body, CACHED_CONTENT).is_some_and(|key| json::holds(body, key));
    if let Some(slot) = get_mut(body, SYSTEM) {
        content::content(taker, slot, Speaker::Is(Role::System), format_args!("systemInstruction"));
    }
    match get_mut(body, ("contents", "contents")) {
        Some(Value::Array(contents)) => {
            for (index, slot) in contents.iter_mut().enumerate() {
                let place = format_args!("contents[{index}]");
                content::content(taker, slot, Speaker::Told, place);
            }
        }
        Some(one) => content::content(taker, one, Speaker::Told, format_args!("contents")),
        None => {}
    }
    tools::definitions(taker, body);
}

/// The end user, where Vertex's labels name one.
fn labelled_user(body: &Value) -> Option<String> {
    let labels = body.get("labels")?;
    ["user", "user_id", "user-id", "userid", "end_user", "end_user_id"]
        .into_iter()
        .find_map(|key| json::filled(labels, key))
        .map(str::to_owned)
}

fn answer(body: &mut Value, taker: &mut Taker, out: &mut ReadResponse) {
    let oddities = &mut taker.oddities;
    let text = |name| get(body, name).and_then(Value::as_str);
    out.model = reader::name(text(MODEL_VERSION), "model_unclear", oddities);
    out.response_id = reader::name(text(RESPONSE_ID), "response_id_unclear", oddities);
    out.served = served(body, out.model.as_deref(), taker);
    out.usage = get(body, USAGE).and_then(|counts| usage::read(counts, &mut taker.oddities));
    let vertex = finish::is_vertex(body);
    finish::blocked(body, taker, out);
    let mut order: Vec<(u64, &mut Value)> = items(body, CANDIDATES)
        .iter_mut()
        // An index of zero is left out.
        .map(|candidate| (candidate.get("index").and_then(Value::as_u64).unwrap_or(0), candidate))
        .collect();
    order.sort_by_key(|(index, _)| *index);
    for (index, candidate) in order {
        finish::candidate(candidate, vertex, taker, out);
        take_candidate(taker, candidate, index);
    }
}

fn take_candidate(taker: &mut Taker, candidate: &mut Value, index: u64) {
    if let Some(slot) = candidate.get_mut("content") {
        let place = format_args!("candidates[{index}].content");
        content::content(taker, slot, Speaker::Is(Role::Assistant), place);
    }
    for (outer, inner) in [
        (GROUNDING_METADATA, GROUNDING_CHUNKS),
        (CITATION_METADATA, ("citations", "citations")),
        (CITATION_METADATA, CITATION_SOURCES),
    ] {
        if let Some(metadata) = get_mut(candidate, outer) {
            for slot in items(metadata, inner) {
                taker.whole(slot, Role::Assistant, PartKind::Citation);
            }
        }
    }
}

/// The models that served a stream, when its chunks name several.
fn served(body: &Value, first: Option<&str>, taker: &mut Taker) -> Vec<String> {
    let series = body.get("series");
    let later = series.and_then(|series| get(series, MODEL_VERSION)).and_then(Value::as_array);
    let (Some(first), Some(later)) = (first, later) else {
        return Vec::new();
    };
    let names = later
        .iter()
        .filter_map(|model| reader::name(model.as_str(), "model_unclear", &mut taker.oddities));
    let mut served: Vec<_> = std::iter::once(first.to_owned()).chain(names).collect();
    served.dedup();
    served
}

#[cfg(test)]
mod tests {
    use crate::{Format, read_request};

    #[test]
    fn paths_tell_model_and_stream() {
        for (path, model, stream) in [
            ("/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro", false),
            ("/v1beta/models/gemini%2D3:streamGenerateContent/", "gemini-3", true),
            ("/v1beta/tunedModels/mine-1:generateContent", "tunedModels/mine-1", false),
            (
                "/v1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent",
                "m",
                true,
            ),
            ("/v1/projects/p/locations/l/endpoints/12:generateContent", "endpoints/12", false),
        ] {
            let read = read_request(Format::GeminiGenerate, path, b"{}");
            assert_eq!((read.model.as_deref(), read.stream), (Some(model), stream), "{path}");
        }
        for path in [
            "",
            ":",
            "/gateway:80/v1/messages",
            "/v1beta/models/a%0Ab:generateContent",
            "/models/%ff:generateContent",
        ] {
            let read = read_request(Format::GeminiGenerate, path, b"{}");
            assert_eq!(read.model, None, "{path}");
        }
        let body = br#"{"model":"projects/p/locations/l/publishers/google/models/gemini-3"}"#;
        let read = read_request(Format::GeminiGenerate, "", body);
        assert_eq!(read.model.as_deref(), Some("gemini-3"));
    }
}
