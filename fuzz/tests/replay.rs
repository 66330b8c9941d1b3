//! Replays the corpora: what fuzzing once found stays found.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, panic};

const MOST_FILES: usize = 60;
const MOST_BYTES: usize = 2048;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect()
}

#[test]
fn every_corpus_is_replayed() {
    for (target, body) in custody_fuzz::TARGETS {
        let corpus = folder("corpus").join(target);
        let files = names(&corpus);
        assert!(!files.is_empty(), "{target}: the corpus is empty");
        assert!(files.len() <= MOST_FILES, "{target}: {} files", files.len());
        for file in files {
            let data = fs::read(corpus.join(&file)).unwrap();
            assert!(data.len() <= MOST_BYTES, "{target}/{file}: {} bytes", data.len());
            if panic::catch_unwind(|| body(&data)).is_err() {
                panic!("{target}/{file}: see above");
            }
        }
    }
}

#[test]
fn every_target_has_a_file_and_a_corpus() {
    let targets: BTreeSet<String> =
        custody_fuzz::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("corpus")), targets);
    let files = names(&folder("fuzz_targets"));
    assert_eq!(files, targets.iter().map(|name| format!("{name}.rs")).collect());
}
