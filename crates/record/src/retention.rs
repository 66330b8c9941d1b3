//! Retention classes: how long content, metadata and locks last.
//!
//! A class has clocks of its own for the lock of archived objects (a minimum), for content and for
//! metadata (maxima). Content ends by the destruction of its period's key; a period is a day.

use std::collections::{BTreeMap, BTreeSet};

use crate::Timestamp;
use crate::envelope::Retention;

const DAY_US: i64 = 86_400_000_000;

/// How long records of a class are kept. All lengths are in days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionClass {
    /// Its name: letters, digits and underscores.
    pub name: String,
    /// After how many days a segment moves to the cold tier, where there is one.
    pub hot: u32,
    /// For how many days archived objects are locked; 0: not by us.
    pub lock: u32,
    /// After how many days content can no longer be opened; `None`: never.
    pub content: Option<u32>,
    /// After how many days the records' files go; `None`: never. Not before their lock ends.
    pub metadata: Option<u32>,
}

/// Chooses a class for a call. What is not given fits every call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionRule {
    /// The upstream's name.
    pub upstream: Option<String>,
    /// The beginning of the path behind the upstream's name, e.g. `/v1/embeddings`.
    pub path: Option<String>,
    /// The caller: the fingerprint of its credential (`k_…`) or its service's name.
    pub caller: Option<String>,
    /// The class's name.
    pub class: String,
}

/// All classes of an installation, and the rules that choose among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes {
    by_name: BTreeMap<String, RetentionClass>,
    rules: Vec<RetentionRule>,
    standard: RetentionClass,
    /// Classes that some call may get.
    used: BTreeSet<String>,
}

/// Where records that are not interactions lie: what proves the rest is kept as long as anything.
pub const LOG: &str = "log";
/// The class of calls that no rule gives another.
pub const STANDARD: &str = "standard";

/// Name, hot, lock, content, metadata. The lengths are floors and ceilings of the duties that they
/// are named for (docs/retention.md), not advice.
type Preset = (&'static str, u32, u32, Option<u32>, Option<u32>);
const STANDARD_PRESET: Preset = (STANDARD, 90, 183, Some(400), Some(400));
const PRESETS: [Preset; 9] = [
    STANDARD_PRESET,
    ("eu_ai_act", 92, 183, Some(400), Some(400)),
    ("gdpr_minimal", 30, 0, Some(30), Some(183)),
    ("soc2", 92, 400, Some(400), Some(400)),
    ("pci", 92, 366, Some(400), Some(400)),
    ("hipaa", 92, 2192, Some(2557), Some(2557)),
    ("sec17a4", 731, 2192, Some(2557), Some(2557)),
    ("dora", 183, 1827, Some(1827), Some(1827)),
    ("incident", 3653, 3653, None, None),
];

impl Default for Classes {
    fn default() -> Self {
        let preset = |(name, hot, lock, content, metadata): Preset| RetentionClass {
            name: name.to_owned(),
            hot,
            lock,
            content,
            metadata,
        };
        let classes = PRESETS.into_iter().map(preset);
        let by_name: BTreeMap<_, _> = classes.map(|class| (class.name.clone(), class)).collect();
        let standard = preset(STANDARD_PRESET);
        let used = BTreeSet::from([STANDARD.to_owned()]);
        Self { by_name, rules: Vec::new(), standard, used }
    }
}

impl Classes {
    /// Adds a class, or puts it in a preset's place.
    pub fn insert(&mut self, class: RetentionClass) {
        if class.name == STANDARD {
            self.standard = class.clone();
        }
        self.by_name.insert(class.name.clone(), class);
    }

    /// Says that calls may get a class.
    pub fn use_class(&mut self, name: &str) {
        self.used.insert(self.of(name).name.clone());
    }

    /// Adds a rule; the first one that fits decides.
    pub fn push_rule(&mut self, rule: RetentionRule) {
        self.use_class(&rule.class);
        self.rules.push(rule);
    }

    /// The class of this name. `eu-ai-act` and `sec-17a-4` are spellings of `eu_ai_act` and
    /// `sec17a4`.
    pub fn get(&self, name: &str) -> Option<&RetentionClass> {
        let plain = |name: &str| name.replace(['-', '_'], "");
        self.by_name
            .get(name)
            .or_else(|| self.by_name.values().find(|class| plain(&class.name) == plain(name)))
    }

    /// The class of this name, or the standard one: for records of a class that the configuration
    /// no longer knows.
    pub fn of(&self, name: &str) -> &RetentionClass {
        self.get(name).unwrap_or(&self.standard)
    }

    /// The class of a call: the first rule's that fits, else the one of its upstream.
    pub fn choose(
        &self,
        upstream: &str,
        path: &str,
        callers: [Option<&str>; 2],
        otherwise: &str,
    ) -> &RetentionClass {
        let fits = |rule: &&RetentionRule| {
            rule.upstream.as_deref().is_none_or(|name| name == upstream)
                && rule.path.as_deref().is_none_or(|start| path.starts_with(start))
                && rule.caller.as_deref().is_none_or(|who| callers.contains(&Some(who)))
        };
        self.of(self.rules.iter().find(fits).map_or(otherwise, |rule| &rule.class))
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// All classes by name.
    pub fn iter(&self) -> impl Iterator<Item = &RetentionClass> {
        self.by_name.values()
    }

    /// The longest lock of any class that calls may get: what the log itself is locked for.
    pub fn longest_lock(&self) -> u32 {
        let used = self.by_name.values().filter(|class| self.used.contains(&class.name));
        used.map(|class| class.lock).max().unwrap_or(0)
    }
}

impl RetentionClass {
    /// The period whose key seals content of this time: the day in UTC.
    pub fn period(&self, time: Timestamp) -> String {
        time.day()
    }

    /// Until when an object of this class that is put now is locked; `None`: not by us.
    pub fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.lock > 0).then(|| after(now, self.lock))
    }

    /// When the content of a period ends; `None`: never. The whole day is kept as long as its last
    /// moment.
    pub fn content_until(&self, in_period: Timestamp) -> Option<Timestamp> {
        let end_of_day = Timestamp((in_period.0.div_euclid(DAY_US) + 1).saturating_mul(DAY_US));
        self.content.map(|days| after(end_of_day, days))
    }

    /// When the metadata of a day ends; `None`: never.
    pub fn metadata_until(&self, day: Timestamp) -> Option<Timestamp> {
        let end_of_day = Timestamp((day.0.div_euclid(DAY_US) + 1).saturating_mul(DAY_US));
        self.metadata.map(|days| after(end_of_day, days.max(self.lock)))
    }

    /// When a segment of this day moves to the cold tier.
    pub fn hot_until(&self, day: Timestamp) -> Timestamp {
        after(day, self.hot)
    }

    /// What a record says of all this.
    pub fn retention(&self, recorded: Timestamp) -> Retention {
        Retention {
            class: self.name.clone(),
            content_until: self.content_until(recorded),
            locked_until: self.locked_until(recorded),
        }
    }
}

