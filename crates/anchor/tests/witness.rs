//! The witness as others meet it: over HTTP, with logs that behave and logs that do not.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anchor::{AnchorError, Answer, ArchiveTiles, Cosigned, Witness, WitnessClient, WitnessError};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use support::{ORIGIN, Served, TestLog, Turned, layout};
use tlog::{Checkpoint, CosigningKey, Hash, Note, SigningKey, consistency_proof, empty_root};

/// A request's body, with the proof that the tiles give.
fn body(log: &TestLog, old: u64, note: &[u8]) -> Vec<u8> {
    let size = log.checkpoint().size;
    let layout = layout();
    let tiles = ArchiveTiles::new(log.archive.as_ref(), &layout);
    let proof = if old <= size { consistency_proof(old, size, &tiles).unwrap() } else { vec![] };
    with_proof(old, &proof, note)
}

fn with_proof(old: u64, proof: &[Hash], note: &[u8]) -> Vec<u8> {
    let lines: String = proof.iter().map(|hash| BASE64_STANDARD.encode(hash.0) + "\n").collect();
    [format!("old {old}\n{lines}\n").as_bytes(), note].concat()
}

fn open(folder: &Path, log: &TestLog) -> Witness {
    Witness::open(folder, Some("witness.example/w1"), vec![log.vkey()], Turned::new()).unwrap()
}

fn conflict(answer: &Answer, size: u64) {
    let expected =
        Answer { status: 409, content_type: "text/x.tlog.size", body: format!("{size}\n") };
    assert_eq!(*answer, expected);
}

/// That the answer is a cosignature over the note.
fn cosigned(witness: &Witness, note: &[u8], answer: &Answer) -> u64 {
    assert_eq!(answer.status, 200, "{answer:?}");
    let note = Note::parse(&[note, answer.body.as_bytes()].concat()).unwrap();
    note.cosigned(&witness.key()).unwrap()
}

#[test]
fn answers_are_those_of_the_specification() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let witness = open(&dir.path().join("w"), &log);
    let first = log.grow(3);

    let foreign = SigningKey::new("example.com/other", &[7; 32]).unwrap();
    let mut other = log.checkpoint();
    other.origin = "example.com/other".into();
    assert_eq!(witness.add_checkpoint(&body(&log, 0, &other.sign(&foreign))).status, 404);
    let stranger = SigningKey::new(ORIGIN, &[8; 32]).unwrap();
    let strange = log.checkpoint().sign(&stranger);
    assert_eq!(witness.add_checkpoint(&body(&log, 0, &strange)).status, 403);
    let text = String::from_utf8(first.clone()).unwrap();
    let changed = text.replacen("\n3\n", "\n4\n", 1);
    assert_eq!(witness.add_checkpoint(&body(&log, 0, changed.as_bytes())).status, 403);
    for malformed in ["", "old 0\n", "old 0\n\n", "old 00\n\nx\n1\ny\n\n", "old 0\n\nno note\n"] {
        assert_eq!(witness.add_checkpoint(malformed.as_bytes()).status, 400, "{malformed:?}");
    }
    // The old size is past the new one; past what the witness has; the proof must be empty from 0.
    assert_eq!(witness.add_checkpoint(&body(&log, 4, &first)).status, 400);
    conflict(&witness.add_checkpoint(&body(&log, 2, &first)), 0);
    let superfluous = with_proof(0, &[Hash([1; 32])], &first);
    assert_eq!(witness.add_checkpoint(&superfluous).status, 422);

    let answer = witness.add_checkpoint(&body(&log, 0, &first));
    assert_eq!(cosigned(&witness, &first, &answer), 1_795_435_200);
    conflict(&witness.add_checkpoint(&body(&log, 0, &first)), 3);
    // The same size again is cosigned again.
    cosigned(&witness, &first, &witness.add_checkpoint(&body(&log, 3, &first)));

    let second = log.grow(700);
    let layout = layout();
    let tiles = ArchiveTiles::new(log.archive.as_ref(), &layout);
    let mut proof = consistency_proof(3, 700, &tiles).unwrap();
    let good = with_proof(3, &proof, &second);
    proof[0] = Hash([9; 32]);
    assert_eq!(witness.add_checkpoint(&with_proof(3, &proof, &second)).status, 422);
    assert_eq!(witness.add_checkpoint(&with_proof(3, &[], &second)).status, 422);
    assert_eq!(witness.logs(), [(ORIGIN.to_owned(), 3)]);
    cosigned(&witness, &second, &witness.add_checkpoint(&good));
    assert_eq!(witness.logs(), [(ORIGIN.to_owned(), 700)]);
}

#[test]
fn the_empty_tree_has_one_root() {
    let dir = tempfile::tempdir().unwrap();
    let log = TestLog::new(dir.path());
    let witness = open(&dir.path().join("w"), &log);
    let empty = |root| Checkpoint { origin: ORIGIN.into(), size: 0, root }.sign(&log.key);
    let wrong = with_proof(0, &[], &empty(Hash([0; 32])));
    assert_eq!(witness.add_checkpoint(&wrong).status, 422);
    let right = empty(empty_root());
    for _ in 0..2 {
        cosigned(&witness, &right, &witness.add_checkpoint(&with_proof(0, &[], &right)));
    }
}

