//! Annotated texts: a folder of sets, JSON a line, gzipped or not.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// A value that stands in a text, as somebody annotated it. Offsets are code points.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Gold {
    /// Its first code point.
    pub(crate) start: usize,
    /// The first code point after it.
    pub(crate) end: usize,
    /// What it is.
    pub(crate) label: String,
}

/// One annotated text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Document {
    /// Its name within the set.
    pub(crate) id: String,
    /// The text.
    pub(crate) text: String,
    /// The values in it.
    #[serde(default)]
    pub(crate) spans: Vec<Gold>,
    /// In sets without spans: whether a credential stands in the text at all.
    #[serde(default)]
    pub(crate) has_secret: Option<bool>,
    /// In sets of streams: the text as a provider streamed it.
    #[serde(default)]
    pub(crate) sse: Option<String>,
    /// In sets of streams: what the stream carries the text in.
    #[serde(default)]
    pub(crate) kind: Option<String>,
}

/// Sets by their names, which are those of the files without endings.
pub(crate) type Sets = BTreeMap<String, Vec<Document>>;

/// Where the annotated texts are, unless it is said: beside the workspace.
pub(crate) fn usual() -> PathBuf {
    let shared = std::env::var_os("CUSTODY_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    shared.join("corpus/masking")
}

/// Reads every set of a folder.
pub(crate) fn load(folder: &Path) -> Result<Sets> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut sets = Sets::new();
    for entry in entries {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let plain = file.strip_suffix(".gz").unwrap_or(file);
        let Some(name) = plain.strip_suffix(".jsonl") else { continue };
        let raw = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let text = if plain == file {
            String::from_utf8(raw)?
        } else {
            let mut text = String::new();
            MultiGzDecoder::new(raw.as_slice()).read_to_string(&mut text)?;
            text
        };
        let documents = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let documents: Result<Vec<_>> = documents
            .map(|(i, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("{}, line {}", path.display(), i + 1))
            })
            .collect();
        sets.insert(name.to_owned(), documents?);
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::load;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's files need not last")]
    fn gzipped_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let line =
            "{\"id\":\"a\",\"text\":\"é 1\",\"spans\":[{\"start\":2,\"end\":3,\"label\":\"X\"}]}\n";
        std::fs::write(folder.path().join("one.jsonl"), line).unwrap();
        let file = std::fs::File::create(folder.path().join("two.jsonl.gz")).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        gzip.write_all(line.repeat(2).as_bytes()).unwrap();
        gzip.finish().unwrap();
        std::fs::write(folder.path().join("README.md"), "no set").unwrap();
        let sets = load(folder.path()).unwrap();
        assert_eq!(sets.keys().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!((sets["one"].len(), sets["two"].len()), (1, 2));
        assert_eq!(sets["two"][1].spans, sets["one"][0].spans);
    }
}
