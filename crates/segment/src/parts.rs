//! The parts file: sorted by pid, with a bloom filter on it, the sealed bytes uncompressed.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, UInt64Builder};
use arrow_array::cast::AsArray as _;
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use record::Pid;

use crate::SegmentError;
use crate::error::{guarded, unexpected, unwritable};

const PID: &str = "pid";
const SEALED: &str = "sealed";
const LENGTH: &str = "length";
/// Rows of a group, at most.
const GROUP: usize = 8192;
/// Bytes of a group, about.
const GROUP_BYTES: usize = 8 << 20;
/// Rows that are encoded together, at most.
const BATCH: usize = 256;
/// Bytes that are encoded together, about.
const BATCH_BYTES: usize = 256 << 10;

fn schema() -> Schema {
    Schema::new(vec![
        Field::new(PID, DataType::FixedSizeBinary(32), false),
        Field::new(LENGTH, DataType::UInt64, false),
        Field::new(SEALED, DataType::Binary, false),
    ])
}

/// Writes sealed parts, ascending by pid, each pid once.
pub struct PartsWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    pid: FixedSizeBinaryBuilder,
    length: UInt64Builder,
    sealed: BinaryBuilder,
    rows: usize,
}

impl<W: Write + Send> PartsWriter<W> {
    /// Starts a file of `count` parts in `out`.
    pub fn new(out: W, count: usize) -> Result<Self, SegmentError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_max_row_group_row_count(Some(GROUP))
            .set_data_page_size_limit(64 * 1024)
            .set_created_by("custody".to_owned())
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled(PID.into(), EnabledStatistics::Page)
            .set_column_bloom_filter_enabled(PID.into(), true)
            .set_column_bloom_filter_max_ndv(
                PID.into(),
                u64::try_from(GROUP.min(count.max(1))).unwrap_or(8192),
            )
            .build();
        let writer =
            ArrowWriter::try_new(out, Arc::new(schema()), Some(properties)).map_err(unwritable)?;
        Ok(Self {
            writer,
            pid: FixedSizeBinaryBuilder::with_capacity(BATCH, 32),
            length: UInt64Builder::with_capacity(BATCH),
            sealed: BinaryBuilder::new(),
            rows: 0,
        })
    }

    /// Adds a part.
    pub fn push(&mut self, pid: &Pid, sealed: &[u8]) -> Result<(), SegmentError> {
        self.pid.append_value(pid.as_bytes()).map_err(unwritable)?;
        self.length.append_option(u64::try_from(sealed.len()).ok());
        self.sealed.append_value(sealed);
        self.rows += 1;
        if self.rows < BATCH && self.sealed.values_slice().len() < BATCH_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), SegmentError> {
        self.rows = 0;
        let batch = RecordBatch::try_new(
            Arc::new(schema()),
            vec![
                Arc::new(self.pid.finish()),
                Arc::new(self.length.finish()),
                Arc::new(self.sealed.finish()),
            ],
        )
        .map_err(unwritable)?;
        self.writer.write(&batch).map_err(unwritable)?;
        // A group is held in memory until it is whole.
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

/// Gives every part's pid and sealed bytes, ascending by pid.
pub fn each_part(file: Bytes, mut each: impl FnMut(Pid, &[u8])) -> Result<(), SegmentError> {
    guarded(|| read(file, None, None, &mut each))
}

/// Gives the parts with these pids; row groups that hold none are skipped by their bloom filters.
pub fn find_parts(
    file: Bytes,
    wanted: &HashSet<Pid, impl BuildHasher>,
    mut each: impl FnMut(Pid, &[u8]),
) -> Result<(), SegmentError> {
    guarded(|| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
        let mut groups = Vec::new();
        for group in 0..builder.metadata().num_row_groups() {
            let filter = builder.get_row_group_column_bloom_filter(group, 0)?;
            let may_hold = |filter: &parquet::bloom_filter::Sbbf| {
                wanted.iter().any(|pid| filter.check(&pid.as_bytes()[..]))
            };
            if filter.as_ref().is_none_or(may_hold) {
                groups.push(group);
            }
        }
        if groups.is_empty() {
            return Ok(());
        }
        let mask = ProjectionMask::columns(builder.parquet_schema(), [PID]);
        let pids = builder.with_projection(mask).with_row_groups(groups.clone()).build()?;
        let (mut ranges, mut row) = (Vec::new(), 0);
        for batch in pids {
            each_pid(&batch?, |pid| {
                if wanted.contains(&pid) {
                    ranges.push(row..row + 1);
                }
                row += 1;
            })?;
        }
        if ranges.is_empty() {
            return Ok(());
        }
        let selection = RowSelection::from_consecutive_ranges(ranges.into_iter(), row);
        read(file, Some(groups), Some(selection), &mut each)
    })
}

