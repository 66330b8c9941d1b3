//! The bytes of `spec/vectors` are those that this crate reads and writes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests")]

use seal::{PartKey, ScopeKey, Secret};
use sha2::{Digest as _, Sha256};

const PART: &str = include_str!("../../../spec/vectors/part.txt");
/// The one vector that no independent program made: a frame that points into the dictionary.
const DICTIONARY: &str = include_str!("../../../spec/vectors/dictionary.txt");

fn text<'a>(file: &'a str, name: &str) -> &'a str {
    let found = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no vector {name}"))
}

fn bytes(file: &str, name: &str) -> Vec<u8> {
    let digits = text(file, name).as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn scope() -> ScopeKey {
    let key = |name| Secret::from_slice(&bytes(PART, name)).unwrap();
    let (tenant, class) = (text(PART, "tenant"), text(PART, "class"));
    ScopeKey::derive(&key("subject_key"), &key("period_key"), tenant, class).unwrap()
}

#[test]
fn pid_and_sealed_bytes() {
    let (scope, content) = (scope(), bytes(PART, "content"));
    assert_eq!(scope.commit("text", &content).to_vec(), bytes(PART, "pid"));
    let sealed = scope.seal(&content);
    assert_eq!(sealed, bytes(PART, "sealed"));
    assert_eq!(scope.open(&sealed).unwrap(), content);
    let key = bytes(PART, "part_key");
    assert_eq!(scope.part_key(&sealed).unwrap().to_bytes().to_vec(), key);
    let key = PartKey::from_bytes(key.as_slice().try_into().unwrap());
    assert_eq!(key.open(&sealed).unwrap(), content);
}

#[test]
fn three_chunks() {
    let mut noise = vec![b'b'];
    noise.extend((0..1024_u16).flat_map(|n| Sha256::digest(n.to_be_bytes())));
    assert_eq!(noise.len().to_string(), text(PART, "noise_length"));
    assert_eq!(Sha256::digest(&noise).to_vec(), bytes(PART, "noise_sha256"));
    let scope = scope();
    assert_eq!(scope.commit("opaque", &noise).to_vec(), bytes(PART, "noise_pid"));
    let sealed = scope.seal(&noise);
    assert_eq!(sealed.len().to_string(), text(PART, "noise_sealed_length"));
    assert_eq!(Sha256::digest(&sealed).to_vec(), bytes(PART, "noise_sealed_sha256"));
    assert_eq!(scope.open(&sealed).unwrap(), noise);
}

#[test]
fn every_codec_opens() {
    for name in ["zstd", "dictionary_stored"] {
        let sealed = bytes(PART, &format!("{name}_sealed"));
        let content = bytes(PART, &format!("{name}_content"));
        assert_eq!(scope().open(&sealed).unwrap(), content, "{name}");
        let key = scope().part_key(&sealed).unwrap().to_bytes().to_vec();
        assert_eq!(key, bytes(PART, &format!("{name}_key")), "{name}");
    }
    let sealed = bytes(DICTIONARY, "sealed");
    assert_eq!(scope().open(&sealed).unwrap(), text(DICTIONARY, "content").as_bytes());
    let key = scope().part_key(&sealed).unwrap().to_bytes().to_vec();
    assert_eq!(key, bytes(PART, "dictionary_key"));
}

#[test]
fn the_dictionary_never_changes() {
    let dictionary = include_bytes!("../dict/v1.txt");
    assert_eq!(Sha256::digest(dictionary).to_vec(), bytes(PART, "dictionary_sha256"));
}
