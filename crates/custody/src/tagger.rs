//! The names tier of masking: the tagger that is built in.

use std::sync::Arc;

use mask::{Entity, FindNames, Span};
use names::{NameKind, Tagger};

/// The tagger, for whoever masks.
pub(crate) fn shared() -> Arc<dyn FindNames> {
    Arc::new(BuiltIn)
}

struct BuiltIn;

impl FindNames for BuiltIn {
    fn find(&self, text: &str) -> Vec<Span> {
        let names = Tagger::shared().find(text);
        let spans = names.into_iter().map(|name| {
            let (entity, detector) = match name.kind {
                NameKind::Location => (Entity::Location, "place"),
                NameKind::Address => (Entity::Address, "address"),
                NameKind::Organisation => (Entity::Organisation, "organisation"),
                _ => (Entity::Person, "person"),
            };
            Span { start: name.start, end: name.end, entity, score: name.score, detector }
        });
        spans.collect()
    }

    fn version(&self) -> &str {
        names::MODEL
    }
}
