//! One row of the store: `length(4, LE) ‖ crc32(4, LE) ‖ sealed row`.
//!
//! Plain row: `kind(1) ‖ kid(16) ‖ label(32) ‖ key(32)`.

use record::Kid;
use seal::Secret;

const PURPOSE: &str = "custody/key-row/v1";
const PLAIN: usize = 81;
/// Length of a sealed row in bytes.
const SEALED: usize = PLAIN + seal::OVERHEAD;

/// What a row's key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    /// A subject's key, `K_S`.
    Subject = 1,
    /// A period's key, `K_E`.
    Period = 2,
    /// A key for a purpose of the installation.
    Purpose = 3,
}

pub(crate) struct Row {
    pub(crate) kind: RowKind,
    pub(crate) kid: Kid,
    /// Keyed hash of what the row is found by.
    pub(crate) label: [u8; 32],
    pub(crate) key: Secret,
}

impl Row {
    pub(crate) fn encode(&self, store: &Secret, salt: [u8; 24]) -> Vec<u8> {
        let mut plain = zeroize::Zeroizing::new(Vec::with_capacity(PLAIN));
        plain.push(match self.kind {
            RowKind::Subject => 1,
            RowKind::Period => 2,
            RowKind::Purpose => 3,
        });
        plain.extend_from_slice(self.kid.as_bytes());
        plain.extend_from_slice(&self.label);
        plain.extend_from_slice(self.key.expose());
        let sealed = seal::wrap(store, PURPOSE, salt, &plain);
        let mut out = Vec::with_capacity(sealed.len() + 8);
        out.extend_from_slice(&u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&crc32fast::hash(&sealed).to_le_bytes());
        out.extend_from_slice(&sealed);
        out
    }

    /// Reads the first row; the rest comes back too. `Ok(None)` when the bytes end within it.
    pub(crate) fn decode<'a>(
        store: &Secret,
        bytes: &'a [u8],
    ) -> Result<Option<(Self, &'a [u8])>, &'static str> {
        // All rows have one length, so what is torn and what is damaged can be told apart: fewer
        // bytes than a row are a torn end, a whole row that does not fit its sum is damage.
        if bytes.len() < 8 + SEALED {
            return Ok(None);
        }
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or("a row is cut")?;
        let (crc, rest) = rest.split_first_chunk::<4>().ok_or("a row is cut")?;
        let (sealed, rest) = rest.split_at_checked(SEALED).ok_or("a row is cut")?;
        let whole = usize::try_from(u32::from_le_bytes(*length)) == Ok(SEALED)
            && crc32fast::hash(sealed) == u32::from_le_bytes(*crc);
        if !whole {
            return Err("a row was changed");
        }
        let plain = seal::unwrap(store, PURPOSE, sealed)
            .map(zeroize::Zeroizing::new)
            .map_err(|_| "a row does not open with the store key")?;
        let row = parse(&plain).ok_or("a row is of a kind that this program does not know")?;
        Ok(Some((row, rest)))
    }
}

fn parse(plain: &[u8]) -> Option<Row> {
    let (kind, rest) = plain.split_first()?;
    let kind = match kind {
        1 => RowKind::Subject,
        2 => RowKind::Period,
        3 => RowKind::Purpose,
        _ => return None,
    };
    let (kid, rest) = rest.split_first_chunk::<16>()?;
    let (label, rest) = rest.split_first_chunk::<32>()?;
    Some(Row { kind, kid: Kid(*kid), label: *label, key: Secret::from_slice(rest)? })
}
