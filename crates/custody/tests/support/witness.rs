//! A witness, as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const BINARY: &str = env!("CARGO_BIN_EXE_custody");

/// A running `custody witness serve`.
pub(crate) struct Witness {
    child: Child,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Witness {
    /// Of logs with these keys.
    pub(crate) fn start(state: &Path, logs: &[&str], listen: &str) -> Self {
        let mut child = Command::new(BINARY)
            .args(["witness", "serve", "--listen", listen, "--name", "witness.example/w1"])
            .args(logs.iter().flat_map(|log| ["--log", log]))
            .arg("--state")
            .arg(state)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut url, mut key) = (None, None);
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("url"), Some(text)) => url = Some(text.to_owned()),
                (Some("key"), Some(text)) => key = Some(text.to_owned()),
                _ => {}
            }
            if key.is_some() {
                break;
            }
        }
        Self { child, url: url.unwrap(), key: key.unwrap() }
    }

    pub(crate) fn listen(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    /// As a crash does: `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
