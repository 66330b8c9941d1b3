#![expect(clippy::disallowed_methods, reason = "these files are torn and damaged on purpose")]

use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn root(dir: &Path) -> RootKey {
    RootKey::load_or_create(&dir.join("root.key")).unwrap()
}

#[test]
fn keys_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let alice = store.scope(Subject::User("alice"), "2026-11", "default", "standard").unwrap();
    let again = store.scope(Subject::User("alice"), "2026-11", "default", "standard").unwrap();
    let next = store.scope(Subject::User("alice"), "2026-12", "default", "standard").unwrap();
    let bob = store.scope(Subject::User("bob"), "2026-11", "default", "standard").unwrap();
    let session = store.scope(Subject::Session("bob"), "2026-11", "default", "standard").unwrap();
    assert_eq!((alice.subject, alice.period), (again.subject, again.period));
    assert_eq!(alice.subject, next.subject);
    assert_ne!(alice.period, next.period);
    assert_ne!(bob.subject, session.subject);
    let purpose = store.purpose("fingerprint").unwrap();
    let pseudonym = store.pseudonym(alice.subject).unwrap();
    store.sync().unwrap();
    drop(store);

    let store = KeyStore::open(dir.path(), &root).unwrap();
    let key = store.scope_key(alice.subject, alice.period, "default", "standard").unwrap();
    assert_eq!(key.commit("text", b"x"), alice.key.commit("text", b"x"));
    assert_eq!(store.find_purpose("fingerprint").unwrap(), purpose);
    assert_eq!(store.find_subject("default", Subject::User("alice")), Some(alice.subject));
    assert_eq!(store.pseudonym(alice.subject).unwrap(), pseudonym);
    // Opened for reading, nothing new is made.
    assert!(store.purpose("another").is_err());
}

#[test]
fn nothing_stands_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open_or_create(dir.path(), &root(dir.path())).unwrap();
    store.scope(Subject::User("alice@example.com"), "2026-11", "default", "standard").unwrap();
    let secret = store.purpose("fingerprint").unwrap();
    store.sync().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for needle in
            [b"alice".as_slice(), secret.expose(), hex::encode(secret.expose()).as_bytes()]
        {
            assert!(!bytes.windows(needle.len()).any(|w| w == needle), "{}", path.display());
        }
        let mode = path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
}

#[test]
fn a_torn_row_is_cut_off_and_damage_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let kept = store.purpose("kept").unwrap();
    store.purpose("torn").unwrap();
    drop(store);
    let path = rows_path(dir.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    for cut in whole.len() / 2 + 1..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
        assert_eq!(store.find_purpose("kept").unwrap(), kept);
        assert!(store.find_purpose("torn").is_none(), "cut at {cut}");
        assert_eq!(path.metadata().unwrap().len(), u64::try_from(whole.len() / 2).unwrap());
    }
    // Every bit of every row counts, the length's too: nothing behind it is cut off in silence.
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let error = KeyStore::open_or_create(dir.path(), &root).err().unwrap().to_string();
        let row = if at < whole.len() / 2 { 0 } else { whole.len() / 2 };
        assert!(error.contains(&format!("at byte {row}")), "byte {at}: {error}");
        assert_eq!(std::fs::read(&path).unwrap(), bad, "byte {at}");
    }
}

#[test]
fn another_root_key_or_an_open_one_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    drop(KeyStore::open_or_create(dir.path(), &root(dir.path())).unwrap());
    std::fs::remove_file(&path).unwrap();
    let error = KeyStore::open(dir.path(), &root(dir.path())).err().unwrap().to_string();
    assert!(error.contains("root key"), "{error}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = RootKey::load(&path).err().unwrap().to_string();
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn a_reader_sees_keys_that_are_made_after_it_opened() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let writer = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let reader = KeyStore::open(dir.path(), &root).unwrap();
    let carol = writer.scope(Subject::User("carol"), "2026-11", "default", "standard").unwrap();
    assert!(reader.has(carol.subject));
    let key = reader.scope_key(carol.subject, carol.period, "default", "standard").unwrap();
    assert_eq!(key.commit("text", b"x"), carol.key.commit("text", b"x"));
    let nobody = Kid([7; 16]);
    assert!(!reader.has(nobody) && !writer.has(nobody));
    assert!(reader.scope_key(nobody, carol.period, "default", "standard").is_none());
}

/// All bytes of all files of the store.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap();
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
    entries.map(|entry| read(entry.unwrap().path())).collect()
}