fn after(time: Timestamp, days: u32) -> Timestamp {
    time.plus_us(i64::from(days).saturating_mul(DAY_US))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_and_spellings() {
        let classes = Classes::default();
        for name in ["eu_ai_act", "eu-ai-act", "sec-17a-4", "sec17a4", "gdpr-minimal", "standard"] {
            assert!(classes.get(name).is_some(), "{name}");
        }
        assert!(classes.get("none").is_none());
        assert_eq!(classes.of("none").name, STANDARD);
        assert_eq!(classes.longest_lock(), 183);
        let mut more = classes.clone();
        more.use_class("hipaa");
        assert_eq!(more.longest_lock(), 2192);
        for class in classes.iter() {
            // What must be kept is kept at least as long as it is locked.
            assert!(class.content.is_none_or(|days| days >= class.lock), "{}", class.name);
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let mut classes = Classes::default();
        let rule = |upstream: &str, path: &str, caller: &str, class: &str| RetentionRule {
            upstream: Some(upstream.to_owned()).filter(|t| !t.is_empty()),
            path: Some(path.to_owned()).filter(|t| !t.is_empty()),
            caller: Some(caller.to_owned()).filter(|t| !t.is_empty()),
            class: class.to_owned(),
        };
        classes.push_rule(rule("openai", "/v1/embeddings", "", "gdpr_minimal"));
        classes.push_rule(rule("", "", "clinic", "hipaa"));
        let choose = |upstream, path, caller| {
            classes.choose(upstream, path, [Some("k_1"), caller], "pci").name.clone()
        };
        assert_eq!(choose("openai", "/v1/embeddings", Some("clinic")), "gdpr_minimal");
        assert_eq!(choose("openai", "/v1/chat/completions", Some("clinic")), "hipaa");
        assert_eq!(choose("openai", "/v1/chat/completions", None), "pci");
    }

    #[test]
    fn clocks() {
        let class = Classes::default().of("gdpr_minimal").clone();
        let noon = Timestamp(1_795_435_200_123_456);
        assert_eq!(class.period(noon), "2026-11-23");
        assert_eq!(class.content_until(noon).unwrap().to_string(), "2026-12-24T00:00:00.000000Z");
        assert_eq!(class.locked_until(noon), None);
    }
}