#[test]
fn a_fork_is_refused_and_kept_as_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let mut fork = TestLog::with_salt(&dir.path().join("fork"), 1);
    let folder = dir.path().join("w");
    let witness = open(&folder, &log);
    let honest = log.grow(20);
    cosigned(&witness, &honest, &witness.add_checkpoint(&body(&log, 0, &honest)));

    let forged = fork.grow(20);
    conflict(&witness.add_checkpoint(&body(&fork, 20, &forged)), 20);
    let evidence = std::fs::read_dir(folder.join("evidence")).unwrap().next().unwrap().unwrap();
    let text = std::fs::read(evidence.path()).unwrap();
    for note in [&honest, &forged] {
        assert!(text.windows(note.len()).any(|window| window == note.as_slice()));
    }
    // A fork that grows on is not consistent; one that is shorter has an old size that is not held.
    let longer = fork.grow(30);
    assert_eq!(witness.add_checkpoint(&body(&fork, 20, &longer)).status, 422);
    let mut cut = TestLog::new(&dir.path().join("cut"));
    let shorter = cut.grow(10);
    conflict(&witness.add_checkpoint(&body(&cut, 10, &shorter)), 20);
    assert_eq!(witness.add_checkpoint(&body(&cut, 20, &shorter)).status, 400);
    assert_eq!(witness.logs(), [(ORIGIN.to_owned(), 20)]);
}

#[test]
fn what_was_cosigned_outlives_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let folder = dir.path().join("w");
    let key = {
        let witness = open(&folder, &log);
        let note = log.grow(5);
        cosigned(&witness, &note, &witness.add_checkpoint(&body(&log, 0, &note)));
        let second = Witness::open(&folder, None, vec![log.vkey()], Turned::new()).err().unwrap();
        assert!(matches!(second, WitnessError::Busy(_)), "{second}");
        witness.key()
    };
    let witness = open(&folder, &log);
    assert_eq!((witness.key(), witness.logs()), (key, vec![(ORIGIN.to_owned(), 5)]));
    drop(witness);
    // One of the two files put back from an old copy, cut, or removed: see state.rs for all ways.
    for entry in std::fs::read_dir(folder.join("logs")).unwrap() {
        let path = entry.unwrap().path();
        let good = std::fs::read(&path).unwrap();
        std::fs::write(&path, &good[..good.len() / 2]).unwrap();
        let refused = Witness::open(&folder, None, vec![log.vkey()], Turned::new()).err().unwrap();
        assert!(matches!(refused, WitnessError::Damaged { .. }), "{refused}");
        std::fs::write(&path, &good).unwrap();
    }
    let nothing = Witness::open(&folder, None, vec![], Turned::new()).err().unwrap();
    assert!(matches!(nothing, WitnessError::Usage(_)));
}

#[test]
fn requests_for_one_log_go_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let witness = Arc::new(open(&dir.path().join("w"), &log));
    let requests: Vec<(u64, Vec<u8>)> =
        (1..=16).map(|size| (size, with_proof(0, &[], &log.grow(size)))).collect();
    let threads: Vec<_> = requests
        .into_iter()
        .map(|(size, body)| {
            let witness = Arc::clone(&witness);
            std::thread::spawn(move || (size, witness.add_checkpoint(&body).status))
        })
        .collect();
    let answers: Vec<(u64, u16)> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    // All ask from size 0: one gets it, all others are told.
    let taken: Vec<u64> =
        answers.iter().filter(|(_, s)| *s == 200).map(|(size, _)| *size).collect();
    assert_eq!(taken.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|(_, status)| matches!(status, 200 | 409)), "{answers:?}");
    assert_eq!(witness.logs()[0].1, taken[0]);
}

