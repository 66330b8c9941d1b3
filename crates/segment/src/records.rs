//! The records file.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use arrow_array::{BinaryArray, RecordBatch, UInt64Array};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use record::RecordId;
use record::envelope::Summary;

use crate::SegmentError;
use crate::columns::{Columns, ENVELOPE, ID, LEAF_INDEX, schema};
use crate::error::{guarded, unexpected, unwritable};

/// Rows that are encoded together.
const BATCH: usize = 256;
/// Rows of a group, at most; a group is held in memory until it is whole.
const GROUP: usize = 8192;
/// Bytes of a group, about.
const GROUP_BYTES: usize = 8 << 20;

/// Writes records, ascending by index.
pub struct RecordsWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    columns: Columns,
}

impl<W: Write + Send> RecordsWriter<W> {
    /// Starts a file in `out`.
    pub fn new(out: W) -> Result<Self, SegmentError> {
        // What an audit reads is written so that a standard library can undo it: gzip, no dictionary,
        // pages of version 1. A fifth more bytes than Zstandard, and a few microseconds a record.
        let gzip = Compression::GZIP(GzipLevel::try_new(2).map_err(unwritable)?);
        Self::with(out, 1, Some(gzip))
    }

    /// Starts a file in `out` for the cold tier: written once, with patience, and seldom read.
    pub fn cold(out: W) -> Result<Self, SegmentError> {
        Self::with(out, 19, None)
    }

    /// Zstandard at `level`, but `truth` for the columns that are no copies.
    fn with(out: W, level: i32, truth: Option<Compression>) -> Result<Self, SegmentError> {
        let zstd = Compression::ZSTD(ZstdLevel::try_new(level).map_err(unwritable)?);
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_column_compression(LEAF_INDEX.into(), truth.unwrap_or(zstd))
            .set_column_compression(ENVELOPE.into(), truth.unwrap_or(zstd))
            .set_column_dictionary_enabled(LEAF_INDEX.into(), false)
            .set_compression(zstd)
            .set_max_row_group_row_count(Some(GROUP))
            .set_created_by("custody".to_owned())
            .set_column_dictionary_enabled(ENVELOPE.into(), false)
            .set_column_dictionary_enabled(ID.into(), false)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_column_statistics_enabled(ENVELOPE.into(), EnabledStatistics::None)
            .build();
        let writer =
            ArrowWriter::try_new(out, Arc::new(schema()), Some(properties)).map_err(unwritable)?;
        Ok(Self { writer, columns: Columns::new() })
    }

    /// Adds a record: its index in the log, its envelope's canonical bytes and their summary.
    pub fn push(
        &mut self,
        leaf: u64,
        record: &Summary<'_>,
        envelope: &[u8],
    ) -> Result<(), SegmentError> {
        self.columns.push(leaf, record, envelope);
        if self.columns.len() < BATCH {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        self.writer.write(&self.columns.take()?).map_err(unwritable)?;
        if self.writer.in_progress_size() > GROUP_BYTES {
            self.writer.flush().map_err(unwritable)?;
        }
        Ok(())
    }

    /// Ends the file and gives `out` back.
    pub fn finish(mut self) -> Result<W, SegmentError> {
        self.flush()?;
        self.writer.into_inner().map_err(unwritable)
    }
}

/// Gives each record's log index and envelope bytes, ascending.
pub fn each_record(file: Bytes, mut each: impl FnMut(u64, &[u8])) -> Result<(), SegmentError> {
    guarded(|| read(file, None, &mut each))
}

/// Gives each record whose columns are not what its envelope says: its log index and the first such
/// column. An engine reads the columns; whoever changes one changes what it answers.
pub fn each_difference(file: Bytes, mut each: impl FnMut(u64, &str)) -> Result<(), SegmentError> {
    guarded(|| {
        let wrong = |error: &dyn std::fmt::Display| ParquetError::General(error.to_string());
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
            let batch = batch?;
            let (leaf, envelope) = truth(&batch)?;
            let mut columns = Columns::new();
            for (leaf, envelope) in leaf.iter().zip(envelope.iter()) {
                let (leaf, envelope) = (leaf.unwrap_or(0), envelope.unwrap_or_default());
                let record = Summary::from_bytes(envelope)
                    .map_err(|error| wrong(&format!("record {leaf}: {error}")))?;
                columns.push(leaf, &record, envelope);
            }
            let told = columns.take().map_err(|error| wrong(&error))?;
            let mut found = BTreeMap::new();
            for (field, expected) in told.schema().fields().iter().zip(told.columns()) {
                let there = batch.column_by_name(field.name());
                let there = there.ok_or_else(|| unexpected(field.name()))?;
                if there == expected {
                    continue;
                }
                for row in 0..batch.num_rows() {
                    if there.slice(row, 1) != expected.slice(row, 1) {
                        found.entry(row).or_insert_with(|| field.name().clone());
                    }
                }
            }
            for (row, column) in found {
                each(leaf.value(row), &column);
            }
        }
        Ok(())
    })
}

