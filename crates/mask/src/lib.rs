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
//! use mask::{Entity, Masker, Policy, Taken};
//!
//! let masker = Masker::new(Policy::default(), [0; 32]);
//! let mut taken = Taken::default();
//! let text = masker.mask_text("write to ada@example.com", &mut taken);
//! assert_eq!(text, "write to [EMAIL]");
//! assert_eq!(taken.counts.get(Entity::Email), 1);
//! ```

mod action;
mod allow;
mod bytes;
mod checks;
mod clean;
mod context;
mod counts;
mod custom;
mod decoded;
mod detect;
mod entity;
mod fold;
mod json;
mod keys;
mod masker;
mod names;
mod pass;
mod placeholder;
mod policy;
mod prose;
mod pseudonym;
mod rounds;
mod rules;
mod scan;
mod span;
mod taken;
mod why;
mod words;

pub use action::Action;
pub use allow::AllowList;
pub use counts::Counts;
pub use custom::{CustomRule, RuleError, RuleText};
pub use entity::{Entity, Group};
pub use masker::Masker;
pub use names::{FindNames, NAMES};
pub use pass::{Overdue, Pass, Tier};
pub use policy::{Exception, Place, Policy, Settings, Target, TooManyExceptions, UnknownName};
pub use prose::{has_prose, has_prose_in};
pub use span::Span;
pub use taken::{Taken, Vaulted};

/// The version of the detectors that are always on. Another version may find other values.
pub const DETECTORS: &str = "detectors/2";