/// Sends raw bytes, gives the answer's head.
fn raw(served: &Served, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // Who is refused early may have hung up before all was sent.
    drop(stream.write_all(request));
    let mut answer = [0; 2048];
    let mut length = 0;
    while !answer[..length].windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut answer[length..]) {
            Ok(0) | Err(_) => break,
            Ok(read) => length += read,
        }
    }
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[test]
fn over_http() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let served = Served::start(&dir.path().join("w"), vec![log.vkey()], Turned::new());
    let post = |length: usize, body: &[u8]| {
        let head =
            format!("POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: {length}\r\n\r\n");
        raw(&served, &[head.as_bytes(), body].concat())
    };
    let note = log.grow(4);
    let good = with_proof(0, &[], &note);
    assert!(post(good.len(), &good).starts_with("HTTP/1.1 200 "));
    let conflict = post(good.len(), &good);
    assert!(conflict.starts_with("HTTP/1.1 409 "), "{conflict}");
    assert!(conflict.contains("content-type: text/x.tlog.size\r\n"), "{conflict}");
    let large = vec![b'x'; 80_000];
    assert!(post(large.len(), &large).starts_with("HTTP/1.1 413 "));
    assert!(
        raw(&served, b"GET /add-checkpoint HTTP/1.1\r\nhost: w\r\n\r\n")
            .starts_with("HTTP/1.1 405 ")
    );
    assert!(raw(&served, b"POST /x HTTP/1.1\r\nhost: w\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(raw(&served, b"\x16\x03\x01\x02\x00\x01\n\n").starts_with("HTTP/1.1 400 "));
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[test]
fn the_client_finds_its_place_and_believes_only_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(&dir.path().join("log"));
    let served = Served::start(&dir.path().join("w"), vec![log.vkey()], Turned::new());
    let client = WitnessClient::new(&format!("{}/", served.url()), served.witness.key()).unwrap();
    let submit = |client: &WitnessClient,
                  log: &TestLog,
                  note: &[u8],
                  last|
     -> Result<Cosigned, AnchorError> {
        let layout = layout();
        let tiles = ArchiveTiles::new(log.archive.as_ref(), &layout);
        client.submit(note, &log.checkpoint(), last, &tiles, soon())
    };
    let note = log.grow(300);
    let first = submit(&client, &log, &note, 0).unwrap();
    assert_eq!((first.time, first.went_back_to), (1_795_435_200, None));
    let kept = Note::parse(&first.note).unwrap();
    assert!(kept.verify(&log.vkey()).is_ok() && kept.cosigned(client.key()).is_ok());

    // It has forgotten where the witness is: 409 tells.
    let note = log.grow(1000);
    assert_eq!(submit(&client, &log, &note, 0).unwrap().went_back_to, None);
    // The witness has less than it cosigned: it is told, and still brought forward.
    let note = log.grow(1100);
    assert_eq!(submit(&client, &log, &note, 1050).unwrap().went_back_to, Some(1000));
    assert_eq!(served.witness.logs()[0].1, 1100);

    let impostor = CosigningKey::new("witness.example/w1", &[1; 32]).unwrap().cosignature_key();
    let distrusting = WitnessClient::new(&served.url(), impostor).unwrap();
    let error = submit(&distrusting, &log, &note, 1100).unwrap_err();
    assert!(matches!(error, AnchorError::Refused(_)), "{error}");

    // Cut back, written anew at the same size, and written anew and grown.
    let mut cut = TestLog::new(&dir.path().join("cut"));
    let short = cut.grow(500);
    let mut fork = TestLog::with_salt(&dir.path().join("fork"), 1);
    let error = submit(&client, &cut, &short, 0).unwrap_err();
    assert!(
        matches!(&error, AnchorError::Contradicted(why) if why.contains("has only 500")),
        "{error}"
    );
    let forged = fork.grow(1100);
    for last in [0, 1100] {
        let error = submit(&client, &fork, &forged, last).unwrap_err();
        assert!(
            matches!(&error, AnchorError::Contradicted(why) if why.contains("written anew")),
            "{error}"
        );
    }
    let forged = fork.grow(1200);
    let error = submit(&client, &fork, &forged, 1100).unwrap_err();
    assert!(
        matches!(&error, AnchorError::Contradicted(why) if why.contains("continuation")),
        "{error}"
    );

    let unknown = Served::start(
        &dir.path().join("w2"),
        vec![SigningKey::new("example.com/other", &[7; 32]).unwrap().verifying_key()],
        Turned::new(),
    );
    let client = WitnessClient::new(&unknown.url(), unknown.witness.key()).unwrap();
    let error = submit(&client, &log, &note, 0).unwrap_err();
    assert!(
        matches!(&error, AnchorError::Refused(why) if why.contains("does not know")),
        "{error}"
    );
    let address = unknown.address;
    drop(unknown);
    let error = submit(&client, &log, &note, 0).unwrap_err();
    assert!(
        matches!(&error, AnchorError::Unavailable(why) if why.contains(&address.to_string())),
        "{error}"
    );
    let nowhere = WitnessClient::new("not a url", client.key().clone()).unwrap();
    assert!(matches!(submit(&nowhere, &log, &note, 0), Err(AnchorError::Refused(_))));
}

#[test]
fn a_witness_that_hangs_is_left_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = TestLog::new(dir.path());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let key = CosigningKey::new("w", &[1; 32]).unwrap().cosignature_key();
    let client =
        WitnessClient::new(&format!("http://{}", silent.local_addr().unwrap()), key).unwrap();
    let note = log.grow(3);
    let layout = layout();
    let tiles = ArchiveTiles::new(log.archive.as_ref(), &layout);
    let deadline = Instant::now() + Duration::from_millis(200);
    let error = client.submit(&note, &log.checkpoint(), 0, &tiles, deadline).unwrap_err();
    assert!(matches!(&error, AnchorError::Unavailable(why) if why.contains("in time")), "{error}");
}