/// Gives the records with these ids.
pub fn find_records(
    file: Bytes,
    wanted: &HashSet<RecordId, impl BuildHasher>,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<(), SegmentError> {
    guarded(|| {
        let ids = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
        let mask = ProjectionMask::columns(ids.parquet_schema(), [ID]);
        let mut ranges = Vec::new();
        let (mut row, mut total) = (0, 0);
        for batch in ids.with_projection(mask).build()? {
            let batch = batch?;
            let column = batch.column_by_name(ID).ok_or_else(|| unexpected(ID))?;
            let column = column.as_string_opt::<i32>().ok_or_else(|| unexpected(ID))?;
            for id in column.iter().flatten() {
                if id.parse().is_ok_and(|id| wanted.contains(&id)) {
                    ranges.push(row..row + 1);
                }
                row += 1;
            }
            total = row;
        }
        if ranges.is_empty() {
            return Ok(());
        }
        let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), total);
        read(file, Some(selection), &mut each)
    })
}

fn read(
    file: Bytes,
    selection: Option<RowSelection>,
    each: &mut impl FnMut(u64, &[u8]),
) -> Result<(), ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [LEAF_INDEX, ENVELOPE]);
    let builder = builder.with_projection(mask);
    let reader = match selection {
        Some(selection) => builder.with_row_selection(selection).build()?,
        None => builder.build()?,
    };
    for batch in reader {
        let batch = batch?;
        let (leaf, envelope) = truth(&batch)?;
        for (leaf, envelope) in leaf.iter().zip(envelope.iter()) {
            if let (Some(leaf), Some(envelope)) = (leaf, envelope) {
                each(leaf, envelope);
            }
        }
    }
    Ok(())
}

