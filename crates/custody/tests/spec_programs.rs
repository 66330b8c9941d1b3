//! The programs of `spec/` on what the real binary wrote: `verify.py` audits, `open.py` opens one part.
//!
//! They need a Python (`CUSTODY_TEST_PYTHON`, else `python3`), `open.py` also `cryptography` and
//! `zstandard`; what is absent is said.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![expect(clippy::disallowed_methods, reason = "tests")]

mod support;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{
    Random, SOON, Server, Setup, Upstream, all_records, chat, custody, files_under, post, until,
};

fn python() -> OsString {
    std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into())
}

/// Exit code, standard output, standard error; `None`, and says so, where there is no Python.
fn run(script: &str, arguments: &[&str]) -> Option<(i32, Vec<u8>, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec").join(script);
    let Ok(output) = Command::new(python()).arg(path).args(arguments).output() else {
        println!("SKIPPED: spec/{script}, since there is no {}", python().display());
        return None;
    };
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!complained.contains("Traceback"), "{script}: {complained}");
    Some((output.status.code().unwrap_or(-1), output.stdout, complained))
}

/// A few calls, recorded; the key, and the id of the last call.
fn recorded(folder: &Path) -> (PathBuf, String, String) {
    let upstream = Upstream::start();
    let mut setup = Setup::new(folder, upstream.address);
    "segment_bytes = \"16KiB\"".clone_into(&mut setup.ledger);
    // The installation's id of the vectors, so that the origin is theirs.
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors/archive.txt");
    let vectors = std::fs::read_to_string(vectors).unwrap();
    let text =
        |name: &str| vectors.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    std::fs::create_dir_all(setup.data.join("keys")).unwrap();
    std::fs::write(setup.data.join("keys/installation"), format!("{}\n", text("installation")))
        .unwrap();
    let server = Server::start(&setup);
    let key = server.key.clone();
    assert_eq!(key.split('+').next(), Some(text("origin")));
    let (mut id, mut random) = (String::new(), Random(1));
    for i in 0..12_usize {
        // The last one is longer than three chunks, compressed.
        let noise: String = hex::encode(
            (0..i / 11 * 9000).flat_map(|_| random.next().to_le_bytes()).collect::<Vec<_>>(),
        );
        let text = format!("what does order {i} cost? {}{noise}", "A long question. ".repeat(i));
        let said = post(server.proxy, &[], chat(&text, i % 2 == 1).as_bytes());
        assert_eq!(said.head.status, 200);
        id = said.head.id();
    }
    let parts = setup.data.join("archive/c1/parts");
    until("a segment", SOON, || parts.is_dir().then_some(()));
    server.stop();
    (setup.data, key, id)
}

#[test]
fn verify_py_is_small_and_audits_an_archive() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/verify.py");
    let text = std::fs::read_to_string(script).unwrap();
    assert!(text.lines().count() <= 100, "an auditor reads it");
    assert!(text.lines().all(|line| line.chars().count() <= 140), "an auditor reads it");

    let folder = tempfile::tempdir().unwrap();
    let (data, key, _) = recorded(folder.path());
    let archive = data.join("archive");
    let archive_text = archive.to_str().unwrap();
    let Some((code, said, complained)) = run("verify.py", &[archive_text, &key]) else { return };
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(code, 0, "{said}{complained}");
    assert!(said.ends_with("verified\n"), "{said}");
    assert_eq!(run("verify.py", &[archive_text]).unwrap().0, 2);
    assert_eq!(run("verify.py", &[archive_text, "nonsense"]).unwrap().0, 2);

    // Bytes that are cut, changed or anything: a finding that names the file, never a traceback. The
    // newest segment and tiles of smaller sizes are left out: nothing in the archive vouches for them.
    let mut random = Random(4711);
    let mut named = HashSet::new();
    for path in files_under(&archive.join("c1/records")) {
        segment::each_record(std::fs::read(path).unwrap().into(), |_, envelope| {
            let record: serde_json::Value = serde_json::from_slice(envelope).unwrap();
            let files = record["body"]["files"].as_array().into_iter().flatten();
            named.extend(files.map(|file| file["name"].as_str().unwrap().to_owned()));
        })
        .unwrap();
    }
    assert!(!named.is_empty());
    let size = std::fs::read_to_string(archive.join("c1/ledger/checkpoint")).unwrap();
    let size: u64 = size.lines().nth(1).unwrap().parse().unwrap();
    let vouched = |path: &PathBuf| {
        let name = path.strip_prefix(&archive).unwrap().to_str().unwrap();
        let current = name.ends_with(&format!(".p/{size}")) || !name.contains(".p/");
        named.contains(name) || (name.starts_with("c1/ledger/") && current)
    };
    for path in files_under(&archive).into_iter().filter(vouched) {
        let good = std::fs::read(&path).unwrap();
        let at = usize::try_from(random.below(u64::try_from(good.len()).unwrap())).unwrap();
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        let noise: Vec<u8> = good.iter().map(|_| random.next().to_le_bytes()[3]).collect();
        for bad in [&flipped, &good[..at].to_vec(), &noise] {
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bad).unwrap();
            let (code, said, complained) = run("verify.py", &[archive_text, &key]).unwrap();
            let said = String::from_utf8_lossy(&said).into_owned();
            let name = path.strip_prefix(&archive).unwrap().display().to_string();
            assert_eq!(code, 1, "{name}: {said}{complained}");
            // Entries are held against the tile above them: which of the two is right, it cannot say.
            let tile = name.replace("tile/entries", "tile/0");
            assert!(said.contains(&name) || said.contains(&tile), "{name}: {said}");
        }
        std::fs::write(&path, &good).unwrap();
    }
}

