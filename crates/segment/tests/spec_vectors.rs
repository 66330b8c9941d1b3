//! Parquet files that the specification's text made are read by this crate, and its columns say of a
//! record what the specification says.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use record::Digest;
use record::envelope::Summary;
use segment::{RecordsWriter, each_difference, each_part, each_record, find_parts};
use serde_json::{Map, Value};

const SEGMENT: &str = include_str!("../../../spec/vectors/segment.txt");
const ENVELOPE: &str = include_str!("../../../spec/vectors/envelope.txt");
const PART: &str = include_str!("../../../spec/vectors/part.txt");

fn text<'a>(file: &'a str, name: &str) -> &'a str {
    let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(file: &str, name: &str) -> Vec<u8> {
    let digits = text(file, name).as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// The records of the vectors, by index in the log.
fn records() -> [(u64, &'static [u8]); 2] {
    [(0, text(ENVELOPE, "interaction").as_bytes()), (1, text(ENVELOPE, "gap").as_bytes())]
}

fn written() -> Bytes {
    let mut writer = RecordsWriter::new(Vec::new()).unwrap();
    for (leaf, envelope) in records() {
        writer.push(leaf, &Summary::from_bytes(envelope).unwrap(), envelope).unwrap();
    }
    Bytes::from(writer.finish().unwrap())
}

#[test]
fn a_records_file_made_by_hand_is_read() {
    for name in ["records_file", "records_file_zstandard"] {
        let mut read = Vec::new();
        let file = Bytes::from(bytes(SEGMENT, name));
        each_record(file, |leaf, envelope| read.push((leaf, envelope.to_vec()))).unwrap();
        assert_eq!(read, records().map(|(leaf, envelope)| (leaf, envelope.to_vec())), "{name}");
    }
}

#[test]
fn a_parts_file_made_by_hand_is_read() {
    let file = Bytes::from(bytes(SEGMENT, "parts_file"));
    let mut read = Vec::new();
    each_part(file.clone(), |pid, sealed| read.push((pid, sealed.to_vec()))).unwrap();
    let [(pid, sealed)] = read.as_slice() else { panic!("one part: {read:?}") };
    assert_eq!((pid.0.to_vec(), sealed), (bytes(PART, "pid"), &bytes(PART, "sealed")));
    let mut found = 0;
    find_parts(file.clone(), &[*pid].into(), |_, _| found += 1).unwrap();
    find_parts(file, &[record::Pid(Digest::of(b"absent").0)].into(), |_, _| found += 10).unwrap();
    assert_eq!(found, 1);
}

#[test]
fn the_columns_say_what_the_envelope_says() {
    each_difference(written(), |leaf, column| panic!("record {leaf}: {column}")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(written()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    let [batch] = batches.as_slice() else { panic!("one batch") };
    for (row, name) in ["interaction_columns", "gap_columns"].into_iter().enumerate() {
        let expected: Map<String, Value> = serde_json::from_str(text(SEGMENT, name)).unwrap();
        let mut names: Vec<&str> = expected.keys().map(String::as_str).collect();
        names.push("envelope");
        let schema = batch.schema();
        let there: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(there, names, "the columns stand in the order of the page");
        for (name, value) in &expected {
            assert_eq!(&cell(batch.column_by_name(name).unwrap(), row), value, "{name}");
        }
    }
}

fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Timestamp(_, Some(zone)) if zone.as_ref() == "UTC" => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).into()
        }
        other => panic!("a column of type {other}"),
    }
}
