//! Disks that are full, slow or damaged.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::{
    SOON, Server, Setup, Upstream, chat, custody, files_under, get, post, until, verified, verify,
};

/// A file system of its own; unmounted at the end.
struct Mount(PathBuf);

impl Mount {
    /// A small memory file system; `None`, and says so, where that is not possible.
    fn tmpfs(at: &Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let options = format!("size={size}");
        run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", at.to_str().unwrap()])
            .then(|| Self(at.to_owned()))
            .or_else(|| skipped("a tmpfs cannot be mounted here"))
    }

    /// A small ext4 in a file.
    fn ext4(at: &Path, image: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        std::fs::File::create(image).unwrap().set_len(64 << 20).unwrap();
        let (image, at_text) = (image.to_str().unwrap(), at.to_str().unwrap());
        (run("mkfs.ext4", &["-q", image]) && run("mount", &["-o", "loop", image, at_text]))
            .then(|| Self(at.to_owned()))
            .or_else(|| skipped("an image cannot be mounted here"))
    }

    fn freeze(&self, on: bool) -> bool {
        run("fsfreeze", &[if on { "-f" } else { "-u" }, self.0.to_str().unwrap()])
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 4096, 512, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn skipped(why: &str) -> Option<Mount> {
    println!("SKIPPED: {why}");
    None
}

fn settled(server: &Server) {
    until("ready again", SOON, || (get(server.api, "/readyz").head.status == 200).then_some(()));
}

#[test]
fn evidence_serves_on_while_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup::new(folder.path(), upstream.address);
    let Some(disk) = Mount::tmpfs(&setup.data, "4m") else { return };
    let server = Server::start(&setup);
    assert_eq!(post(server.proxy, &[], chat("before", false).as_bytes()).head.status, 200);
    disk.fill();
    let started = Instant::now();
    for i in 0..60 {
        let one = Instant::now();
        let headers = [("x-script", if i % 2 == 0 { "answer" } else { "stream 2 0" })];
        let got = post(server.proxy, &headers, chat(&format!("{i}"), i % 2 == 1).as_bytes());
        assert_eq!(got.head.status, 200, "{i}: {}", got.text());
        assert!(one.elapsed() < Duration::from_millis(1500), "{i}: {:?}", one.elapsed());
    }
    // Not each call waits for a log that stands still.
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    assert_eq!(get(server.api, "/readyz").head.status, 503);
    disk.free();
    settled(&server);
    assert_eq!(post(server.proxy, &[], chat("after", false).as_bytes()).head.status, 200);
    server.stop();
    let numbers = verified(&setup.data);
    let n = |name: &str| numbers[name].as_u64().unwrap();
    assert_eq!((n("admitted"), n("open")), (62, 0), "{numbers:#}");
    assert!(n("recorded") >= 2, "{numbers:#}");
}

#[test]
fn fail_closed_refuses_before_the_model_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup {
        mode: "fail-closed",
        capture: "closed_timeout = \"300ms\"".to_owned(),
        ..Setup::new(folder.path(), upstream.address)
    };
    let Some(disk) = Mount::tmpfs(&setup.data, "4m") else { return };
    let server = Server::start(&setup);
    assert_eq!(post(server.proxy, &[], chat("before", false).as_bytes()).head.status, 200);
    disk.fill();
    // The first ones find out: what they get is withheld, at the head or at the last byte.
    until("refused", SOON, || {
        let path = "/openai/v1/chat/completions";
        let got = support::post_to(server.proxy, path, &[], chat("first", false).as_bytes());
        match got {
            Ok(answer) if answer.head.status == 503 => Some(()),
            // There may be room in the last page of a file.
            _ => None,
        }
    });
    let asked = upstream.seen().len();
    for _ in 0..10 {
        let got = post(server.proxy, &[], chat("later", false).as_bytes());
        assert_eq!(got.head.status, 503, "{}", got.text());
        assert!(got.head.get("retry-after").is_some());
    }
    assert_eq!(upstream.seen().len(), asked, "the model was asked");
    disk.free();
    until("served again", SOON, || {
        (post(server.proxy, &[], chat("again", false).as_bytes()).head.status == 200).then_some(())
    });
    settled(&server);
    server.stop();
    verified(&setup.data);
}

