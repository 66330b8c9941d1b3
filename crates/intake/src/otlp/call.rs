//! A call to a model out of attributes, whichever convention they follow.
//!
//! Names do not clash between the conventions, and exporters mix them; so each name is looked for in
//! turn, and what nobody asks for stays under `attributes`.

use serde_json::{Map, Value, json};

use super::attributes::{Attributes, unfold_text};
use super::message::{instructions, message, messages, of_content};

/// Attributes that are parameters, and the names under which `provider` tells them.
const PARAMS: &[(&str, &str)] = &[
    ("gen_ai.request.max_tokens", "max_tokens"),
    ("gen_ai.request.temperature", "temperature"),
    ("gen_ai.request.top_p", "top_p"),
    ("gen_ai.request.top_k", "top_k"),
    ("gen_ai.request.seed", "seed"),
    ("gen_ai.openai.request.seed", "seed"),
    ("gen_ai.request.frequency_penalty", "frequency_penalty"),
    ("gen_ai.request.presence_penalty", "presence_penalty"),
    ("gen_ai.request.stop_sequences", "stop_sequences"),
    ("gen_ai.request.choice.count", "n"),
    ("gen_ai.request.encoding_formats", "encoding_formats"),
    ("gen_ai.request.reasoning.level", "reasoning_effort"),
    ("gen_ai.request.reasoning_effort", "reasoning_effort"),
    ("gen_ai.output.type", "response_format"),
    ("gen_ai.openai.request.response_format", "response_format"),
    ("gen_ai.openai.request.service_tier", "service_tier"),
    ("openai.request.service_tier", "service_tier"),
    ("gen_ai.embeddings.dimension.count", "dimensions"),
    ("llm.frequency_penalty", "frequency_penalty"),
    ("llm.presence_penalty", "presence_penalty"),
    ("llm.chat.stop_sequences", "stop_sequences"),
    ("llm.top_k", "top_k"),
];

/// Attributes that stand in the answer, and their names there.
const ANSWER: &[(&str, &str)] = &[
    ("gen_ai.response.id", "id"),
    ("gen_ai.response.model", "model"),
    ("openai.response.system_fingerprint", "fingerprint"),
    ("gen_ai.openai.response.system_fingerprint", "fingerprint"),
    ("gen_ai.response.system_fingerprint", "fingerprint"),
    ("openai.response.service_tier", "service_tier"),
    ("gen_ai.openai.response.service_tier", "service_tier"),
];

/// A call as it is put together.
#[derive(Debug, Default)]
pub(super) struct Call {
    model: Option<String>,
    stream: bool,
    previous: Option<String>,
    params: Map<String, Value>,
    system: Vec<Value>,
    messages: Vec<Value>,
    tools: Vec<Value>,
    answer: Map<String, Value>,
    output: Vec<Value>,
    reasons: Vec<Value>,
    usage: Map<String, Value>,
    error: Option<Value>,
}

impl Call {
    /// Takes all that tells of a call.
    pub(super) fn absorb(&mut self, from: &mut Attributes) {
        self.facts(from);
        self.counts(from);
        self.said(from);
        if self.tools.is_empty() {
            self.tools = tools(from);
        }
    }

    fn facts(&mut self, from: &mut Attributes) {
        let model = from.take_text(&["gen_ai.request.model", "llm.request.model"]);
        self.model = self.model.take().or(model);
        for name in ["gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"] {
            self.stream |= from.take_truth(name);
        }
        let previous = from.take_text(&[
            "gen_ai.request.previous_response.id",
            "gen_ai.openai.request.previous_response_id",
        ]);
        self.previous = self.previous.take().or(previous);
        for (name, key) in PARAMS {
            if !self.params.contains_key(*key)
                && let Some(value) = from.take(name)
            {
                self.params.insert((*key).to_owned(), value);
            }
        }
        if let Some(Value::Object(told)) = from.take_json("llm.invocation_parameters") {
            for (key, value) in told {
                match (key.as_str(), value) {
                    ("model", Value::String(model)) if self.model.is_none() => {
                        self.model = Some(model);
                    }
                    ("stream", Value::Bool(stream)) => self.stream |= stream,
                    (_, value) => {
                        self.params.entry(key).or_insert(value);
                    }
                }
            }
        }
        // OpenInference writes the model that answered over the one that was asked for; that one
        // stands in the parameters then.
        let named =
            from.take_text(&["llm.model_name", "embedding.model_name", "reranker.model_name"]);
        if let Some(named) = named {
            match &self.model {
                Some(_) => {
                    self.answer.entry("model").or_insert(Value::from(named));
                }
                None => self.model = Some(named),
            }
        }
        for (name, key) in ANSWER {
            if !self.answer.contains_key(*key)
                && let Some(value) = from.take(name)
            {
                self.answer.insert((*key).to_owned(), value);
            }
        }
        if self.reasons.is_empty()
            && let Some(told) = from.take_json("gen_ai.response.finish_reasons")
        {
            self.reasons = match told {
                Value::Array(reasons) => reasons,
                other => vec![other],
            };
        }
        let reason = from.take_text(&[
            "gen_ai.response.finish_reason",
            "llm.response.finish_reason",
            "llm.response.stop_reason",
            "llm.finish_reason",
        ]);
        if self.reasons.is_empty() {
            self.reasons.extend(reason.map(Value::from));
        }
    }

