//! The masker: finds values and replaces them as a policy says.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::counts::Counts;
use crate::entity::Entity;
use crate::fold::View;
use crate::policy::{Action, Policy};
use crate::pseudonym;
use crate::scan;
use crate::span::{Span, settle};
use crate::words::Scene;

/// Finds sensitive values and takes them out. Cheap to clone, and shared between threads.
#[derive(Clone)]
pub struct Masker {
    inner: Arc<Inner>,
}

struct Inner {
    policy: Policy,
    key: [u8; 32],
}

/// A replacement can bring a word closer to a number, or two halves together. So the result is
/// looked at again; every round takes text away, and hardly any text needs a third one.
const ROUNDS: usize = 64;

impl Masker {
    /// A masker under this policy. The key makes pseudonyms that nobody without it can confirm.
    pub fn new(policy: Policy, pseudonym_key: [u8; 32]) -> Self {
        scan::prepare();
        Self { inner: Arc::new(Inner { policy, key: pseudonym_key }) }
    }

    /// The policy it works under.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// Every sensitive value in the text, whatever the policy does with it.
    ///
    /// Sorted, without overlaps, on character boundaries.
    pub fn find(&self, text: &str) -> Vec<Span> {
        self.find_with_context(text, &[])
    }

    /// As [`Masker::find`], with words that count as if they stood right before every value.
    pub fn find_with_context(&self, text: &str, context: &[&str]) -> Vec<Span> {
        if scan::is_plain(text) {
            return Vec::new();
        }
        let view = View::of(text);
        let found = scan::scan(&Scene { text: view.bytes(), keys: context });
        if found.is_empty() {
            return found;
        }
        let mut spans = settle(found, view.bytes());
        for span in &mut spans {
            span.start = view.origin(span.start);
            span.end = view.origin(span.end);
        }
        spans
    }

    /// The text with its sensitive values replaced; the text itself if there are none.
    pub fn mask_text<'a>(&self, text: &'a str, counts: &mut Counts) -> Cow<'a, str> {
        self.mask_in_context(text, &[], counts)
    }

    /// The word that stands for a value under [`Action::Pseudonym`].
    pub fn pseudonym(&self, entity: Entity, value: &str) -> String {
        pseudonym::placeholder(&self.inner.key, entity, value)
    }

    /// As [`Masker::mask_text`], below these JSON keys.
    pub(crate) fn mask_in_context<'a>(
        &self,
        text: &'a str,
        context: &[&str],
        counts: &mut Counts,
    ) -> Cow<'a, str> {
        let mut masked = Cow::Borrowed(text);
        for _ in 0..ROUNDS {
            let spans = self.find_with_context(&masked, context);
            let Some(next) = self.replace(&masked, &spans, counts) else {
                break;
            };
            masked = Cow::Owned(next);
        }
        masked
    }

    /// The word that stands for a value; `None` if the value stays.
    pub(crate) fn stand_in(&self, entity: Entity, value: &str) -> Option<String> {
        match self.inner.policy.action(entity) {
            Action::Keep => None,
            Action::Mask => Some(format!("[{entity}]")),
            Action::Pseudonym => Some(self.pseudonym(entity, value)),
            Action::Drop => Some(String::new()),
        }
    }

    fn replace(&self, text: &str, spans: &[Span], counts: &mut Counts) -> Option<String> {
        let mut masked: Option<String> = None;
        let mut done = 0;
        for span in spans {
            let value = text.get(span.start..span.end).unwrap_or_default();
            let Some(stand_in) = self.stand_in(span.entity, value) else {
                continue;
            };
            let masked = masked.get_or_insert_with(|| String::with_capacity(text.len() + 32));
            masked.push_str(text.get(done..span.start).unwrap_or_default());
            masked.push_str(&stand_in);
            done = span.end;
            counts.add(span.entity, 1);
        }
        let mut masked = masked?;
        masked.push_str(text.get(done..).unwrap_or_default());
        Some(masked)
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("policy", self.policy()).finish_non_exhaustive()
    }
}
