//! Documents that events told of, found again inside of prompts.
//!
//! Nothing of a document's text is kept but keyed hashes: one of its beginning, by which a prompt
//! is searched in one pass, and one of the whole, by which a find is confirmed.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use lru::LruCache;
use record::envelope::DocumentLink;
use record::{Content, Part, PartKind, Pid, RecordId, Role, TraceId};
use seal::Secret;
use serde_json::Value;
use sha2::Sha256;

/// Lengths of beginnings, bytes: long ones first, so that few documents share one.
const HEADS: [usize; 2] = [48, 16];
/// How many documents are remembered; the ones used least go first.
const REMEMBERED: usize = 20_000;
/// Retrievals that are remembered of one document.
const TOLD: usize = 8;
/// Documents that begin alike: each costs a hash wherever their beginning is found.
const SAME_HEAD: usize = 64;
/// Links of one request.
const LINKS: usize = 256;

/// The keyed hash of a whole document.
type Whole = [u8; 16];

/// What is known of documents.
pub(crate) struct Documents {
    key: Option<Hmac<Sha256>>,
    /// What the rolling hash multiplies by: nobody outside knows which texts collide.
    base: u64,
    known: Mutex<Known>,
}

struct Known {
    documents: LruCache<Whole, Document>,
    /// Documents by the rolling hash of their beginning, for each length of beginnings.
    heads: [HashMap<u64, Vec<(usize, Whole)>>; HEADS.len()],
}

struct Document {
    head: (usize, u64),
    /// The retrievals that brought it, the newest last.
    told: Vec<(TraceId, RecordId, Pid)>,
}

impl Documents {
    pub(crate) fn new(key: &Secret) -> Self {
        Self::with_size(key, REMEMBERED)
    }

    fn with_size(key: &Secret, size: usize) -> Self {
        let hmac = Hmac::<Sha256>::new_from_slice(key.expose()).ok();
        let seed = hmac
            .clone()
            .map_or([0; 32], |mac| mac.chain_update(b"rolling").finalize().into_bytes().into());
        let base = seed.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes)) | 1;
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        let known = Known { documents: LruCache::new(size), heads: Default::default() };
        Self { key: hmac, base, known: Mutex::new(known) }
    }

    /// Remembers a document's text. One that is shorter than 16 bytes would be found everywhere.
    pub(crate) fn remember(&self, text: &str, trace: TraceId, record: RecordId, pid: Pid) {
        let text = text.trim().as_bytes();
        let Some(at) = HEADS.iter().position(|length| text.len() >= *length) else { return };
        let head = self.hash(text.get(..HEADS.get(at).copied().unwrap_or(0)).unwrap_or_default());
        let whole = self.whole(text);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = known.documents.get_mut(&whole) {
            if document.told.len() == TOLD {
                document.told.remove(0);
            }
            document.told.push((trace, record, pid));
            return;
        }
        let document = Document { head: (at, head), told: vec![(trace, record, pid)] };
        if let Some((gone, Document { head: (at, head), .. })) =
            known.documents.push(whole, document)
            && let Some(heads) = known.heads.get_mut(at)
            && let Some(list) = heads.get_mut(&head)
        {
            list.retain(|(_, whole)| *whole != gone);
            if list.is_empty() {
                heads.remove(&head);
            }
        }
        if let Some(heads) = known.heads.get_mut(at) {
            let list = heads.entry(head).or_default();
            if list.len() == SAME_HEAD {
                list.remove(0);
            }
            list.push((text.len(), whole));
        }
    }

    /// The documents that stand verbatim in the parts of a request.
    pub(crate) fn find(&self, trace: TraceId, parts: &[Part]) -> Vec<DocumentLink> {
        let mut links = Vec::new();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.documents.is_empty() {
            return links;
        }
        for (index, part) in parts.iter().enumerate() {
            let said =
                matches!(part.role, Role::Assistant) || part.kind == PartKind::ToolDefinition;
            if said || links.len() >= LINKS {
                continue;
            }
            let mut found = Vec::new();
            each_text(&part.content, &mut |text| self.search(&mut known, text, &mut found));
            found.sort_unstable();
            found.dedup();
            for whole in found {
                let Some(document) = known.documents.get(&whole) else { continue };
                let own = document.told.iter().rev().find(|(told, ..)| *told == trace);
                let Some((_, record, pid)) = own.or_else(|| document.told.last()) else { continue };
                let part = u32::try_from(index).unwrap_or(u32::MAX);
                links.push(DocumentLink { part, pid: *pid, record: *record });
            }
        }
        links.truncate(LINKS);
        links
    }

    /// One pass of a rolling hash (Karp and Rabin 1987) for each length of beginnings.
    fn search(&self, known: &mut Known, text: &str, found: &mut Vec<Whole>) {
        let bytes = text.as_bytes();
        let Known { heads, .. } = known;
        for (length, heads) in HEADS.iter().copied().zip(heads.iter()) {
            let (Some(first), false) = (bytes.get(..length), heads.is_empty()) else { continue };
            let out = (1..length).fold(1_u64, |power, _| power.wrapping_mul(self.base));
            let mut hash = self.hash(first);
            let mut at = 0_usize;
            loop {
                for (whole_length, whole) in heads.get(&hash).into_iter().flatten() {
                    let stretch = bytes.get(at..at.saturating_add(*whole_length));
                    if stretch.is_some_and(|stretch| self.whole(stretch) == *whole) {
                        found.push(*whole);
                    }
                }
                let (Some(gone), Some(new)) = (bytes.get(at), bytes.get(at + length)) else {
                    break;
                };
                hash = hash
                    .wrapping_sub(byte(*gone).wrapping_mul(out))
                    .wrapping_mul(self.base)
                    .wrapping_add(byte(*new));
                at += 1;
            }
        }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(0_u64, |hash, b| hash.wrapping_mul(self.base).wrapping_add(byte(*b)))
    }

    fn whole(&self, text: &[u8]) -> Whole {
        let Some(mac) = self.key.clone() else { return [0; 16] };
        let full = mac.chain_update(text).finalize().into_bytes();
        let mut short = [0; 16];
        short.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        short
    }
}