/// The columns that are no copies.
fn truth(batch: &RecordBatch) -> Result<(&UInt64Array, &BinaryArray), ParquetError> {
    let leaf = batch.column_by_name(LEAF_INDEX).ok_or_else(|| unexpected(LEAF_INDEX))?;
    let leaf = leaf.as_primitive_opt::<UInt64Type>().ok_or_else(|| unexpected(LEAF_INDEX))?;
    let envelope = batch.column_by_name(ENVELOPE).ok_or_else(|| unexpected(ENVELOPE))?;
    let envelope = envelope.as_binary_opt::<i32>().ok_or_else(|| unexpected(ENVELOPE))?;
    Ok((leaf, envelope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::basic::Encoding;
    use record::envelope::Alert;
    use record::{Body, CollectorName, Envelope, Timestamp};

    fn write_records<'a>(rows: impl IntoIterator<Item = (u64, &'a [u8])>) -> Vec<u8> {
        let mut writer = RecordsWriter::new(Vec::new()).unwrap();
        for (leaf, bytes) in rows {
            writer.push(leaf, &Summary::from_bytes(bytes).unwrap(), bytes).unwrap();
        }
        writer.finish().unwrap()
    }

    fn envelope(i: u8) -> (Envelope, Vec<u8>) {
        let id = RecordId::from_bytes([i; 16]);
        let envelope = Envelope {
            id,
            collector: CollectorName::new("c1").unwrap(),
            recorded: Timestamp(i64::from(i)),
            body: Body::Alert(Alert { message: "m".repeat(usize::from(i)), rule: "r".into() }),
        };
        let bytes = envelope.to_bytes().unwrap();
        (envelope, bytes)
    }

    #[test]
    fn records_come_back_byte_for_byte() {
        let made: Vec<_> = (0..200).map(envelope).collect();
        let rows = || (1000..).zip(made.iter().map(|(_, bytes)| bytes.as_slice()));
        let file = Bytes::from(write_records(rows()));
        let mut back = Vec::new();
        each_record(file.clone(), |leaf, bytes| back.push((leaf, bytes.to_vec()))).unwrap();
        let expected: Vec<_> = rows().map(|(leaf, bytes)| (leaf, bytes.to_vec())).collect();
        assert_eq!(back, expected);

        let wanted: HashSet<_> =
            [made[7].0.id, made[150].0.id, RecordId::from_bytes([255; 16])].into();
        let mut found = Vec::new();
        find_records(file, &wanted, |leaf, bytes| found.push((leaf, bytes.to_vec()))).unwrap();
        assert_eq!(found, [(1007, made[7].1.clone()), (1150, made[150].1.clone())]);
    }

    #[test]
    fn a_column_that_is_not_what_the_envelope_says_is_told() {
        let made: Vec<_> = (0..20).map(|i| envelope(i).1).collect();
        let write = |other: usize| {
            let mut writer = RecordsWriter::new(Vec::new()).unwrap();
            for (leaf, bytes) in (0..).zip(&made) {
                let said = if leaf == 7 { &made[other] } else { bytes };
                writer.push(leaf, &Summary::from_bytes(said).unwrap(), bytes).unwrap();
            }
            Bytes::from(writer.finish().unwrap())
        };
        let differences = |file: Bytes| {
            let mut found = Vec::new();
            each_difference(file, |leaf, column| found.push((leaf, column.to_owned()))).unwrap();
            found
        };
        assert_eq!(differences(write(7)), []);
        assert_eq!(differences(write(9)), [(7, "id".to_owned())]);
    }

    #[test]
    fn files_from_before_are_read() {
        let made: Vec<_> = (0..20).map(|i| envelope(i).1).collect();
        let mut columns = Columns::new();
        for (leaf, bytes) in (0..).zip(&made) {
            columns.push(leaf, &Summary::from_bytes(bytes).unwrap(), bytes);
        }
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(19).unwrap()))
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .build();
        let mut writer =
            ArrowWriter::try_new(Vec::new(), Arc::new(schema()), Some(properties)).unwrap();
        writer.write(&columns.take().unwrap()).unwrap();
        let file = Bytes::from(writer.into_inner().unwrap());
        let mut back = Vec::new();
        each_record(file.clone(), |_, bytes| back.push(bytes.to_vec())).unwrap();
        assert_eq!(back, made);
        each_difference(file, |leaf, column| panic!("record {leaf}: {column}")).unwrap();
    }

    #[test]
    fn what_an_audit_reads_needs_no_library() {
        let made: Vec<_> = (0..20).map(|i| envelope(i).1).collect();
        let file = Bytes::from(write_records((0..).zip(made.iter().map(Vec::as_slice))));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let columns = reader.metadata().row_group(0).columns();
        for column in [columns.first().unwrap(), columns.last().unwrap()] {
            assert!(matches!(column.compression(), Compression::GZIP(_)), "{column:?}");
            assert!(column.dictionary_page_offset().is_none(), "{column:?}");
            assert!(column.encodings().any(|encoding| encoding == Encoding::PLAIN), "{column:?}");
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_panic() {
        let made: Vec<_> = (0..20).map(envelope).collect();
        let file = write_records((0..).zip(made.iter().map(|(_, bytes)| bytes.as_slice())));
        std::panic::set_hook(Box::new(|_| {}));
        for at in (0..file.len()).step_by(7) {
            let mut bad = file.clone();
            bad[at] ^= 0x55;
            let mut rows = 0;
            let read = each_record(Bytes::from(bad), |_, _| rows += 1);
            assert!(read.is_err() || rows <= 20);
        }
        for cut in (0..file.len()).step_by(31) {
            assert!(each_record(Bytes::copy_from_slice(&file[..cut]), |_, _| {}).is_err());
        }
    }
}
