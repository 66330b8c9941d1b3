//! A root secret in a file: 64 hexadecimal digits and a newline.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use seal::Secret;
use zeroize::Zeroizing;

use super::write_secret;
use crate::KeysError;

pub(super) fn write(path: &Path, secret: &Secret) -> Result<(), KeysError> {
    write_secret(path, text(secret).as_bytes())
}

pub(super) fn read(path: &Path) -> Result<Secret, KeysError> {
    check_mode(path)?;
    let text = std::fs::read_to_string(path).map_err(KeysError::unavailable("read", path))?;
    parse(&Zeroizing::new(text)).ok_or_else(|| {
        KeysError::damaged(
            path,
            "the root key is not 64 hexadecimal digits; restore it from a copy",
        )
    })
}

/// Refuses a file on which group or others have any right.
pub(super) fn check_mode(path: &Path) -> Result<(), KeysError> {
    let meta = std::fs::metadata(path).map_err(KeysError::unavailable("read", path))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeysError::damaged(
            path,
            format!("others can read the root key (mode {mode:o}); run chmod 600 on it"),
        ));
    }
    Ok(())
}

/// The text of a root secret.
pub(super) fn text(secret: &Secret) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(65));
    text.push_str(&Zeroizing::new(hex::encode(secret.expose())));
    text.push('\n');
    text
}

/// The root secret of a text.
pub(super) fn parse(text: &str) -> Option<Secret> {
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), bytes.as_mut_slice()).ok()?;
    Some(Secret::new(*bytes))
}
