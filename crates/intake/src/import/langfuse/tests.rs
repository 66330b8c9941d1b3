use record::{Kind, PartKind, Skeleton};

use super::super::Beside;
use super::super::fixture::{call, json, kept, read};
use super::*;

const GENERATION: &str = r#"{"id":"7f3a","traceId":"0af7651916cd43dd8448eb211c80319c","type":"GENERATION",
    "name":"answer","startTime":"2024-05-29T13:46:19.963Z","endTime":"2024-05-29T13:46:21.963Z",
    "completionStartTime":"2024-05-29T13:46:20.463Z","model":"gpt-4o","modelParameters":{"temperature":0.2},
    "input":[{"role":"user","content":"hi"}],"output":{"role":"assistant","content":"yes"},
    "usageDetails":{"input":8,"input_cached_tokens":2,"output":4,"total":14},"costDetails":{"total":0.001},
    "parentObservationId":"b7ad6b7169203331","level":"DEFAULT","metadata":{"ls_provider":"openai","k":1}}"#;
const TRACE_ROW: &str = r#"{"id":"0af7651916cd43dd8448eb211c80319c","timestamp":"2024-05-29T13:46:19Z",
    "name":"chat","userId":"jo","sessionId":"s-1","tags":["red"],"input":"hi","output":{"a":{"$part":1}},
    "observations":["7f3a"]}"#;

fn told(raw: &str) -> capture::Told {
    match read(Source::Langfuse, raw).unwrap().pop() {
        Some(Taken::Event(told)) => *told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_generation_is_a_call_and_its_trace_says_whose() {
    let mut beside = Beside::default();
    beside.note(Source::Langfuse, TRACE_ROW.as_bytes());
    beside.note(Source::Langfuse, GENERATION.as_bytes());
    let joined = beside.join(Source::Langfuse, GENERATION.as_bytes()).into_owned();
    let report = call(Source::Langfuse, std::str::from_utf8(&joined).unwrap());
    let head = &report.head;
    assert_eq!(head.trace_id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(head.parent_span_id.unwrap().to_string(), "b7ad6b7169203331");
    assert_eq!((head.user.as_deref(), head.session.as_deref()), (Some("jo"), Some("s-1")));
    assert!(head.tags.contains_key("red"));
    assert_eq!(head.route.provider, "openai");
    assert_eq!(json(&report.request)["temperature"], json!(0.2));
    let answer = report.answer.as_ref().unwrap();
    let usage = &json(&answer.body)["usage"];
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(10), &json!(4)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 2);
    assert_eq!((answer.first_token_us, answer.total_us), (Some(500_000), Some(2_000_000)));
    assert_eq!(kept(&report)["metadata"]["k"], 1);
    assert_eq!(report.id, call(Source::Langfuse, GENERATION).id);
}

#[test]
fn blob_storage_writes_the_same_otherwise() {
    let row = r#"{"id":"7f3a","trace_id":"0af7651916cd43dd8448eb211c80319c","type":"GENERATION",
        "start_time":"2024-05-29 13:46:19.963000","provided_model_name":"m","user_id":"jo",
        "input":"[{\"role\":\"user\",\"content\":\"hi\"}]","output":"plain","model_parameters":"{\"n\":1}"}"#;
    let report = call(Source::Langfuse, row);
    assert_eq!(
        json(&report.request),
        json!({"model":"m","messages":[{"role":"user","content":"hi"}],"n":1})
    );
    assert_eq!(report.began, call(Source::Langfuse, GENERATION).began);
    assert_eq!(report.id, call(Source::Langfuse, GENERATION).id);
    assert_eq!(json(&report.answer.unwrap().body)["choices"][0]["message"]["content"], "plain");
}

#[test]
fn errors_are_answers() {
    let row = r#"{"id":"1","type":"GENERATION","traceId":"t","level":"ERROR","statusMessage":"slow down"}"#;
    assert_eq!(
        json(&call(Source::Langfuse, row).answer.unwrap().body)["error"]["message"],
        "slow down"
    );
}

#[test]
fn what_is_no_call_is_an_event() {
    let note = told(TRACE_ROW);
    assert_eq!((note.kind, note.head.user.as_deref()), (Kind::Note, Some("jo")));
    let filled = Skeleton(note.skeleton).fill(&note.parts).unwrap();
    assert_eq!(filled["output"], json!({ "a": { "$part": 1 } }));
    assert_eq!((&filled["input"], &filled["name"]), (&json!("hi"), &json!("chat")));

    let tool = told(
        r#"{"id":"2","type":"TOOL","traceId":"t","name":"weather","input":{"city":"Rome"},"output":"sunny","level":"ERROR"}"#,
    );
    assert_eq!(tool.kind, Kind::ToolCall);
    assert_eq!(tool.facts.0["is_error"], true);
    assert_eq!(tool.parts[0].content.field("name").unwrap(), "weather");
    let filled = Skeleton(tool.skeleton).fill(&tool.parts).unwrap();
    assert_eq!((&filled["input"]["city"], &filled["output"]), (&json!("Rome"), &json!("sunny")));

    let found = told(
        r#"{"id":"3","type":"RETRIEVER","traceId":"t","input":"q",
        "output":[{"page_content":"one","id":"d1","score":0.5},"two",3]}"#,
    );
    assert_eq!((found.kind, &found.facts.0["documents"]), (Kind::Retrieval, &json!(3)));
    let documents: Vec<_> = found.parts.iter().filter(|p| p.kind == PartKind::Document).collect();
    assert_eq!(documents.len(), 2);
    let filled = Skeleton(found.skeleton).fill(&found.parts).unwrap();
    assert_eq!(filled["output"], json!([{"page_content":"one","id":"d1","score":0.5},"two",3]));
}

#[test]
fn pages_and_whole_traces_are_opened() {
    let page = format!("{{\"data\":[{GENERATION},{TRACE_ROW}],\"meta\":{{\"page\":1}}}}");
    assert_eq!(read(Source::Langfuse, &page).unwrap().len(), 2);
    let trace = format!(r#"{{"id":"t","userId":"ann","observations":[{GENERATION}]}}"#);
    let taken = read(Source::Langfuse, &trace).unwrap();
    assert!(matches!(&taken[0], Taken::Call(report) if report.head.user.as_deref() == Some("ann")));
    assert_eq!(taken.len(), 2);
    let page = r#"{"data":[{"id":"1","type":"SPAN"},{"type":"SPAN"}]}"#;
    assert_eq!(read(Source::Langfuse, page).unwrap_err().pointer, "/data/1/id");
    assert!(read(Source::Langfuse, r#"{"id":"s","value":1,"dataType":"NUMERIC"}"#).is_err());
}
