use std::sync::OnceLock;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use seal::{PartKey, ScopeKey, Secret, unwrap, wrap};

fn scope() -> &'static ScopeKey {
    static SCOPE: OnceLock<ScopeKey> = OnceLock::new();
    SCOPE.get_or_init(|| {
        let (subject, period) = (Secret::new([1; 32]), Secret::new([2; 32]));
        ScopeKey::derive(&subject, &period, "default", "standard").expect("the lengths are right")
    })
}

/// Flips a bit that the data chooses.
fn spoil(sealed: &mut [u8], data: &[u8]) {
    let choice = data.iter().take(8).fold(0_usize, |n, b| n << 8 | usize::from(*b));
    let at = choice / 8 % sealed.len();
    sealed[at] ^= 1 << (choice % 8);
}

/// Opens any bytes as a part; what is sealed opens to itself and, changed, not at all.
pub fn sealed_part(data: &[u8]) {
    if let Ok(plain) = scope().open(data) {
        // Nothing but what this key sealed opens; a part of the corpus is such.
        assert_eq!(scope().open(&scope().seal(&plain)).as_ref(), Ok(&plain));
    }
    let mut sealed = scope().seal(data);
    assert_eq!(scope().open(&sealed).as_deref(), Ok(data));
    let key = scope().part_key(&sealed).expect("it is long enough");
    assert_eq!(PartKey::from_bytes(&key.to_bytes()).open(&sealed).as_deref(), Ok(data));
    spoil(&mut sealed, data);
    assert!(scope().open(&sealed).is_err());
}

/// As `sealed_part`, for key material.
pub fn key_wrap(data: &[u8]) {
    let key = Secret::new([3; 32]);
    let _any = unwrap(&key, "custody/fuzz/v1", data);
    let mut sealed = wrap(&key, "custody/fuzz/v1", [5; 24], data);
    assert_eq!(unwrap(&key, "custody/fuzz/v1", &sealed).as_deref(), Ok(data));
    assert!(unwrap(&key, "custody/other/v1", &sealed).is_err());
    spoil(&mut sealed, data);
    assert!(unwrap(&key, "custody/fuzz/v1", &sealed).is_err());
}

/// Opens any compressed bytes, sealed by somebody who has the key.
pub fn decompress(data: &[u8]) {
    if data.len() >= 16 * 1024 {
        return;
    }
    let mut sealed = vec![0; 24 + 32];
    let mut body = data.to_vec();
    let nonce: Nonce<_> = [0; 12].into();
    let tag = Aes256Gcm::new(&[0; 32].into())
        .encrypt_inout_detached(&nonce, b"", body.as_mut_slice().into())
        .expect("the text is short");
    sealed.extend_from_slice(&body);
    sealed.extend_from_slice(&tag);
    if let Ok(plain) = PartKey::from_bytes(&[0; 76]).open(&sealed) {
        assert!(plain.len() <= seal::MAX_CONTENT);
    }
}
