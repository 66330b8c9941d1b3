//! The parts file: sorted by pid, with a bloom filter on it, the sealed bytes uncompressed.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{RecordBatch, UInt64Array};
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
const ROWS: usize = 8192;

fn schema() -> Schema {
    Schema::new(vec![
        Field::new(PID, DataType::FixedSizeBinary(32), false),
        Field::new(LENGTH, DataType::UInt64, false),
        Field::new(SEALED, DataType::Binary, false),
    ])
}

/// Writes sealed parts, which must be sorted by pid, each pid once.
pub fn write_parts(parts: &[(Pid, &[u8])]) -> Result<Vec<u8>, SegmentError> {
    debug_assert!(parts.is_sorted_by(|a, b| a.0 < b.0), "parts are sorted and distinct");
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_max_row_group_row_count(Some(ROWS))
        .set_data_page_size_limit(64 * 1024)
        .set_created_by("custody".to_owned())
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled(PID.into(), EnabledStatistics::Page)
        .set_column_bloom_filter_enabled(PID.into(), true)
        .set_column_bloom_filter_max_ndv(
            PID.into(),
            u64::try_from(ROWS.min(parts.len().max(1))).unwrap_or(8192),
        )
        .build();
    let size: usize = parts.iter().map(|(_, sealed)| sealed.len() + 48).sum();
    let mut writer = ArrowWriter::try_new(
        Vec::with_capacity(size + 65_536),
        Arc::new(schema()),
        Some(properties),
    )
    .map_err(unwritable)?;
    for parts in parts.chunks(1024) {
        let mut pid = FixedSizeBinaryBuilder::with_capacity(parts.len(), 32);
        let bytes = parts.iter().map(|(_, sealed)| sealed.len()).sum();
        let mut body = BinaryBuilder::with_capacity(parts.len(), bytes);
        for (id, sealed) in parts {
            pid.append_value(id.as_bytes()).map_err(unwritable)?;
            body.append_value(sealed);
        }
        let length: UInt64Array =
            parts.iter().map(|(_, sealed)| u64::try_from(sealed.len()).ok()).collect();
        let batch = RecordBatch::try_new(
            Arc::new(schema()),
            vec![Arc::new(pid.finish()), Arc::new(length), Arc::new(body.finish())],
        )
        .map_err(unwritable)?;
        writer.write(&batch).map_err(unwritable)?;
    }
    writer.into_inner().map_err(unwritable)
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
        let rows: Vec<(Pid, &[u8])> = made.iter().map(|(p, b)| (*p, b.as_slice())).collect();
        let file = Bytes::from(write_parts(&rows).unwrap());
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
        let file = Bytes::from(write_parts(&[]).unwrap());
        each_part(file, |_, _| panic!("a part of none")).unwrap();
    }
}
