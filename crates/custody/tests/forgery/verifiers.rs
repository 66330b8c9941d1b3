//! The verifiers, as programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::case::Case;
use crate::support::custody_with;

/// In the order of the table's columns.
pub(crate) const VERIFIERS: [&str; 4] = ["verify", "verify --key", "custody-verify", "verify.py"];

/// What a verifier said, a finding a line, and the code that it ended with.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) lines: Vec<String>,
}

pub(crate) struct Verifiers {
    offline: PathBuf,
    python: Option<OsString>,
}

impl Verifiers {
    /// Builds `custody-verify`, which is another package's, and looks for a Python.
    pub(crate) fn find() -> Self {
        let custody = Path::new(env!("CARGO_BIN_EXE_custody"));
        let profile = custody.parent().unwrap();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "--locked", "-p", "custody-verify", "--target-dir"]);
        cargo.arg(profile.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "custody-verify does not build");
        let python = std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
        let there = Command::new(&python).arg("--version").output().is_ok();
        if !there {
            println!("SKIPPED: spec/verify.py, since there is no {}", python.display());
        }
        Self { offline: profile.join("custody-verify"), python: there.then_some(python) }
    }

    /// `custody-verify` on a folder.
    pub(crate) fn offline(&self, folder: &Path, arguments: &[&str]) -> Said {
        program(Command::new(&self.offline).arg(folder).args(arguments))
    }

    /// `spec/verify.py` on an archive; `None` without a Python.
    pub(crate) fn script(&self, archive: &Path, key: &str) -> Option<Said> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/verify.py");
        let python = self.python.as_ref()?;
        Some(program(Command::new(python).arg(script).arg(archive).arg(key)))
    }

    /// Runs all that are there on a copy.
    pub(crate) fn run(&self, case: &Case, key: &str) -> Vec<(&'static str, Said)> {
        let archive = case.archive();
        let mut said = vec![
            (VERIFIERS[0], verify(case.data(), &[], &[])),
            (VERIFIERS[1], verify(case.data(), &["--key", key], &[])),
            (VERIFIERS[2], self.offline(&archive, &["--key", key])),
        ];
        said.extend(self.script(&archive, key).map(|said| (VERIFIERS[3], said)));
        said
    }
}

fn program(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(!text.contains("panicked") && !text.contains("Traceback"), "{text}");
    Said {
        code: output.status.code().unwrap_or(-1),
        lines: text.lines().map(str::to_owned).collect(),
    }
}

/// `custody verify` with what a policy says, and in which environment.
pub(crate) fn verify(data: &Path, more: &[&str], environment: &[(String, String)]) -> Said {
    let mut arguments = vec!["verify", "--json", "--data", data.to_str().unwrap()];
    arguments.extend_from_slice(more);
    let run = custody_with(&arguments, environment);
    let mut lines: Vec<String> = run.stderr.lines().map(str::to_owned).collect();
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    let of_collectors = report["collectors"].as_array().into_iter().flatten();
    let findings = of_collectors.map(|c| &c["findings"]).chain([&report["findings"]]);
    for finding in findings.filter_map(Value::as_array).flatten() {
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        let record = finding["record"].as_u64().map_or(String::new(), |n| format!(", record {n}"));
        lines.push(format!("{}{record}: {}", text("file"), text("what")));
    }
    for log in report["policy"]["collectors"].as_array().into_iter().flatten() {
        let findings = log["findings"].as_array().into_iter().flatten();
        lines.extend(findings.filter_map(Value::as_str).map(str::to_owned));
        if log["quorum"] == false {
            lines.push("the quorum does not hold for any checkpoint".to_owned());
        }
    }
    Said { code: run.code, lines }
}
