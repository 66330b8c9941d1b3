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
    let path = rows_path(dir.path());
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