#[test]
fn one_part_is_disclosed_and_opened_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _, id) = recorded(folder.path());
    let data = data.to_str().unwrap();
    let shown = custody(&["show", &id, "--json", "--unrecorded", "--data", data]);
    let shown = &shown.lines()[0];
    let sides = [&shown["request"]["parts"], &shown["response"]["parts"]];
    let parts: Vec<_> = sides.iter().flat_map(|side| side.as_array().unwrap()).collect();
    let long = |part: &&&serde_json::Value| part["text"].as_str().is_some_and(|t| t.len() > 1000);
    let part = parts.iter().find(long).unwrap();
    let (pid, text) = (part["pid"].as_str().unwrap(), part["text"].as_str().unwrap());

    let out = folder.path().join("part");
    let file = out.to_str().unwrap();
    let disclose = ["show", &id, "--disclose", pid, "-o", file, "--json", "--data", data];
    let said = custody(&disclose);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let told = &said.lines()[0];
    let key = told["key"].as_str().unwrap();
    assert_eq!((key.len(), told["pid"].as_str()), (152, Some(pid)));
    let reads = |action: &str| {
        let bodies = all_records(Path::new(data)).into_iter().map(|record| record["body"].clone());
        bodies.filter(|b| b["action"] == action && b["records"][0] == *id).count()
    };
    assert_eq!(reads("disclose"), 1, "the disclosure is in the log");

    // Refused, and nothing recorded: a part of another record, a file that is there.
    let other = "00".repeat(32);
    let absent = folder.path().join("absent");
    let absent = absent.to_str().unwrap();
    assert_eq!(custody(&["show", &id, "--disclose", &other, "-o", absent, "--data", data]).code, 3);
    assert_eq!(custody(&disclose).code, 3);
    assert_eq!(reads("disclose"), 1);

    let Some((code, opened, complained)) = run("open.py", &[file, key]) else { return };
    if complained.contains("pip install") {
        println!("SKIPPED: {}", complained.trim());
        return;
    }
    assert_eq!((code, String::from_utf8_lossy(&opened).as_ref()), (0, text), "{complained}");
    let mut sealed = std::fs::read(&out).unwrap();
    assert!(complained.contains(told["sha256"].as_str().unwrap()), "{complained}");
    let mut wrong = key.to_owned();
    wrong.replace_range(151.., if key.ends_with('0') { "1" } else { "0" });
    for (file, key, why) in [
        (file, wrong.as_str(), "commitment"),
        (file, &"00".repeat(77), "76 bytes"),
        (absent, key, "absent"),
    ] {
        let (code, opened, complained) = run("open.py", &[file, key]).unwrap();
        assert_eq!((code, opened.len()), (1, 0));
        assert!(complained.contains(why), "{complained}");
    }
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    std::fs::write(&out, &sealed).unwrap();
    let (code, _, complained) = run("open.py", &[file, key]).unwrap();
    assert!(code == 1 && complained.contains("was changed"), "{complained}");
}

/// Segment files that the specification's text made, as `verify.py` reads them.
#[test]
fn verify_py_reads_the_vectors() {
    let spec = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec");
    let vectors = std::fs::read_to_string(spec.join("vectors/segment.txt")).unwrap();
    for name in ["records_file", "records_file_zstandard"] {
        let found = vectors.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let program = "import sys, verify\n\
             for index, envelope in verify.rows(bytes.fromhex(sys.argv[1]), 0, -1):\n    \
             print(int.from_bytes(index, 'little'), verify.sha256(envelope).hex())";
        let mut command = Command::new(python());
        command.args(["-c", program, found.unwrap()]).env("PYTHONPATH", &spec);
        let Ok(output) = command.env("PYTHONDONTWRITEBYTECODE", "1").output() else {
            println!("SKIPPED: there is no {}", python().display());
            return;
        };
        let complained = String::from_utf8_lossy(&output.stderr);
        if complained.contains("No module named 'zstandard'") {
            println!("SKIPPED: Zstandard needs Python 3.14 or the package zstandard");
            continue;
        }
        let envelopes = std::fs::read_to_string(spec.join("vectors/envelope.txt")).unwrap();
        let digest = |name: &str| {
            envelopes.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap()
        };
        let expected = format!("0 {}\n1 {}\n", digest("interaction_sha256"), digest("gap_sha256"));
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{name}: {complained}");
    }
}

/// Every codec, from the vectors.
#[test]
fn open_py_opens_the_vectors() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors");
    let read = |file: &str| std::fs::read_to_string(vectors.join(file)).unwrap();
    let (part, dictionary) = (read("part.txt"), read("dictionary.txt"));
    let text = |file: &str, name: &str| {
        let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap().to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sealed");
    for (sealed, key, content) in [
        (text(&part, "sealed"), text(&part, "part_key"), text(&part, "content")),
        (text(&part, "zstd_sealed"), text(&part, "zstd_key"), text(&part, "zstd_content")),
        (
            text(&part, "dictionary_stored_sealed"),
            text(&part, "dictionary_stored_key"),
            text(&part, "dictionary_stored_content"),
        ),
        (
            text(&dictionary, "sealed"),
            text(&part, "dictionary_key"),
            hex::encode(text(&dictionary, "content")),
        ),
    ] {
        std::fs::write(&file, hex::decode(sealed).unwrap()).unwrap();
        let arguments = [file.to_str().unwrap(), key.as_str()];
        let Some((code, opened, complained)) = run("open.py", &arguments) else { return };
        if complained.contains("pip install") {
            println!("SKIPPED: {}", complained.trim());
            continue;
        }
        // The content without its tag byte.
        assert_eq!((code, hex::encode(opened)), (0, content[2..].to_owned()), "{complained}");
    }
}
