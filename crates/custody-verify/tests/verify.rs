//! The offline verifier as a program, on a ledger made here and on forgeries of it.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

use record::{Digest, Leaf, RecordId, Timestamp};
use tlog::{Checkpoint, Hash, SigningKey, TilePath, Tree, leaf_hash, push_entry};

const ORIGIN: &str = "custody.local/test/c1";

fn leaf(index: u64) -> [u8; 57] {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&index.to_be_bytes());
    Leaf { id: RecordId::from_bytes(id), time: Timestamp(1), envelope: Digest([7; 32]) }.to_bytes()
}

fn write(folder: &Path, name: impl std::fmt::Display, bytes: &[u8]) {
    let path = folder.join(name.to_string());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn flat(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// A ledger of `size`, with checkpoints kept at some sizes.
fn make(folder: &Path, key: &SigningKey, size: u64) {
    let mut tree = Tree::new();
    let mut bundle = Vec::new();
    for index in 0..size {
        assert!(push_entry(&mut bundle, &leaf(index)));
        tree.push(leaf_hash(&leaf(index)), |path, hashes| write(folder, path, &flat(hashes)));
        if (index + 1) % 256 == 0 || index + 1 == size {
            write(folder, TilePath::bundle_covering(index, index + 1), &bundle);
            bundle.clear();
        }
        if [1, 100, 256, size].contains(&(index + 1)) {
            let checkpoint =
                Checkpoint { origin: ORIGIN.to_owned(), size: index + 1, root: tree.root() };
            write(folder, format!("checkpoints/{:03}", index + 1), &checkpoint.sign(key));
            write(folder, "checkpoint", &checkpoint.sign(key));
        }
    }
    for (path, hashes) in tree.partials() {
        write(folder, path, &flat(hashes));
    }
}

fn verify(folder: &Path, key: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_custody-verify"))
        .arg(folder)
        .arg("--key")
        .arg(key)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_good_ledger_is_verified_where_ever_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::new(ORIGIN, &[1; 32]).unwrap();
    let ledger = folder.path().join("archive/c1/ledger");
    make(&ledger, &key, 700);
    let public = key.verifying_key().to_string();
    for place in [ledger.as_path(), &folder.path().join("archive"), folder.path()] {
        let output = verify(place, &public);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains("700 entries"), "{}", said(&output));
    }
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{public}\n")).unwrap();
    assert_eq!(verify(&ledger, file.to_str().unwrap()).status.code(), Some(0));
}

#[test]
fn every_flipped_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::new(ORIGIN, &[1; 32]).unwrap();
    make(folder.path(), &key, 300);
    let public = key.verifying_key().to_string();
    for name in [
        "checkpoint",
        "checkpoints/100",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ] {
        let path = folder.path().join(name);
        let good = std::fs::read(&path).unwrap();
        for at in [0, good.len() / 2, good.len() - 2] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let output = verify(folder.path(), &public);
            assert_eq!(output.status.code(), Some(1), "{name} byte {at}: {}", said(&output));
        }
        std::fs::write(&path, &good).unwrap();
        std::fs::remove_file(&path).unwrap();
        let kept = name.starts_with("checkpoints/");
        let output = verify(folder.path(), &public);
        let expected = if kept {
            Some(0)
        } else if name == "checkpoint" {
            Some(3)
        } else {
            Some(1)
        };
        assert_eq!(output.status.code(), expected, "{name} removed: {}", said(&output));
        std::fs::write(&path, &good).unwrap();
    }
}

#[test]
fn a_log_that_was_cut_back_or_signed_by_another_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::new(ORIGIN, &[1; 32]).unwrap();
    make(folder.path(), &key, 300);
    let old = std::fs::read(folder.path().join("checkpoints/256")).unwrap();
    std::fs::write(folder.path().join("checkpoint"), old).unwrap();
    let output = verify(folder.path(), &key.verifying_key().to_string());
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("cut back"), "{}", said(&output));

    let other = SigningKey::new(ORIGIN, &[2; 32]).unwrap().verifying_key().to_string();
    assert_eq!(verify(folder.path(), &other).status.code(), Some(1));
}

#[test]
fn wrong_usage_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::new(ORIGIN, &[1; 32]).unwrap().verifying_key().to_string();
    assert_eq!(verify(folder.path(), "nonsense").status.code(), Some(2));
    assert_eq!(verify(folder.path(), &key).status.code(), Some(3));
    let none =
        Command::new(env!("CARGO_BIN_EXE_custody-verify")).arg(folder.path()).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}
