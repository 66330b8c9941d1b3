#![expect(clippy::disallowed_methods, reason = "these files are damaged on purpose")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::{Environment, KeyStore, load_or_create_signing_key};
use record::CollectorName;

const PURPOSE: &str = "custody/store-key/v1";

fn source(keys: &Path, provider: &str, variables: &[(&str, &str)]) -> RootSource {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RootSource {
        provider: provider.parse().unwrap(),
        environment: Environment::of(variables),
        ..RootSource::file(keys)
    }
}

#[test]
fn a_secret_in_a_file_a_variable_or_under_a_passphrase_is_one_root_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = RootKey::open_or_create(&source(dir.path(), "file", &[])).unwrap();
    let key = Secret::new([7; 32]);
    let wrapped = file.wrap(PURPOSE, &key).unwrap();
    let head = String::from_utf8_lossy(&wrapped).into_owned();
    assert!(head.starts_with("custody-key/v2\n{\"key\":\""), "{head}");
    assert!(head.contains("\"provider\":\"file\",\"purpose\":\"custody/store-key/v1\"}\n"));

    let path = dir.path().join("x");
    let text = std::fs::read_to_string(dir.path().join("root.key")).unwrap();
    let moved = source(dir.path(), "env:ROOT", &[("ROOT", text.trim())]);
    let moved = RootKey::open(&moved).unwrap();
    assert_eq!(moved.unwrap(PURPOSE, &path, &wrapped).unwrap(), key);

    // Version 1, as earlier programs wrote it.
    let Held::Secret { secret, .. } = &file.held else { panic!("no secret") };
    let bare = seal::wrap(secret, PURPOSE, [4; 24], key.expose());
    assert_eq!(bare.len(), 104);
    assert_eq!(file.unwrap(PURPOSE, &path, &bare).unwrap(), key);
    assert!(file.unwrap("custody/signing-key/v1", &path, &bare).is_err());

    // Every byte counts, those that say who wrapped it too.
    for at in 0..wrapped.len() {
        let mut bad = wrapped.clone();
        bad[at] ^= 1;
        assert!(file.unwrap(PURPOSE, &path, &bad).is_err(), "byte {at}");
    }
    let later = wrapped.iter().copied().map(|b| if b == b'2' { b'3' } else { b });
    let error = file.unwrap(PURPOSE, &path, &later.collect::<Vec<u8>>()).unwrap_err();
    assert!(error.to_string().contains("later version"), "{error}");
}

#[test]
fn a_passphrase_opens_the_age_file_and_no_other_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.age");
    let provider = format!("age:{}", path.display());
    let right = source(dir.path(), &provider, &[("CUSTODY_PASSPHRASE", "correct horse battery")]);
    let made = RootKey::open_or_create(&right).unwrap();
    let wrapped = made.wrap(PURPOSE, &Secret::new([7; 32])).unwrap();
    let sealed = std::fs::read_to_string(&path).unwrap();
    assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"), "{sealed}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let again = RootKey::open(&right).unwrap();
    assert_eq!(again.unwrap(PURPOSE, &path, &wrapped).unwrap(), Secret::new([7; 32]));

    // From a file, as a service manager gives it.
    let given = dir.path().join("passphrase");
    std::fs::write(&given, "correct horse battery\n").unwrap();
    let mut from_file = source(dir.path(), &provider, &[]);
    from_file.options.passphrase_file = Some(given);
    assert!(RootKey::open(&from_file).unwrap().is_same_secret(&made));

    let wrong = source(dir.path(), &provider, &[("CUSTODY_PASSPHRASE", "wrong horse battery")]);
    let error = RootKey::open(&wrong).unwrap_err();
    assert!(matches!(error, KeysError::Refused { .. }), "{error}");
    assert!(error.to_string().contains("passphrase is wrong"), "{error}");
    assert!(!format!("{error} {error:?}").contains("wrong horse"), "{error:?}");
    let error = RootKey::open(&source(dir.path(), &provider, &[])).unwrap_err().to_string();
    assert!(error.contains("CUSTODY_PASSPHRASE"), "{error}");

    // Nobody is asked for the passphrase of a file that is not there.
    let missing = format!("age:{}", dir.path().join("missing.age").display());
    assert!(RootKey::open(&source(dir.path(), &missing, &[])).unwrap_err().is_not_found());

    let short = format!("age:{}", dir.path().join("b.age").display());
    let short = source(dir.path(), &short, &[("CUSTODY_PASSPHRASE", "hunter2")]);
    let error = RootKey::open_or_create(&short).unwrap_err().to_string();
    assert!(error.contains("at least 12") && !error.contains("hunter2"), "{error}");
}

#[test]
fn a_wrong_provider_is_named_with_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let here = source(dir.path(), "file", &[]);
    let root = RootKey::open_or_create(&here).unwrap();
    drop(KeyStore::open_or_create(dir.path(), &root).unwrap());
    let collector = CollectorName::new("c1").unwrap();
    load_or_create_signing_key(dir.path(), &root, &collector, "custody.local/x/c1").unwrap();

    let other = source(dir.path(), "env:ROOT", &[("ROOT", &"0b".repeat(32))]);
    let other = RootKey::open(&other).unwrap();
    let error = KeyStore::open(dir.path(), &other).err().unwrap();
    assert!(matches!(error, KeysError::Mismatch { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("wrapped by file (root key ") && text.contains("env:ROOT"), "{text}");

    let vault = source(dir.path(), "vault:custody", &[("VAULT_TOKEN", "t")]);
    let vault = RootKey::open(&vault).unwrap();
    let error = KeyStore::open(dir.path(), &vault).err().unwrap().to_string();
    assert!(error.contains("wrapped by file") && error.contains("vault:custody"), "{error}");

    // No second root key is made beside keys that the first one wrapped.
    std::fs::remove_file(dir.path().join("root.key")).unwrap();
    let error = RootKey::open_or_create(&here).unwrap_err().to_string();
    assert!(error.contains("was wrapped by file (root key "), "{error}");
    assert!(!dir.path().join("root.key").exists());
}

#[test]
fn no_secret_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let secret = "0a".repeat(32);
    let source = source(
        dir.path(),
        "env:ROOT",
        &[("ROOT", &secret), ("VAULT_TOKEN", "hvs.token"), ("CUSTODY_PASSPHRASE", "passphrase")],
    );
    let root = RootKey::open(&source).unwrap();
    let shown = format!("{root:?} {source:?} {}", root.provider());
    for secret in [secret.as_str(), "hvs.token", "passphrase"] {
        let options = "passphrase_file: None";
        assert!(!shown.replace(options, "").contains(secret), "{shown}");
    }
    for wrong in ["", &secret[1..], &format!("{secret}zz")] {
        let mut map = BTreeMap::new();
        map.insert("ROOT".to_owned(), wrong.to_owned());
        let wrong_source = RootSource { environment: Environment::of(map), ..source.clone() };
        let error = format!("{:?}", RootKey::open(&wrong_source).unwrap_err());
        assert!(!error.contains("0a0a"), "{error}");
    }
}
