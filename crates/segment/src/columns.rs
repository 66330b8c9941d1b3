//! The columns of the records file, made from envelopes.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, StringBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use record::envelope::Envelope;
use record::{Body, Timestamp};

use crate::SegmentError;
use crate::error::unwritable;

pub(crate) const LEAF_INDEX: &str = "leaf_index";
pub(crate) const ID: &str = "id";
pub(crate) const ENVELOPE: &str = "envelope";

/// Columns of text, in order, beside those that every record has.
const TEXT: [&str; 16] = [
    "trace_id",
    "session",
    "thread",
    "origin",
    "upstream",
    "provider",
    "operation",
    "model_requested",
    "model_answered",
    "outcome",
    "finish_class",
    "user",
    "credential",
    "environment",
    "service",
    "retention_class",
];
const NUMBERS: [&str; 9] = [
    "admission",
    "status",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cost_micro_usd",
    "first_token_us",
    "total_us",
    "masked",
];

pub(crate) fn schema() -> Schema {
    let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![
        Field::new(LEAF_INDEX, DataType::UInt64, false),
        Field::new(ID, DataType::Utf8, false),
        Field::new("kind", DataType::Utf8, false),
        Field::new("collector", DataType::Utf8, false),
        Field::new("recorded", time(), false),
        Field::new("admitted", time(), true),
        Field::new("synthetic", DataType::Boolean, true),
    ];
    fields.extend(TEXT.iter().map(|name| Field::new(*name, DataType::Utf8, true)));
    fields.extend(NUMBERS.iter().map(|name| Field::new(*name, DataType::UInt64, true)));
    fields.push(Field::new(ENVELOPE, DataType::Binary, false));
    Schema::new(fields)
}

/// Collects rows and gives them as a batch.
pub(crate) struct Columns {
    leaf: UInt64Builder,
    id: StringBuilder,
    kind: StringBuilder,
    collector: StringBuilder,
    recorded: TimestampMicrosecondBuilder,
    admitted: TimestampMicrosecondBuilder,
    synthetic: BooleanBuilder,
    text: Vec<StringBuilder>,
    numbers: Vec<UInt64Builder>,
    envelope: BinaryBuilder,
}

impl Columns {
    pub(crate) fn new() -> Self {
        let time = || TimestampMicrosecondBuilder::new().with_timezone("UTC");
        Self {
            leaf: UInt64Builder::new(),
            id: StringBuilder::new(),
            kind: StringBuilder::new(),
            collector: StringBuilder::new(),
            recorded: time(),
            admitted: time(),
            synthetic: BooleanBuilder::new(),
            text: TEXT.iter().map(|_| StringBuilder::new()).collect(),
            numbers: NUMBERS.iter().map(|_| UInt64Builder::new()).collect(),
            envelope: BinaryBuilder::new(),
        }
    }

    pub(crate) fn push(&mut self, leaf: u64, envelope: &Envelope, bytes: &[u8]) {
        self.leaf.append_value(leaf);
        self.id.append_value(envelope.id.to_string());
        self.kind.append_value(envelope.kind());
        self.collector.append_value(envelope.collector.as_str());
        self.recorded.append_value(envelope.recorded.0);
        self.envelope.append_value(bytes);
        let row = Row::of(&envelope.body);
        self.admitted.append_option(row.admitted.map(|t| t.0));
        self.synthetic.append_option(row.synthetic);
        self.text.iter_mut().zip(row.text).for_each(|(column, value)| column.append_option(value));
        self.numbers.iter_mut().zip(row.numbers).for_each(|(column, value)| {
            column.append_option(value);
        });
    }

    pub(crate) fn finish(mut self) -> Result<RecordBatch, SegmentError> {
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(self.leaf.finish()),
            Arc::new(self.id.finish()),
            Arc::new(self.kind.finish()),
            Arc::new(self.collector.finish()),
            Arc::new(self.recorded.finish()),
            Arc::new(self.admitted.finish()),
            Arc::new(self.synthetic.finish()),
        ];
        for column in &mut self.text {
            arrays.push(Arc::new(column.finish()));
        }
        for column in &mut self.numbers {
            arrays.push(Arc::new(column.finish()));
        }
        arrays.push(Arc::new(self.envelope.finish()));
        RecordBatch::try_new(Arc::new(schema()), arrays).map_err(unwritable)
    }
}

#[derive(Default)]
struct Row {
    admitted: Option<Timestamp>,
    synthetic: Option<bool>,
    text: [Option<String>; TEXT.len()],
    numbers: [Option<u64>; NUMBERS.len()],
}

impl Row {
    fn of(body: &Body) -> Self {
        let Body::Interaction(i) = body else {
            return Self::default();
        };
        let word = |word: &str| Some(word.to_owned());
        Self {
            admitted: Some(i.time.admitted),
            synthetic: Some(i.synthetic),
            text: [
                i.correlation.trace_id.map(|id| id.to_string()),
                i.correlation.session.clone(),
                i.correlation.thread.clone(),
                word(i.origin.as_str()),
                word(&i.upstream),
                word(&i.model.provider),
                word(i.model.operation.as_str()),
                i.model.requested.clone(),
                i.model.answered.clone(),
                word(i.response.outcome.as_str()),
                word(i.response.finish_class.as_str()),
                i.who.user.clone(),
                i.who.credential.clone(),
                i.who.environment.clone(),
                i.who.service.clone(),
                word(&i.retention.class),
            ],
            numbers: [
                Some(i.admission.0),
                i.response.status.map(u64::from),
                i.usage.as_ref().map(|u| u.input),
                i.usage.as_ref().map(|u| u.output),
                i.usage.as_ref().map(|u| u.total),
                i.cost.as_ref().map(|c| c.micro_usd),
                i.timing.first_token_us,
                i.timing.total_us,
                Some(i.masking.counts.values().sum()),
            ],
        }
    }
}
