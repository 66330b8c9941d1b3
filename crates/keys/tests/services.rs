//! Root keys in Vault and in AWS KMS.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use keys::{
    Environment, KeyStore, KeysError, Options, RootKey, RootSource, load_or_create_signing_key,
    load_signing_key, rotate_root,
};
use record::CollectorName;
use support::kms::Kms;
use support::vault::{TOKEN, Vault};

const ORIGIN: &str = "custody.local/x/c1";

fn source(keys: &Path, provider: &str, variables: &[(&str, &str)]) -> RootSource {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RootSource {
        provider: provider.parse().unwrap(),
        keys: keys.to_owned(),
        options: Options::default(),
        environment: Environment::of(variables),
    }
}

fn vault_source(keys: &Path, vault: &Vault) -> RootSource {
    let address = format!("http://{}", vault.address);
    source(keys, "vault:custody", &[("VAULT_ADDR", &address), ("VAULT_TOKEN", TOKEN)])
}

fn kms_source(keys: &Path, kms: &Kms, provider: &str) -> RootSource {
    let endpoint = format!("http://{}", kms.address);
    let variables = [
        ("AWS_ACCESS_KEY_ID", kms.access_key.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &kms.secret_key),
        ("AWS_ENDPOINT_URL_KMS", &endpoint),
        ("AWS_REGION", "us-east-1"),
    ];
    source(keys, provider, &variables)
}

