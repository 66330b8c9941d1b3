//! Newtypes for everything that identifies something.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not the id that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}")]
pub struct IdError {
    /// The kind of id that was asked for.
    pub what: &'static str,
    /// The form that would have been right.
    pub expected: &'static str,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal, $what:literal, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = [0; $len * 2];
                f.write_str(lower_hex(&self.0, &mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0_u8; $len];
                match base16ct::mixed::decode(text, &mut bytes) {
                    Ok(decoded) if decoded.len() == $len => Ok(Self(bytes)),
                    _ => Err(IdError { what: $what, expected: $expected }),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = [0; $len * 2];
                serializer.serialize_str(lower_hex(&self.0, &mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }
    };
}

hex_id!(
    /// A part's keyed commitment: `HMAC-SHA256(k_dedup, kind ‖ 0 ‖ content)`, `spec/part.md`.
    ///
    /// Equal content within one scope has the same pid; without the key nothing can be confirmed
    /// by guessing.
    Pid, 32, "pid", "64 hexadecimal digits"
);
hex_id!(
    /// A plain SHA-256, only ever of sealed bytes or envelopes, never of content.
    Digest, 32, "digest", "64 hexadecimal digits"
);
hex_id!(
    /// The random id of a key in the key store.
    Kid, 16, "key id", "32 hexadecimal digits"
);
hex_id!(
    /// A W3C trace id, which is the correlation id.
    TraceId, 16, "trace id", "32 hexadecimal digits"
);
hex_id!(
    /// A W3C span id.
    SpanId, 8, "span id", "16 hexadecimal digits"
);

impl TraceId {
    /// Whether W3C Trace Context calls this id valid: not all zeroes.
    pub fn is_valid(&self) -> bool {
        self.0 != [0; 16]
    }

    /// The correlation id that a caller's name for it means: 32 hexadecimal digits or a UUID as they
    /// are, any other text by its SHA-256, so that the same text finds the same trace.
    pub fn named(name: &str) -> Self {
        let hex: String = name.chars().filter(|c| *c != '-').collect();
        let id = hex.to_ascii_lowercase().parse::<Self>().ok();
        id.filter(Self::is_valid).unwrap_or_else(|| Self::hashed(name.as_bytes()))
    }

    /// The first half of the SHA-256 of `bytes`.
    pub fn hashed(bytes: &[u8]) -> Self {
        let mut id = [0; 16];
        id.iter_mut().zip(Digest::of(bytes).0).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

impl Digest {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

/// A record's id: a UUIDv7 (RFC 9562 §5.7), so ids sort by the time of admission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub uuid::Uuid);

impl RecordId {
    /// An id for a record admitted at `unix_ms`, with ten bytes of randomness from the caller.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid())
    }

    /// The raw bytes, as the leaf holds them.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that these bytes are, whatever its version.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({self})")
    }
}

impl FromStr for RecordId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        uuid::Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| IdError { what: "record id", expected: "a UUID such as 0199a1b2-…" })
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        serializer.serialize_str(self.0.as_hyphenated().encode_lower(&mut buffer))
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

/// The bytes in hexadecimal, in a buffer of twice their length.
fn lower_hex<'b>(bytes: &[u8], buffer: &'b mut [u8]) -> &'b str {
    base16ct::lower::encode_str(bytes, buffer).unwrap_or_default()
}

/// Parses a text in place: most of an envelope is ids and words, and `Cow<str>` would copy each.
pub(crate) fn from_text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
{
    struct Text<T>(std::marker::PhantomData<T>);

    impl<T: FromStr<Err: fmt::Display>> serde::de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Text(std::marker::PhantomData))
}

/// Hashes pids of our own making by their first bytes: they are outputs of a keyed hash, so they
/// spread by themselves and nobody can choose them. Not for pids out of a file that somebody else
/// may have written: those can be chosen to collide.
#[derive(Debug, Clone, Copy, Default)]
pub struct PidHasher(u64);

impl std::hash::Hasher for PidHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    // The length of the array, which is always the same.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A set of pids of our own making.
pub type PidSet = std::collections::HashSet<Pid, std::hash::BuildHasherDefault<PidHasher>>;
/// A map by pids of our own making.
pub type PidMap<V> = std::collections::HashMap<Pid, V, std::hash::BuildHasherDefault<PidHasher>>;

/// The number under which a call was let through: contiguous within a collector, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdmissionNumber(pub u64);

impl fmt::Display for AdmissionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a collector: a folder of the archive and the end of a checkpoint's origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct CollectorName(String);

impl CollectorName {
    /// Accepts 1 to 63 of `a-z 0-9 -`, not starting or ending with a dash: safe as a folder, an
    /// object key, a URL segment and a signed note's key name.
    pub fn new(name: impl Into<String>) -> Result<Self, IdError> {
        let name = name.into();
        let good = !name.is_empty()
            && name.len() <= 63
            && !name.starts_with('-')
            && !name.ends_with('-')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if good {
            Ok(Self(name))
        } else {
            Err(IdError {
                what: "collector name",
                expected: "1 to 63 of a-z, 0-9 and -, with no dash at an end",
            })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CollectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CollectorName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for CollectorName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
