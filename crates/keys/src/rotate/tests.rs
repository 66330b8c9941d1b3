#![expect(clippy::disallowed_methods, reason = "what a kill leaves is made by hand")]

use std::collections::BTreeMap;

use super::*;
use crate::{Environment, KeyStore, Provider, load_or_create_signing_key, stage_signing_key};
use record::CollectorName;
use tlog::VerifyingKey;

const ORIGIN: &str = "custody.local/x/c1";

struct World {
    dir: tempfile::TempDir,
    public: VerifyingKey,
    next: VerifyingKey,
    purpose: seal::Secret,
}

fn collector() -> CollectorName {
    CollectorName::new("c1").unwrap()
}

fn source(keys: &Path, provider: &str) -> RootSource {
    let provider = provider.replace("DIR", &keys.display().to_string());
    let variables = [("ROOT", "0b".repeat(32)), ("OTHER", "0c".repeat(32))];
    let variables: BTreeMap<String, String> =
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    RootSource {
        provider: provider.parse().unwrap(),
        environment: Environment::of(variables),
        ..RootSource::file(keys)
    }
}

impl World {
    /// A store, a signing key, and one that waits.
    fn new(provider: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = RootKey::open_or_create(&source(dir.path(), provider)).unwrap();
        let store = KeyStore::open_or_create(dir.path(), &root).unwrap();
        let purpose = store.purpose("fingerprint").unwrap();
        store.sync().unwrap();
        let (keys, collector) = (dir.path(), collector());
        let key = load_or_create_signing_key(keys, &root, &collector, ORIGIN).unwrap();
        let next = stage_signing_key(keys, &root, &collector, ORIGIN).unwrap();
        let (public, next) = (key.verifying_key(), next.verifying_key());
        Self { dir, public, next, purpose }
    }

    fn keys(&self) -> &Path {
        self.dir.path()
    }

    /// Whether everything opens with this provider.
    fn opens(&self, provider: &str) -> Result<(), KeysError> {
        let root = RootKey::open(&source(self.keys(), provider))?;
        let store = KeyStore::open(self.keys(), &root)?;
        assert_eq!(store.find_purpose("fingerprint").unwrap(), self.purpose);
        let key = load_or_create_signing_key(self.keys(), &root, &collector(), ORIGIN)?;
        assert_eq!(key.verifying_key(), self.public);
        let next = stage_signing_key(self.keys(), &root, &collector(), ORIGIN)?;
        assert_eq!(next.verifying_key(), self.next);
        Ok(())
    }
}

fn bytes_under(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|e| e.unwrap().path()).map(|p| (p.clone(), std::fs::read(&p).unwrap())).collect()
}

#[test]
fn a_new_root_key_opens_everything_and_the_old_one_is_gone() {
    let world = World::new("file");
    let old = std::fs::read(world.keys().join("root.key")).unwrap();
    let rotation = rotate_root(&source(world.keys(), "file"), None).unwrap();
    assert_eq!(rotation.rewrapped, 3);
    assert_eq!(rotation.destroyed, Some(world.keys().join("root.key")));
    world.opens("file").unwrap();
    for (path, bytes) in bytes_under(world.keys()) {
        assert_ne!(bytes, old, "{}", path.display());
        let name = path.display().to_string();
        assert!(!name.ends_with(STAGED) && !name.ends_with(OLD), "{name}");
    }
}

/// Every key file that the folder has, wrapped anew or gone: of the store the epoch that counts.
#[test]
fn the_epoch_that_counts_is_wrapped_anew_and_no_other() {
    let world = World::new("file");
    let root = RootKey::open(&source(world.keys(), "file")).unwrap();
    let store = |n: u32, kind: &str| world.keys().join(format!("store-{n:04}.{kind}"));
    let first = std::fs::read(store(1, "key")).unwrap();
    assert_eq!(KeyStore::open_or_create(world.keys(), &root).unwrap().rotate().unwrap(), 2);
    assert!(!store(1, "key").exists() && !store(1, "rows").exists());
    world.opens("file").unwrap();
    // A crash left the old epoch, whole or half destroyed.
    for left in [first.clone(), vec![0; first.len()]] {
        std::fs::write(store(1, "key"), left).unwrap();
        let rotation = rotate_root(&source(world.keys(), "file"), None).unwrap();
        assert_eq!(rotation.rewrapped, 3);
        assert!(!store(1, "key").exists());
        world.opens("file").unwrap();
    }
}

