//! Against a real server: `CUSTODY_TEST_S3` holds the words that the start script of one prints,
//! `endpoint=… access_key=… secret_key=…`.

use std::io::Write as _;

use super::*;
use http::Method;
use requests::Ask;

/// An archive under a fresh prefix of a bucket with Object Lock, or of one without; `None`, said so,
/// when there is no server. Two buckets for all tests: small servers hold few.
fn archive(locked: bool, allow_unlocked: bool) -> Option<(S3Archive, tempfile::TempDir)> {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let Ok(words) = std::env::var("CUSTODY_TEST_S3") else {
        // Past the test harness, which keeps back what passing tests print.
        drop(writeln!(io::stderr(), "LEFT OUT: CUSTODY_TEST_S3 names no S3 server"));
        return None;
    };
    let word = |name: &str| {
        let found = words.split_whitespace().find_map(|word| word.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{name} in CUSTODY_TEST_S3")).to_owned()
    };
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let spool = tempfile::tempdir().unwrap();
    let bucket = if locked { "custody-test-locked" } else { "custody-test-plain" };
    let prefix = format!("archive/{}-{number}-{}", std::process::id(), now().0);
    let config = S3Config {
        url: format!("s3://{bucket}/{prefix}").parse().unwrap(),
        spool: Some(spool.path().to_owned()),
        allow_unlocked,
        cold_class: None,
        access: Some(S3Access {
            endpoint: word("endpoint="),
            region: "us-east-1".to_owned(),
            key: word("access_key="),
            secret: word("secret_key="),
        }),
    };
    let archive = S3Archive::new(config).unwrap();
    let headers: &[_] = if locked { &[("x-amz-bucket-object-lock-enabled", "true")] } else { &[] };
    let ask = Ask { headers, ..Ask::default() };
    let made = archive.io.run(archive.requests.send(Method::PUT, ask)).unwrap();
    assert!(made.status.is_success() || made.status == 409, "{}", made.describe());
    Some((archive, spool))
}

/// An archive in a bucket of moto, a stand-in that lets locks be shortened; `None`, said so, without
/// a Python that has it.
fn careless() -> Option<(S3Archive, tempfile::TempDir, Moto)> {
    let python = std::env::var("CUSTODY_TEST_PYTHON").unwrap_or_default();
    let has = |python: &str| {
        let run = std::process::Command::new(python).args(["-c", "import moto.server"]).output();
        run.is_ok_and(|output| output.status.success())
    };
    if !has(&python) {
        drop(writeln!(io::stderr(), "LEFT OUT: no moto[server] in CUSTODY_TEST_PYTHON"));
        return None;
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = std::process::Command::new(python)
        .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let moto = Moto(child);
    let spool = tempfile::tempdir().unwrap();
    let config = S3Config {
        url: "s3://careless/x".parse().unwrap(),
        spool: Some(spool.path().to_owned()),
        allow_unlocked: false,
        cold_class: None,
        access: Some(S3Access {
            endpoint: format!("http://127.0.0.1:{port}"),
            region: "us-east-1".to_owned(),
            key: "ak".to_owned(),
            secret: "sk".to_owned(),
        }),
    };
    let archive = S3Archive::new(config).unwrap();
    let headers = &[("x-amz-bucket-object-lock-enabled", "true")];
    for _ in 0..100 {
        let ask = Ask { headers, ..Ask::default() };
        if archive.io.run(archive.requests.send(Method::PUT, ask)).is_ok() {
            return Some((archive, spool, moto));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("moto does not start");
}

struct Moto(std::process::Child);

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn in_days(days: i64) -> Lock {
    Lock::until(now().plus_us(days * 86_400_000_000))
}

#[test]
fn an_object_is_created_once_and_locked() {
    let Some((archive, _spool)) = archive(true, false) else { return };
    archive.check(now()).unwrap();
    let object =
        name("c1/records/class=standard/date=2026-11-23/000000000000-000000000001.parquet");
    let lock = in_days(400);
    let version = archive.put_all(&[(object.clone(), b"abc")], lock).unwrap().remove(0).unwrap();
    assert_eq!(
        archive.put_all(&[(object.clone(), b"abc")], lock).unwrap(),
        [Some(version.clone())]
    );
    assert!(matches!(
        archive.put_all(&[(object.clone(), b"other")], lock),
        Err(ArchiveError::Conflict(_))
    ));
    assert_eq!(archive.get(&object).unwrap().unwrap(), b"abc");
    assert_eq!(archive.sum(&object).unwrap(), Some(sum_of_bytes(b"abc")));
    assert_eq!(archive.get(&name("c1/none")).unwrap(), None);
    let state = archive.lock_of(&object, &version).unwrap();
    assert_eq!(state.mode.as_deref(), Some("COMPLIANCE"));
    assert!(state.until >= lock.until, "{state:?}");
    assert!(matches!(archive.remove(&object), Err(ArchiveError::Locked(_))));
    archive.extend_lock(&object, in_days(500)).unwrap();
    assert!(archive.lock_of(&object, &version).unwrap().until > state.until);
    // Shortening is the probe's business: it must not work.
    assert!(archive.extend_lock(&object, in_days(1)).is_err());
}

#[test]
fn a_shadow_and_a_delete_marker_hide_nothing() {
    let Some((archive, _spool)) = archive(true, false) else { return };
    let object = name("c1/parts/a");
    archive.put_all(&[(object.clone(), b"truth")], in_days(1)).unwrap();
    let key = archive.key(&object);
    let overwrite = Ask { key: &key, body: b"shadow".to_vec(), ..Ask::default() };
    assert!(
        archive.io.run(archive.requests.send(Method::PUT, overwrite)).unwrap().status.is_success()
    );
    let hide = Ask { key: &key, ..Ask::default() };
    archive.io.run(archive.requests.send(Method::DELETE, hide)).unwrap();
    archive.known.lock().unwrap().clear();
    assert_eq!(archive.get(&object).unwrap().unwrap(), b"truth");
    assert_eq!(archive.list("c1/").unwrap(), std::slice::from_ref(&object));
    let versions = archive.versions("c1/parts/").unwrap().unwrap();
    assert_eq!(versions.iter().map(|v| v.marker).collect::<Vec<_>>(), [false, false, true]);
    // Another writer's bytes came later, so they are not the object.
    archive.put_all(&[(object.clone(), b"truth")], in_days(1)).unwrap();
    let late = archive.put_all(&[(object, b"shadow")], in_days(1));
    assert!(matches!(late, Err(ArchiveError::Conflict(_))));
}

#[test]
fn what_changes_is_read_as_it_was_put_last() {
    let Some((archive, _spool)) = archive(true, false) else { return };
    let checkpoint = name("c1/ledger/checkpoint");
    for bytes in [&b"one"[..], b"two", b"three"] {
        archive.replace(&checkpoint, bytes, in_days(1)).unwrap();
        assert_eq!(archive.get(&checkpoint).unwrap().unwrap(), bytes);
    }
    for stored in archive.versions("c1/").unwrap().unwrap() {
        let state = archive.lock_of(&checkpoint, &stored.version).unwrap();
        assert_eq!(state.mode.as_deref(), Some("COMPLIANCE"));
    }
}

#[test]
fn a_large_object_goes_up_in_pieces() {
    let Some((archive, _spool)) = archive(true, false) else { return };
    let object = name("c1/parts/large");
    let bytes: Vec<u8> = (0..2 * PIECE + 12_345).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let put = |bytes: &[u8]| {
        let mut staged = archive.stage().unwrap();
        staged.write_all(bytes).unwrap();
        staged.put(&object, in_days(2))
    };
    let (sum, version) = put(&bytes).unwrap();
    assert_eq!(archive.sum(&object).unwrap(), Some(sum));
    let state = archive.lock_of(&object, version.as_ref().unwrap()).unwrap();
    assert_eq!(state.mode.as_deref(), Some("COMPLIANCE"));
    assert_eq!(put(&bytes).unwrap(), (sum, version));
    assert!(matches!(put(&bytes[1..]), Err(ArchiveError::Conflict(_))));
}

#[test]
fn every_attempt_on_a_lock_is_told() {
    let Some((archive, _spool)) = archive(true, false) else { return };
    let checks = archive.probe(now()).unwrap().unwrap();
    for check in &checks {
        eprintln!("{check:?}");
    }
    assert_eq!(checks.len(), 10);
    assert!(checks.iter().all(|check| check.outcome == crate::Outcome::Held), "{checks:?}");
    // Nothing without a lock stays behind.
    for stored in archive.versions("").unwrap().unwrap() {
        assert!(!stored.marker, "{stored:?}");
        let lock = archive.lock_of(&stored.name, &stored.version).unwrap();
        assert_eq!(lock.mode.as_deref(), Some("COMPLIANCE"), "{stored:?}");
    }
}

#[test]
fn a_server_whose_locks_do_not_hold_is_found_out() {
    let Some((archive, _spool, _moto)) = careless() else { return };
    archive.check(now()).unwrap();
    let checks = archive.probe(now()).unwrap().unwrap();
    let broken: Vec<_> =
        checks.iter().filter(|check| check.outcome == crate::Outcome::Broken).collect();
    assert!(broken.iter().any(|check| check.attempt.starts_with("shorten")), "{checks:?}");
}

#[test]
fn a_lock_is_never_shorter_than_the_bucket_s_own() {
    let Some((archive, _spool, _moto)) = careless() else { return };
    let body = b"<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>\
        <Mode>COMPLIANCE</Mode><Days>500</Days></DefaultRetention></Rule>\
        </ObjectLockConfiguration>";
    let query = [("object-lock", "")];
    let ask = Ask { query: &query, body: body.to_vec(), ..Ask::default() };
    let set = archive.io.run(archive.requests.send(Method::PUT, ask)).unwrap();
    assert!(set.status.is_success(), "{}", set.describe());
    let object = name("c1/a");
    let version = archive.put_all(&[(object.clone(), b"x")], in_days(30)).unwrap().remove(0);
    let until = archive.lock_of(&object, &version.unwrap()).unwrap().until;
    assert!(until > in_days(498).until, "{until:?}");
}

#[test]
fn a_bucket_that_cannot_work_is_refused() {
    let Some((unlocked, _spool)) = archive(false, false) else { return };
    let refusal = unlocked.check(now()).unwrap_err().to_string();
    assert!(refusal.contains("Object Lock"), "{refusal}");
    assert!(unlocked.put_all(&[(name("c1/a"), b"")], Lock::NONE).is_err());

    let (allowed, _spool) = archive(false, true).unwrap();
    allowed.check(now()).unwrap();
    // What asks for a lock is put without one, and so is what is replaced.
    let (object, checkpoint) = (name("c1/a"), name("c1/ledger/checkpoint"));
    allowed.put_all(&[(object.clone(), b"x")], in_days(9)).unwrap();
    assert_eq!(allowed.get(&object).unwrap().unwrap(), b"x");
    allowed.replace(&checkpoint, b"x", in_days(9)).unwrap();
    allowed.extend_lock(&object, in_days(10)).unwrap();
    let mut staged = allowed.stage().unwrap();
    staged.write_all(&vec![7; PIECE + 1]).unwrap();
    staged.put(&name("c1/large"), in_days(9)).unwrap();
    assert!(allowed.probe(now()).unwrap().is_none());

    let (locked, _spool) = archive(true, false).unwrap();
    let late = locked.check(now().plus_us(86_400_000_000)).unwrap_err().to_string();
    assert!(late.contains("clock"), "{late}");

    let mut config = locked.config.clone();
    config.url.bucket.push_str("-not");
    let none = S3Archive::new(config).unwrap().check(now()).unwrap_err().to_string();
    assert!(none.contains("no such bucket"), "{none}");

    let mut config = locked.config.clone();
    config.access.as_mut().unwrap().secret.push('x');
    let wrong = S3Archive::new(config).unwrap().check(now());
    assert!(matches!(wrong, Err(ArchiveError::Refused { .. })), "{wrong:?}");

    let mut config = locked.config.clone();
    config.access.as_mut().unwrap().endpoint = "http://127.0.0.1:9".to_owned();
    let away = S3Archive::new(config).unwrap().check(now());
    assert!(matches!(away, Err(ArchiveError::Unavailable { .. })), "{away:?}");
}

#[test]
fn an_endpoint_that_is_no_address_is_refused() {
    for (endpoint, good) in [
        ("http://127.0.0.1:9000", true),
        ("https://s3.example.com/", true),
        ("nonsense", false),
        ("not a url", false),
        ("127.0.0.1:9000", false),
        ("ftp://x", false),
        ("http://", false),
    ] {
        let access = S3Access {
            endpoint: endpoint.to_owned(),
            region: "us-east-1".to_owned(),
            key: "k".to_owned(),
            secret: "s".to_owned(),
        };
        let made = S3Archive::new(S3Config {
            url: "s3://bucket/prefix".parse().unwrap(),
            spool: None,
            allow_unlocked: true,
            cold_class: None,
            access: Some(access),
        });
        assert_eq!(made.is_ok(), good, "{endpoint}");
        if let Err(error) = made {
            assert!(matches!(error, ArchiveError::Refused { .. }), "{error}");
        }
    }
}