    /// Token counts, under the conventions' names without their beginning.
    fn counts(&mut self, from: &mut Attributes) {
        for prefix in ["gen_ai.usage.", "llm.usage.", "llm.token_count."] {
            if !from.any_starts(&[prefix]) {
                continue;
            }
            for (told, value) in from.take_below(prefix) {
                let name = match told.as_str() {
                    "prompt" | "completion" | "total" => format!("{told}_tokens"),
                    _ => told.clone(),
                };
                if self.usage.contains_key(&name) {
                    from.put(format!("{prefix}{told}"), value);
                } else {
                    self.usage.insert(name, value);
                }
            }
        }
    }

    /// What was said: messages of both sides.
    fn said(&mut self, from: &mut Attributes) {
        if let Some(told) = from.take_json("gen_ai.system_instructions") {
            self.system.extend(instructions(told));
        }
        let mut asked = Vec::new();
        if let Some(told) = from.take_json("gen_ai.input.messages") {
            asked.extend(messages(told, "user"));
        }
        asked.extend(from.take_list("gen_ai.prompt").into_iter().map(|m| flat(m, "user")));
        asked.extend(from.take_list("llm.input_messages").into_iter().map(|m| message(m, "user")));
        for name in ["gen_ai.prompt", "llm.prompts"] {
            if let Some(told) = from.take_json(name) {
                asked.extend(messages(told, "user"));
            }
        }
        asked
            .extend(from.take_list("llm.prompts").into_iter().map(|p| prompt(p, "prompt", "user")));
        let mut answered = Vec::new();
        if let Some(told) = from.take_json("gen_ai.output.messages") {
            answered.extend(messages(told, "assistant"));
        }
        answered
            .extend(from.take_list("gen_ai.completion").into_iter().map(|m| flat(m, "assistant")));
        if let Some(told) = from.take_json("gen_ai.completion") {
            answered.extend(messages(told, "assistant"));
        }
        let listed = from.take_list("llm.output_messages");
        answered.extend(listed.into_iter().map(|m| message(m, "assistant")));
        let choices = from.take_list("llm.choices");
        answered.extend(choices.into_iter().map(|c| prompt(c, "completion", "assistant")));
        for item in from.take_list("embedding.embeddings") {
            let (text, vector) = embedding(item);
            asked.extend(text.map(|text| of_content(text, "user")));
            answered.extend(vector.map(|vector| {
                json!({ "role": "assistant", "parts": [{ "type": "embedding", "vector": vector }] })
            }));
        }
        if let Some(text) = from.take_text(&["embedding.text"]) {
            asked.push(of_content(Value::from(text), "user"));
        }
        self.messages.extend(asked);
        self.output.extend(answered);
    }

    /// What only stands in general places, when nothing else was said.
    pub(super) fn absorb_general(&mut self, from: &mut Attributes) {
        if self.messages.is_empty()
            && let Some(told) = general(from, "input")
        {
            self.messages = general_messages(told, "user");
        }
        if self.output.is_empty()
            && let Some(told) = general(from, "output")
        {
            self.output = general_messages(told, "assistant");
        }
    }

    pub(super) fn has_messages(&self) -> bool {
        !(self.messages.is_empty() && self.output.is_empty() && self.system.is_empty())
    }

    pub(super) fn has_answer(&self) -> bool {
        !self.output.is_empty()
    }

