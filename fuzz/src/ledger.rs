use tlog::{
    Checkpoint, Hash, Note, Proof, SigningKey, TilePath, VerifyingKey, consistency_proof,
    inclusion_proof, push_entry, read_bundle, verify_consistency, verify_inclusion,
};

fn key(name: &str) -> Option<SigningKey> {
    SigningKey::new(name, &[7; 32]).ok()
}

/// A note is written as it was read; a signed text is believed, and a changed one is not.
pub fn note(data: &[u8]) {
    let signing = key("custody.local/fuzz/c1").expect("the name is good");
    let verifying = signing.verifying_key();
    if let Ok(note) = Note::parse(data) {
        assert_eq!(note.to_bytes(), data);
        let _any = note.verify(&verifying);
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(verifier) = text.parse::<VerifyingKey>() {
        assert_eq!(verifier.to_string().parse::<VerifyingKey>().as_ref(), Ok(&verifier));
    }
    if text.bytes().any(|b| b < 0x20 && b != b'\n') {
        return;
    }
    let text = format!("{text}\n");
    let mut signed = Note::sign(text.clone(), &signing).to_bytes();
    let note = Note::parse(&signed).expect("a signed note can be read");
    assert_eq!(note.verify(&verifying), Ok(text.as_str()));
    signed.insert(0, b'x');
    let note = Note::parse(&signed).expect("a longer text is a text");
    assert!(note.verify(&verifying).is_err());
}

/// A checkpoint's text comes back, and back from its signature.
pub fn checkpoint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(checkpoint) = Checkpoint::parse(text) else {
        return;
    };
    let written = checkpoint.to_text();
    assert!(text.starts_with(&written), "only extension lines are dropped");
    assert_eq!(Checkpoint::parse(&written).as_ref(), Ok(&checkpoint));
    let control = checkpoint.origin.bytes().any(|b| b < 0x20);
    if let Some(key) = key(&checkpoint.origin).filter(|_| !control) {
        let signed = checkpoint.sign(&key);
        assert_eq!(Checkpoint::open(&signed, &key.verifying_key()), Ok(checkpoint));
    }
}

/// A path is written as it was read, and every tile of a tree has a path that can be read.
pub fn tile_path(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(path) = text.parse::<TilePath>()
    {
        assert_eq!(path.to_string(), text);
        assert!((1..=256).contains(&path.width));
    }
    if let Some((level, rest)) = data.split_first()
        && let Some((index, rest)) = rest.split_first_chunk::<8>()
        && let Some((size, _)) = rest.split_first_chunk::<8>()
    {
        let (index, size) = (u64::from_be_bytes(*index), u64::from_be_bytes(*size));
        for path in
            [TilePath::covering(*level, index, size), TilePath::bundle_covering(index, size)]
        {
            if path.width > 0 && path.level.is_none_or(|level| level < 64) {
                assert_eq!(path.to_string().parse::<TilePath>().as_ref(), Ok(&path));
                assert!(path.full().is_full());
            }
        }
    }
}

/// A proof's text comes back; proofs over any tiles neither panic nor hold for other roots.
pub fn proof(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(proof) = Proof::parse(text)
    {
        assert_eq!(Proof::parse(&proof.to_text()).as_ref(), Ok(&proof));
        let signing = key("custody.local/fuzz/c1").expect("the name is good");
        let _any = proof.verify(b"entry", &signing.verifying_key());
    }
    let Some((head, hashes)) = data.split_first_chunk::<12>() else {
        return;
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b));
    let (index, old, size) = (number(&head[..4]), number(&head[4..8]), number(&head[8..]));
    let hash = |at: u64| {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&at.to_be_bytes());
        Hash(bytes)
    };
    let tiles = |path: TilePath| Some((0..u64::from(path.width)).map(hash).collect::<Vec<_>>());
    if let Ok(path) = inclusion_proof(index, size, &tiles) {
        assert!(index < size && path.len() <= 64);
        assert!(verify_inclusion(Hash([9; 32]), index, size, &path, Hash([8; 32])).is_err());
    }
    if let Ok(path) = consistency_proof(old, size, &tiles) {
        let _any = verify_consistency((old, hash(1)), (size, hash(2)), &path);
    }
    let path: Vec<Hash> =
        hashes.chunks_exact(32).map(|h| Hash(h.try_into().expect("32 bytes"))).collect();
    let wrong = verify_inclusion(Hash([9; 32]), index, size, &path, Hash([8; 32]));
    assert!(wrong.is_err());
    let wrong = verify_consistency((old, Hash([7; 32])), (size, Hash([8; 32])), &path);
    assert!(wrong.is_err() || old == 0 || path.is_empty());
}

/// A bundle is written as it was read.
pub fn bundle(data: &[u8]) {
    if let Ok(entries) = read_bundle(data) {
        let mut again = Vec::new();
        for entry in entries {
            assert!(push_entry(&mut again, entry));
        }
        assert_eq!(again, data);
    }
}
