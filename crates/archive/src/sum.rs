//! What an object is told apart by.

use std::fs::File;
use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};

/// Length and digests of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Length.
    pub bytes: u64,
    /// CRC-32 as in ISO-HDLC (zlib, PNG).
    pub crc32: u32,
    /// SHA-256.
    pub sha256: [u8; 32],
}

/// Sums bytes as they pass.
#[derive(Clone, Default)]
pub struct Summing {
    bytes: u64,
    crc32: crc32fast::Hasher,
    sha256: Sha256,
}

impl Summing {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.crc32.update(bytes);
        self.sha256.update(bytes);
    }

    /// The sum of all bytes.
    pub fn finish(self) -> Sum {
        let sha256 = self.sha256.finalize().into();
        Sum { bytes: self.bytes, crc32: self.crc32.finalize(), sha256 }
    }
}

/// A file that is summed while it is written.
pub(crate) struct SummedFile {
    file: File,
    summing: Summing,
}

impl SummedFile {
    pub(crate) fn new(file: File) -> Self {
        Self { file, summing: Summing::default() }
    }

    /// The file, and the sum of what was written.
    pub(crate) fn finish(self) -> (File, Sum) {
        (self.file, self.summing.finish())
    }

    /// The file, and the sum of what was written so far.
    pub(crate) fn so_far(&self) -> (&File, Sum) {
        (&self.file, self.summing.clone().finish())
    }
}

impl Write for SummedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.summing.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sum {
    /// The sum of all that `from` gives.
    pub fn read(mut from: impl Read) -> io::Result<Self> {
        let mut summing = Summing::default();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(summing.finish()),
                Ok(n) => summing.update(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
