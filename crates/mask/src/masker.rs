//! The masker: a policy, the key of its pseudonyms, and the finder of names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::entity::Entity;
use crate::names::FindNames;
use crate::pass::{Pass, Tier};
use crate::policy::{Actions, Place, Policy};
use crate::pseudonym;
use crate::scan;
use crate::span::Span;
use crate::taken::Taken;

/// Finds sensitive values and takes them out. Cheap to clone, and shared between threads.
#[derive(Clone)]
pub struct Masker {
    inner: Arc<Inner>,
}

struct Inner {
    policy: Policy,
    key: [u8; 32],
    names: Option<Arc<dyn FindNames>>,
    /// The actions of every combination of exceptions that was met.
    actions: RwLock<HashMap<u64, Arc<Actions>>>,
}

impl Masker {
    /// A masker under this policy. The key makes pseudonyms that nobody without it can confirm.
    pub fn new(policy: Policy, pseudonym_key: [u8; 32]) -> Self {
        Self::with_names(policy, pseudonym_key, None)
    }

    /// A masker that has a names tier.
    pub fn with_names(
        policy: Policy,
        pseudonym_key: [u8; 32],
        names: Option<Arc<dyn FindNames>>,
    ) -> Self {
        scan::prepare();
        let actions = RwLock::new(HashMap::new());
        Self { inner: Arc::new(Inner { policy, key: pseudonym_key, names, actions }) }
    }

    /// The policy it works under.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }

    /// Who finds names, if anybody does.
    pub fn names(&self) -> Option<&dyn FindNames> {
        self.inner.names.as_deref()
    }

    /// The versions of all detectors, as records name them.
    pub fn detectors(&self) -> String {
        match self.names() {
            Some(names) => format!("{}+{}", crate::DETECTORS, names.version()),
            None => crate::DETECTORS.to_owned(),
        }
    }

    /// A look at the texts of one place, with the detectors that are always on.
    pub fn at(&self, place: &Place<'_>) -> Pass<'_> {
        let variant = self.inner.policy.variant(place);
        let known = self.inner.actions.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(actions) = known.get(&variant) {
            return Pass::new(self, Arc::clone(actions));
        }
        drop(known);
        let actions = Arc::new(self.inner.policy.actions(variant));
        let mut known = self.inner.actions.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(variant, Arc::clone(&actions));
        Pass::new(self, actions)
    }

    /// A look at texts that stand nowhere in particular.
    pub fn anywhere(&self) -> Pass<'_> {
        self.at(&Place::default())
    }

    /// Every sensitive value in the text, whatever the policy does with it, names among them.
    pub fn find(&self, text: &str) -> Vec<Span> {
        self.anywhere().tier(Tier::All).find(text)
    }

    /// The text with its sensitive values replaced; the text itself if there are none.
    pub fn mask_text<'a>(&self, text: &'a str, taken: &mut Taken) -> Cow<'a, str> {
        self.anywhere().tier(Tier::All).mask_text(text, taken)
    }

    /// Masks a JSON value in place; see [`Pass::mask_json`].
    pub fn mask_json(&self, value: &mut Value, taken: &mut Taken) {
        self.anywhere().tier(Tier::All).mask_json(value, taken);
    }

    /// The word that stands for a value under a pseudonym.
    pub fn pseudonym(&self, entity: Entity, value: &str) -> String {
        pseudonym::placeholder(&self.inner.key, entity, value)
    }
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masker").field("policy", self.policy()).finish_non_exhaustive()
    }
}