fn each_pid(batch: &RecordBatch, mut each: impl FnMut(Pid)) -> Result<(), ParquetError> {
    let column = batch.column_by_name(PID).ok_or_else(|| unexpected(PID))?;
    let column = column.as_fixed_size_binary_opt().ok_or_else(|| unexpected(PID))?;
    for pid in column {
        let pid = pid.and_then(|pid| pid.try_into().ok()).ok_or_else(|| unexpected(PID))?;
        each(Pid(pid));
    }
    Ok(())
}

fn read(
    file: Bytes,
    groups: Option<Vec<usize>>,
    selection: Option<RowSelection>,
    each: &mut impl FnMut(Pid, &[u8]),
) -> Result<(), ParquetError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [PID, SEALED]);
    let mut builder = builder.with_projection(mask).with_batch_size(256);
    if let Some(groups) = groups {
        builder = builder.with_row_groups(groups);
    }
    if let Some(selection) = selection {
        builder = builder.with_row_selection(selection);
    }
    for batch in builder.build()? {
        let batch = batch?;
        let sealed = batch.column_by_name(SEALED).ok_or_else(|| unexpected(SEALED))?;
        let sealed = sealed.as_binary_opt::<i32>().ok_or_else(|| unexpected(SEALED))?;
        let mut bodies = sealed.iter();
        each_pid(&batch, |pid| {
            if let Some(Some(body)) = bodies.next() {
                each(pid, body);
            }
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_parts(parts: &[(Pid, Vec<u8>)]) -> Vec<u8> {
        let mut writer = PartsWriter::new(Vec::new(), parts.len()).unwrap();
        for (pid, sealed) in parts {
            writer.push(pid, sealed).unwrap();
        }
        writer.finish().unwrap()
    }

    fn parts(n: u32) -> Vec<(Pid, Vec<u8>)> {
        let mut parts: Vec<_> = (0..n)
            .map(|i| {
                let digest = record::Digest::of(&i.to_be_bytes());
                (
                    Pid(digest.0),
                    vec![u8::try_from(i % 256).unwrap(); usize::try_from(i % 97).unwrap()],
                )
            })
            .collect();
        parts.sort();
        parts
    }

    #[test]
    fn parts_come_back_and_are_found() {
        let made = parts(20_000);
        let file = Bytes::from(write_parts(&made));
        let mut back = Vec::new();
        each_part(file.clone(), |pid, bytes| back.push((pid, bytes.to_vec()))).unwrap();
        assert_eq!(back, made);
        for at in [0, 1, 8191, 8192, 19_999] {
            let mut found = Vec::new();
            find_parts(file.clone(), &[made[at].0].into(), |pid, bytes| {
                found.push((pid, bytes.to_vec()));
            })
            .unwrap();
            assert_eq!(found, [made[at].clone()]);
        }
        let absent = Pid(record::Digest::of(b"absent").0);
        find_parts(file, &[absent].into(), |_, _| panic!("found what is not there")).unwrap();
    }

    #[test]
    fn no_parts_make_a_file_too() {
        let file = Bytes::from(write_parts(&[]));
        each_part(file, |_, _| panic!("a part of none")).unwrap();
    }
}
