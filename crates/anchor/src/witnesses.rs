//! The client of a witness, C2SP tlog-witness.

use std::time::Instant;

use tlog::{Checkpoint, CosignatureKey, Note, TileReader, consistency_proof};

use crate::AnchorError;
use crate::http::Http;
use crate::request::{AddCheckpoint, decimal};

const TEXT: &str = "text/plain; charset=utf-8";
const SIZE: &str = "text/x.tlog.size";
/// A witness says its size once; somebody else may bring it forward meanwhile, but not often.
const ATTEMPTS: usize = 4;

/// A client of one witness. Must not be used within an asynchronous runtime.
#[derive(Debug)]
pub struct WitnessClient {
    url: String,
    key: CosignatureKey,
    http: Http,
}

/// What a witness gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// The checkpoint with the log's signatures and this witness's cosignature.
    pub note: Vec<u8>,
    /// When the witness cosigned, seconds since 1970.
    pub time: u64,
    /// The size that the witness had before, when that is less than it cosigned for us already:
    /// it has lost its state.
    pub went_back_to: Option<u64>,
}

impl WitnessClient {
    /// Of the witness at the submission prefix `url`, whose cosignatures `key` verifies.
    pub fn new(url: &str, key: CosignatureKey) -> Result<Self, AnchorError> {
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        Ok(Self { url, key, http: Http::new()? })
    }

    /// The witness's key.
    pub fn key(&self) -> &CosignatureKey {
        &self.key
    }

    /// Brings a signed checkpoint (`note`, whose head is `checkpoint`) to the witness, before
    /// `deadline`. `last` is the size that the witness cosigned last as far as is known, 0 for
    /// none; `tiles` are those of the log.
    pub fn submit(
        &self,
        note: &[u8],
        checkpoint: &Checkpoint,
        last: u64,
        tiles: &impl TileReader,
        deadline: Instant,
    ) -> Result<Cosigned, AnchorError> {
        let mut old = last.min(checkpoint.size);
        let mut went_back_to = None;
        for _ in 0..ATTEMPTS {
            let proof = consistency_proof(old, checkpoint.size, tiles).map_err(|error| {
                AnchorError::Unavailable(format!("no proof from size {old}: {error}"))
            })?;
            let body = AddCheckpoint { old, proof, note: note.to_vec() }.to_bytes();
            let reply = self.http.post(&self.url, TEXT, TEXT, body, deadline)?;
            match reply.status {
                200 => {
                    let (note, time) = self.take(note, &reply.body)?;
                    return Ok(Cosigned { note, time, went_back_to });
                }
                409 if reply.is(SIZE) => {
                    let text = std::str::from_utf8(&reply.body).unwrap_or_default();
                    let size = decimal(text.trim_end_matches('\n'))
                        .ok_or_else(|| reply.unexpected(&self.url))?;
                    self.compare(size, old, checkpoint)?;
                    went_back_to = (size < last).then_some(size);
                    old = size;
                }
                409 => return Err(self.contradicts(checkpoint, &reply.body)),
                422 => {
                    return Err(AnchorError::Contradicted(format!(
                        "{} does not take size {} as a continuation of size {old}: the log that it \
                         saw was another one",
                        self.url, checkpoint.size
                    )));
                }
                404 => {
                    return Err(AnchorError::Refused(format!(
                        "{} does not know the log {}: give the log's key to whoever runs it, and \
                         see that the URL is right",
                        self.url, checkpoint.origin
                    )));
                }
                403 => {
                    return Err(AnchorError::Refused(format!(
                        "{} knows {} with another key than ours",
                        self.url, checkpoint.origin
                    )));
                }
                _ => return Err(reply.unexpected(&self.url)),
            }
        }
        Err(AnchorError::Unavailable(format!("{} keeps changing its size", self.url)))
    }

    /// What a witness's size says about our log.
    fn compare(&self, size: u64, asked: u64, checkpoint: &Checkpoint) -> Result<(), AnchorError> {
        if size > checkpoint.size {
            return Err(AnchorError::Contradicted(format!(
                "{} has seen size {size} of this log, which has only {}: it was cut back, or this \
                 is an old copy of it",
                self.url, checkpoint.size
            )));
        }
        // It has the size that it was told and refuses all the same.
        match size == asked {
            true if asked == checkpoint.size => Err(self.contradicts(checkpoint, b"")),
            true => Err(AnchorError::Refused(format!(
                "{} refuses size {size} and says that it has it",
                self.url
            ))),
            false => Ok(()),
        }
    }

    fn contradicts(&self, checkpoint: &Checkpoint, said: &[u8]) -> AnchorError {
        let said: String = String::from_utf8_lossy(said).trim().chars().take(200).collect();
        AnchorError::Contradicted(format!(
            "{} has another root at size {}: the log was written anew {said:?}",
            self.url, checkpoint.size
        ))
    }

    /// The note with this witness's cosignature, after that was verified; other lines of the answer
    /// are dropped.
    fn take(&self, note: &[u8], lines: &[u8]) -> Result<(Vec<u8>, u64), AnchorError> {
        let refused = |why: String| AnchorError::Refused(format!("{}: {why}", self.url));
        let mut kept = Note::parse(note).map_err(|error| refused(error.to_string()))?;
        let answer = Note::parse(&[note, lines].concat())
            .map_err(|error| refused(format!("its answer is no cosignature: {error}")))?;
        let time = kept.adopt(&answer, &self.key).map_err(|error| refused(error.to_string()))?;
        Ok((kept.to_bytes(), time))
    }
}
