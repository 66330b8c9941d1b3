//! The columns of the records file, made from envelopes.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, StringBuilder, TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use record::envelope::Summary;

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
    rows: usize,
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
            rows: 0,
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

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    pub(crate) fn push(&mut self, leaf: u64, record: &Summary<'_>, bytes: &[u8]) {
        self.rows += 1;
        self.leaf.append_value(leaf);
        self.id.append_value(record.id.to_string());
        self.kind.append_value(&*record.kind);
        self.collector.append_value(&*record.collector);
        self.recorded.append_value(record.recorded.0);
        self.envelope.append_value(bytes);
        self.admitted.append_option(record.time.admitted.map(|t| t.0));
        self.synthetic.append_option(record.synthetic);
        let text = self.text.iter_mut().zip(text(record));
        text.for_each(|(column, value)| column.append_option(value));
        let numbers = self.numbers.iter_mut().zip(numbers(record));
        numbers.for_each(|(column, value)| column.append_option(value));
    }

    /// The rows so far as a batch; the columns go on empty, in the memory that they have.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, SegmentError> {
        self.rows = 0;
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

/// In the order of [`TEXT`].
fn text<'a>(record: &'a Summary<'_>) -> [Option<&'a str>; TEXT.len()] {
    let (correlation, model, who) = (&record.correlation, &record.model, &record.who);
    [
        &correlation.trace_id,
        &correlation.session,
        &correlation.thread,
        &record.origin,
        &record.upstream,
        &model.provider,
        &model.operation,
        &model.requested,
        &model.answered,
        &record.response.outcome,
        &record.response.finish_class,
        &who.user,
        &who.credential,
        &who.environment,
        &who.service,
        &record.retention.class,
    ]
    .map(Option::as_deref)
}

/// In the order of [`NUMBERS`].
fn numbers(record: &Summary<'_>) -> [Option<u64>; NUMBERS.len()] {
    let usage = record.usage.unwrap_or_default();
    [
        record.admission,
        record.response.status,
        usage.input,
        usage.output,
        usage.total,
        record.cost.and_then(|cost| cost.micro_usd),
        record.timing.first_token_us,
        record.timing.total_us,
        record.admission.map(|_| record.masking.counts.values().sum()),
    ]
}
