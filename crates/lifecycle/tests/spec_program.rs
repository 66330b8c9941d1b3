//! `spec/verify.py` on a hot and a cold archive that were copied into one folder, after files moved
//! and others ended: what records account for is no finding, and all else is one.
//!
//! It needs a Python (`CUSTODY_TEST_PYTHON`, else `python3`) that reads Zstandard; what is absent is
//! said.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "tests")]

mod common;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use archive::Archive as _;
use common::World;

const CAN_READ_COLD: &str = "import sys; sys.version_info >= (3, 14) or __import__('zstandard')";

fn python() -> Option<OsString> {
    let python = std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let can = Command::new(&python).args(["-c", CAN_READ_COLD]).output();
    if can.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("SKIPPED: {} does not read Zstandard, or is not there", python.display());
    None
}

/// A folder with both archives.
struct Copied {
    folder: tempfile::TempDir,
    python: OsString,
    key: String,
}

impl Copied {
    fn of(world: &World, python: &OsString, tiers: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for tier in tiers {
            // The names differ: nothing is copied over something else.
            let tier = world.folder.path().join(tier);
            for file in files_under(&tier) {
                let to = folder.path().join(file.strip_prefix(&tier).unwrap());
                assert!(!to.exists(), "{}", to.display());
                std::fs::create_dir_all(to.parent().unwrap()).unwrap();
                std::fs::write(to, std::fs::read(file).unwrap()).unwrap();
            }
        }
        let described = std::fs::read(world.folder.path().join("archive/custody.json")).unwrap();
        let described: serde_json::Value = serde_json::from_slice(&described).unwrap();
        let key = described.pointer("/collectors/c1/key").unwrap().as_str().unwrap().to_owned();
        Self { folder, python: python.clone(), key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Exit code and what was said.
    fn verify(&self) -> (i32, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/verify.py");
        let output = Command::new(&self.python)
            .arg(script)
            .args([self.folder.path().as_os_str(), self.key.as_ref()])
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }

    #[track_caller]
    fn told(&self, words: &[&str]) {
        let (code, said) = self.verify();
        let found = said.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(code == 1 && found, "{words:?} in: {said}");
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// Names of the records files in one tier, of one class.
fn records(archive: &common::LockingArchive, class: &str) -> Vec<String> {
    let prefix = format!("c1/records/class={class}/");
    archive.list(&prefix).unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn hot_and_cold_in_one_folder_are_verified_and_what_ended_is_accounted_for() {
    let Some(python) = python() else { return };
    let world = World::new(true);
    let running = world.start();
    for day in 0..3 {
        for class in ["standard", "gdpr_minimal", "standard"] {
            running.call("alice", class, &format!("{class} on day {day}"));
            running.settle();
        }
        world.days_pass(1);
    }
    let cold = world.cold.clone().unwrap();
    let hot_before = records(&world.archive, "standard");
    let ended_before = records(&world.archive, "gdpr_minimal");
    assert!(hot_before.len() >= 6 && ended_before.len() >= 3);
    // Many hot files into few cold ones; the hot ones are past their locks and go.
    world.days_pass(130);
    running.lifecycle.tier().unwrap();
    running.lifecycle.expire().unwrap();
    running.settle();
    assert!(records(&world.archive, "standard").is_empty());
    let moved = records(&cold, "standard");
    assert_eq!(moved.len(), 3);
    let all = ["archive", "cold"];
    let (code, said) = Copied::of(&world, &python, &all).verify();
    assert_eq!(code, 0, "{said}");

    // Then the records of the short class end, wherever they are; a call after that stays hot.
    world.days_pass(70);
    running.lifecycle.expire().unwrap();
    running.call("bob", "standard", "after all that");
    running.settle();
    running.lifecycle.tier().unwrap();
    running.settle();
    assert!(records(&world.archive, "gdpr_minimal").is_empty());
    assert!(records(&cold, "gdpr_minimal").is_empty());
    assert_eq!(records(&world.archive, "standard").len(), 1);
    assert!(!running.check().collectors.is_empty());
    running.stop();
    let copied = Copied::of(&world, &python, &all);
    let (code, said) = copied.verify();
    assert_eq!(code, 0, "{said}");

    // One archive alone is not all of it.
    Copied::of(&world, &python, &all[..1]).told(&[&moved[0], "it is missing"]);
    // A cold file that was changed, removed, or invented.
    let name = &moved[1];
    let bytes = std::fs::read(copied.path(name)).unwrap();
    let mut changed = bytes.clone();
    *changed.get_mut(20).unwrap() ^= 1;
    std::fs::write(copied.path(name), changed).unwrap();
    copied.told(&[name, "it was changed"]);
    std::fs::remove_file(copied.path(name)).unwrap();
    copied.told(&[name, "it is missing"]);
    copied.told(&["c1/records, record", "its envelope is in no file"]);
    std::fs::write(copied.path(name), &bytes).unwrap();
    let parts = name.replace("/records/", "/parts/");
    let sealed = std::fs::read(copied.path(&parts)).unwrap();
    std::fs::remove_file(copied.path(&parts)).unwrap();
    copied.told(&[&parts, "is missing or changed"]);
    std::fs::write(copied.path(&parts), sealed).unwrap();
    // Under the name of a hot file that moved away: that one was other bytes.
    std::fs::write(copied.path(&hot_before[1]), &bytes).unwrap();
    copied.told(&[&hot_before[1], "it was changed"]);
    std::fs::remove_file(copied.path(&hot_before[1])).unwrap();
    let (code, said) = copied.verify();
    assert_eq!(code, 0, "{said}");
}