#[test]
fn nothing_is_lost_while_the_disk_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup::new(folder.path(), upstream.address);
    let Some(disk) = Mount::ext4(&setup.data, &folder.path().join("image")) else { return };
    let server = Server::start(&setup);
    assert_eq!(post(server.proxy, &[], chat("before", false).as_bytes()).head.status, 200);
    if !disk.freeze(true) {
        skipped("a file system cannot be frozen here");
        return;
    }
    let started = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut calls = 1;
    while started.elapsed() < Duration::from_secs(4) {
        let one = Instant::now();
        let got =
            post(server.proxy, &[("x-script", "stream 2 0")], chat("frozen", true).as_bytes());
        assert_eq!(got.head.status, 200);
        slowest = slowest.max(one.elapsed());
        calls += 1;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(disk.freeze(false));
    // Both gates may wait once.
    assert!(slowest < Duration::from_millis(1200), "{slowest:?}");
    settled(&server);
    server.stop();
    let numbers = verified(&setup.data);
    assert_eq!(numbers["recorded"], calls, "{numbers:#}");
    assert_eq!(numbers["gaps"], 0, "{numbers:#}");
}

#[test]
fn two_recorders_do_not_share_a_data_directory() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let upstream = Upstream::start();
    let setup = Setup::new(first.path(), upstream.address);
    let server = Server::start(&setup);
    let again = Setup { folder: second.path().to_owned(), ..setup.clone() };
    let Err(refused) = Server::try_start(&again) else { panic!("a second one started") };
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("another process"), "{}", refused.stderr);
    assert_eq!(post(server.proxy, &[], chat("still", false).as_bytes()).head.status, 200);
    server.stop();
    verified(&setup.data);
}

#[test]
fn collectors_that_share_a_key_store_do_not_run_at_once() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let upstream = Upstream::start();
    let setup = Setup::new(first.path(), upstream.address);
    let server = Server::start(&setup);
    // What a second writer would take for a torn row, and cut off.
    let rows = setup.data.join("keys/store-0001.rows");
    std::fs::OpenOptions::new().append(true).open(&rows).unwrap().write_all(b"row").unwrap();
    let length = rows.metadata().unwrap().len();
    for collector in ["c1", "c2"] {
        let again = Setup {
            folder: second.path().to_owned(),
            environment: vec![("CUSTODY_COLLECTOR".to_owned(), collector.to_owned())],
            ..setup.clone()
        };
        let Err(refused) = Server::try_start(&again) else { panic!("{collector} started") };
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains("another process"), "{}", refused.stderr);
        assert_eq!(rows.metadata().unwrap().len(), length, "{collector} changed the key store");
    }
    server.kill();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Writes a file anew: archived ones are read-only.
fn rewrite(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// Partial tiles of smaller logs are kept beside, and belong to no checkpoint that matters.
fn is_old_partial(name: &str, all: &[PathBuf]) -> bool {
    let Some((place, width)) = name.rsplit_once(".p/") else { return false };
    let width: u64 = width.parse().unwrap();
    all.iter().any(|other| {
        let other = other.display().to_string();
        let longer = other.rsplit_once(&format!("{place}.p/")).and_then(|(_, w)| w.parse().ok());
        longer.is_some_and(|w: u64| w > width) || other.ends_with(place)
    })
}

/// Tiles are written before the checkpoint that speaks of them; a kill between the two leaves some
/// of a log that nobody signed.
fn is_unsigned(path: &str, size: u64) -> bool {
    let Some((place, width)) = path.rsplit_once(".p/") else { return false };
    let width: u64 = width.parse().unwrap();
    let low = place.contains("tile/0/") || place.contains("tile/entries/");
    low && width > size % 256
}

fn kind(path: &str) -> &'static str {
    // What a crash leaves of a write is no file of the archive.
    if path.contains("/.unfinished-") {
        return "";
    }
    let kinds = [
        (".journal", "journal"),
        ("tile/entries", "bundle"),
        ("/tile/", "tile"),
        ("/checkpoints/", "kept checkpoint"),
        ("ledger/checkpoint", "checkpoint"),
        ("/records/", "records"),
        ("/parts/", "parts"),
        ("custody.json", "custody.json"),
    ];
    kinds.iter().find(|(piece, _)| path.contains(piece)).map_or("", |(_, kind)| kind)
}

