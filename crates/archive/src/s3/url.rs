//! `s3://bucket/prefix`.

use std::fmt;
use std::str::FromStr;

use crate::{ArchiveError, Name};

/// A bucket, and a prefix of all names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Url {
    /// The bucket's name.
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
}

impl S3Url {
    /// Whether a text means a bucket and not a directory.
    pub fn is_one(text: &str) -> bool {
        text.starts_with("s3://")
    }

    /// The key of an object, or of a beginning of names.
    pub(super) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// The name of a key; `None` for what is not the archive's.
    pub(super) fn name(&self, key: &str) -> Option<Name> {
        let rest = key.strip_prefix(&self.prefix)?;
        let rest = if self.prefix.is_empty() { rest } else { rest.strip_prefix('/')? };
        Name::new(rest).ok()
    }
}

impl FromStr for S3Url {
    type Err = ArchiveError;

    fn from_str(text: &str) -> Result<Self, ArchiveError> {
        let refused = |reason: &str| ArchiveError::Refused {
            what: text.to_owned(),
            reason: format!("{reason}; write s3://bucket/prefix"),
        };
        let rest =
            text.strip_prefix("s3://").ok_or_else(|| refused("it does not begin with s3://"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        let good = bucket.len() >= 3
            && bucket.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !good {
            return Err(refused("the bucket's name is not one"));
        }
        if !prefix.is_empty() && Name::new(prefix).is_err() {
            return Err(refused("the prefix is not one"));
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_keys() {
        let url: S3Url = "s3://audit-bucket/prod/eu/".parse().unwrap();
        assert_eq!(url.to_string(), "s3://audit-bucket/prod/eu");
        assert_eq!(url.key("c1/ledger/checkpoint"), "prod/eu/c1/ledger/checkpoint");
        assert_eq!(url.name("prod/eu/custody.json"), Some(Name::new("custody.json").unwrap()));
        assert_eq!(url.name("prod/eu2/custody.json"), None);
        let whole: S3Url = "s3://audit-bucket".parse().unwrap();
        assert_eq!(whole.key("custody.json"), "custody.json");
        assert_eq!(whole.name("custody.json"), Some(Name::new("custody.json").unwrap()));
        for bad in ["s3://", "s3://a", "s3:///x", "http://x/y", "s3://bucket/../x", "s3://b ket/"] {
            assert!(bad.parse::<S3Url>().is_err(), "{bad}");
        }
    }
}
