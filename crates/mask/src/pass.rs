//! One look at texts of one place: what is found there, and what stands in its stead.

use std::borrow::Cow;
use std::sync::Arc;

use crate::action::Action;
use crate::decoded;
use crate::entity::Entity;
use crate::fold::View;
use crate::json;
use crate::masker::Masker;
use crate::names;
use crate::policy::Actions;
use crate::scan;
use crate::span::{Span, settle};
use crate::taken::Taken;
use crate::words::Scene;

/// Asked again and again while a text is looked at; true means that it takes too long.
pub type Overdue<'a> = &'a dyn Fn() -> bool;

/// Which detectors look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// Those that are always on: identifiers, contact data, credentials, the user's own rules.
    #[default]
    Values,
    /// The names tier: people and places, in prose.
    Names,
    /// Both, one after the other.
    All,
}

/// Something to be taken out of a text.
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    pub(crate) span: Span,
    /// It is a number of JSON: what stands in its place needs quotes.
    pub(crate) number: bool,
    /// How many keys beside it are the same once they are masked.
    pub(crate) copy: usize,
    /// In how many strings of JSON it stands.
    pub(crate) escaped: usize,
}

impl Edit {
    pub(crate) fn plain(span: Span) -> Self {
        Self { span, number: false, copy: 0, escaped: 0 }
    }

    /// What stands in the value's place, as it is written here.
    pub(crate) fn write(&self, stand_in: &str, into: &mut String) {
        if self.number && stand_in.is_empty() {
            into.push_str("null");
            return;
        }
        // A quote in a string of JSON is escaped, and so is that escape one string further out.
        let quote = (0..self.escaped)
            .fold("\"".to_owned(), |quote, _| quote.replace('\\', "\\\\").replace('"', "\\\""));
        if self.number {
            into.push_str(&quote);
        }
        into.push_str(stand_in);
        if self.copy > 0 {
            into.push_str(" #");
            into.push_str(&(self.copy + 1).to_string());
        }
        if self.number {
            into.push_str(&quote);
        }
    }
}

