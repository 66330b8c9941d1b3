//! What each convention's names become.

use record::{FinishClass, Kind, Operation};

use super::*;

#[test]
fn gen_ai_messages_as_attributes() {
    // The JSON schemas of v1.37 and later, as a text and as a structure.
    let input = json!([
        {"role": "user", "parts": [{"type": "text", "content": "Weather in Paris?"}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Paris"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rainy"}]},
    ]);
    let output = json!([{"role": "assistant", "finish_reason": "stop",
        "parts": [{"type": "text", "content": "It rains."}]}]);
    let system = json!([{"type": "text", "content": "Be brief."}]);
    for as_text in [true, false] {
        let write = |value: &Value| if as_text { json!(value.to_string()) } else { value.clone() };
        let read = read_spans(&[span(
            "chat gpt-4o",
            &json!({
                "gen_ai.operation.name": "chat", "gen_ai.provider.name": "azure.ai.openai",
                "gen_ai.request.model": "gpt-4o", "gen_ai.response.model": "gpt-4o-2024",
                "gen_ai.response.id": "r-1", "gen_ai.request.max_tokens": 50,
                "gen_ai.request.temperature": 0.5, "gen_ai.request.stop_sequences": ["Alice"],
                "gen_ai.usage.input_tokens": 9, "gen_ai.usage.output_tokens": 4,
                "gen_ai.usage.cache_read.input_tokens": 3,
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.response.time_to_first_chunk": 0.25,
                "gen_ai.system_instructions": write(&system),
                "gen_ai.input.messages": write(&input), "gen_ai.output.messages": write(&output),
                "gen_ai.conversation.id": "conv-1", "user.id": "alice", "my.own": 7,
            }),
        )]);
        let report = call(&read);
        assert_eq!(report.head.route.provider, "azure.ai.openai");
        assert_eq!(report.head.service.as_deref(), Some("shop"));
        assert_eq!(report.head.environment.as_deref(), Some("prod"));
        assert_eq!(report.head.user.as_deref(), Some("alice"));
        assert_eq!(report.head.session.as_deref(), Some("conv-1"));
        assert_eq!(report.head.trace_id.to_string(), TRACE);
        assert_eq!(report.began, Timestamp(1_794_900_000_000_000));
        let answer = report.answer.as_ref().unwrap();
        assert_eq!((answer.first_token_us, answer.total_us), (Some(250_000), Some(1_500_000)));
        assert!(report.oddities.is_empty());
        let (request, answer) = bodies(report);
        assert_eq!(
            shown(&request.parts),
            [
                "system/text Be brief.",
                "user/text Weather in Paris?",
                r#"assistant/tool_call {"call_id":"c1","name":"weather","arguments":{"city":"Paris"}}"#,
                r#"tool/tool_result {"call_id":"c1","content":"rainy"}"#,
            ]
        );
        assert_eq!(shown(&answer.parts), ["assistant/text It rains."]);
        assert_eq!(request.operation, Operation::Chat);
        assert_eq!(request.model.as_deref(), Some("gpt-4o"));
        assert_eq!(
            serde_json::to_string(&request.params).unwrap(),
            r#"{"max_tokens":50,"temperature":0.5}"#
        );
        assert_eq!(answer.model.as_deref(), Some("gpt-4o-2024"));
        assert_eq!(answer.response_id.as_deref(), Some("r-1"));
        assert_eq!(answer.finish_class, FinishClass::Stop);
        let usage = answer.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cache_read), (9, 4, 3));
        // What no name is known for is kept, and what was taken does not stand twice.
        let body: Value = serde_json::from_slice(&report.request).unwrap();
        assert_eq!(body["attributes"], json!({"gen_ai.operation.name": "chat", "my.own": 7}));
        assert_eq!(body["span"]["scope"]["name"], "a.library");
        assert!(request.oddities.is_empty() && answer.oddities.is_empty());
    }
}

