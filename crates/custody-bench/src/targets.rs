//! What is measured: no proxy, nginx, and Custody in each of its modes.

mod custody;
mod nginx;

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::child::Child;
pub(crate) use custody::{Recorded, build as build_custody};
pub(crate) use nginx::find as find_nginx;

/// A way from the load generator to the upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Target {
    /// No proxy.
    Direct,
    /// nginx `proxy_pass` without a log.
    Nginx,
    /// Custody in `observe` with a sink that discards: the request path alone.
    ObserveDiscard,
    /// Custody in `observe`.
    Observe,
    /// Custody in `evidence`, its default.
    Evidence,
    /// Custody in `fail-closed`.
    FailClosed,
}

impl Target {
    /// All of them, in the order of the report.
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::ObserveDiscard => "observe-discard",
            Self::Observe => "observe",
            Self::Evidence => "evidence",
            Self::FailClosed => "fail-closed",
        }
    }

    /// How long it must have done nothing before all its work is done: Custody seals once a second.
    pub(crate) fn quiet(self) -> Duration {
        Duration::from_millis(match self {
            Self::Direct => 0,
            Self::Nginx | Self::ObserveDiscard => 200,
            Self::Observe | Self::Evidence | Self::FailClosed => 1_200,
        })
    }

    /// Whether it needs Custody's binary.
    pub(crate) fn is_custody(self) -> bool {
        !matches!(self, Self::Direct | Self::Nginx)
    }
}

/// Directories of targets start with this.
const RUN: &str = "custody-bench-run-";

/// What all targets need to start.
pub(crate) struct Lab {
    /// The upstream.
    pub(crate) upstream: SocketAddr,
    /// The core for the proxy.
    pub(crate) core: usize,
    /// A directory on the disk, for configurations and logs.
    pub(crate) scratch: PathBuf,
    /// nginx, when it is among the targets.
    pub(crate) nginx: PathBuf,
    /// Custody's binary, when it is among the targets.
    pub(crate) custody: PathBuf,
}

/// A target that takes requests.
pub(crate) struct Running {
    /// Where.
    pub(crate) addr: SocketAddr,
    /// The path of the chat endpoint.
    pub(crate) path: &'static str,
    /// Its process; none for the upstream itself.
    pub(crate) child: Option<Child>,
    /// Custody's own port.
    pub(crate) api: Option<SocketAddr>,
    /// Removed with the target.
    pub(crate) dir: Option<TempDir>,
}

impl Lab {
    /// Starts a target afresh, so that its memory and its content are of one run only.
    pub(crate) fn start(&self, target: Target, streams: bool) -> Result<Running> {
        match target {
            Target::Direct => Ok(Running {
                addr: self.upstream,
                path: "/v1/chat/completions",
                child: None,
                api: None,
                dir: None,
            }),
            Target::Nginx => nginx::start(self, streams),
            Target::ObserveDiscard => custody::start(self, "observe", "discard"),
            Target::Observe => custody::start(self, "observe", "log"),
            Target::Evidence => custody::start(self, "evidence", "log"),
            Target::FailClosed => custody::start(self, "fail-closed", "log"),
        }
    }

    fn directory(&self) -> Result<TempDir> {
        Ok(tempfile::Builder::new().prefix(RUN).tempdir_in(&self.scratch)?)
    }

    /// Removes what interrupted runs left. Only for whoever holds the lock.
    pub(crate) fn sweep(&self) -> Result<()> {
        for entry in std::fs::read_dir(&self.scratch)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(RUN) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A free port. Somebody else may take it before the target does; the target then fails loudly.
fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn write(path: &Path, text: &str) -> Result<()> {
    Ok(File::create(path)?.write_all(text.as_bytes())?)
}

/// Waits until a target is ready; what it wrote to `log` explains why it is not.
fn wait_until(child: &Child, log: &Path, what: &str, ready: impl Fn() -> bool) -> Result<()> {
    let patience = Instant::now() + Duration::from_secs(20);
    while !ready() {
        if child.ended() || Instant::now() > patience {
            let mut said = String::new();
            File::open(log)?.read_to_string(&mut said)?;
            bail!("{what} does not become ready; it says:\n{said}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
