//! Where the root key is: the words of `[keys] root`, and what is needed to reach it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::KeysError;

/// Who holds the root key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Provider {
    /// `file`: `root.key` in the folder of the keys.
    #[default]
    DefaultFile,
    /// `file:PATH`: a file that its owner alone can read.
    File(PathBuf),
    /// `age:PATH`: a file that is encrypted with a passphrase, in the age format.
    Age(PathBuf),
    /// `env:NAME`: an environment variable with the 64 hexadecimal digits.
    Environment(String),
    /// `vault:KEY`: a key of `HashiCorp` Vault's transit engine.
    Vault(String),
    /// `aws-kms:KEY`: a key of AWS KMS, by ARN, id, or alias (`alias/custody`).
    AwsKms(String),
}

/// A text that names no provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} names no provider of the root key: {reason}; known: file, file:PATH, age:PATH, \
     env:NAME, vault:KEY, aws-kms:ARN-or-alias"
)]
pub struct UnknownProvider {
    /// The text, or as much of it as cannot be a secret.
    pub given: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(text: &str) -> Result<Self, UnknownProvider> {
        if text == "file" {
            return Ok(Self::DefaultFile);
        }
        // Somebody may have put the secret itself here: only the word before the colon is shown.
        let (word, rest) = text.split_once(':').unwrap_or(("", ""));
        let unknown = |reason| UnknownProvider { given: format!("{word}:…"), reason };
        if rest.is_empty() {
            return Err(unknown("nothing stands behind a colon"));
        }
        match word {
            "file" => Ok(Self::File(PathBuf::from(rest))),
            "age" => Ok(Self::Age(PathBuf::from(rest))),
            "env" if is_variable(rest) => Ok(Self::Environment(rest.to_owned())),
            "env" => Err(unknown("a variable's name has letters, digits and underscores")),
            "vault" if is_vault_key(rest) => Ok(Self::Vault(rest.to_owned())),
            "vault" => Err(unknown("a key's name has letters, digits, dots, dashes, underscores")),
            "aws-kms" if is_aws_key(rest) => Ok(Self::AwsKms(rest.to_owned())),
            "aws-kms" => Err(unknown("a key is an ARN, an id or alias/NAME")),
            _ => Err(unknown("this word is not known")),
        }
    }
}

fn is_variable(name: &str) -> bool {
    // So many hexadecimal digits are no name but the secret itself.
    let secret = name.len() >= 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
    !secret && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_vault_key(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && !name.starts_with('.')
}

fn is_aws_key(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b":/_-".contains(&b))
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultFile => f.write_str("file"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Age(path) => write!(f, "age:{}", path.display()),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::Vault(key) => write!(f, "vault:{key}"),
            Self::AwsKms(key) => write!(f, "aws-kms:{key}"),
        }
    }
}

/// How providers are reached. Nothing in it is secret; what is `None` comes from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// File with the passphrase of `age:`; else `CUSTODY_PASSPHRASE`, else the terminal is asked.
    pub passphrase_file: Option<PathBuf>,
    /// Vault's address; else `VAULT_ADDR`, else `https://127.0.0.1:8200`.
    pub vault_address: Option<String>,
    /// Where the transit engine is mounted; else `transit`.
    pub vault_mount: Option<String>,
    /// Vault's namespace; else `VAULT_NAMESPACE`, else none.
    pub vault_namespace: Option<String>,
    /// File with Vault's token, read anew for each use; else `VAULT_TOKEN`.
    pub vault_token_file: Option<PathBuf>,
    /// AWS region; else that of the key's ARN, else `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub aws_region: Option<String>,
    /// Address of AWS KMS; else `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL`, else the region's.
    pub aws_endpoint: Option<String>,
}

/// Environment variables: the process's own, or a map of names and values.
#[derive(Clone)]
pub struct Environment(Arc<Variables>);

type Variables = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Environment {
    /// The process's.
    pub fn process() -> Self {
        Self(Arc::new(|name| std::env::var(name).ok()))
    }

    /// These and no others.
    pub fn of(variables: BTreeMap<String, String>) -> Self {
        Self(Arc::new(move |name| variables.get(name).cloned()))
    }

    /// A variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        (self.0)(name).filter(|value| !value.is_empty()).map(Zeroizing::new)
    }

    pub(crate) fn plain(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_string())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(…)")
    }
}

/// A provider, and all that is needed to ask it.
#[derive(Debug, Clone)]
pub struct RootSource {
    /// Who holds the root key.
    pub provider: Provider,
    /// Folder of the keys.
    pub keys: PathBuf,
    /// How it is reached.
    pub options: Options,
    /// Where secrets and defaults come from.
    pub environment: Environment,
}

impl RootSource {
    /// `root.key` in the folder of the keys.
    pub fn file(keys: &Path) -> Self {
        Self {
            provider: Provider::DefaultFile,
            keys: keys.to_owned(),
            options: Options::default(),
            environment: Environment::process(),
        }
    }

    /// The file that holds the root key, where one does.
    pub fn path(&self) -> Option<PathBuf> {
        match &self.provider {
            Provider::DefaultFile => Some(self.keys.join("root.key")),
            Provider::File(path) | Provider::Age(path) => Some(path.clone()),
            _ => None,
        }
    }

    /// Whether both are encrypted the same way, or not at all.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let aged = |source: &Self| matches!(source.provider, Provider::Age(_));
        aged(self) == aged(other)
    }

    pub(crate) fn refused(&self, reason: impl Into<String>) -> KeysError {
        KeysError::refused(&self.provider, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_come_back_from_their_own_text() {
        for text in [
            "file",
            "file:/etc/custody/root.key",
            "age:root.age",
            "env:CUSTODY_ROOT_KEY",
            "vault:custody",
            "aws-kms:alias/custody",
            "aws-kms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        ] {
            assert_eq!(text.parse::<Provider>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn wrong_texts_are_refused_and_secrets_in_them_are_not_shown() {
        let secret = "0a".repeat(32);
        for text in [
            "",
            "file:",
            "vault:../sys/seal",
            "vault:a/b",
            "aws-kms:a b",
            "gcp:x",
            "env:A-B",
            &secret,
            &format!("env:{secret}"),
            &format!("key:{secret}"),
        ] {
            let error = text.parse::<Provider>().unwrap_err().to_string();
            assert!(error.contains("known: file"), "{error}");
            assert!(!error.contains(&secret), "{error}");
        }
    }
}