#[test]
fn old_names_of_gen_ai() {
    // v1.27: the content in events of the span; counts under older names still.
    let mut one = span(
        "chat gpt-4",
        &json!({
            "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4",
            "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.completion_tokens": 2,
        }),
    );
    one["events"] = json!([
        {"name": "gen_ai.content.prompt", "timeUnixNano": "1794900000000000001",
         "attributes": attributes(&json!({"gen_ai.prompt": r#"[{"role":"user","content":"hi"}]"#}))},
        {"name": "gen_ai.content.completion",
         "attributes": attributes(&json!({"gen_ai.completion": r#"[{"role":"assistant","content":"ho"}]"#}))},
        {"name": "cache.looked", "attributes": attributes(&json!({"hit": false}))},
    ]);
    let read = read_spans(&[one]);
    let (request, answer) = bodies(call(&read));
    assert_eq!(shown(&request.parts), ["user/text hi"]);
    assert_eq!(shown(&answer.parts), ["assistant/text ho"]);
    assert_eq!(answer.usage.map(|usage| usage.total), Some(7));
    let body: Value = serde_json::from_slice(&call(&read).request).unwrap();
    assert_eq!(body["span"]["events"][0]["name"], "cache.looked");
}

#[test]
fn messages_as_events_of_the_span() {
    // v1.28 to v1.36 as Azure's SDKs write them.
    let mut one =
        span("chat", &json!({"gen_ai.system": "az.ai.inference", "gen_ai.request.model": "m"}));
    let event = |name: &str, content: &Value| json!({"name": name, "attributes": attributes(&json!({"gen_ai.event.content": content.to_string()}))});
    one["events"] = json!([
        event("gen_ai.system.message", &json!({"role": "system", "content": "be kind"})),
        event("gen_ai.user.message", &json!({"content": "hi"})),
        event(
            "gen_ai.choice",
            &json!({"index": 0, "finish_reason": "tool_calls", "message": {
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}})
        ),
    ]);
    let read = read_spans(&[one]);
    let (request, answer) = bodies(call(&read));
    assert_eq!(shown(&request.parts), ["system/text be kind", "user/text hi"]);
    assert_eq!(
        shown(&answer.parts),
        [r#"assistant/tool_call {"call_id":"c","name":"f","arguments":"{}"}"#]
    );
    assert_eq!(answer.finish_class, FinishClass::ToolCall);
}

#[test]
fn open_inference() {
    let read = read_spans(&[span(
        "ChatCompletion",
        &json!({
            "openinference.span.kind": "LLM", "llm.provider": "openai",
            "llm.model_name": "gpt-4o-2024",
            "llm.invocation_parameters": r#"{"model":"gpt-4o","temperature":0.3,"stream":true}"#,
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "be kind",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "look",
            "llm.input_messages.1.message.contents.1.message_content.type": "image",
            "llm.input_messages.1.message.contents.1.message_content.image.image.url":
                "data:image/png;base64,aGk=",
            "llm.input_messages.10.message.role": "tool",
            "llm.input_messages.10.message.tool_call_id": "c0",
            "llm.input_messages.10.message.content": "sunny",
            "llm.input_messages.2.message.role": "user",
            "llm.input_messages.2.message.content": "and?",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "f",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{\"a\":1}",
            "llm.tools.0.tool.json_schema": r#"{"type":"function"}"#,
            "llm.token_count.prompt": 20, "llm.token_count.completion": 6, "llm.token_count.total": 26,
            "llm.token_count.prompt_details.cache_read": 8,
            "llm.token_count.completion_details.reasoning": 2,
            "session.id": "s-1", "user.id": "u-1",
        }),
    )]);
    let report = call(&read);
    let (request, answer) = bodies(report);
    assert_eq!(
        shown(&request.parts),
        [
            "system/text be kind",
            "user/text look",
            r#"user/image {"media_type":"image/png","data":"aGk="}"#,
            "user/text and?",
            r#"tool/tool_result {"call_id":"c0","content":"sunny"}"#,
            r#"system/tool_definition {"type":"function"}"#,
        ]
    );
    assert_eq!(
        shown(&answer.parts),
        [r#"assistant/tool_call {"call_id":"c1","name":"f","arguments":"{\"a\":1}"}"#]
    );
    assert_eq!((request.model.as_deref(), request.stream), (Some("gpt-4o"), true));
    assert_eq!(answer.model.as_deref(), Some("gpt-4o-2024"));
    let usage = answer.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.cache_read, usage.reasoning), (20, 6, 8, 2));
    assert_eq!(report.head.session.as_deref(), Some("s-1"));
}

#[test]
fn open_inference_embeddings() {
    let read = read_spans(&[span(
        "CreateEmbeddings",
        &json!({
            "openinference.span.kind": "EMBEDDING", "embedding.model_name": "e-1",
            "embedding.embeddings.0.embedding.text": "alpha",
            "embedding.embeddings.0.embedding.vector": [0.5, 0.25],
            "llm.token_count.total": 3,
        }),
    )]);
    let (request, answer) = bodies(call(&read));
    assert_eq!(request.operation, Operation::Embeddings);
    assert_eq!(shown(&request.parts), ["user/text alpha"]);
    assert_eq!(shown(&answer.parts), [r#"assistant/embedding {"embedding":[0.5,0.25]}"#]);
    assert_eq!(answer.usage.map(|usage| (usage.input, usage.output)), Some((3, 0)));
}

#[test]
fn open_llmetry() {
    let read = read_spans(&[span(
        "openai.chat",
        &json!({
            "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.request.model": "gpt-4",
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": r#"[{"type":"text","text":"hi"}]"#,
            "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": "[1, 2]",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "ho",
            "gen_ai.completion.0.finish_reason": "length",
            "gen_ai.completion.0.tool_calls.0.id": "c", "gen_ai.completion.0.tool_calls.0.name": "f",
            "gen_ai.completion.0.tool_calls.0.arguments": "{}",
            "llm.request.functions.0.name": "f", "gen_ai.prompt.name": "greeting",
            "gen_ai.usage.prompt_tokens": 3, "gen_ai.usage.completion_tokens": 4,
            "llm.usage.total_tokens": 7,
            "traceloop.association.properties.user_id": "u", "traceloop.association.properties.team": "t",
        }),
    )]);
    let report = call(&read);
    let (request, answer) = bodies(report);
    assert_eq!(
        shown(&request.parts),
        ["user/text hi", "user/text [1, 2]", r#"system/tool_definition {"name":"f"}"#]
    );
    assert_eq!(
        shown(&answer.parts),
        ["assistant/text ho", r#"assistant/tool_call {"call_id":"c","name":"f","arguments":"{}"}"#]
    );
    assert_eq!(answer.finish_class, FinishClass::Length);
    assert_eq!(report.head.route.provider, "openai");
    assert_eq!(report.head.user.as_deref(), Some("u"));
    let body: Value = serde_json::from_slice(&report.request).unwrap();
    assert_eq!(body["attributes"]["gen_ai.prompt.name"], "greeting");
    assert_eq!(body["attributes"]["traceloop.association.properties.team"], "t");
}

#[test]
fn retrievals() {
    let open_inference = span(
        "retrieve",
        &json!({
            "openinference.span.kind": "RETRIEVER", "input.value": "who?",
            "retrieval.documents.0.document.id": "d-1",
            "retrieval.documents.0.document.content": "Alice did.",
            "retrieval.documents.0.document.score": 0.75,
            "retrieval.documents.0.document.metadata": r#"{"page":3}"#,
        }),
    );
    let gen_ai = span(
        "retrieval docs",
        &json!({
            "gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": "who?",
            "gen_ai.retrieval.documents": [{"id": "d-1", "content": "Alice did.", "score": 0.75,
                                            "metadata": {"page": 3}}],
        }),
    );
    for one in [open_inference, gen_ai] {
        let read = read_spans(&[one]);
        let told = event(&read);
        assert_eq!(told.kind, Kind::Retrieval);
        assert_eq!(
            shown(&told.parts),
            [
                "user/text who?",
                r#"user/document {"id":"d-1","text":"Alice did.","metadata":{"page":3}}"#
            ]
        );
        assert_eq!(told.facts.0["documents"], 1);
        let filled = record::Skeleton(told.skeleton.clone()).fill(&told.parts).unwrap();
        assert_eq!(filled["query"], "who?");
        assert_eq!(filled["documents"][0]["text"], "Alice did.");
        assert_eq!(filled["documents"][0]["score"], 0.75);
        assert_eq!(filled["documents"][0]["rank"], 1);
    }
}

#[test]
fn tools() {
    for told in [
        json!({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.id": "c",
               "gen_ai.tool.call.arguments": "{\"a\":1}", "gen_ai.tool.call.result": "ok"}),
        json!({"openinference.span.kind": "TOOL", "tool.name": "lookup", "tool_call.id": "c",
               "input.value": "{\"a\":1}", "output.value": "ok"}),
        json!({"traceloop.span.kind": "tool", "traceloop.entity.name": "lookup", "tool.id": "c",
               "traceloop.entity.input": "{\"a\":1}", "traceloop.entity.output": "ok"}),
    ] {
        let read = read_spans(&[span("execute_tool lookup", &told)]);
        let told = event(&read);
        assert_eq!(told.kind, Kind::ToolCall);
        assert_eq!(
            shown(&told.parts),
            [
                r#"assistant/tool_call {"call_id":"c","name":"lookup","arguments":"{\"a\":1}"}"#,
                r#"tool/tool_result {"call_id":"c","content":"ok"}"#
            ]
        );
        assert!(told.ended.is_some());
    }
}

#[test]
fn a_tool_that_failed() {
    let mut one = span(
        "execute_tool f",
        &json!({"gen_ai.operation.name": "execute_tool", "error.type": "timeout"}),
    );
    one["status"] = json!({"code": "STATUS_CODE_ERROR", "message": "too slow"});
    let read = read_spans(&[one]);
    let told = event(&read);
    assert_eq!(told.facts.0["error"], true);
    assert_eq!(told.skeleton["error"], json!({"type": "timeout", "message": "too slow"}));
}

#[test]
fn agents() {
    let quiet = span(
        "invoke_agent a",
        &json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a"}),
    );
    let read = read_spans(&[quiet]);
    assert_eq!(event(&read).kind, Kind::Note);
    assert_eq!(event(&read).facts.0["operation"], "invoke_agent");
    let speaking = span(
        "invoke_agent a",
        &json!({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.input.messages": "hi",
        "gen_ai.usage.input_tokens": 100}),
    );
    let read = read_spans(&[speaking]);
    let (request, answer) = bodies(call(&read));
    assert_eq!(shown(&request.parts), ["user/text hi"]);
    assert_eq!(request.operation, Operation::Other);
    // The calls inside of it are told by themselves: nothing is counted twice.
    assert!(answer.usage.is_none());
    let chain = span(
        "step",
        &json!({"openinference.span.kind": "CHAIN", "input.value": "in", "output.value": "out"}),
    );
    let read = read_spans(&[chain]);
    assert_eq!(shown(&event(&read).parts), ["user/text in", "assistant/text out"]);
}

#[test]
fn a_call_that_failed() {
    let mut one =
        span("chat m", &json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}));
    one["status"] = json!({"code": 2});
    one["events"] = json!([{"name": "exception", "attributes": attributes(&json!({
        "exception.type": "openai.RateLimitError", "exception.message": "slow down"}))}]);
    let read = read_spans(&[one]);
    let report = call(&read);
    let (_, answer) = bodies(report);
    assert_eq!(answer.error.unwrap().kind, "openai.RateLimitError");
    assert_eq!(shown(&answer.parts), ["assistant/opaque slow down"]);
    assert_eq!(report.oddities, [record::Oddity::new("messages_missing")]);
}

fn log(name: &str, told: &Value, body: Option<&Value>) -> Value {
    let mut log = json!({
        "traceId": TRACE, "spanId": SPAN, "timeUnixNano": "1794900000000000000",
        "eventName": name, "attributes": attributes(told),
    });
    if let Some(body) = body {
        log["body"] = any(body);
    }
    log
}

fn read_records(records: &[Value]) -> OtlpRead {
    let body = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] });
    read_logs(Encoding::Json, body.to_string().as_bytes(), &context()).unwrap()
}

#[test]
fn log_records_of_one_call_are_gathered() {
    let system = json!({"gen_ai.system": "openai"});
    let records = [
        log("gen_ai.system.message", &system, Some(&json!({"content": "be kind"}))),
        log("gen_ai.user.message", &system, Some(&json!({"content": "hi"}))),
        log(
            "gen_ai.assistant.message",
            &system,
            Some(&json!({"tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]})),
        ),
        log("gen_ai.tool.message", &system, Some(&json!({"id": "c", "content": "ok"}))),
        log(
            "gen_ai.choice",
            &system,
            Some(&json!({"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "done"}})),
        ),
        log(
            "gen_ai.choice",
            &system,
            Some(&json!({"index": 1, "finish_reason": "length",
            "message": {"content": "other"}})),
        ),
    ];
    let read = read_records(&records);
    let report = call(&read);
    let (request, answer) = bodies(report);
    assert_eq!(
        shown(&request.parts),
        [
            "system/text be kind",
            "user/text hi",
            r#"assistant/tool_call {"call_id":"c","name":"f","arguments":"{}"}"#,
            r#"tool/tool_result {"call_id":"c","content":"ok"}"#,
        ]
    );
    assert_eq!(shown(&answer.parts), ["assistant/text done", "assistant/text other"]);
    assert_eq!(answer.finish_reasons, ["stop", "length"]);
    assert_eq!(report.head.parent_span_id.unwrap().to_string(), SPAN);
    // A question after an answer is the next call.
    let twice = read_records(&[records.as_slice(), &records].concat());
    assert_eq!(twice.taken.len(), 2);
}

#[test]
fn log_records_of_other_kinds() {
    let details = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m",
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
        "gen_ai.output.messages": [{"role": "assistant", "finish_reason": "stop",
                                    "parts": [{"type": "text", "content": "ho"}]}]});
    let read = read_records(&[log("gen_ai.client.inference.operation.details", &details, None)]);
    let (request, answer) = bodies(call(&read));
    assert_eq!(
        (shown(&request.parts), shown(&answer.parts)),
        (vec!["user/text hi".to_owned()], vec!["assistant/text ho".to_owned()])
    );
    let result = json!({"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": 0.5,
                        "gen_ai.evaluation.explanation": "because"});
    let read = read_records(&[log("gen_ai.evaluation.result", &result, None)]);
    assert_eq!(event(&read).kind, Kind::Feedback);
    assert_eq!(event(&read).facts.0["score"], 0.5);
    let read = read_records(&[
        log("order.placed", &json!({}), None),
        log("", &json!({}), Some(&json!("text"))),
    ]);
    assert_eq!((read.taken.len(), read.dropped), (0, 2));
}

#[test]
fn log_records_without_ids_differ_by_what_they_say() {
    let one = |text: &str| {
        let mut log = log("gen_ai.user.message", &json!({}), Some(&json!({ "content": text })));
        log["traceId"] = Value::Null;
        log["spanId"] = Value::Null;
        log
    };
    let first = read_records(&[one("a")]);
    let second = read_records(&[one("b")]);
    let again = read_records(&[one("a")]);
    assert_eq!(call(&first).id, call(&again).id);
    assert_ne!(call(&first).id, call(&second).id);
    assert!(call(&first).head.trace_id.is_valid());
    assert!(call(&first).answer.is_none(), "nobody told an answer");
}
