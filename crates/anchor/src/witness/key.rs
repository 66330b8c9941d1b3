//! A witness's key: made on the first start, for its owner alone.
//!
//! ```text
//! name witness.example/w1
//! secret <64 hexadecimal digits>
//! ```

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use archive::durable;
use tlog::CosigningKey;
use zeroize::Zeroizing;

use super::{WitnessError, unavailable};

pub(super) fn load_or_create(
    path: &Path,
    name: Option<&str>,
) -> Result<CosigningKey, WitnessError> {
    match std::fs::metadata(path) {
        Ok(meta) => {
            let mode = meta.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(damaged(
                    path,
                    format!("others can read the witness's key (mode {mode:o}); run chmod 600"),
                ));
            }
            load(path, name)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, name),
        Err(error) => Err(unavailable("read", path)(error)),
    }
}

fn load(path: &Path, name: Option<&str>) -> Result<CosigningKey, WitnessError> {
    let text = std::fs::read_to_string(path).map_err(unavailable("read", path))?;
    let text = Zeroizing::new(text);
    let mut lines = text.lines();
    let field = |line: Option<&str>, field: &str| Some(line?.strip_prefix(field)?.to_owned());
    let known = field(lines.next(), "name ");
    let secret = field(lines.next(), "secret ").map(Zeroizing::new);
    let (Some(known), Some(secret)) = (known, secret) else {
        return Err(damaged(path, "it is not a witness's key; restore it from a copy".to_owned()));
    };
    if let Some(name) = name.filter(|name| *name != known) {
        return Err(WitnessError::Usage(format!(
            "this witness is {known:?} and not {name:?}: a witness keeps its name for good; use \
             another folder for another witness"
        )));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(secret.as_bytes(), bytes.as_mut()).map_err(|_| {
        damaged(path, "its secret is not 64 hexadecimal digits; restore it from a copy".to_owned())
    })?;
    CosigningKey::new(known, &bytes).map_err(|error| damaged(path, error.to_string()))
}

fn create(path: &Path, name: Option<&str>) -> Result<CosigningKey, WitnessError> {
    let mut secret = Zeroizing::new([0; 32]);
    let mut id = [0; 4];
    let random = getrandom::fill(secret.as_mut()).and_then(|()| getrandom::fill(&mut id));
    random
        .map_err(|error| WitnessError::Usage(format!("the system gave no randomness: {error}")))?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => format!("custody.local/witness/{}", hex::encode(id)),
    };
    let key = CosigningKey::new(name.clone(), &secret)?;
    let digits = Zeroizing::new(hex::encode(secret.as_ref()));
    let text = Zeroizing::new(format!("name {name}\nsecret {}\n", digits.as_str()));
    durable::replace(path, text.as_bytes(), 0o600).map_err(unavailable("create", path))?;
    Ok(key)
}

fn damaged(path: &Path, reason: String) -> WitnessError {
    WitnessError::Damaged { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, set_permissions};

    use super::*;

    #[test]
    fn is_made_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness.key");
        let made = load_or_create(&path, Some("witness.example/w1")).unwrap().cosignature_key();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(&path, None).unwrap().cosignature_key(), made);
        let error = load_or_create(&path, Some("other")).unwrap_err().to_string();
        assert!(error.contains("witness.example/w1"), "{error}");
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(load_or_create(&path, None).unwrap_err().to_string().contains("chmod 600"));
        let other = dir.path().join("other.key");
        assert!(matches!(load_or_create(&other, Some("a b")), Err(WitnessError::Usage(_))));
        let made_up = load_or_create(&other, None).unwrap().cosignature_key();
        assert!(made_up.name().starts_with("custody.local/witness/"));
    }

    #[test]
    fn a_damaged_file_is_no_new_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness.key");
        for text in ["", "name w\n", "name w\nsecret 00\n", "secret 00\nname w\n"] {
            durable::replace(&path, text.as_bytes(), 0o600).unwrap();
            let loaded = load_or_create(&path, None);
            assert!(matches!(loaded, Err(WitnessError::Damaged { .. })), "{text:?}");
        }
    }
}
