//! Signed notes, C2SP signed-note.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::{CosignatureKey, CosigningKey, SigningKey, VerifyingKey};

const MAX_NOTE: usize = 1 << 20;
const MAX_SIGNATURES: usize = 100;

/// A text and its signatures, syntactically right and not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// Why a note is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The bytes are no note.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// None of its signatures is by the key.
    #[error("the note has no signature by {0}")]
    NotSigned(String),
    /// A signature by the key does not fit the text.
    #[error("the signature by {0} is wrong")]
    WrongSignature(String),
    /// The note to take a cosignature from has another text.
    #[error("the cosignature is over another text")]
    OtherText,
}

impl Note {
    /// Reads a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        if bytes.len() > MAX_NOTE {
            return Err(malformed("it is over 1 MiB"));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8"))?;
        if note.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(malformed("it holds control characters"));
        }
        let split = note.rfind("\n\n").ok_or(malformed("it has no blank line"))?;
        let (text, lines) = note.split_at(split + 1);
        let lines = lines.strip_prefix('\n').unwrap_or(lines);
        let lines = lines.strip_suffix('\n').ok_or(malformed("it does not end with a newline"))?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(malformed("it has over 100 signatures"));
            }
            signatures.push(Signature::parse(line)?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// Signs a text, which must end with a newline.
    pub fn sign(text: String, key: &SigningKey) -> Self {
        debug_assert!(text.ends_with('\n'), "a note's text ends with a newline");
        let public = key.verifying_key();
        let signature = Signature {
            name: public.name().to_owned(),
            id: public.id(),
            bytes: key.sign(text.as_bytes()).to_vec(),
        };
        Self { text, signatures: vec![signature] }
    }

    /// The text, if it is signed by `key`.
    pub fn verify(&self, key: &VerifyingKey) -> Result<&str, NoteError> {
        let mut signed = false;
        for signature in self.signatures.iter().filter(|s| s.name == key.name() && s.id == key.id())
        {
            if !key.verify(self.text.as_bytes(), &signature.bytes) {
                return Err(NoteError::WrongSignature(key.name().to_owned()));
            }
            signed = true;
        }
        if signed { Ok(&self.text) } else { Err(NoteError::NotSigned(key.name().to_owned())) }
    }

    /// Adds a cosignature (C2SP tlog-cosignature) over the text, made at `time` (seconds since 1970).
    pub fn cosign(&mut self, key: &CosigningKey, time: u64) {
        let public = key.cosignature_key();
        let bytes = key.cosign(self.text.as_bytes(), time);
        self.signatures.push(Signature {
            name: public.name().to_owned(),
            id: public.id(),
            bytes: bytes.to_vec(),
        });
    }

    /// When `key` cosigned the text, in seconds since 1970. Of several cosignatures by it all must
    /// hold, and the latest counts.
    pub fn cosigned(&self, key: &CosignatureKey) -> Result<u64, NoteError> {
        let mut latest = None;
        for signature in self.of_cosigner(key) {
            let time = key
                .verify(self.text.as_bytes(), &signature.bytes)
                .ok_or_else(|| NoteError::WrongSignature(key.name().to_owned()))?;
            latest = latest.max(Some(time));
        }
        latest.ok_or_else(|| NoteError::NotSigned(key.name().to_owned()))
    }

    /// Takes over the cosignatures by `key` that `other`, a note of the same text, has and this one
    /// has not; nothing else of it. Gives their time.
    pub fn adopt(&mut self, other: &Self, key: &CosignatureKey) -> Result<u64, NoteError> {
        if other.text != self.text {
            return Err(NoteError::OtherText);
        }
        let time = other.cosigned(key)?;
        for signature in other.of_cosigner(key) {
            if !self.signatures.contains(signature) {
                self.signatures.push(signature.clone());
            }
        }
        Ok(time)
    }

    /// The lines of the signatures by `key`, each with its newline: what a witness answers with.
    pub fn cosignature_lines(&self, key: &CosignatureKey) -> String {
        self.of_cosigner(key).map(Signature::line).collect()
    }

    fn of_cosigner(&self, key: &CosignatureKey) -> impl Iterator<Item = &Signature> {
        let id = key.id();
        self.signatures.iter().filter(move |s| s.name == key.name() && s.id == id)
    }

    /// The text, believed or not. For finding out which key to ask for, nothing else.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// The note's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.text.clone();
        out.push('\n');
        for signature in &self.signatures {
            out.push_str(&signature.line());
        }
        out.into_bytes()
    }
}

impl Signature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        let fields = line.strip_prefix("— ").and_then(|rest| rest.split_once(' '));
        let (name, encoded) = fields.ok_or(malformed("a signature line is not `— name base64`"))?;
        if name.is_empty() || name.contains('+') || name.contains(char::is_whitespace) {
            return Err(malformed("a signature line has a wrong key name"));
        }
        let bytes =
            BASE64_STANDARD.decode(encoded).map_err(|_| malformed("a signature is not base64"))?;
        let (id, bytes) =
            bytes.split_first_chunk::<4>().ok_or(malformed("a signature is too short"))?;
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }

    fn line(&self) -> String {
        let mut bytes = self.id.to_vec();
        bytes.extend_from_slice(&self.bytes);
        format!("— {} {}\n", self.name, BASE64_STANDARD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of golang.org/x/mod/sumdb/note, so that both sides agree on the bytes.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn believes_a_note_that_go_signed() {
        let key: VerifyingKey = KEY.parse().unwrap();
        assert_eq!(key.to_string(), KEY);
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        assert!(note.verify(&key).unwrap().starts_with("If you think"));
        assert_eq!(note.to_bytes(), NOTE.as_bytes());
    }

    #[test]
    fn a_changed_text_or_another_key_is_refused() {
        let key: VerifyingKey = KEY.parse().unwrap();
        let changed = NOTE.replace("answer", "anzwer");
        let note = Note::parse(changed.as_bytes()).unwrap();
        assert_eq!(note.verify(&key), Err(NoteError::WrongSignature("PeterNeumann".into())));
        let other = SigningKey::new("PeterNeumann", &[1; 32]).unwrap().verifying_key();
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        assert_eq!(note.verify(&other), Err(NoteError::NotSigned("PeterNeumann".into())));
    }

    #[test]
    fn malformed_notes_are_refused() {
        for bytes in [
            b"".as_slice(),
            b"text\n",
            b"text\n\n",
            b"text\n\n- name AAAAAA==\n",
            "text\n\n— name AAAA\n".as_bytes(),
            "text\n\n— na+me AAAAAAAA\n".as_bytes(),
            "text\n\n— name AAAAAAAA".as_bytes(),
            "te\rxt\n\n— name AAAAAAAA\n".as_bytes(),
            b"\xff\n\n",
        ] {
            assert!(Note::parse(bytes).is_err(), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn signs_and_verifies() {
        let key = SigningKey::new("custody.local/c1", &[7; 32]).unwrap();
        let bytes = Note::sign("hello\n".into(), &key).to_bytes();
        let note = Note::parse(&bytes).unwrap();
        assert_eq!(note.verify(&key.verifying_key()).unwrap(), "hello\n");
        assert!(SigningKey::new("a b", &[7; 32]).is_err());
    }
}
