//! A line for every published checkpoint, to where security people look.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use record::Timestamp;
use serde_json::json;
use tlog::Checkpoint;

use crate::AnchorError;
use crate::progress::Reached;
use crate::round::{Anchor, Round};
use crate::status::AnchorKind;
use crate::syslog::{Message, Sender};

/// Where the lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SiemTarget {
    /// Syslog over UDP, `host:port`.
    Udp(String),
    /// Syslog over TCP with octet counting, `host:port`.
    Tcp(String),
    /// JSON lines, appended to a file.
    File(PathBuf),
}

impl FromStr for SiemTarget {
    type Err = String;

    /// `udp://host:port`, `tcp://host:port` or `file:PATH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let address = |text: &str| {
            let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
            port.and_then(|(_, port)| port.parse::<u16>().ok()).map(|_| text.to_owned())
        };
        let target = if let Some(to) = text.strip_prefix("udp://") {
            address(to).map(Self::Udp)
        } else if let Some(to) = text.strip_prefix("tcp://") {
            address(to).map(Self::Tcp)
        } else {
            let path = text.strip_prefix("file:").filter(|path| !path.is_empty());
            path.map(|path| Self::File(path.strip_prefix("//").unwrap_or(path).into()))
        };
        target
            .ok_or_else(|| format!("{text:?} is not udp://HOST:PORT, tcp://HOST:PORT or file:PATH"))
    }
}

impl fmt::Display for SiemTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(to) => write!(f, "udp://{to}"),
            Self::Tcp(to) => write!(f, "tcp://{to}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Sends the lines.
#[derive(Debug)]
pub(crate) struct Siem {
    target: SiemTarget,
    /// `None` for a file.
    sender: Option<Sender>,
    host: String,
}

impl Siem {
    pub(crate) fn new(target: SiemTarget) -> Self {
        let sender = match &target {
            SiemTarget::Udp(to) => Some(Sender::Udp(to.clone())),
            SiemTarget::Tcp(to) => Some(Sender::Tcp(to.clone(), None)),
            SiemTarget::File(_) => None,
        };
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { target, sender, host }
    }

    fn send(&mut self, round: &Round<'_>, checkpoint: &Checkpoint, note: &[u8]) -> io::Result<()> {
        let collector = round.layout.collector().as_str();
        let text = line(round.now, collector, checkpoint, note);
        match (&mut self.sender, &self.target) {
            (Some(sender), _) => {
                let (size, root) = (checkpoint.size.to_string(), checkpoint.root.to_string());
                let message = Message {
                    time: &round.now.to_string(),
                    host: &self.host,
                    kind: "CHECKPOINT",
                    data: &[
                        ("collector", collector),
                        ("origin", &checkpoint.origin),
                        ("size", &size),
                        ("root", &root),
                    ],
                    text: &text,
                };
                sender.send(&message.to_bytes(), round.deadline)
            }
            (None, SiemTarget::File(path)) => append(path, &text),
            (None, _) => Ok(()),
        }
    }
}

impl Anchor for Siem {
    fn kind(&self) -> AnchorKind {
        AnchorKind::Siem
    }

    fn name(&self) -> String {
        self.target.to_string()
    }

    fn bring(&mut self, round: &Round<'_>, reached: &mut Reached) -> Result<(), AnchorError> {
        round.each_kept(reached, |_, checkpoint, note| {
            self.send(round, checkpoint, note)
                .map_err(|error| AnchorError::Unavailable(format!("{}: {error}", self.target)))
        })
    }
}

/// The JSON of one checkpoint, on one line: the whole signed note, so that the line alone is proof.
fn line(now: Timestamp, collector: &str, checkpoint: &Checkpoint, note: &[u8]) -> String {
    json!({
        "time": now.to_string(),
        "event": "checkpoint",
        "collector": collector,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": BASE64_STANDARD.encode(checkpoint.root.0),
        "note": String::from_utf8_lossy(note),
    })
    .to_string()
}

/// Appends a line durably. A crash may leave half a line, which the next one is kept apart from.
fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().create(true).read(true).append(true).mode(0o640).open(path)?;
    let mut line = format!("{text}\n");
    if file.metadata()?.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            line.insert(0, '\n');
        }
    }
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_shown() {
        for text in ["udp://siem:514", "tcp://[::1]:6514", "file:/var/log/x.jsonl"] {
            assert_eq!(text.parse::<SiemTarget>().unwrap().to_string(), text);
        }
        let file = SiemTarget::File("/x".into());
        assert_eq!("file:///x".parse::<SiemTarget>().unwrap(), file);
        for text in ["siem:514", "udp://siem", "udp://:514", "tcp://siem:x", "file:", "http://x:1"]
        {
            assert!(text.parse::<SiemTarget>().unwrap_err().contains("udp://HOST:PORT"), "{text}");
        }
    }

    #[test]
    fn half_a_line_is_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siem.jsonl");
        append(&path, "{\"a\":1}").unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"half").unwrap();
        append(&path, "{\"b\":2}").unwrap();
        append(&path, "{\"c\":3}").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"a\":1}\n{\"half\n{\"b\":2}\n{\"c\":3}\n");
    }
}
