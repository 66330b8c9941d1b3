//! Text that stands in the clear in an envelope: masked, cut, and without the user id.

use mask::{Counts, Masker};

/// No text in the clear is longer, in bytes.
const LONGEST: usize = 256;
/// A user id shorter than this is not looked for: it would be found everywhere.
const SHORTEST_ID: usize = 3;

/// Makes text safe to stand in the clear.
pub(crate) struct Clear<'a> {
    pub(crate) masker: &'a Masker,
    pub(crate) user: Option<&'a str>,
    /// What stands in the user id's place.
    pub(crate) pseudonym: Option<&'a str>,
}

impl Clear<'_> {
    pub(crate) fn text(&self, text: &str, counts: &mut Counts) -> String {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or_default();
        let hidden = match self.user {
            Some(user) if user.len() >= SHORTEST_ID && text.contains(user) => {
                text.replace(user, self.pseudonym.unwrap_or("[USER]"))
            }
            _ => text.to_owned(),
        };
        self.masker.mask_text(&hidden, counts).into_owned()
    }

    pub(crate) fn option(&self, text: Option<&str>, counts: &mut Counts) -> Option<String> {
        text.filter(|text| !text.is_empty()).map(|text| self.text(text, counts))
    }
}
