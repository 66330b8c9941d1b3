//! A root secret in a file that is encrypted with a passphrase, in the age format
//! (`age-encryption.org/v1`, scrypt recipient): `age -d` opens it too.

use std::io::IsTerminal as _;
use std::path::Path;

use age::secrecy::SecretString;
use age::{DecryptError, scrypt};
use seal::Secret;
use zeroize::Zeroizing;

use super::{file, write_secret};
use crate::KeysError;
use crate::provider::RootSource;

/// The variable with the passphrase.
const VARIABLE: &str = "CUSTODY_PASSPHRASE";
/// A guess at a shorter one costs an attacker too little.
const SHORTEST: usize = 12;

/// What opens the file. Never printed.
pub(super) struct Passphrase(SecretString);

impl Passphrase {
    /// From the file of the settings, the environment, or the terminal.
    pub(super) fn of(source: &RootSource) -> Result<Self, KeysError> {
        match Self::given(source)? {
            Some(given) => Ok(Self(given)),
            None => Ok(Self(ask(source, "passphrase of the root key: ")?)),
        }
    }

    /// The same for a file that is about to be made: a terminal is asked twice, and the passphrase
    /// has a least length.
    pub(super) fn of_new(source: &RootSource) -> Result<Self, KeysError> {
        use age::secrecy::ExposeSecret as _;
        let given = if let Some(given) = Self::given(source)? {
            given
        } else {
            let first = ask(source, "new passphrase of the root key: ")?;
            let again = ask(source, "once more: ")?;
            if first.expose_secret() != again.expose_secret() {
                return Err(source.refused("the two passphrases differ; try again"));
            }
            first
        };
        if given.expose_secret().chars().count() < SHORTEST {
            let reason = format!("a new passphrase has at least {SHORTEST} characters");
            return Err(source.refused(reason));
        }
        Ok(Self(given))
    }

    fn given(source: &RootSource) -> Result<Option<SecretString>, KeysError> {
        if let Some(path) = &source.options.passphrase_file {
            let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
                let path = path.display();
                source.refused(format!("cannot read the passphrase in {path}: {error}"))
            })?;
            let text = text.trim_end_matches(['\r', '\n']);
            return Ok(Some(SecretString::from(text.to_owned())));
        }
        let given = source.environment.get(VARIABLE);
        Ok(given.map(|text| SecretString::from(text.to_string())))
    }
}

fn ask(source: &RootSource, prompt: &str) -> Result<SecretString, KeysError> {
    if !std::io::stdin().is_terminal() {
        return Err(source.refused(format!(
            "a passphrase is needed, and there is no terminal to ask: set {VARIABLE}, or \
             [keys] passphrase_file"
        )));
    }
    let given = rpassword::prompt_password(prompt)
        .map_err(|error| source.refused(format!("the terminal gave no passphrase: {error}")))?;
    Ok(SecretString::from(given))
}

pub(super) fn write(
    path: &Path,
    secret: &Secret,
    passphrase: &Passphrase,
) -> Result<(), KeysError> {
    // The work factor is age's own: about a second on this machine.
    let recipient = scrypt::Recipient::new(passphrase.0.clone());
    let sealed = age::encrypt_and_armor(&recipient, file::text(secret).as_bytes())
        .map_err(|error| KeysError::damaged(path, format!("cannot be encrypted: {error}")))?;
    write_secret(path, sealed.as_bytes())
}

pub(super) fn read(source: &RootSource, path: &Path) -> Result<Secret, KeysError> {
    file::check_mode(path)?;
    let sealed = std::fs::read(path).map_err(KeysError::unavailable("read", path))?;
    // Nobody is asked for the passphrase of a file that is not there.
    let passphrase = Passphrase::of(source)?;
    let identity = scrypt::Identity::new(passphrase.0.clone());
    let opened =
        age::decrypt(&identity, &sealed).map(Zeroizing::new).map_err(|error| match error {
            DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
                source.refused("the passphrase is wrong")
            }
            DecryptError::NoMatchingKeys => source.refused(
                "it is encrypted to other recipients than a passphrase; make it with `age -p`",
            ),
            DecryptError::ExcessiveWork { .. } => {
                source.refused("its work factor is too high for this machine; encrypt it anew")
            }
            other => KeysError::damaged(path, format!("is no age file: {other}; restore it")),
        })?;
    std::str::from_utf8(&opened).ok().and_then(file::parse).ok_or_else(|| {
        KeysError::damaged(path, "it opens, and what it holds is not 64 hexadecimal digits")
    })
}
