//! Names of tiles and entry bundles, C2SP tlog-tiles.

use std::fmt;
use std::str::FromStr;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: usize = 256;
const WIDTH: u64 = 256;

/// The path of a tile or an entry bundle, relative to the log's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    /// The tile's level, `None` for an entry bundle.
    pub level: Option<u8>,
    /// Index within the level.
    pub index: u64,
    /// Hashes or entries in it, 1 to 256; below 256 it is partial.
    pub width: u16,
}

/// Why a text is not the path of a tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a tile path: {0:?}")]
pub struct TileError(pub String);

impl TilePath {
    /// The tile that holds hash `index` of `level` in a tree of `size`, as wide as the tree has it.
    pub fn covering(level: u8, index: u64, size: u64) -> Self {
        let tile = index / WIDTH;
        let at_level = size.checked_shr(u32::from(level) * 8).unwrap_or(0);
        let width = at_level.saturating_sub(tile * WIDTH).min(WIDTH);
        Self { level: Some(level), index: tile, width: u16::try_from(width).unwrap_or(256) }
    }

    /// The bundle that holds entry `index` in a tree of `size`.
    pub fn bundle_covering(index: u64, size: u64) -> Self {
        Self { level: None, ..Self::covering(0, index, size) }
    }

    /// Whether all 256 places are taken.
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// The same tile when it is full.
    #[must_use]
    pub fn full(self) -> Self {
        Self { width: 256, ..self }
    }

    /// All tiles and bundles of a tree of `size`, in the order level by level.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        let levels = (0..8_u8).map(Some);
        std::iter::once(None).chain(levels).flat_map(move |level| {
            let at_level = size.checked_shr(u32::from(level.unwrap_or(0)) * 8).unwrap_or(0);
            (0..at_level.div_ceil(WIDTH)).map(move |index| Self {
                level,
                index,
                width: u16::try_from((at_level - index * WIDTH).min(WIDTH)).unwrap_or(256),
            })
        })
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Some(level) => write!(f, "tile/{level}/")?,
            None => f.write_str("tile/entries/")?,
        }
        let digits = self.index.to_string();
        let padded = format!("{digits:0>width$}", width = digits.len().div_ceil(3) * 3);
        let groups = padded.len() / 3;
        for (i, group) in padded.as_bytes().chunks(3).enumerate() {
            let group = std::str::from_utf8(group).map_err(|_| fmt::Error)?;
            if i + 1 < groups {
                write!(f, "x{group}/")?;
            } else {
                f.write_str(group)?;
            }
        }
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = TileError;

    /// Accepts exactly what [`fmt::Display`] writes: other spellings of a number are refused.
    fn from_str(text: &str) -> Result<Self, TileError> {
        let bad = || TileError(text.to_owned());
        let rest = text.strip_prefix("tile/").ok_or_else(bad)?;
        let (level, rest) = rest.split_once('/').ok_or_else(bad)?;
        let level = match level {
            "entries" => None,
            number => Some(number.parse::<u8>().ok().filter(|l| *l < 64).ok_or_else(bad)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse::<u16>().map_err(|_| bad())?),
            None => (rest, 256),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let value: u64 = digits.parse().map_err(|_| bad())?;
            index = index.checked_mul(1000).and_then(|i| i.checked_add(value)).ok_or_else(bad)?;
        }
        let path = Self { level, index, width };
        let known = (1..=256).contains(&width) && path.to_string() == text;
        if known { Ok(path) } else { Err(bad()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        for (path, text) in [
            (TilePath { level: Some(0), index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"),
            (TilePath { level: Some(1), index: 0, width: 17 }, "tile/1/000.p/17"),
            (TilePath { level: None, index: 273, width: 112 }, "tile/entries/273.p/112"),
            (TilePath { level: None, index: 1000, width: 256 }, "tile/entries/x001/000"),
        ] {
            assert_eq!(path.to_string(), text);
            assert_eq!(text.parse::<TilePath>().unwrap(), path);
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "tile/0/67",
            "tile/0/0067",
            "tile/00/067",
            "tile/0/067.p/0",
            "tile/0/067.p/256",
            "tile/0/x000/067",
            "tile/0/../067",
            "tile/-1/067",
            "tile/entries/",
            "tile/64/000",
            "x",
            "tile/0/067.p/1/2",
            "tile/0/x067",
        ] {
            assert!(text.parse::<TilePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tree_of_70000_has_the_tiles_of_the_specification() {
        let tiles: Vec<TilePath> = TilePath::all(70_000).filter(|t| t.level.is_some()).collect();
        let count = |level, full| {
            tiles.iter().filter(|t| t.level == Some(level) && t.is_full() == full).count()
        };
        assert_eq!((count(0, true), count(0, false)), (273, 1));
        assert_eq!((count(1, true), count(1, false)), (1, 1));
        assert_eq!((count(2, true), count(2, false)), (0, 1));
        let widths: Vec<u16> = tiles.iter().filter(|t| !t.is_full()).map(|t| t.width).collect();
        assert_eq!(widths, [112, 17, 1]);
    }
}