/// Never zero, so that leading zero bytes count.
fn byte(byte: u8) -> u64 {
    u64::from(byte) + 1
}

/// Every text of a part.
fn each_text(content: &Content, take: &mut impl FnMut(&str)) {
    fn of_value(value: &Value, take: &mut impl FnMut(&str)) {
        match value {
            Value::String(text) => take(text),
            Value::Array(items) => items.iter().for_each(|item| of_value(item, take)),
            Value::Object(members) => members.values().for_each(|item| of_value(item, take)),
            _ => {}
        }
    }
    match content {
        Content::Text(text) => take(text),
        Content::Fields(fields) => fields.values().for_each(|value| of_value(value, take)),
        Content::Json(value) => of_value(value, take),
        Content::Bytes(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: TraceId = TraceId([1; 16]);
    const OTHER: TraceId = TraceId([2; 16]);

    fn record(n: u8) -> RecordId {
        RecordId::from_bytes([n; 16])
    }

    fn prompt(text: &str) -> Part {
        Part::text(Role::User, PartKind::Text, text)
    }

    fn documents(size: usize) -> Documents {
        Documents::with_size(&Secret::new([7; 32]), size)
    }

    #[test]
    fn a_document_is_found_inside_of_a_longer_prompt() {
        let documents = documents(10);
        let long = "Refunds are paid within 14 days of the return, to the card that was charged.";
        let short = "Ärzte: Mo–Fr 9–17";
        documents.remember(long, TRACE, record(1), Pid([1; 32]));
        documents.remember(&format!("\n{short} "), TRACE, record(1), Pid([2; 32]));
        documents.remember("too short", TRACE, record(1), Pid([3; 32]));
        let parts = [
            prompt(&format!("Answer from:\n- {long}\n- {short}\nQuestion?")),
            prompt(&long[1..]),
            Part::text(Role::Assistant, PartKind::Text, long),
            prompt("too short"),
        ];
        let mut found = documents.find(TRACE, &parts);
        found.sort_by_key(|link| link.pid);
        let link = |n| DocumentLink { part: 0, pid: Pid([n; 32]), record: record(1) };
        assert_eq!(found, [link(1), link(2)]);
    }

    #[test]
    fn the_retrieval_of_the_same_trace_is_preferred() {
        let documents = documents(10);
        let text = "The warranty covers the battery for two years.";
        documents.remember(text, TRACE, record(1), Pid([1; 32]));
        documents.remember(text, OTHER, record(2), Pid([1; 32]));
        for (trace, expected) in [(TRACE, 1), (OTHER, 2), (TraceId([9; 16]), 2)] {
            let found = documents.find(trace, &[prompt(text)]);
            assert_eq!(found.iter().map(|l| l.record).collect::<Vec<_>>(), [record(expected)]);
        }
    }

    #[test]
    fn documents_with_the_same_beginning_are_told_apart_and_old_ones_go() {
        let documents = documents(2);
        let texts: Vec<String> = (0..3)
            .map(|n| {
                format!("# Handbook of the service desk, all chapters\n\nChapter {n} is short.")
            })
            .collect();
        for (n, text) in (0_u8..).zip(&texts) {
            documents.remember(text, TRACE, record(n), Pid([n; 32]));
        }
        let parts: Vec<Part> = texts.iter().map(|text| prompt(text)).collect();
        let found: Vec<_> = documents.find(TRACE, &parts).iter().map(|l| l.part).collect();
        assert_eq!(found, [1, 2], "the first one is forgotten");
        let fields = serde_json::json!({"content": [{"text": texts[2]}]});
        let result = Part {
            role: Role::Tool,
            kind: PartKind::ToolResult,
            content: Content::Fields(fields.as_object().unwrap().clone()),
        };
        assert_eq!(documents.find(TRACE, &[result]).len(), 1);
    }
}