#[test]
fn a_flipped_bit_in_any_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup::new(folder.path(), upstream.address);
    // Segments by a stop, a journal by a kill.
    let server = Server::start(&setup);
    for i in 0..300 {
        post(server.proxy, &[], chat(&format!("question {i}"), false).as_bytes());
    }
    server.stop();
    let server = Server::start(&setup);
    for i in 0..20 {
        post(server.proxy, &[], chat(&format!("late question {i}"), false).as_bytes());
    }
    until("sealed", SOON, || {
        get(server.api, "/metrics").text().contains("custody_unsealed_records 0").then_some(())
    });
    server.kill();
    verified(&setup.data);
    let (_, report) = verify(&setup.data);
    let size = report["collectors"][0]["size"].as_u64().unwrap();
    let copied = folder.path().join("copy");
    let mut seen: Vec<&str> = Vec::new();
    let mut missed = Vec::new();
    let all = files_under(&setup.data);
    for file in &all {
        let name = file.strip_prefix(&setup.data).unwrap().display().to_string();
        let unused = is_old_partial(&name, &all) || is_unsigned(&name, size);
        let kind = if unused { "" } else { kind(&name) };
        let bytes = std::fs::read(file).unwrap();
        if kind.is_empty()
            || bytes.is_empty()
            || (kind == "kept checkpoint" && seen.contains(&kind))
        {
            continue;
        }
        seen.push(kind);
        for offset in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2] {
            // The journal's last frame may be torn, which is no fault.
            if kind == "journal" && offset == bytes.len() - 2 {
                continue;
            }
            drop(std::fs::remove_dir_all(&copied));
            copy(&setup.data, &copied);
            let mut damaged = bytes.clone();
            damaged[offset] ^= 4;
            rewrite(&copied.join(&name), &damaged);
            let (code, report) = verify(&copied);
            let last = file.file_name().unwrap().to_str().unwrap();
            let named = report.to_string().contains(last);
            if !(code == 1 || code == 3) || !named {
                missed.push(format!("{name} at {offset}: exit {code}, {report}"));
            }
        }
    }
    for kind in [
        "journal",
        "bundle",
        "tile",
        "kept checkpoint",
        "checkpoint",
        "records",
        "parts",
        "custody.json",
    ] {
        assert!(seen.contains(&kind), "no {kind} to damage");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// When a tile is full its partial ones have no use any more; one a second would fill a disk.
#[test]
fn partial_tiles_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let ledger = "seal_every = \"10ms\"".to_owned();
    let setup = Setup { ledger, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    for _ in 0..300 {
        post(server.proxy, &[], chat("question", false).as_bytes());
    }
    server.stop();
    let partials = setup.data.join("archive/c1/ledger/tile/entries/000.p");
    let left = if partials.exists() { files_under(&partials).len() } else { 0 };
    assert!(left <= 1, "{left} partial bundles beside the full one");
}

#[test]
fn a_missing_file_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let setup = Setup::new(folder.path(), upstream.address);
    let server = Server::start(&setup);
    for _ in 0..5 {
        post(server.proxy, &[], chat("question", false).as_bytes());
    }
    server.stop();
    let copied = folder.path().join("copy");
    let all = files_under(&setup.data.join("archive"));
    for file in &all {
        let name = file.strip_prefix(&setup.data).unwrap();
        let text = name.to_str().unwrap();
        if ["kept checkpoint", ""].contains(&kind(text)) || is_old_partial(text, &all) {
            continue;
        }
        drop(std::fs::remove_dir_all(&copied));
        copy(&setup.data, &copied);
        std::fs::remove_file(copied.join(name)).unwrap();
        let (code, report) = verify(&copied);
        assert!(code == 1 || code == 3, "{}: exit {code}, {report:#}", name.display());
    }
    let run = custody(&["verify", "--data", setup.data.to_str().unwrap()]);
    assert!(run.code == 0 && run.stdout.contains("VERIFIED"), "{run:?}");
}
