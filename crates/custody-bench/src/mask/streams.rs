//! Values that a stream tears apart: what the recorder puts together must be masked like the plain
//! text.

use mask::{Masker, Taken, Tier};
use provider::{End, Format, HeaderTokens, ResponseHead, ResponseReader};
use record::{Content, Part, PartKind};
use serde_json::Value;

use super::goals::Title;
use super::look;
use super::quality::{STRUCTURED, core};
use super::report::{Form, Section};
use super::score::ratio;
use super::sets::Document;
use crate::num;

/// The figures of a set of streams.
pub(super) fn table(documents: &[Document], masker: &Masker) -> Section {
    let mut section = Section::new(Title::Streams);
    for (kind, name) in [("content", "text"), ("tool_arguments", "tool arguments")] {
        let (mut all, mut same, mut left) = (0, 0, 0);
        for document in documents.iter().filter(|d| d.kind.as_deref() == Some(kind)) {
            let Some(sse) = &document.sse else { continue };
            all += 1;
            let parts = read(sse.as_bytes());
            let (got, written) = masked(masker, parts);
            let plain = masker.mask_text(&document.text, &mut Taken::default());
            same += u64::from(got.as_deref() == Some(plain.as_ref()));
            // A value may stand in the text once more, where nobody finds it in the plain text either.
            let taken = values(masker, document).filter(|value| !plain.contains(value));
            left += taken.filter(|value| written.contains(value)).count();
        }
        section.put("as the plain text", name, Form::Share, ratio(same, all));
        section.put("values left", name, Form::Count, num::float(num::count(left)));
        section.put("streams", name, Form::Count, num::float(all));
    }
    section
}

/// The parts of an answer that came event by event.
fn read(sse: &[u8]) -> Vec<Part> {
    let head = ResponseHead {
        status: 200,
        content_type: Some("text/event-stream"),
        tokens: HeaderTokens::default(),
    };
    let mut reader = ResponseReader::new(Format::OpenAiChat, &head);
    for line in sse.split_inclusive(|byte| *byte == b'\n') {
        reader.push(line);
    }
    reader.finish(End::Complete).parts
}

/// The text that came, masked where it stands, and everything that would be sealed.
fn masked(masker: &Masker, parts: Vec<Part>) -> (Option<String>, String) {
    let pass = masker.anywhere().tier(Tier::All);
    let mut text = None;
    let mut written = String::new();
    for part in parts {
        let content = match part.content {
            Content::Text(plain) => {
                let masked = pass.mask_text(&plain, &mut Taken::default()).into_owned();
                text = Some(masked.clone());
                Content::Text(masked)
            }
            Content::Fields(fields) => {
                let mut value = Value::Object(fields);
                pass.mask_json(&mut value, &mut Taken::default());
                if part.kind == PartKind::ToolCall {
                    text = query(&value);
                }
                Content::Json(value)
            }
            other => other,
        };
        written.push_str(&String::from_utf8_lossy(&content.encode()));
        written.push('\n');
    }
    (text, written)
}

/// The text stands in the member `query` of the arguments, which are JSON in a string.
fn query(call: &Value) -> Option<String> {
    let arguments = match call.get("arguments")? {
        Value::String(text) => &serde_json::from_str(text).ok()?,
        value => value,
    };
    arguments.get("query")?.as_str().map(str::to_owned)
}

/// What the masker takes out of the plain text, where annotators saw a value too.
fn values<'a>(masker: &Masker, document: &'a Document) -> impl Iterator<Item = &'a str> {
    let found = look::find(masker, &document.text);
    let wanted = [&core()[..], &STRUCTURED, &["SECRET"]].concat();
    let text = &document.text;
    let values: Vec<_> = document
        .spans
        .iter()
        .filter(|g| wanted.contains(&g.label.as_str()))
        .filter(|g| found.iter().any(|f| f.start <= g.start && g.end <= f.end))
        .filter_map(|g| {
            let byte = |point| text.char_indices().nth(point).map_or(text.len(), |(at, _)| at);
            text.get(byte(g.start)..byte(g.end))
        })
        .collect();
    values.into_iter()
}

#[cfg(test)]
mod tests {
    use super::super::look::masker;
    use super::{Document, masked, read, values};

    #[test]
    fn a_value_in_two_events_is_one() {
        let event = |piece: &str| {
            let piece = serde_json::to_string(piece).unwrap();
            format!(
                "data: {{\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":\
                 {{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":{piece}}}}}]}},\
                 \"finish_reason\":null}}]}}\n\n"
            )
        };
        let pieces = ["{\"que", "ry\": \"mail ada@ex", "ample.com\", \"limit\": 5}"];
        let sse: String = pieces.iter().map(|piece| event(piece)).collect();
        let (text, written) = masked(&masker(), read((sse + "data: [DONE]\n\n").as_bytes()));
        assert_eq!(text.as_deref(), Some("mail [EMAIL]"));
        assert!(!written.contains("ada@"), "{written}");
        let document: Document = serde_json::from_str(
            r#"{"id":"1","text":"mail ada@example.com","spans":[{"start":5,"end":20,"label":"EMAIL"}]}"#,
        )
        .unwrap();
        assert_eq!(values(&masker(), &document).collect::<Vec<_>>(), ["ada@example.com"]);
    }
}
