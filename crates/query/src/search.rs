//! Search by an honest scan: every record in reach is opened and looked at.

use std::collections::HashSet;

use record::envelope::PartRef;
use record::{Body, Content, Envelope, Pid, RecordId, Timestamp};
use serde_json::Value;

use crate::reader::started;
use crate::{Filter, QueryError, Reader, view};

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Text that must stand in the content, case-insensitively; `None` for any.
    pub text: Option<String>,
    /// What the metadata must be.
    pub filter: Option<Filter>,
    /// Not admitted before.
    pub since: Option<Timestamp>,
    /// Not admitted after.
    pub until: Option<Timestamp>,
    /// At most so many hits, newest first.
    pub limit: usize,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// The record, metadata only.
    pub record: Value,
    /// Stretches of content round the text, with the role and kind of their part.
    pub snippets: Vec<Value>,
}

impl Reader<'_> {
    /// Finds records. `progress` gets the number of records looked at so far.
    pub fn search(
        &self,
        search: &Search,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<SearchHit>, QueryError> {
        let sizes = self.sizes()?;
        let needle = search.text.as_ref().map(|text| text.to_lowercase());
        let mut hits: Vec<(Timestamp, RecordId, SearchHit)> = Vec::new();
        let mut seen = HashSet::new();
        let mut looked = 0;
        // Looking for text opens content: that is recorded before anything is opened.
        let may_open = needle.is_some()
            && self
                .access
                .record("search", &[])
                .map_err(|refusal| QueryError::Unrecorded(refusal.0))?;
        if needle.is_some() && !may_open {
            return Err(QueryError::Question(
                "searching content needs the right to open it; filters alone do not".to_owned(),
            ));
        }
        for source in self.store.walk()? {
            let source = source?;
            let mut candidates = Vec::new();
            source.each(&mut |at| {
                looked += 1;
                if looked % 1000 == 0 {
                    progress(looked);
                }
                if let Ok(envelope) = Envelope::from_bytes(&at.envelope)
                    && let Some(admitted) = in_time(&envelope, search)
                    && seen.insert(envelope.id)
                {
                    let sealed = sizes.get(&at.collector).is_some_and(|size| at.leaf < *size);
                    let shown = view(&at, sealed);
                    if search.filter.as_ref().is_none_or(|filter| filter.matches(&shown)) {
                        candidates.push((admitted, envelope, shown));
                    }
                }
            })?;
            let Some(needle) = &needle else {
                hits.extend(candidates.into_iter().map(|(admitted, envelope, record)| {
                    (admitted, envelope.id, SearchHit { record, snippets: Vec::new() })
                }));
                continue;
            };
            // All parts of the source's candidates at once: each is read once.
            let wanted: HashSet<Pid> = candidates
                .iter()
                .filter_map(|(_, envelope, _)| envelope.contents())
                .flat_map(|contents| contents.parts.into_iter().map(|part| part.pid))
                .collect();
            let sealed = source.parts(&wanted)?;
            if sealed.len() < wanted.len() && source.is_gone() {
                // They come again, from the segment that the journal became.
                for (_, envelope, _) in &candidates {
                    seen.remove(&envelope.id);
                }
                continue;
            }
            for (admitted, envelope, record) in candidates {
                let Some(contents) = envelope.contents() else { continue };
                let opened = self.store.open_sealed(&contents, &sealed);
                let snippets = snippets(&envelope, &opened, needle);
                if !snippets.is_empty() {
                    hits.push((admitted, envelope.id, SearchHit { record, snippets }));
                }
            }
        }
        progress(looked);
        hits.sort_by_key(|(admitted, id, _)| std::cmp::Reverse((*admitted, *id)));
        hits.truncate(search.limit);
        if needle.is_some() {
            let ids: Vec<RecordId> = hits.iter().map(|(_, id, _)| *id).collect();
            self.access
                .record("search_results", &ids)
                .map_err(|refusal| QueryError::Unrecorded(refusal.0))?;
        }
        Ok(hits.into_iter().map(|(_, _, hit)| hit).collect())
    }
}

fn in_time(envelope: &Envelope, search: &Search) -> Option<Timestamp> {
    let at = started(envelope);
    let after = search.since.is_none_or(|since| at >= since);
    let before = search.until.is_none_or(|until| at <= until);
    (after && before).then_some(at)
}

fn snippets(envelope: &Envelope, opened: &crate::open::Opened, needle: &str) -> Vec<Value> {
    let sides: Vec<(&str, &[PartRef])> = match &envelope.body {
        Body::Interaction(i) => {
            vec![("request", &i.request.parts), ("response", &i.response.parts)]
        }
        Body::Event(event) => vec![("content", &event.content.parts)],
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (side, parts) in sides {
        for part in parts {
            if let Ok(content) = opened.get(part)
                && let Some(snippet) = snippet(content, needle)
            {
                found.push(serde_json::json!({
                    "side": side,
                    "role": part.role,
                    "kind": part.kind,
                    "pid": part.pid,
                    "text": snippet,
                }));
            }
        }
    }
    found
}

/// The text round the first place where `needle` (lower case) stands.
fn snippet(content: &Content, needle: &str) -> Option<String> {
    const AROUND: usize = 60;
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Content::Fields(fields) => serde_json::to_string(fields).ok()?,
        Content::Json(value) => value.to_string(),
    };
    let lower = text.to_lowercase();
    let at = lower.find(needle)?;
    // Lower case may have other lengths; the place is then near enough, on a boundary.
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(at.saturating_sub(AROUND)), floor(at + needle.len() + AROUND));
    let middle = text.get(start..end)?.replace(['\n', '\r', '\t'], " ");
    let dots = |cut: bool| if cut { "…" } else { "" };
    Some(format!("{}{}{}", dots(start > 0), middle, dots(end < text.len())))
}

impl SearchHit {
    /// The record's id.
    pub fn id(&self) -> Option<&str> {
        self.record.get("id").and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_cut_at_boundaries() {
        let text = format!("{}ärger über ÄPFEL{}", "ß".repeat(100), "→".repeat(100));
        let found = snippet(&Content::Text(text), "äpfel").unwrap();
        assert!(found.contains("ÄPFEL") && found.starts_with('…') && found.ends_with('…'));
        assert!(snippet(&Content::Text("x".into()), "y").is_none());
    }
}
