//! Root keys of every provider, and other keys in the place of those in use, under the real binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "helpers of tests"
)]

#[path = "../../keys/tests/support/mod.rs"]
mod services;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use services::kms::Kms;
use services::vault::{TOKEN, Vault};
use support::{
    Random, Run, SOON, Server, Setup, Upstream, chat, custody_with, files_under, get, post, until,
};

const SECRET_TEXT: &str = "the answer to everything";

struct World {
    folder: tempfile::TempDir,
    _upstream: Upstream,
    setup: Setup,
}

impl World {
    fn new(keys: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start();
        let more = format!("[keys]\n{keys}\n");
        let setup = Setup { more, ..Setup::new(folder.path(), upstream.address) };
        Self { folder, _upstream: upstream, setup }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn root(&mut self, keys: &str) {
        self.setup.more = format!("[keys]\n{keys}\n");
    }

    /// Runs a command with the server's configuration.
    fn run(&self, arguments: &[&str]) -> Run {
        let config = self.setup.write();
        let arguments: Vec<&str> =
            arguments.iter().copied().chain(["--config", config.to_str().unwrap()]).collect();
        custody_with(&arguments, &self.setup.environment)
    }

    fn done(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        run
    }

    /// A call that is recorded; gives its id.
    fn call(server: &Server) -> String {
        let answer = post(server.proxy, &[], chat(SECRET_TEXT, false).as_bytes());
        assert_eq!(answer.head.status, 200, "{}", answer.text());
        answer.head.get("custody-interaction-id").unwrap().to_owned()
    }

    /// Records a call in a run of the server.
    fn record(&self) -> String {
        let server = Server::start(&self.setup);
        let id = Self::call(&server);
        server.stop();
        id
    }

    /// Whether the content of a record opens.
    fn opens(&self, id: &str) -> bool {
        let run = self.run(&["show", id, "--json", "--unrecorded"]);
        run.code == 0 && run.stdout.contains(SECRET_TEXT)
    }

    fn verify(&self, key: Option<&str>) -> (i32, Value) {
        let run = match key {
            Some(key) => self.run(&["verify", "--json", "--key", key]),
            None => self.run(&["verify", "--json"]),
        };
        (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|_| run.stderr.into()))
    }

    #[track_caller]
    fn verified(&self, key: Option<&str>) -> Value {
        let (code, report) = self.verify(key);
        assert_eq!(code, 0, "{report:#}");
        let numbers = report["collectors"][0]["numbers"].clone();
        assert_eq!(numbers["missing"], 0, "{report:#}");
        report
    }
}

/// Whether any file below holds these bytes.
fn found(folder: &Path, needle: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    files_under(folder).into_iter().filter(holds).collect()
}

