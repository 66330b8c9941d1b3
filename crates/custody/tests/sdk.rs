//! The official Python SDKs through the proxy, on recorded traffic.
//!
//! Needs `CUSTODY_TEST_PYTHON`, a Python with `openai` and `anthropic`, and the recordings in
//! `CUSTODY_SHARED`; says so where they are absent.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

#[test]
fn official_sdks_read_the_same_through_the_proxy() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = std::env::var_os("CUSTODY_SHARED")
        .map_or_else(|| root.join("../../../shared"), PathBuf::from);
    let python = std::env::var_os("CUSTODY_TEST_PYTHON");
    let (Some(python), true) = (python, shared.join("corpus/traffic/core.jsonl").exists()) else {
        // Past the test harness, which keeps back what passing tests print.
        drop(writeln!(
            std::io::stderr(),
            "LEFT OUT: set CUSTODY_TEST_PYTHON and CUSTODY_SHARED to run the official SDKs"
        ));
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg(root.join("tests/python/sdk.py"))
        .arg(env!("CARGO_BIN_EXE_custody"))
        .arg(&shared)
        .arg(folder.path())
        .env("no_proxy", "*")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    eprintln!("{said}");
}
