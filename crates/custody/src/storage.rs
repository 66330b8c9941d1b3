//! Archives by what the configuration calls them: a directory or a bucket.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use archive::{Archive, LocalArchive, S3Archive, S3Config, S3Url};

/// Where an archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArchivePlace {
    Directory(PathBuf),
    Bucket(S3Url),
}

/// How a bucket is used for writing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writing {
    /// Ask for the immutable flag of a directory's files.
    pub(crate) immutable: bool,
    pub(crate) allow_unlocked: bool,
    pub(crate) storage_class: Option<String>,
    /// Where objects in the making lie.
    pub(crate) spool: PathBuf,
}

impl ArchivePlace {
    /// Reads `s3://bucket/prefix` or a path.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        if S3Url::is_one(text) {
            return Ok(Self::Bucket(text.parse()?));
        }
        if text.is_empty() {
            return Err(anyhow!("it is empty; write a directory or s3://bucket/prefix"));
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(anyhow!(
                "{text}: {scheme}:// is not known; known: s3://bucket/prefix, a path"
            ));
        }
        // A slash too few would make a directory, and nobody would notice for months.
        if text.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("s3:")) {
            return Err(anyhow!("{text}: write s3://bucket/prefix, or ./{text} for a directory"));
        }
        Ok(Self::Directory(PathBuf::from(text)))
    }

    /// Opens it for writing, creating a directory. A bucket is asked nothing yet.
    pub(crate) fn create(&self, writing: &Writing) -> anyhow::Result<Arc<dyn Archive>> {
        Ok(match self {
            Self::Directory(path) => Arc::new(LocalArchive::create(path, writing.immutable)?),
            Self::Bucket(url) => Arc::new(S3Archive::new(S3Config {
                url: url.clone(),
                spool: Some(writing.spool.clone()),
                allow_unlocked: writing.allow_unlocked,
                cold_class: writing.storage_class.clone(),
                access: None,
            })?),
        })
    }

    /// Opens it for reading.
    pub(crate) fn open(&self) -> anyhow::Result<Arc<dyn Archive>> {
        Ok(match self {
            Self::Directory(path) => Arc::new(LocalArchive::open(path).with_context(|| {
                format!(
                    "there is no archive in {}; --data or --archive names another",
                    path.display()
                )
            })?),
            Self::Bucket(url) => Arc::new(S3Archive::new(S3Config {
                url: url.clone(),
                spool: None,
                allow_unlocked: true,
                cold_class: None,
                access: None,
            })?),
        })
    }
}

impl fmt::Display for ArchivePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => path.display().fmt(f),
            Self::Bucket(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_bucket_is_no_directory() {
        for bad in
            ["", "s3:/bucket/x", "s3:bucket", "S3://bucket/x", "S3:/bucket", "gs://b/x", "s3://"]
        {
            assert!(ArchivePlace::parse(bad).is_err(), "{bad}");
        }
        for (good, is_bucket) in [("s3://bucket/x", true), ("s3", false), ("./s3:x", false)] {
            let place = ArchivePlace::parse(good).unwrap();
            assert_eq!(matches!(place, ArchivePlace::Bucket(_)), is_bucket, "{good}");
        }
    }
}
