//! Over-masking of code and data: the files of a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mask::Masker;

use super::goals::Title;
use super::look::{self, is_name};
use super::report::{Form, Section};
use super::score::ratio;
use crate::num;

const CODE: [&str; 20] = [
    "bash", "c", "cc", "cpp", "cs", "css", "go", "h", "hpp", "java", "js", "kt", "php", "proto",
    "py", "rb", "rs", "sh", "sql", "ts",
];
const DATA: [&str; 8] = ["json", "jsonl", "lock", "toml", "tsv", "xml", "yaml", "yml"];
/// Larger files are made by machines, as a rule.
const LARGEST: u64 = 256 << 10;
/// Folders that hold what was built, or what somebody else wrote.
const LEFT_OUT: [&str; 3] = ["target", "node_modules", ".git"];

/// The workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Crates whose tests are full of values on purpose.
const EXAMPLES: [&str; 2] = ["crates/mask", "crates/names"];

/// A file that was read.
pub(super) struct File {
    path: PathBuf,
    pub(super) text: String,
    kind: &'static str,
}

/// The folders to look at when none was named: the workspace's own code and its lock file.
fn own() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    vec![root.join("crates"), root.join("Cargo.lock")]
}

/// Files of code and data, at most so many bytes of them, from all over the folder.
pub(super) fn read(folder: Option<&Path>, limit: u64) -> Result<Vec<File>> {
    let mut paths = Vec::new();
    let roots = folder.map_or_else(own, |folder| vec![folder.to_owned()]);
    for root in &roots {
        walk(root, &mut paths)
            .with_context(|| format!("cannot read the code at {}", root.display()))?;
    }
    paths.sort();
    let all: u64 = paths.iter().map(|(_, size)| size).sum();
    let step = num::index(all.div_ceil(limit.max(1)).max(1));
    let examples = EXAMPLES.map(|folder| Path::new(ROOT).join(folder));
    let mut files = Vec::new();
    for (path, _) in paths.into_iter().step_by(step) {
        // What is no text is no code.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let kind = if examples.iter().any(|folder| path.starts_with(folder)) {
            "examples"
        } else if ending(&path).is_some_and(|e| DATA.contains(&e)) {
            "data"
        } else {
            "code"
        };
        files.push(File { path, text, kind });
    }
    Ok(files)
}

fn ending(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

fn walk(path: &Path, into: &mut Vec<(PathBuf, u64)>) -> std::io::Result<()> {
    let kind = fs::symlink_metadata(path)?;
    if kind.is_file() {
        let wanted = ending(path).is_some_and(|e| CODE.contains(&e) || DATA.contains(&e));
        if wanted && kind.len() <= LARGEST {
            into.push((path.to_owned(), kind.len()));
        }
    } else if kind.is_dir() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !LEFT_OUT.contains(&name) {
            for entry in fs::read_dir(path)? {
                walk(&entry?.path(), into)?;
            }
        }
    }
    Ok(())
}

/// Masks them.
pub(super) fn table(files: &[File], masker: &Masker, examples: usize) -> Section {
    let mut section = Section::new(Title::Code);
    for name in ["code", "data", "examples"] {
        let (mut all, mut masked, mut other, mut names) = (0, 0, 0, 0);
        let mut kinds: BTreeMap<String, (u64, Vec<String>)> = BTreeMap::new();
        for file in files.iter().filter(|file| file.kind == name) {
            all += num::count(file.text.chars().count());
            for found in look::find(masker, &file.text) {
                let length = num::count(found.end - found.start);
                masked += length;
                other += if found.label == "EMAIL" { 0 } else { length };
                names += if is_name(&found.label) { length } else { 0 };
                let (chars, some) = kinds.entry(found.label).or_default();
                *chars += length;
                if some.len() < examples {
                    let value = file.text.chars().skip(found.start).take(found.end - found.start);
                    let value: String = value.take(60).collect();
                    let file = file.path.file_name().unwrap_or_default().display();
                    some.push(format!("{value:?} ({file})"));
                }
            }
        }
        if all == 0 {
            continue;
        }
        section.put("masked", name, Form::Percent, ratio(masked, all));
        section.put("without EMAIL", name, Form::Percent, ratio(other, all));
        section.put("by the names tier", name, Form::Percent, ratio(names, all));
        section.put("KB", name, Form::Count, num::float(all / 1000));
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, (chars, _))| std::cmp::Reverse(*chars));
        for (label, (chars, some)) in kinds.into_iter().filter(|_| examples > 0) {
            section.note(format!("{name}: {label} {chars} characters: {}", some.join(", ")));
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's files need not last")]
    fn code_and_data_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a.rs", b"fn main() {}");
        write("b/c.json", b"{}");
        write("b/d.rs", &[0xff]);
        write("e.txt", b"prose");
        write("target/f.rs", b"built");
        let files = read(Some(folder.path()), 1 << 20).unwrap();
        let found: Vec<_> = files.iter().map(|f| (f.text.as_str(), f.kind)).collect();
        assert_eq!(found, [("fn main() {}", "code"), ("{}", "data")]);
    }
}
