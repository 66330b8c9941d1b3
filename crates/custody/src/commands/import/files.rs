//! The files of an import: found, opened, cut into records.

use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, anyhow};
use flate2::read::MultiGzDecoder;
use intake::import::{Cutter, Piece};

use crate::Failure;

/// What of a folder is read.
const ENDINGS: [&str; 6] = [".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz"];

/// One file, or standard input.
pub(super) struct File {
    /// `None` for standard input.
    pub(super) path: Option<PathBuf>,
    /// Bytes, as it lies there.
    pub(super) size: u64,
}

impl File {
    /// For people.
    pub(super) fn name(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| PathBuf::from("(standard input)"))
    }
}

/// The files that these paths name, those of a folder in order of their names.
pub(super) fn list(paths: &[PathBuf]) -> anyhow::Result<Vec<File>> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            files.push(File { path: None, size: 0 });
            continue;
        }
        let about = std::fs::metadata(path).with_context(|| path.display().to_string())?;
        if about.is_dir() {
            let before = files.len();
            walk(path, &mut files).with_context(|| path.display().to_string())?;
            if files.len() == before {
                return Err(anyhow!("{}: no {} in it", path.display(), ENDINGS.join(", ")));
            }
        } else {
            files.push(File { path: Some(path.clone()), size: about.len() });
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<File>) -> io::Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            files.push(File { path: Some(entry.path()), size: entry.metadata()?.len() });
        }
    }
    Ok(())
}

/// Counts the bytes that were read of a file as it lies there.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        self.1.fetch_add(u64::try_from(read).unwrap_or(0), Ordering::Relaxed);
        Ok(read)
    }
}

/// Gives each piece with how far the file was read. A file that cannot be read is a
/// [`Failure::Usage`], after the records before that place.
pub(super) fn each_piece(
    file: &File,
    give: &mut dyn FnMut(Piece, u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let at = Arc::new(AtomicU64::new(0));
    let source: Box<dyn Read> = match &file.path {
        Some(path) => {
            Box::new(std::fs::File::open(path).context("cannot be opened").map_err(Failure::Usage)?)
        }
        None => Box::new(io::stdin()),
    };
    let mut source = BufReader::with_capacity(1 << 18, Counted(source, Arc::clone(&at)));
    let head = source.fill_buf().context("cannot be read").map_err(Failure::Usage)?;
    let mut source: Box<dyn Read> = if head.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(source))
    } else {
        Box::new(source)
    };
    let mut cutter = Cutter::new();
    let mut buffer = vec![0; 1 << 16];
    let mut failed = Ok(());
    let mut piece = |piece, failed: &mut Result<(), Failure>| {
        if failed.is_ok() {
            *failed = give(piece, at.load(Ordering::Relaxed));
        }
    };
    let broken = loop {
        match source.read(&mut buffer) {
            Ok(0) => break None,
            Ok(read) => {
                let bytes = buffer.get(..read).unwrap_or_default();
                cutter.push(bytes, &mut |found| piece(found, &mut failed));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Some(error),
        }
        std::mem::replace(&mut failed, Ok(()))?;
    };
    cutter.finish(&mut |found| piece(found, &mut failed));
    failed?;
    match broken {
        None => Ok(()),
        Some(error) => {
            let at = at.load(Ordering::Relaxed);
            Err(Failure::Usage(anyhow!(error).context(format!("cannot be read on at byte {at}"))))
        }
    }
}
