//! Text that stands in the clear in an envelope: masked, cut, and without the user id.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use mask::{Counts, Masker, Place, Taken, Tier};

/// No text in the clear is longer, in bytes.
const LONGEST: usize = 256;
/// A user id shorter than this is not looked for: it would be found everywhere.
const SHORTEST_ID: usize = 3;

/// How many texts are remembered: tags and sessions repeat from call to call.
const REMEMBERED: usize = 4096;

/// Texts that were masked before.
pub(crate) struct ClearTexts(Mutex<LruCache<String, (String, Counts)>>);

impl ClearTexts {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN))))
    }

    /// The text without sensitive values, names among them. It stands in the journal in the clear,
    /// so here the names tier is not left for later; a detector that fails leaves nothing of it.
    fn mask(&self, masker: &Masker, text: &str, counts: &mut Counts) -> String {
        let known = |cache: &mut LruCache<_, (String, Counts)>| cache.get(text).cloned();
        let found = known(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let (masked, found) = found.unwrap_or_else(|| {
            let place = Place { role: "metadata", ..Place::default() };
            let mask = || {
                let mut taken = Taken::default();
                let tier = if text.contains(' ') { Tier::All } else { Tier::Values };
                let pass = masker.at(&place).tier(tier);
                let masked = pass.mask_text(text, &mut taken).into_owned();
                (masked, taken.counts)
            };
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(mask));
            let done = done.unwrap_or_else(|_| ("[WITHHELD]".to_owned(), Counts::default()));
            let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cache.put(text.to_owned(), done.clone());
            done
        });
        counts.merge(&found);
        masked
    }
}

/// Makes text safe to stand in the clear.
pub(crate) struct Clear<'a> {
    pub(crate) masker: &'a Masker,
    pub(crate) texts: &'a ClearTexts,
    pub(crate) user: Option<&'a str>,
    /// What stands in the user id's place.
    pub(crate) pseudonym: Option<&'a str>,
    /// User ids that are not this call's and must not stand here either, the longest first.
    pub(crate) others: &'a [String],
}

impl Clear<'_> {
    pub(crate) fn text(&self, text: &str, counts: &mut Counts) -> String {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        // The longest first: one id may be the beginning of another.
        let user = self.user.map(|user| (user, self.pseudonym.unwrap_or("[USER]")));
        let others = self.others.iter().map(|id| (id.as_str(), "[USER]"));
        let longer = |(id, _): &(&str, _)| id.len() > user.map_or(0, |(user, _)| user.len());
        let first = others.clone().filter(longer);
        let mut hidden = text.to_owned();
        for (id, instead) in first.chain(user).chain(others.filter(|other| !longer(other))) {
            if id.len() >= SHORTEST_ID && hidden.contains(id) {
                hidden = hidden.replace(id, instead);
            }
        }
        self.texts.mask(self.masker, &hidden, counts)
    }

    pub(crate) fn option(&self, text: Option<&str>, counts: &mut Counts) -> Option<String> {
        text.filter(|text| !text.is_empty()).map(|text| self.text(text, counts))
    }
}

#[cfg(test)]
mod tests {
    use mask::Policy;

    use super::*;

    #[test]
    fn no_user_id_stands_in_the_clear_neither_the_calls_nor_a_claimed_one() {
        let masker = Masker::new(Policy::default(), [7; 32]);
        let others = ["bobby".to_owned(), "x".to_owned()];
        let clear = Clear {
            masker: &masker,
            texts: &ClearTexts::new(),
            user: Some("bob"),
            pseudonym: Some("u_1"),
            others: &others,
        };
        let told = clear.text("bob and bobby, x", &mut Counts::default());
        assert_eq!(told, "u_1 and [USER], x");
    }
}