    pub(super) fn ask(&mut self, message: Value) {
        self.messages.push(message);
    }

    pub(super) fn answer(&mut self, message: Value) {
        self.output.push(message);
    }

    pub(super) fn fail(&mut self, error: Option<Value>) {
        self.error = self.error.take().or(error);
    }

    /// Counts that are the sum of calls that are told of by themselves: they are kept, not counted.
    pub(super) fn set_counts_aside(&mut self) {
        if !self.usage.is_empty() {
            let counts = Value::Object(std::mem::take(&mut self.usage));
            self.answer.insert("usage_of_all".to_owned(), counts);
        }
    }

    /// The two bodies, as `provider::Format::OtelGenAi` has them.
    pub(super) fn into_bodies(self, operation: &str, rest: Map<String, Value>) -> (Value, Value) {
        let mut request = Map::new();
        let mut put = |key: &str, value: Value, holds: bool| {
            if holds {
                request.insert(key.to_owned(), value);
            }
        };
        put("operation", Value::from(operation), true);
        let named = self.model.is_some();
        put("model", Value::from(self.model), named);
        put("stream", Value::Bool(true), self.stream);
        let previous = self.previous.is_some();
        put("previous_response_id", Value::from(self.previous), previous);
        let (params, system) = (!self.params.is_empty(), !self.system.is_empty());
        put("params", Value::Object(self.params), params);
        put("system_instructions", Value::Array(self.system), system);
        put("messages", Value::Array(self.messages), true);
        let tools = !self.tools.is_empty();
        put("tools", Value::Array(self.tools), tools);
        request.extend(rest);
        let mut answer = self.answer;
        answer.insert("messages".to_owned(), Value::Array(self.output));
        if !self.reasons.is_empty() {
            answer.insert("finish_reasons".to_owned(), Value::Array(self.reasons));
        }
        if !self.usage.is_empty() {
            answer.insert("usage".to_owned(), Value::Object(self.usage));
        }
        if let Some(error) = self.error {
            answer.insert("error".to_owned(), error);
        }
        (Value::Object(request), Value::Object(answer))
    }
}

/// The input or output of a step, as OpenInference and OpenLLMetry name it.
pub(super) fn general(from: &mut Attributes, side: &str) -> Option<Value> {
    let told = from.take_json(&format!("{side}.value"));
    told.or_else(|| from.take_json(&format!("traceloop.entity.{side}")))
}

fn general_messages(told: Value, speaker: &str) -> Vec<Value> {
    match told {
        Value::Object(members) if !members.contains_key("messages") => {
            vec![of_content(Value::Object(members), speaker)]
        }
        other => messages(other, speaker),
    }
}

/// OpenLLMetry writes a list of blocks as JSON in a text.
fn flat(mut value: Value, speaker: &str) -> Value {
    if let Some(content @ Value::String(_)) = value.get_mut("content")
        && let Value::Array(items) = unfold_text(content.clone())
        && !items.is_empty()
        && items.iter().all(|item| item.get("type").is_some())
    {
        *content = Value::Array(items);
    }
    message(value, speaker)
}

/// OpenInference's prompts and completions: a text in two members.
fn prompt(mut value: Value, holder: &str, speaker: &str) -> Value {
    match value.get_mut(holder).and_then(|inner| inner.get_mut("text")) {
        Some(text) => of_content(text.take(), speaker),
        None => message(value, speaker),
    }
}

fn embedding(mut value: Value) -> (Option<Value>, Option<Value>) {
    let mut inner = match value.get_mut("embedding") {
        Some(inner) => inner.take(),
        None => value,
    };
    let mut take = |key: &str| inner.get_mut(key).map(Value::take).filter(|v| !v.is_null());
    (take("text"), take("vector"))
}

/// Tools as they were offered.
fn tools(from: &mut Attributes) -> Vec<Value> {
    if let Some(told) = from.take_json("gen_ai.tool.definitions") {
        return match told {
            Value::Array(items) => items.into_iter().map(unfold_text).collect(),
            other => vec![other],
        };
    }
    let listed = from.take_list("llm.tools");
    if !listed.is_empty() {
        return listed
            .into_iter()
            .map(|mut item| match item.pointer_mut("/tool/json_schema") {
                Some(schema) => unfold_text(schema.take()),
                None => item,
            })
            .collect();
    }
    from.take_list("llm.request.functions")
}
