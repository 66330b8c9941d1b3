//! The offline verifier as a program, on a ledger made here and on forgeries of it.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output};

use record::{Digest, Leaf, RecordId, Timestamp};
use tlog::{
    Checkpoint, CosigningKey, Hash, Note, SigningKey, TilePath, Tree, leaf_hash, push_entry,
};

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

/// A policy of one witness, and what the program says with it.
#[test]
fn a_policy_asks_for_witnesses() {
    let dir = tempfile::tempdir().unwrap();
    let key = SigningKey::new(ORIGIN, &[3; 32]).unwrap();
    make(dir.path(), &key, 600);
    let witness = CosigningKey::new("witness.example/w1", &[4; 32]).unwrap();
    let policy = dir.path().join("policy");
    let text =
        format!("log {}\nwitness W {}\nquorum W\n", key.verifying_key(), witness.cosignature_key());
    std::fs::write(&policy, &text).unwrap();
    let judged = |policy: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_custody-verify"))
            .arg(dir.path())
            .arg("--policy")
            .arg(policy)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap(), said + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, said) = judged(&policy);
    assert!(code == 1 && said.contains("does not hold"), "{said}");

    let cosign = |bytes: &[u8], place: &str| {
        let mut note = Note::parse(bytes).unwrap();
        note.cosign(&witness, 1_795_435_200);
        write(dir.path(), place, &note.to_bytes());
    };
    let kept = std::fs::read(dir.path().join("checkpoints/256")).unwrap();
    cosign(&kept, "anchors/256/witness-x.note");
    write(dir.path(), "anchors/256/timestamp.tsr", b"for openssl");
    let (code, said) = judged(&policy);
    assert!(code == 0 && said.contains("up to 256 of 600, at 1795435200"), "{said}");

    // What was cosigned has another root, or is of a larger log.
    for (size, what) in [(256, "written anew"), (700, "cut back")] {
        let forged = Checkpoint { origin: ORIGIN.to_owned(), size, root: Hash([1; 32]) };
        cosign(&forged.sign(&key), "anchors/700/witness-y.note");
        let (code, said) = judged(&policy);
        assert!(code == 1 && said.contains(what), "{said}");
    }
    std::fs::remove_dir_all(dir.path().join("anchors/700")).unwrap();

    // A policy about another log, and one that is none.
    let other = SigningKey::new("example.com/other", &[5; 32]).unwrap().verifying_key();
    let elsewhere = dir.path().join("elsewhere");
    std::fs::write(&elsewhere, format!("log {other}\nquorum none\n")).unwrap();
    let (code, said) = judged(&elsewhere);
    assert!(code == 1 && said.contains("names no log that is here"), "{said}");
    std::fs::write(&elsewhere, format!("{text}quorum none\n")).unwrap();
    let (code, said) = judged(&elsewhere);
    assert!(code == 2 && said.contains("line 4"), "{said}");
}
