//! Finds sensitive values in text and JSON and takes them out.
//!
//! ```text
//!  text ──► fold ──► scan ──► detect ──► settle ──► replace ──► text, counts
//!           view     anchors  windows    spans      policy
//! ```
//!
//! The fold makes a view in which look-alike characters are plain; ASCII text is its own view.
//! One pass over the view marks anchors, such as an `@`, a digit or a known prefix of a key. The
//! detectors look only round an anchor, and each of them checks what it finds: a check digit, a
//! range, a length, the words near by. What they agree on is replaced as the [`Policy`] says.
//!
//! The crate does no I/O, reads no clock and keeps no state: the same text under the same policy
//! and key gives the same result, and masking a masked text changes nothing.
//!
//! ```
//! use mask::{Counts, Entity, Masker, Policy};
//!
//! let masker = Masker::new(Policy::default(), [0; 32]);
//! let mut counts = Counts::default();
//! let text = masker.mask_text("write to ada@example.com", &mut counts);
//! assert_eq!(text, "write to [EMAIL]");
//! assert_eq!(counts.get(Entity::Email), 1);
//! ```

mod bytes;
mod context;
mod counts;
mod detect;
mod entity;
mod fold;
mod json;
mod keys;
mod masker;
mod placeholder;
mod policy;
mod pseudonym;
mod rules;
mod scan;
mod span;
mod words;

pub use counts::Counts;
pub use entity::{Entity, Group};
pub use masker::Masker;
pub use policy::{Action, Policy, UnknownName};
pub use span::Span;

/// The version of the set of detectors. Another version may find other values.
pub const DETECTORS: &str = "detectors/1";