#[test]
fn a_destroyed_key_is_gone_and_all_else_is_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let scope = |store: &KeyStore, who| {
        store.scope(Subject::User(who), "2026-11-23", "default", "standard").unwrap()
    };
    let (alice, bob) = (scope(&store, "alice"), scope(&store, "bob"));
    let sealed = alice.key.seal(b"secret");
    store.sync().unwrap();
    let before = files(dir.path());
    let reader = KeyStore::open(dir.path(), &root).unwrap();

    assert_eq!(store.destroy(&[alice.subject]).unwrap(), 2);
    for store in [&store, &KeyStore::open(dir.path(), &root).unwrap(), &reader] {
        // A reader that was opened before finds out when it meets a key that it does not know.
        store.has(Kid([9; 16]));
        assert!(!store.opens(alice.subject, alice.period));
        assert!(store.scope_key(alice.subject, alice.period, "default", "standard").is_none());
        assert_eq!(store.find_subject("default", Subject::User("alice")), None);
        assert_eq!(store.find_subject("default", Subject::User("bob")), Some(bob.subject));
        assert!(store.opens(bob.subject, bob.period));
    }
    // The same person begins anew.
    let again = scope(&store, "alice");
    assert_ne!(again.subject, alice.subject);
    assert!(again.key.open(&sealed).is_err());
    // A backup of the rows alone is worth nothing: their store key is gone.
    for (name, bytes) in before.iter().filter(|(name, _)| name.ends_with("0001.rows")) {
        std::fs::write(name, bytes).unwrap();
    }
    drop(store);
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    assert!(!store.opens(alice.subject, alice.period));
    assert!(files(dir.path()).iter().all(|(name, _)| !name.contains("store-0001")));
    assert_eq!(store.destroy(&[bob.subject, alice.subject]).unwrap(), 3);
}

#[test]
fn a_crash_at_each_step_of_destroying_leaves_the_old_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let alice = store.scope(Subject::User("alice"), "2026-11-23", "default", "standard").unwrap();
    let bob = store.scope(Subject::User("bob"), "2026-11-23", "default", "standard").unwrap();
    store.sync().unwrap();
    let before = files(dir.path());
    store.destroy(&[alice.subject]).unwrap();
    drop(store);
    let after = files(dir.path());
    let named = |files: &[(String, Vec<u8>)], ending: &str| {
        files.iter().find(|(name, _)| name.ends_with(ending)).cloned().unwrap()
    };
    let old = [named(&before, "0001.rows"), named(&before, "0001.key")];
    let new = [named(&after, "0002.rows"), named(&after, "0002.key")];
    // What is there after each step: (old files, new files, whether the new epoch counts).
    for (old_left, new_there, counts) in [(2, 1, false), (2, 2, true), (1, 2, true), (0, 2, true)] {
        for (name, _) in files(dir.path()).iter().filter(|(name, _)| name.contains("/store-")) {
            std::fs::remove_file(name).unwrap();
        }
        for (name, bytes) in old[..old_left].iter().chain(&new[..new_there]) {
            std::fs::write(name, bytes).unwrap();
        }
        let reader = KeyStore::open(dir.path(), &root).unwrap();
        assert_eq!(reader.opens(alice.subject, alice.period), !counts);
        let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
        assert_eq!(store.opens(alice.subject, alice.period), !counts);
        assert!(store.opens(bob.subject, bob.period));
        assert_eq!(epoch::numbers(dir.path(), "rows").unwrap().len(), 1);
    }
}

#[test]
fn a_hold_keeps_what_it_holds_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let scope = |who, day| store.scope(Subject::User(who), day, "default", "standard").unwrap();
    let (held, same_day) = (scope("alice", "2026-11-23"), scope("bob", "2026-11-23"));
    let other_day = scope("alice", "2026-11-24");
    let sealed = held.key.seal(b"evidence");
    let hold = || HoldRow {
        hold: "case-7".to_owned(),
        placed: record::Timestamp(1),
        reason: "litigation".to_owned(),
        scopes: vec![HeldScope::new(held.subject, held.period, "default", "standard")],
        who: "local:counsel".to_owned(),
    };
    assert_eq!(store.place_hold(hold()).unwrap(), 1);
    assert_eq!(store.place_hold(hold()).unwrap(), 1);
    assert_eq!(store.holds().len(), 1);
    assert_eq!(store.holds()[0].scopes.len(), 1);
    assert_eq!(store.hold_of(held.subject, held.period).as_deref(), Some("case-7"));
    assert_eq!(store.holds_of_subject(held.subject), ["case-7"]);
    assert!(store.holds_of_subject(same_day.subject).is_empty());
    for (name, bytes) in files(dir.path()) {
        let plain = b"litigation";
        assert!(!bytes.windows(plain.len()).any(|w| w == plain), "{name}");
    }

    // Retention ends the day, and even the person's key goes.
    store.destroy(&[held.period, held.subject]).unwrap();
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let key = |of: &ScopeKeys| store.scope_key(of.subject, of.period, "default", "standard");
    assert_eq!(key(&held).unwrap().open(&sealed).unwrap(), b"evidence");
    assert!(store.opens(held.subject, held.period));
    assert!(key(&same_day).is_none() && key(&other_day).is_none());

    assert!(store.lift_hold("case-7").unwrap());
    assert!(!store.lift_hold("case-7").unwrap());
    assert!(key(&held).is_none());
    assert!(KeyStore::open(dir.path(), &root).unwrap().holds().is_empty());
}

