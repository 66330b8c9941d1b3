//! One content through the detectors, with a limit of time and with everything that may go wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mask::{Masker, Place, Taken, Tier};
use record::{Content, PartKind, Role};
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// Where a call is, as far as the policy asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whereabouts {
    pub(crate) environment: Option<String>,
    pub(crate) upstream: String,
}

impl Whereabouts {
    pub(crate) fn place(&self, role: Role, kind: PartKind) -> Place<'_> {
        Place {
            role: if kind == PartKind::Skeleton { "metadata" } else { role.as_str() },
            environment: self.environment.as_deref(),
            upstream: Some(&self.upstream),
        }
    }
}

/// Why a content could not be masked: then it is sealed as it is, and kept closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A detector panicked.
    Failed,
    /// The detectors took too long.
    Late,
    /// Too much waits for the names tier.
    Overload,
}

impl Trouble {
    /// The oddity that says so.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Failed => "mask_failed",
            Self::Late => "mask_timeout",
            Self::Overload => "mask_overload",
        }
    }

    /// Whether the same content would come to the same end again.
    pub(crate) const fn stays(self) -> bool {
        matches!(self, Self::Failed)
    }
}

/// Takes what the detectors of this tier find out of a content.
pub(crate) fn mask(
    masker: &Masker,
    place: &Place<'_>,
    tier: Tier,
    content: Content,
    length: usize,
) -> Result<(Content, Taken), Trouble> {
    let limit = Limit::of(tier, length);
    let overdue = || limit.is_over();
    let masked = catch_unwind(AssertUnwindSafe(|| {
        let mut taken = Taken::default();
        let pass = masker.at(place).tier(tier).watched(&overdue);
        let content = match content {
            Content::Text(text) => match pass.mask_text(&text, &mut taken) {
                std::borrow::Cow::Borrowed(_) => Content::Text(text),
                std::borrow::Cow::Owned(masked) => Content::Text(masked),
            },
            Content::Fields(fields) => {
                let mut value = Value::Object(fields);
                pass.mask_json(&mut value, &mut taken);
                match value {
                    Value::Object(fields) => Content::Fields(fields),
                    other => Content::Json(other),
                }
            }
            Content::Json(mut value) => {
                pass.mask_json(&mut value, &mut taken);
                Content::Json(value)
            }
            // Bytes that are no text hold no text that a detector could find.
            Content::Bytes(bytes) => Content::Bytes(bytes),
        };
        (content, taken)
    }));
    match masked {
        // What a detector left out because it was told to stop is not known.
        Ok(_) if overdue() => Err(Trouble::Late),
        Ok(done) => Ok(done),
        Err(_) => Err(Trouble::Failed),
    }
}

/// Whether the names tier would look at a content at all.
pub(crate) fn has_prose(kind: PartKind, content: &Content) -> bool {
    if matches!(
        kind,
        PartKind::ToolDefinition
            | PartKind::ReasoningOpaque
            | PartKind::Embedding
            | PartKind::Image
            | PartKind::Audio
            | PartKind::Uri
            | PartKind::Vault
    ) {
        return false;
    }
    match content {
        Content::Text(text) => mask::has_prose(text),
        Content::Fields(fields) => fields.values().any(mask::has_prose_in),
        Content::Json(value) => mask::has_prose_in(value),
        Content::Bytes(_) => false,
    }
}

/// How long a content may take, in time that the thread itself runs: on a busy machine nothing is
/// withheld for want of a core.
struct Limit {
    started: Duration,
    allowed: Duration,
}

impl Limit {
    /// 50 ms and 1 ms per KB for the detectors that are always on; a second and 60 ms per KB for the
    /// names tier. Without optimisation a program takes thirty times as long.
    fn of(tier: Tier, length: usize) -> Self {
        let (base, per_kb) = match tier {
            Tier::Values => (50, 1),
            Tier::Names | Tier::All => (1000, 60),
        };
        let kb = u64::try_from(length / 1024).unwrap_or(u64::MAX);
        let slow = if cfg!(debug_assertions) { 30 } else { 1 };
        let allowed = kb.saturating_mul(per_kb).saturating_add(base).saturating_mul(slow);
        Self { started: cpu(), allowed: Duration::from_millis(allowed) }
    }

    fn is_over(&self) -> bool {
        cpu().saturating_sub(self.started) > self.allowed
    }
}

/// The time that this thread has run.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mask::{Entity, FindNames, Policy, Span};

    use super::*;

    /// Finds the word `Ada`, panics at `Eve` and never ends at `Zed`.
    struct Names;

    impl FindNames for Names {
        fn find(&self, text: &str) -> Vec<Span> {
            assert!(!text.contains("Eve"), "a fault of the tagger");
            if text.contains("Zed") {
                let start = cpu();
                while cpu().saturating_sub(start) < Duration::from_millis(40) {}
            }
            let at = |start| Span {
                start,
                end: start + 3,
                entity: Entity::Person,
                score: 0.9,
                detector: "test",
            };
            text.match_indices("Ada").map(|(start, _)| at(start)).collect()
        }

        fn version(&self) -> &'static str {
            "test/1"
        }
    }

    fn masked(text: &str, tier: Tier) -> Result<(Content, Taken), Trouble> {
        let masker = Masker::with_names(Policy::default(), [0; 32], Some(Arc::new(Names)));
        mask(&masker, &Place::default(), tier, Content::Text(text.into()), text.len())
    }

    #[test]
    fn a_panic_is_trouble_and_nothing_else() {
        let (content, taken) = masked("hello Ada, hello", Tier::Names).unwrap();
        assert_eq!(content, Content::Text("hello [PERSON], hello".into()));
        assert_eq!(taken.counts.get(Entity::Person), 1);
        assert_eq!(masked("hello Eve, hello", Tier::Names), Err(Trouble::Failed));
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let limit = Limit { started: cpu(), allowed: Duration::from_millis(5) };
        assert!(!limit.is_over());
        while cpu().saturating_sub(limit.started) < Duration::from_millis(6) {}
        assert!(limit.is_over());
        assert!(Limit::of(Tier::Values, 1 << 20).allowed >= Duration::from_millis(1074));
    }
}
