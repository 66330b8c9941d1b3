//! The S3 interface's XML, as far as it is used here.

use serde::Deserialize;

/// `ListVersionsResult`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Versions {
    pub(super) is_truncated: bool,
    pub(super) next_key_marker: Option<String>,
    pub(super) next_version_id_marker: Option<String>,
    pub(super) version: Vec<Listed>,
    pub(super) delete_marker: Vec<Listed>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) key: String,
    pub(super) version_id: String,
    pub(super) is_latest: bool,
    pub(super) last_modified: String,
    pub(super) size: u64,
}

/// `Error`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

/// `VersioningConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Versioning {
    pub(super) status: String,
}

/// `ObjectLockConfiguration`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ObjectLock {
    pub(super) object_lock_enabled: String,
    pub(super) rule: Rule,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Rule {
    pub(super) default_retention: DefaultRetention,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DefaultRetention {
    pub(super) days: Option<i64>,
    pub(super) years: Option<i64>,
}

/// `Retention` of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Retention {
    pub(super) mode: String,
    pub(super) retain_until_date: String,
}

/// A document's value; what cannot be read is `None`.
pub(super) fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Option<T> {
    quick_xml::de::from_str(std::str::from_utf8(body).ok()?).ok()
}

/// Text for an element's content.
pub(super) fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
