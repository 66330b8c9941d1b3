//! `custody import`: files of other systems, batch by batch, each durable before the next.

mod files;
mod sink;

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use intake::import::{Beside, Piece, Source};
use serde_json::json;

use crate::cli::ImportArgs;
use crate::output::{self, BAD, DIM, GOOD, Progress, paint, safe};
use crate::{Failure, Outcome};
use files::{File, each_piece};
use sink::Sink;

/// A batch has at most so many records …
const RECORDS: usize = 256;
/// … and, but for its last one, so many bytes.
const BYTES: usize = 8 << 20;
/// Refusals past this many are counted and not listed, except with --json.
const SHOWN: u64 = 20;

pub(crate) fn run(args: &ImportArgs) -> Result<Outcome, Failure> {
    if !args.requests.is_empty() && args.format != Source::OpenAiBatch {
        return Err(Failure::Usage(anyhow!("--requests is for openai-batch")));
    }
    let files = files::list(&args.paths).map_err(Failure::Usage)?;
    let requests = files::list(&args.requests).map_err(Failure::Usage)?;
    let mut beside = Beside::default();
    if args.format.joins() {
        // What is broken is told when it is read for good.
        let known = |file: &&File| file.path.is_some();
        for file in files.iter().filter(known).chain(&requests) {
            each_piece(file, &mut |piece, _| {
                if let Piece::Record { bytes, .. } = piece {
                    beside.note(args.format, &bytes);
                }
                Ok(())
            })?;
        }
    }
    let all = files.iter().map(|file| file.size).sum();
    let mut import = Import {
        args,
        sink: Sink::open(args)?,
        batch: Batch::default(),
        progress: Progress::new(),
        all,
        before: 0,
        done: Total::default(),
    };
    let read = files.iter().try_for_each(|file| import.file(file, &beside));
    let done = import.done;
    drop(import.progress);
    // What is recorded is archived, also when the rest could not be.
    let stopped = import.sink.close();
    read?;
    stopped?;
    summary(args, &done)
}

#[derive(Debug, Clone, Copy, Default)]
struct Total {
    recorded: u64,
    known: u64,
    refused: u64,
}

/// Records on their way, one a line, and where each stood.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    places: Vec<(PathBuf, u64)>,
}

struct Import<'a> {
    args: &'a ImportArgs,
    sink: Sink,
    batch: Batch,
    progress: Progress,
    /// Bytes of all files, and of those before the one that is read.
    all: u64,
    before: u64,
    done: Total,
}

impl Import<'_> {
    fn file(&mut self, file: &File, beside: &Beside) -> Result<(), Failure> {
        let name = file.name();
        let read = each_piece(file, &mut |piece, at| {
            match piece {
                Piece::Record { line, bytes } => {
                    let joined = beside.join(self.args.format, &bytes);
                    let Batch { lines, places } = &mut self.batch;
                    lines.extend_from_slice(&joined);
                    lines.push(b'\n');
                    places.push((name.clone(), line));
                    if places.len() >= RECORDS || lines.len() >= BYTES {
                        self.flush()?;
                    }
                }
                Piece::Broken { line, message } => self.refuse(&name, Some(line), &message)?,
            }
            self.progress.set("importing", self.before + at, self.all);
            Ok(())
        });
        match read {
            Ok(()) => {}
            // The other files may be whole.
            Err(Failure::Usage(error)) => {
                self.flush()?;
                self.refuse(&name, None, &format!("{error:#}"))?;
            }
            Err(error) => return Err(error),
        }
        self.flush()?;
        self.before += file.size;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.batch.places.is_empty() {
            return Ok(());
        }
        let Batch { lines, places } = std::mem::take(&mut self.batch);
        let imported = self.sink.import(self.args.format, lines)?;
        self.done.recorded += imported.recorded;
        self.done.known += imported.known;
        if self.args.json {
            output::json(&json!({
                "batch": { "recorded": imported.recorded, "known": imported.known,
                    "refused": imported.refused.len() },
            }))?;
        }
        for refused in imported.refused {
            let index = usize::try_from(refused.line).ok().and_then(|line| line.checked_sub(1));
            match index.and_then(|index| places.get(index)) {
                Some((file, line)) => self.refuse(file, Some(*line), &refused.message)?,
                None => {
                    return Err(Failure::Run(anyhow!("the recorder names a line that is none")));
                }
            }
        }
        Ok(())
    }

    fn refuse(&mut self, file: &Path, line: Option<u64>, message: &str) -> anyhow::Result<()> {
        self.done.refused += 1;
        if self.args.json {
            let file = file.to_string_lossy();
            return output::json(
                &json!({ "refused": { "file": file, "line": line, "message": message } }),
            );
        }
        if self.done.refused <= SHOWN {
            let place = line.map_or(String::new(), |line| format!(":{line}"));
            let file = safe(&file.to_string_lossy(), 200);
            output::error(&format!("{file}{place}: {}", safe(message, 300)));
        }
        Ok(())
    }
}

fn summary(args: &ImportArgs, done: &Total) -> Result<Outcome, Failure> {
    let Total { recorded, known, refused } = *done;
    if args.json {
        output::json(&json!({
            "summary": { "recorded": recorded, "known": known, "refused": refused,
                "dry_run": args.dry_run },
        }))?;
    } else {
        if refused > SHOWN {
            output::remark(&format!("… and {} more; --json lists all", refused - SHOWN));
        }
        let word = match (args.dry_run, refused) {
            (true, _) => paint(DIM, "WOULD IMPORT"),
            (false, 0) => paint(GOOD, "IMPORTED"),
            (false, _) => paint(BAD, "IMPORTED IN PART"),
        };
        output::line(format!(
            "{word}  {recorded} recorded, {known} known before, {refused} refused"
        ))?;
    }
    Ok(if refused == 0 { Outcome::Done } else { Outcome::Found })
}