#[test]
fn a_new_epoch_opens_what_the_old_one_did_and_old_copies_open_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let scope = |store: &KeyStore| {
        store.scope(Subject::User("alice"), "2026-11-23", "default", "standard").unwrap()
    };
    let before = scope(&store);
    let sealed = before.key.seal(b"evidence");
    store.sync().unwrap();
    let copied = files(dir.path());
    assert_eq!(store.rotate().unwrap(), 2);
    // The one that writes, one that was opened anew, and one that is opened for reading.
    for again in [KeyStore::open_or_create(dir.path(), &root).unwrap(), store] {
        let after = scope(&again);
        assert_eq!((after.subject, after.period), (before.subject, before.period));
        assert_eq!(after.key.open(&sealed).unwrap(), b"evidence");
    }
    assert!(KeyStore::open(dir.path(), &root).unwrap().opens(before.subject, before.period));
    // Rows of before, put back under the key of now.
    let rows = copied.iter().find(|(name, _)| name.ends_with("0001.rows")).unwrap();
    std::fs::write(dir.path().join("store-0002.rows"), &rows.1).unwrap();
    assert!(KeyStore::open(dir.path(), &root).is_err());
}

#[test]
fn two_holds_over_the_same_keep_it_each_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let root = root(dir.path());
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let held = store.scope(Subject::User("alice"), "2026-11-23", "default", "standard").unwrap();
    let sealed = held.key.seal(b"evidence");
    let hold = |name: &str| HoldRow {
        hold: name.to_owned(),
        placed: record::Timestamp(1),
        reason: String::new(),
        scopes: vec![HeldScope::new(held.subject, held.period, "default", "standard")],
        who: "local:counsel".to_owned(),
    };
    assert_eq!(store.place_hold(hold("case-7")).unwrap(), 1);
    store.destroy(&[held.period]).unwrap();
    // The second comes when only the first keeps it open, and outlives it.
    assert_eq!(store.place_hold(hold("case-8")).unwrap(), 1);
    assert!(store.lift_hold("case-7").unwrap());
    let key = || store.scope_key(held.subject, held.period, "default", "standard");
    assert_eq!(key().unwrap().open(&sealed).unwrap(), b"evidence");
    assert!(store.lift_hold("case-8").unwrap());
    assert!(key().is_none());
    assert_eq!(store.place_hold(hold("case-9")).unwrap(), 0);
}

#[test]
fn holds_that_come_and_go_at_once_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open_or_create(dir.path(), &root(dir.path())).unwrap();
    let keys = store.scope(Subject::User("alice"), "2026-11-23", "default", "standard").unwrap();
    let hold = |hold: String| HoldRow {
        hold,
        placed: record::Timestamp(1),
        reason: String::new(),
        scopes: vec![HeldScope::new(keys.subject, keys.period, "default", "standard")],
        who: "local:counsel".to_owned(),
    };
    for n in 0..30 {
        store.place_hold(hold("short".to_owned())).unwrap();
        std::thread::scope(|threads| {
            threads.spawn(|| store.lift_hold("short").unwrap());
            threads.spawn(|| store.place_hold(hold(format!("case-{n}"))).unwrap());
        });
    }
    assert_eq!(store.holds().len(), 30);
}

#[test]
fn calls_that_go_on_while_keys_are_destroyed_are_sealed_with_keys_that_exist() {
    let dir = tempfile::tempdir().unwrap();
    let store = KeyStore::open_or_create(dir.path(), &root(dir.path())).unwrap();
    let scope = || store.scope(Subject::User("alice"), "2026-11-23", "default", "standard");
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    scope().unwrap();
                }
            });
        }
        for _ in 0..50 {
            let kid = scope().unwrap().subject;
            store.destroy(&[kid]).unwrap();
            assert_ne!(scope().unwrap().subject, kid);
        }
        stop.store(true, Ordering::Relaxed);
    });
    let last = scope().unwrap();
    assert!(store.opens(last.subject, last.period));
}
