//! The demo's forger: one byte of a copy.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Flips one bit in the middle of the largest file of sealed parts; gives its path and the place.
pub(crate) fn flip_one_byte(archive: &Path) -> anyhow::Result<(PathBuf, usize)> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut files = Vec::new();
    collect(archive, &mut files)?;
    let parts = files.into_iter().filter(|path| path.to_string_lossy().contains("/parts/"));
    let largest = parts
        .max_by_key(|path| path.metadata().map_or(0, |meta| meta.len()))
        .context("the archive has no parts yet")?;
    let mut bytes = std::fs::read(&largest)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    std::fs::set_permissions(&largest, std::fs::Permissions::from_mode(0o600))?;
    archive::durable::replace(&largest, &bytes, 0o444)?;
    Ok((largest, middle))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