#[test]
fn providers_follow_each_other() {
    let world = World::new("file");
    let mut from = "file";
    for to in ["env:ROOT", "env:OTHER", "file:DIR/other.key", "file"] {
        let to_source = source(world.keys(), to);
        let rotation = rotate_root(&source(world.keys(), from), Some(&to_source)).unwrap();
        assert_eq!((rotation.rewrapped, rotation.to), (3, to_source.provider.to_string()));
        world.opens(to).unwrap();
        assert!(world.opens(from).is_err(), "{from} still opens after {to}");
        if let Some(path) = source(world.keys(), from).path() {
            assert!(!path.exists(), "{}", path.display());
        }
        from = to;
    }
    assert_eq!(source(world.keys(), from).provider, Provider::DefaultFile);
    let same = source(world.keys(), "env:ROOT");
    rotate_root(&source(world.keys(), "file"), Some(&same)).unwrap();
    let error = rotate_root(&same, None).unwrap_err().to_string();
    assert!(error.contains("in use"), "{error}");
    world.opens("env:ROOT").unwrap();
}

/// The work ends at each of its steps in turn; what is left opens with the old root key or with
/// the new one, and the next attempt does the rest.
#[test]
fn a_crash_at_any_step_leaves_one_that_works() {
    for (from, to) in [("file", None), ("file", Some("env:ROOT")), ("env:ROOT", Some("file"))] {
        let mut failed_before = 0;
        for crash in 0.. {
            let world = World::new(from);
            let (old, new) = (source(world.keys(), from), to.map(|to| source(world.keys(), to)));
            let mut steps = 0;
            let outcome = rotate_stepwise(&old, new.as_ref(), &mut |_, _| {
                steps += 1;
                if steps > crash { Err(io::Error::other("crash")) } else { Ok(()) }
            });
            let done = outcome.is_ok();
            let to = to.unwrap_or(from);
            let committed = world.keys().join(COMMIT).exists() || done;
            let (with_old, with_new) = (world.opens(from), world.opens(to));
            assert!(
                if committed { with_new.is_ok() } else { with_old.is_ok() },
                "{from} to {to}, step {crash}, committed {committed}: {with_old:?}, {with_new:?}"
            );
            if !committed {
                failed_before += 1;
                rotate_root(&old, new.as_ref()).unwrap();
                world.opens(to).unwrap();
            }
            let left: Vec<PathBuf> = bytes_under(world.keys())
                .into_iter()
                .map(|(path, _)| path)
                .filter(|path| {
                    let name = path.display().to_string();
                    name.ends_with(STAGED) || name.ends_with(OLD) || name.ends_with(COMMIT)
                })
                .collect();
            assert!(left.is_empty(), "{from} to {to}, step {crash}: {left:?}");
            if done {
                assert!(crash > 6 && failed_before > 3, "only {crash} steps");
                break;
            }
        }
    }
}

#[test]
fn what_a_kill_cut_off_goes_with_the_next_exchange() {
    let world = World::new("file");
    let cut = world.keys().join(".unfinished-1-1");
    std::fs::write(&cut, "0d".repeat(32)).unwrap();
    rotate_root(&source(world.keys(), "file"), None).unwrap();
    assert!(!cut.exists());
    world.opens("file").unwrap();
}

#[test]
fn a_crash_while_a_signing_key_is_installed_leaves_one_that_works() {
    for crash in 0..3 {
        let world = World::new("file");
        let mut steps = 0;
        let outcome =
            signing::install_stepwise(world.keys(), &collector(), &world.next, &mut |_, _| {
                steps += 1;
                if steps > crash { Err(io::Error::other("crash")) } else { Ok(()) }
            });
        assert_eq!(outcome.is_ok(), crash == 2, "step {crash}");
        let root = RootKey::open(&source(world.keys(), "file")).unwrap();
        let key = load_or_create_signing_key(world.keys(), &root, &collector(), ORIGIN).unwrap();
        let expected = if crash == 0 { &world.public } else { &world.next };
        assert_eq!(&key.verifying_key(), expected, "step {crash}");
        let public = std::fs::read_to_string(crate::verifying_key_path(world.keys(), &collector()));
        assert_eq!(public.unwrap(), format!("{expected}\n"));
    }
}
