//! Custody itself, as its users start it.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Lab, Running, free_port, wait_until, write};
use crate::child::{Child, pinned};
use crate::http;

/// How many of the calls that were sent are in the log.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// Calls that were sent.
    pub(crate) sent: u64,
    /// Calls that Custody says it admitted; `None` when it does not say.
    pub(crate) admitted: Option<f64>,
    /// Numbers that it put into gap records.
    pub(crate) gaps: Option<f64>,
    /// CPU microseconds per call from the start of the process to its end, sealing included.
    pub(crate) cpu_per_call: f64,
}

/// Builds the binary of this workspace.
pub(crate) fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "-p", "custody", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo; name a binary with --custody")?;
    ensure!(output.status.success(), "custody does not build; name a binary with --custody");
    // Cargo knows where its target directory is.
    let messages = String::from_utf8(output.stdout)?;
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = artifacts.filter_map(|artifact| {
        let named = artifact.pointer("/target/name")?.as_str()? == "custody";
        let program = PathBuf::from(artifact.get("executable")?.as_str()?);
        named.then_some(program)
    });
    programs.next().context("the package custody has no program; name one with --custody")
}

/// With an empty log of its own.
pub(super) fn start(lab: &Lab, mode: &str, sink: &str) -> Result<Running> {
    let dir = lab.directory()?;
    let (addr, api) = (free_port()?, free_port()?);
    let (root, upstream) = (dir.path().display(), lab.upstream);
    // The immutable flag would outlive the run.
    let configuration = format!(
        r#"data = "{root}/data"
archive_immutable = false
[proxy]
listen = "{addr}"
mode = "{mode}"
[api]
listen = "{api}"
[capture]
sink = "{sink}"
[[upstream]]
name = "mock"
base_url = "http://{upstream}"
format = "openai"
"#
    );
    let file = dir.path().join("custody.toml");
    write(&file, &configuration)?;
    let log = dir.path().join("output");
    let output = File::create(&log)?;
    let mut command = pinned(lab.core, &lab.custody);
    command.arg("serve").arg("--config").arg(&file);
    let child = Child::spawn(command.stdout(output.try_clone()?).stderr(output))?;
    wait_until(&child, &log, "custody", || {
        http::get(api, "/readyz").is_ok_and(|(status, _)| status == 200)
    })?;
    let path = "/mock/v1/chat/completions";
    Ok(Running { addr, path, child: Some(child), api: Some(api), dir: Some(dir) })
}

impl Running {
    /// Ends the target; for Custody, asks first how much it recorded.
    pub(crate) fn finish(self, sent: u64) -> Result<Option<Recorded>> {
        let metrics = self.api.map(|api| http::get(api, "/metrics")).transpose()?;
        let used = self.child.map(Child::stop).transpose()?.unwrap_or_default();
        drop(self.dir);
        Ok(metrics.map(|(_, text)| Recorded {
            sent,
            admitted: http::counter(&text, "custody_admitted_total"),
            gaps: http::counter(&text, "custody_gap_numbers_total"),
            cpu_per_call: crate::num::float(used) / crate::num::float(sent.max(1)),
        }))
    }
}