/// The masker at one place.
#[derive(Clone)]
pub struct Pass<'a> {
    pub(crate) masker: &'a Masker,
    pub(crate) actions: Arc<Actions>,
    tier: Tier,
    overdue: Overdue<'a>,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(masker: &'a Masker, actions: Arc<Actions>) -> Self {
        Self { masker, actions, tier: Tier::default(), overdue: &|| false }
    }

    /// The same with these detectors.
    #[must_use]
    pub fn tier(self, tier: Tier) -> Self {
        Self { tier, ..self }
    }

    /// The same with somebody who says when it takes too long. What is found and done after that
    /// is not all, and must not be used.
    #[must_use]
    pub fn watched(self, overdue: Overdue<'a>) -> Self {
        Self { overdue, ..self }
    }

    /// Tells what is done here from what is done elsewhere under the same policy.
    pub fn variant(&self) -> u64 {
        self.actions.variant
    }

    /// What is done here with such a value.
    pub fn action(&self, entity: Entity) -> Action {
        self.actions.of(entity)
    }

    /// Every sensitive value in the text, whatever is done with it.
    ///
    /// Sorted, without overlaps, on character boundaries.
    pub fn find(&self, text: &str) -> Vec<Span> {
        self.find_below(text, &[])
    }

    /// What the detectors that are always on find, whatever tier this is: keys of JSON are no prose.
    pub(crate) fn find_values(&self, text: &str) -> Vec<Span> {
        self.values(text, &[], decoded::DEPTH)
    }

    /// As [`Pass::find`], with words that count as if they stood right before every value.
    pub fn find_below(&self, text: &str, keys: &[&str]) -> Vec<Span> {
        self.edits(text, keys, json::NESTED).into_iter().map(|edit| edit.span).collect()
    }

    /// What is to be taken out of a text, which may be JSON.
    pub(crate) fn edits(&self, text: &str, keys: &[&str], depth: usize) -> Vec<Edit> {
        let inside = json::raw::edits(self, text, keys, depth);
        inside.unwrap_or_else(|| self.spans(text, keys).into_iter().map(Edit::plain).collect())
    }

    /// What is found in a text that is no JSON.
    fn spans(&self, text: &str, keys: &[&str]) -> Vec<Span> {
        let mut spans = match self.tier {
            Tier::Names => Vec::new(),
            Tier::Values | Tier::All => self.values(text, keys, decoded::DEPTH),
        };
        if let (Tier::Names | Tier::All, Some(finder)) = (self.tier, self.masker.names()) {
            let found = names::find(finder, text, self.overdue);
            let found = settle(found, text.as_bytes());
            spans.extend(names::beside(found, &spans, text));
            spans.sort_by_key(|span| span.start);
        }
        let allow = &self.masker.policy().settings().allow;
        if !allow.is_empty() {
            spans.retain(|span| {
                let value = text.get(span.start..span.end).unwrap_or_default();
                !allow.has(span.entity, value)
            });
        }
        spans
    }

    /// What the detectors that are always on find.
    pub(crate) fn values(&self, text: &str, keys: &[&str], depth: usize) -> Vec<Span> {
        let rules = &self.masker.policy().settings().rules;
        if rules.is_empty() && scan::is_plain(text) {
            return Vec::new();
        }
        let view = View::of(text);
        let scene = Scene { text: view.bytes(), keys };
        let mut found = scan::scan(&scene, self.overdue);
        for rule in rules {
            if (self.overdue)() {
                break;
            }
            rule.detect(&scene, &mut found);
        }
        decoded::find(self, &scene, depth, &mut found);
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

    /// The text with its sensitive values replaced; the text itself if there are none, or if the
    /// policy only counts.
    pub fn mask_text<'t>(&self, text: &'t str, taken: &mut Taken) -> Cow<'t, str> {
        self.mask_below(text, &[], taken)
    }

    /// As [`Pass::mask_text`], below these JSON keys.
    pub(crate) fn mask_below<'t>(
        &self,
        text: &'t str,
        keys: &[&str],
        taken: &mut Taken,
    ) -> Cow<'t, str> {
        if let Some((values, names)) = self.both() {
            let mut masked = values.mask_below(text, keys, taken);
            if let Cow::Owned(changed) = names.mask_below(&masked, keys, taken) {
                masked = Cow::Owned(changed);
            }
            return masked;
        }
        self.rounds(text, taken, |text| self.edits(text, keys, json::NESTED))
    }

    /// The two tiers one after the other, as the recorder runs them.
    pub(crate) fn both(&self) -> Option<(Self, Self)> {
        (self.tier == Tier::All)
            .then(|| (self.clone().tier(Tier::Values), self.clone().tier(Tier::Names)))
    }

    /// Whether the detectors that are always on look.
    pub(crate) fn sees_values(&self) -> bool {
        self.tier != Tier::Names
    }

    /// Whether what was masked is looked at again: not by a tagger, which reads the whole sentence
    /// and would find other names when some are gone.
    pub(crate) fn again(&self) -> bool {
        self.tier == Tier::Values && !(self.overdue)()
    }

    pub(crate) fn is_dry(&self) -> bool {
        self.masker.policy().settings().dry_run
    }

    /// The word that stands for a value; `None` if the value stays.
    pub(crate) fn stand_in(&self, entity: Entity, value: &str) -> Option<String> {
        match self.actions.of(entity) {
            Action::Keep => None,
            Action::Mask => Some(format!("[{entity}]")),
            Action::Pseudonym | Action::Vault => Some(self.masker.pseudonym(entity, value)),
            Action::Drop => Some(String::new()),
        }
    }

    /// As [`Pass::stand_in`], and takes note.
    pub(crate) fn take(&self, entity: Entity, value: &str, taken: &mut Taken) -> Option<String> {
        let stand_in = self.stand_in(entity, value)?;
        taken.counts.add(entity, 1);
        if self.actions.of(entity) == Action::Vault && !self.is_dry() {
            taken.vault(&stand_in, entity, value);
        }
        Some(stand_in)
    }
}