#[test]
fn a_new_root_key_opens_what_the_old_one_did() {
    let mut world = World::new("");
    let server = Server::start(&world.setup);
    let first = World::call(&server);
    // Not while somebody holds the old one in memory.
    let refused = world.run(&["keys", "rotate", "root"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("another process"), "{}", refused.stderr);
    server.stop();

    let keys = world.setup.data.join("keys");
    let old = std::fs::read_to_string(keys.join("root.key")).unwrap().trim().to_owned();
    let report: Value =
        serde_json::from_str(&world.done(&["keys", "rotate", "root", "--json"]).stdout).unwrap();
    assert_eq!((&report["from"], &report["to"]), (&"file".into(), &"file".into()));
    assert_eq!(found(&world.setup.data, &old), Vec::<PathBuf>::new());
    assert!(world.opens(&first));
    let second = world.record();

    // Under a passphrase, from a file.
    let passphrase = world.path("passphrase");
    std::fs::write(&passphrase, "correct horse battery staple\n").unwrap();
    let file = format!("passphrase_file = {:?}", passphrase.to_str().unwrap());
    world.root(&file);
    let aged = format!("age:{}", world.path("root.age").display());
    let said = world.done(&["keys", "rotate", "root", "--to", &aged]);
    assert!(said.stdout.contains(&format!("[keys] root = {aged:?}")), "{}", said.stdout);
    assert!(!keys.join("root.key").exists());
    // The configuration still names the old provider: a clear error, and no new root key.
    let refused = world.run(&["show", &first, "--unrecorded"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("was wrapped by age (root key "), "{}", refused.stderr);
    let Err(refused) = Server::try_start(&world.setup) else { panic!("it started") };
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(!keys.join("root.key").exists());

    world.root(&format!("root = {aged:?}\n{file}"));
    let third = world.record();
    for id in [&first, &second, &third] {
        assert!(world.opens(id), "{id}");
    }
    // A read that is recorded needs the root key too.
    let shown = world.done(&["show", &first]);
    assert!(shown.stdout.contains(SECRET_TEXT), "{}", shown.stdout);
    world.verified(None);

    // Without a passphrase, nor a terminal to ask.
    world.root(&format!("root = {aged:?}"));
    let refused = world.run(&["show", &first, "--unrecorded"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("CUSTODY_PASSPHRASE"), "{}", refused.stderr);
    let variable = ("CUSTODY_PASSPHRASE".to_owned(), "correct horse battery staple".to_owned());
    world.setup.environment = vec![variable];
    assert!(world.opens(&first));
    // Another secret in the same file, under the same passphrase.
    let before = std::fs::read(world.path("root.age")).unwrap();
    world.done(&["keys", "rotate", "root"]);
    assert_ne!(std::fs::read(world.path("root.age")).unwrap(), before);
    assert!(world.opens(&first));
    let left = ["root.age.old", "root.age.rotated", "data/keys/rotation"].map(|n| world.path(n));
    assert!(left.iter().all(|path| !path.exists()), "{left:?}");
}

#[test]
fn a_new_store_key_opens_what_the_old_one_did() {
    let world = World::new("");
    let none = world.run(&["keys", "rotate", "store"]);
    assert!(none.code == 3 && none.stderr.contains("there are no keys"), "{none:?}");
    let server = Server::start(&world.setup);
    let first = World::call(&server);
    let of_alice = post(server.proxy, &[("custody-user", "alice")], chat("hers", false).as_bytes());
    let of_alice = of_alice.head.get("custody-interaction-id").unwrap().to_owned();
    // Not while somebody writes under the old one.
    let refused = world.run(&["keys", "rotate", "store"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("another process"), "{}", refused.stderr);
    server.stop();

    let keys = world.setup.data.join("keys");
    let epochs = || -> Vec<String> {
        let names = files_under(&keys).into_iter().map(|path| path.file_name().unwrap().to_owned());
        let names = names.map(|name| name.to_str().unwrap().to_owned());
        names.filter(|name| name.starts_with("store-")).collect()
    };
    let old = std::fs::read(keys.join("store-0001.rows")).unwrap();
    let said: Value =
        serde_json::from_str(&world.done(&["keys", "rotate", "store", "--json"]).stdout).unwrap();
    assert_eq!(said["epoch"], 2);
    assert_eq!(epochs(), ["store-0002.key", "store-0002.rows"]);
    assert!(world.opens(&first));
    let second = world.record();

    // An erasure begins the third; the root key goes on with the epoch that counts.
    world.done(&["erase", "alice", "--yes", "--basis", "asked for it"]);
    assert_eq!(epochs(), ["store-0003.key", "store-0003.rows"]);
    let wrapped = std::fs::read(keys.join("store-0003.key")).unwrap();
    world.done(&["keys", "rotate", "root"]);
    assert_ne!(std::fs::read(keys.join("store-0003.key")).unwrap(), wrapped);
    world.done(&["keys", "rotate", "store"]);
    assert_eq!(epochs(), ["store-0004.key", "store-0004.rows"]);
    let third = world.record();
    for id in [&first, &second, &third] {
        assert!(world.opens(id), "{id}");
    }
    let erased = world.run(&["show", &of_alice, "--json", "--unrecorded"]);
    assert!(erased.code == 0 && !erased.stdout.contains("hers"), "{erased:?}");
    world.verified(None);
    // What somebody copied before opens nothing under the key of now.
    std::fs::write(keys.join("store-0004.rows"), old).unwrap();
    assert!(!world.opens(&first));
}

#[test]
fn a_root_key_in_a_variable_is_neither_written_nor_shown() {
    let mut world = World::new("root = \"env:ROOT_KEY\"");
    let refused = world.run(&["config", "check"]);
    assert_eq!(refused.code, 0, "{refused:?}");
    let Err(refused) = Server::try_start(&world.setup) else { panic!("it started") };
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("env:ROOT_KEY: the variable is not set"), "{}", refused.stderr);
    let secret = "5ecae7".repeat(11)[..64].to_owned();
    world.setup.environment = vec![("ROOT_KEY".to_owned(), secret.clone())];
    world.setup.log = "trace";
    let id = world.record();
    assert!(world.opens(&id));
    world.verified(None);
    assert_eq!(found(world.folder.path(), &secret), Vec::<PathBuf>::new());
    assert!(!world.setup.data.join("keys/root.key").exists());

    for (wrong, expected) in [
        (format!("root = {secret:?}"), "known: file, file:PATH"),
        (format!("root = \"env:{secret}\""), "known: file, file:PATH"),
        ("root = \"gcp:x\"".to_owned(), "gcp:"),
        ("rot = \"file\"".to_owned(), "did you mean \"root\"?"),
    ] {
        world.root(&wrong);
        for arguments in [["config", "check"], ["keys", "rotate"]] {
            let arguments: &[&str] =
                if arguments[0] == "keys" { &["keys", "rotate", "root"] } else { &arguments };
            let refused = world.run(arguments);
            assert_eq!(refused.code, 2, "{wrong}: {refused:?}");
            assert!(refused.stderr.contains(expected), "{wrong}: {}", refused.stderr);
            assert!(!refused.stderr.contains(&secret), "{}", refused.stderr);
        }
    }
}

/// A file system that is mounted for reading, as an orchestrator gives secrets.
struct ReadOnly(PathBuf);

impl ReadOnly {
    /// `None`, and says so, where nothing can be mounted.
    fn with(at: &Path, file: &str, text: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let folder = at.to_str().unwrap();
        if !mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]) {
            println!("SKIPPED: a tmpfs cannot be mounted here");
            return None;
        }
        let mounted = Self(at.to_owned());
        std::fs::write(at.join(file), text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(at.join(file), mode).unwrap();
        assert!(mount(&["-o", "remount,ro", folder]));
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

fn mount(arguments: &[&str]) -> bool {
    Command::new("mount").args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_root_key_that_is_mounted_for_reading_is_left_where_it_is() {
    let mut world = World::new("");
    let secret = world.path("secret");
    let Some(_mounted) = ReadOnly::with(&secret, "root.key", &format!("{}\n", "0d".repeat(32)))
    else {
        return;
    };
    world.root(&format!("root = \"file:{}/root.key\"", secret.display()));
    let id = world.record();
    let said = world.done(&["keys", "rotate", "root", "--to", "file"]);
    assert!(said.stdout.contains("destroy it there"), "{}", said.stdout);
    world.root("");
    assert!(world.opens(&id));
    world.record();
    world.verified(None);
}

/// The offline verifier beside the recorder, where it was built; `None` and says so where not.
fn offline(data: &Path, key: &str) -> Option<bool> {
    let program = Path::new(env!("CARGO_BIN_EXE_custody")).with_file_name("custody-verify");
    if !program.exists() {
        println!("SKIPPED: custody-verify is not built; cargo build -p custody-verify");
        return None;
    }
    let ledger = data.join("archive/c1/ledger");
    let output = Command::new(program).arg(ledger).args(["--key", key]).output().unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    Some(output.status.success())
}

#[test]
fn who_trusts_the_first_signing_key_verifies_through_every_change() {
    let world = World::new("");
    let server = Server::start(&world.setup);
    let first = server.key.clone();
    World::call(&server);
    let refused = world.run(&["keys", "rotate", "signing"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    server.stop();

    let mut keys = vec![first.clone()];
    for _ in 0..2 {
        let rotate = || -> Value {
            let run = world.done(&["keys", "rotate", "signing", "--json"]);
            serde_json::from_str(&run.stdout).unwrap()
        };
        let said = rotate();
        // Twice is once: one key waits.
        assert_eq!(said, rotate());
        assert_eq!(said["old"], **keys.last().unwrap());
        let new = said["new"].as_str().unwrap().to_owned();
        // Nothing is changed before the recorder hands over.
        world.verified(Some(keys.last().unwrap()));
        assert_eq!(world.verify(Some(&new)).0, 1);

        let server = Server::start(&world.setup);
        assert_eq!(server.key, new);
        World::call(&server);
        until("the hand-over", SOON, || {
            let said = server.stderr();
            said.contains(&format!("new={new}")).then_some(())
        });
        World::call(&server);
        server.stop();
        keys.push(new);
        for key in &keys {
            let report = world.verified(Some(key));
            let notes = report["collectors"][0]["notes"].to_string();
            assert_eq!(notes.matches("changed the key").count(), keys.len() - 1, "{notes}");
            assert_ne!(offline(&world.setup.data, key), Some(false), "{key}");
        }
        world.verified(None);
    }
    // The published checkpoint carries the last key's signature alone.
    let note = std::fs::read_to_string(world.setup.data.join("archive/c1/ledger/checkpoint"));
    assert_eq!(note.unwrap().matches("\u{2014} ").count(), 1);
    let listed: Value = world.done(&["keys", "--json"]).lines().remove(0);
    assert_eq!(listed["key"], *keys[2]);
    assert_eq!(listed["earlier"], serde_json::json!([keys[0], keys[1]]));
    let public = std::fs::read_to_string(world.setup.data.join("keys/c1.vkey")).unwrap();
    assert_eq!(public.trim(), keys[2]);

    let stranger = tlog::SigningKey::new(first.split('+').next().unwrap(), &[9; 32]).unwrap();
    let stranger = stranger.verifying_key().to_string();
    assert_eq!(world.verify(Some(&stranger)).0, 1);
    assert_ne!(offline(&world.setup.data, &stranger), Some(true));

    // Without the envelope of a change, who trusts the key before it is not led on.
    let changes = files_under(&world.setup.data.join("archive/c1/ledger/key-changes"));
    assert_eq!(changes.len(), 2);
    std::fs::remove_file(&changes[0]).unwrap();
    assert_eq!(world.verify(Some(&first)).0, 1);
    assert_ne!(offline(&world.setup.data, &first), Some(true));
}

#[test]
fn the_log_of_reads_hands_over_too() {
    let world = World::new("");
    let id = world.record();
    world.done(&["show", &id]);
    let said = world.done(&["keys", "rotate", "signing", "--collector", "reader", "--json"]);
    let said: Value = serde_json::from_str(&said.stdout).unwrap();
    world.done(&["show", &id]);
    world.done(&["show", &id]);
    let lines = world.done(&["keys", "--json"]).lines();
    let reader = lines.iter().find(|line| line["collector"] == "reader").unwrap();
    assert_eq!((&reader["key"], &reader["earlier"][0]), (&said["new"], &said["old"]));
    world.verified(Some(said["old"].as_str().unwrap()));
    world.verified(Some(said["new"].as_str().unwrap()));
    let missing = world.run(&["keys", "rotate", "signing", "--collector", "nobody"]);
    assert_eq!(missing.code, 3, "{missing:?}");
    assert!(missing.stderr.contains("no collector nobody"), "{}", missing.stderr);
}

/// The recorder is killed at any moment of its start, again and again, while keys change.
#[test]
fn kills_while_the_log_hands_over_leave_one_chain() {
    let world = World::new("");
    let server = Server::start(&world.setup);
    let first = server.key.clone();
    World::call(&server);
    server.kill();
    let mut random = Random::from_clock();
    println!("seed {}", random.0);
    for _ in 0..3 {
        world.done(&["keys", "rotate", "signing"]);
        for _ in 0..6 {
            let moment = Duration::from_millis(random.below(1500));
            Server::start_and_kill(&world.setup, moment);
        }
        let (code, report) = world.verify(Some(&first));
        assert_eq!(code, 0, "{report:#}");
    }
    let server = Server::start(&world.setup);
    World::call(&server);
    let last = server.key.clone();
    until("the hand-over", SOON, || {
        // The first call may come under the checkpoint that both keys sign; one more comes after it.
        World::call(&server);
        let note = std::fs::read_to_string(world.setup.data.join("archive/c1/ledger/checkpoint"));
        let alone = note.is_ok_and(|note| note.matches("\u{2014} ").count() == 1);
        let public = std::fs::read_to_string(world.setup.data.join("keys/c1.vkey")).unwrap();
        let waits = world.setup.data.join("keys/c1.signing.next").exists();
        (alone && !waits && public.trim() == last).then_some(())
    });
    server.stop();
    for key in [&first, &last] {
        world.verified(Some(key));
        assert_ne!(offline(&world.setup.data, key), Some(false), "{key}");
    }
}

#[test]
fn a_recorder_with_vault_goes_on_while_vault_is_away() {
    let mut world = World::new("");
    let vault = Vault::start();
    let token = world.path("token");
    std::fs::write(&token, TOKEN).unwrap();
    world.root(&format!(
        "root = \"vault:custody\"\nvault_address = \"http://{}\"\nvault_token_file = {:?}",
        vault.address,
        token.to_str().unwrap()
    ));
    world.setup.log = "trace";
    let server = Server::start(&world.setup);
    let first = World::call(&server);
    vault.answer_with(503);
    let second = World::call(&server);
    assert_eq!(get(server.api, "/readyz").head.status, 200);
    server.stop();

    // Away at the start: a clear error after a few tries, and nothing is made anew.
    let before = vault.asked();
    let Err(refused) = Server::try_start(&world.setup) else { panic!("it started") };
    assert_eq!(refused.code, 3, "{refused:?}");
    let said = "vault:custody is away: status 503: Vault is sealed (asked 4 times)";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
    assert_eq!(vault.asked() - before, 4);
    for arguments in [["keys", "rotate", "root"], ["keys", "rotate", "signing"]] {
        let refused = world.run(&arguments);
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
    }
    // Verifying needs no keys.
    world.verified(None);

    vault.answer_with(0);
    assert!(world.opens(&first) && world.opens(&second));
    assert_eq!(found(world.folder.path(), TOKEN), vec![token]);
    // Back into a file.
    world.done(&["keys", "rotate", "root", "--to", "file"]);
    world.root("");
    assert!(world.opens(&first));
    world.record();
    world.verified(None);
}

#[test]
fn a_recorder_with_aws_kms_records_and_opens() {
    let Some(kms) = Kms::start() else { return };
    let mut world = World::new(&format!(
        "root = \"aws-kms:alias/custody\"\naws_region = \"us-east-1\"\naws_endpoint = \"http://{}\"",
        kms.address
    ));
    world.setup.environment =
        [("AWS_ACCESS_KEY_ID", &kms.access_key), ("AWS_SECRET_ACCESS_KEY", &kms.secret_key)]
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .to_vec();
    let id = world.record();
    assert!(world.opens(&id));
    world.done(&["keys", "rotate", "root"]);
    world.done(&["keys", "rotate", "signing"]);
    world.record();
    assert!(world.opens(&id));
    world.verified(None);
    assert_eq!(found(world.folder.path(), &kms.secret_key), Vec::<PathBuf>::new());
    drop(kms);
    let refused = world.run(&["show", &id, "--unrecorded"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.stderr.contains("aws-kms:alias/custody is away"), "{}", refused.stderr);
}

#[test]
fn help_shows_examples() {
    for (arguments, expected) in [
        (vec!["keys", "--help"], "custody keys rotate root --to vault:custody"),
        (vec!["keys", "rotate", "root", "--help"], "--to aws-kms:alias/custody"),
        (vec!["keys", "rotate", "store", "--help"], "custody keys rotate store --json"),
        (vec!["keys", "rotate", "signing", "--help"], "--collector reader"),
    ] {
        let run = custody_with(&arguments, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains(expected), "{}", run.stdout);
    }
}