/// A store and a signing key come back; their files hold neither, and name who wrapped them.
fn round_trip(source: &RootSource, named: &str) {
    let collector = CollectorName::new("c1").unwrap();
    let root = RootKey::open_or_create(source).unwrap();
    let store = KeyStore::open_or_create(&source.keys, &root).unwrap();
    let purpose = store.purpose("fingerprint").unwrap();
    store.sync().unwrap();
    let key = load_or_create_signing_key(&source.keys, &root, &collector, ORIGIN).unwrap();
    for name in ["store-0001.key", "c1.signing"] {
        let bytes = std::fs::read(source.keys.join(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.starts_with("custody-key/v2\n{\"installation\":\""), "{text}");
        assert!(text.contains(named), "{text}");
    }
    let root = RootKey::open(source).unwrap();
    let store = KeyStore::open(&source.keys, &root).unwrap();
    assert_eq!(store.find_purpose("fingerprint").unwrap(), purpose);
    let again = load_signing_key(&source.keys, &root, &collector, ORIGIN).unwrap();
    assert_eq!(again.verifying_key(), key.verifying_key());

    // Purpose and installation are bound to each key.
    let a = source.keys.join("store-0001.key");
    let store_key = std::fs::read(&a).unwrap();
    let signing = std::fs::read(source.keys.join("c1.signing")).unwrap();
    std::fs::write(&a, relabel(&signing)).unwrap();
    let error = KeyStore::open(&source.keys, &root).err().unwrap();
    assert!(error.to_string().contains("does not open"), "{error}");
    std::fs::write(&a, store_key).unwrap();
    let installation = source.keys.join("installation");
    let ours = std::fs::read(&installation).unwrap();
    std::fs::write(&installation, "ffffffff\n").unwrap();
    let error = KeyStore::open(&source.keys, &root).err().unwrap().to_string();
    assert!(error.contains("installation"), "{error}");
    std::fs::write(&installation, ours).unwrap();
    KeyStore::open(&source.keys, &root).unwrap();
}

/// The bytes with another purpose in their header.
fn relabel(bytes: &[u8]) -> Vec<u8> {
    let (from, to) = (b"signing-key/v1".as_slice(), b"store-key/v1".as_slice());
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    let mut out = bytes.to_vec();
    out.splice(at..at + from.len(), to.iter().copied());
    out
}

#[test]
fn vault_wraps_and_opens() {
    let (dir, vault) = (tempfile::tempdir().unwrap(), Vault::start());
    round_trip(&vault_source(dir.path(), &vault), "\"key\":\"transit/custody\"");

    // Another mount in a namespace, the token from a file.
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let mut other = source(dir.path(), "vault:custody", &[]);
    other.options = Options {
        vault_address: Some(format!("http://{}/", vault.address)),
        vault_mount: Some("team-transit".to_owned()),
        vault_namespace: Some("team".to_owned()),
        vault_token_file: Some(token),
        ..Options::default()
    };
    round_trip(&other, "\"key\":\"team-transit/custody\"");
}

#[test]
fn vaults_errors_say_what_to_do() {
    let (dir, vault) = (tempfile::tempdir().unwrap(), Vault::start());
    let good = vault_source(dir.path(), &vault);
    let root = RootKey::open(&good).unwrap();
    drop(KeyStore::open_or_create(dir.path(), &root).unwrap());
    let open = |source: &RootSource| -> KeysError {
        match RootKey::open(source) {
            Ok(root) => KeyStore::open(dir.path(), &root).err().unwrap(),
            Err(error) => error,
        }
    };
    let address = format!("http://{}", vault.address);
    for (variables, expected) in [
        (vec![("VAULT_ADDR", address.as_str())], "VAULT_TOKEN"),
        (vec![("VAULT_ADDR", &address), ("VAULT_TOKEN", "hvs.wrong")], "may not do it"),
        (vec![("VAULT_ADDR", &address), ("VAULT_TOKEN", "hvs.\nwrong")], "characters"),
        (vec![("VAULT_ADDR", "127.0.0.1:8200"), ("VAULT_TOKEN", TOKEN)], "https://"),
        (vec![("VAULT_ADDR", "http://u:secret@x/"), ("VAULT_TOKEN", TOKEN)], "user or a password"),
        (
            vec![("VAULT_ADDR", &address), ("VAULT_TOKEN", TOKEN), ("VAULT_NAMESPACE", "x")],
            "namespace",
        ),
    ] {
        let error = open(&source(dir.path(), "vault:custody", &variables));
        assert!(matches!(error, KeysError::Refused { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{expected}: {text}");
        assert!(!text.contains("hvs.") && !text.contains("secret"), "{text}");
    }
    let other = RootSource { provider: "vault:other".parse().unwrap(), ..good.clone() };
    assert!(matches!(open(&other), KeysError::Mismatch { .. }), "{}", open(&other));
    vault.answer_with(307);
    assert!(open(&good).to_string().contains("active node"), "{}", open(&good));
}

#[test]
fn a_vault_that_is_away_is_asked_a_few_times() {
    let (dir, vault) = (tempfile::tempdir().unwrap(), Vault::start());
    let good = vault_source(dir.path(), &vault);
    let root = RootKey::open(&good).unwrap();
    drop(KeyStore::open_or_create(dir.path(), &root).unwrap());
    let before = vault.asked();
    vault.answer_with(503);
    let error = KeyStore::open(dir.path(), &root).err().unwrap();
    assert!(matches!(error, KeysError::Away { .. }), "{error:?}");
    assert!(error.to_string().contains("Vault is sealed (asked 4 times)"), "{error}");
    assert_eq!(vault.asked() - before, 4);
    // It comes back while it is asked.
    let back = vault.clone();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(400));
        back.answer_with(0);
    });
    KeyStore::open(dir.path(), &root).unwrap();
    thread.join().unwrap();
    // Nobody is there at all.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let address = format!("http://{free}");
    let gone =
        source(dir.path(), "vault:custody", &[("VAULT_ADDR", &address), ("VAULT_TOKEN", TOKEN)]);
    let root = RootKey::open(&gone).unwrap();
    let error = KeyStore::open(dir.path(), &root).err().unwrap();
    assert!(matches!(error, KeysError::Away { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains(TOKEN), "{error:?}");
}

#[test]
fn a_rotation_to_vault_and_back_is_whole_or_did_not_happen() {
    let (dir, vault) = (tempfile::tempdir().unwrap(), Vault::start());
    let file = source(dir.path(), "file", &[]);
    let root = RootKey::open_or_create(&file).unwrap();
    let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
    let purpose = store.purpose("fingerprint").unwrap();
    store.sync().unwrap();
    let there = vault_source(dir.path(), &vault);
    vault.answer_with(503);
    let error = rotate_root(&file, Some(&there)).unwrap_err();
    assert!(matches!(error, KeysError::Away { .. }), "{error:?}");
    KeyStore::open(dir.path(), &RootKey::open(&file).unwrap()).unwrap();
    vault.answer_with(0);
    rotate_root(&file, Some(&there)).unwrap();
    assert!(!dir.path().join("root.key").exists());
    let error = RootKey::open(&file).unwrap_err().to_string();
    assert!(error.contains("vault:transit/custody"), "{error}");
    let store = KeyStore::open(dir.path(), &RootKey::open(&there).unwrap()).unwrap();
    assert_eq!(store.find_purpose("fingerprint").unwrap(), purpose);
    // Under the latest version of Vault's key.
    rotate_root(&there, None).unwrap();
    rotate_root(&there, Some(&file)).unwrap();
    let store = KeyStore::open(dir.path(), &RootKey::open(&file).unwrap()).unwrap();
    assert_eq!(store.find_purpose("fingerprint").unwrap(), purpose);
}

#[test]
fn aws_kms_wraps_and_opens() {
    let Some(kms) = Kms::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let named = format!("\"key\":\"{}\"", kms.arn);
    round_trip(&kms_source(dir.path(), &kms, "aws-kms:alias/custody"), &named);
    let dir = tempfile::tempdir().unwrap();
    round_trip(&kms_source(dir.path(), &kms, &format!("aws-kms:{}", kms.arn)), &named);

    let good = kms_source(dir.path(), &kms, &format!("aws-kms:{}", kms.arn));
    let endpoint = format!("http://{}", kms.address);
    let with = |changed: (&str, &str), provider: &str| {
        let mut variables = BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", kms.access_key.as_str()),
            ("AWS_SECRET_ACCESS_KEY", &kms.secret_key),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_REGION", "us-east-1"),
        ]);
        variables.insert(changed.0, changed.1);
        let variables: Vec<_> = variables.into_iter().collect();
        let source = source(dir.path(), provider, &variables);
        let error = match RootKey::open(&source) {
            Ok(root) => KeyStore::open(dir.path(), &root).err().unwrap(),
            Err(error) => error,
        };
        assert!(matches!(error, KeysError::Refused { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(!text.contains(&kms.secret_key), "{text}");
        text
    };
    let alias = "aws-kms:alias/custody";
    // A signature by another secret is refused: that of the right one was checked.
    let wrong = with(("AWS_SECRET_ACCESS_KEY", "wrong"), alias);
    assert!(wrong.contains("status 403") && wrong.contains("AWS_SECRET_ACCESS_KEY"), "{wrong}");
    let wrong = with(("AWS_SESSION_TOKEN", "a\nb"), alias);
    assert!(wrong.contains("characters"), "{wrong}");
    let wrong = with(("AWS_REGION", ""), alias);
    assert!(wrong.contains("aws_region"), "{wrong}");
    let wrong = with(("AWS_REGION", "us-east-1"), "aws-kms:alias/nobody");
    assert!(wrong.contains("NotFound"), "{wrong}");

    let root = RootKey::open(&good).unwrap();
    drop(kms);
    let error = KeyStore::open(dir.path(), &root).err().unwrap();
    assert!(matches!(error, KeysError::Away { .. }), "{error:?}");
}
