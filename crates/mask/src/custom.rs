//! Rules of the user's own: a regular expression, a check, words near by, and lines that test it.

use regex::bytes::{Regex, RegexBuilder};

use crate::checks;
use crate::detect::Found;
use crate::entity::Entity;
use crate::policy::UnknownName;
use crate::span::Span;
use crate::words::Scene;

/// How far the words of a rule may stand before a value, in bytes.
const REACH: usize = 60;
/// How far after it.
const REACH_AFTER: usize = 24;
/// A compiled expression takes no more memory, in bytes.
const SIZE: usize = 1 << 20;

/// A rule as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleText {
    /// The entity that it finds: upper-case letters, digits and `_`.
    pub name: String,
    /// A regular expression in the syntax of the `regex` crate; the value is group 1, or the whole
    /// match where there is no group. It sees look-alikes as ASCII and every other letter as one
    /// byte above 127.
    pub regex: String,
    /// A check on the digits and letters of the value: `luhn`, `verhoeff`, `mod97` or `mod11`.
    pub validator: Option<String>,
    /// Words of which one must stand near the value, in any case; none: no word is needed.
    pub context: Vec<String>,
    /// How sure the rule is, from 0 to 1.
    pub score: Option<f32>,
    /// Texts in which it must find something.
    pub examples: Vec<String>,
    /// Texts in which it must find nothing.
    pub counter_examples: Vec<String>,
}

/// A rule that works.
#[derive(Clone, Debug)]
pub struct CustomRule {
    entity: Entity,
    regex: Regex,
    validator: Option<Validator>,
    context: Vec<String>,
    score: f32,
    text: RuleText,
}

/// Checks the characters of a value that are digits or letters.
type Validator = fn(&[u8]) -> bool;

/// Why a rule does not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Its name cannot be an entity's.
    #[error("{0}: a name is 2 to 32 upper-case letters, digits or _, and none that a detector has")]
    Name(UnknownName),
    /// Its expression does not compile, or is too large.
    #[error("regex: {0}")]
    Regex(Box<regex::Error>),
    /// Its check is not known.
    #[error("validator {0:?}; known: luhn, verhoeff, mod97, mod11")]
    Validator(String),
    /// Its score is not between 0 and 1.
    #[error("score {0} is not between 0 and 1")]
    Score(f32),
    /// It finds nothing in one of its examples.
    #[error("example {number} is not found: {line:?}")]
    Missed {
        /// Which, counted from 1.
        number: usize,
        /// The example.
        line: String,
    },
    /// It finds something in one of its counter-examples.
    #[error("counter-example {number} is found: {found:?} in {line:?}")]
    Found {
        /// Which, counted from 1.
        number: usize,
        /// The counter-example.
        line: String,
        /// What was found in it.
        found: String,
    },
}

impl CustomRule {
    /// Compiles a rule. Its examples are tried by [`CustomRule::test`].
    pub fn new(text: RuleText) -> Result<Self, RuleError> {
        let entity = Entity::custom(&text.name).map_err(RuleError::Name)?;
        let regex = RegexBuilder::new(&text.regex)
            .size_limit(SIZE)
            .unicode(false)
            .build()
            .map_err(|error| RuleError::Regex(Box::new(error)))?;
        let validator = text.validator.as_deref().map(validator).transpose()?;
        let score = text.score.unwrap_or(0.9);
        if !(0.0..=1.0).contains(&score) {
            return Err(RuleError::Score(score));
        }
        let context = text.context.iter().map(|word| word.to_lowercase()).collect();
        Ok(Self { entity, regex, validator, context, score, text })
    }

    /// Tries the examples; gives how many there were.
    pub fn test(&self) -> Result<usize, RuleError> {
        let found = |line: &str| {
            let view = crate::fold::View::of(line);
            let mut found = Found::new();
            self.detect(&Scene { text: view.bytes(), keys: &[] }, &mut found);
            let (start, end) = found.first().map(|span| (span.start, span.end))?;
            line.get(view.origin(start)..view.origin(end)).map(str::to_owned)
        };
        for (i, line) in self.text.examples.iter().enumerate() {
            if found(line).is_none() {
                return Err(RuleError::Missed { number: i + 1, line: line.clone() });
            }
        }
        for (i, line) in self.text.counter_examples.iter().enumerate() {
            if let Some(found) = found(line) {
                return Err(RuleError::Found { number: i + 1, line: line.clone(), found });
            }
        }
        Ok(self.text.examples.len() + self.text.counter_examples.len())
    }

    /// What it finds.
    pub fn entity(&self) -> Entity {
        self.entity
    }

    /// All that decides what it finds.
    pub(crate) fn describe(&self) -> String {
        let RuleText { name, regex, validator, context, .. } = &self.text;
        format!("{name} {regex:?} {validator:?} {context:?} {}", self.score)
    }

    pub(crate) fn detect(&self, scene: &Scene<'_>, found: &mut Found) {
        let Entity::Custom(detector) = self.entity else { return };
        for captures in self.regex.captures_iter(scene.text) {
            let Some(value) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let (start, end) = (value.start(), value.end());
            if start == end || !self.holds(value.as_bytes()) || !self.in_context(scene, start, end)
            {
                continue;
            }
            let (entity, score) = (self.entity, self.score);
            found.push(Span { start, end, entity, score, detector });
        }
    }

    fn holds(&self, value: &[u8]) -> bool {
        let Some(validator) = self.validator else { return true };
        let plain: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
        validator(&plain)
    }

    fn in_context(&self, scene: &Scene<'_>, start: usize, end: usize) -> bool {
        let words: Vec<&str> = self.context.iter().map(String::as_str).collect();
        words.is_empty()
            || scene.before(start, REACH, &words)
            || scene.after(end, REACH_AFTER, &words)
    }
}

impl PartialEq for CustomRule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn validator(name: &str) -> Result<Validator, RuleError> {
    match name {
        "luhn" => Ok(checks::luhn),
        "verhoeff" => Ok(checks::verhoeff),
        "mod97" => Ok(checks::mod97),
        "mod11" => Ok(checks::mod11),
        _ => Err(RuleError::Validator(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(regex: &str) -> RuleText {
        RuleText { name: "STAFF_NO".to_owned(), regex: regex.to_owned(), ..RuleText::default() }
    }

    #[test]
    fn examples_hold_a_rule_to_its_word() {
        let lines = |lines: &[&str]| lines.iter().map(|l| (*l).to_owned()).collect();
        let rule = |examples: &[&str], counter: &[&str]| {
            CustomRule::new(RuleText {
                context: vec!["staff".to_owned()],
                examples: lines(examples),
                counter_examples: lines(counter),
                ..text(r"\b(E-\d{6})\b")
            })
            .unwrap()
        };
        let good =
            rule(&["staff no E-123456", "STAFF: E-１２３４５６"], &["E-123456", "staff E-1"]);
        assert_eq!(good.test().unwrap(), 4);
        let missed = rule(&["order E-123456"], &[]).test().unwrap_err();
        assert_eq!(missed.to_string(), "example 1 is not found: \"order E-123456\"");
        let found = rule(&[], &["x", "staff E-123456"]).test().unwrap_err();
        let told = "counter-example 2 is found: \"E-123456\" in \"staff E-123456\"";
        assert_eq!(found.to_string(), told);
    }

    #[test]
    fn a_check_is_held() {
        let rule = RuleText { validator: Some("luhn".into()), ..text(r"\d{8,12}") };
        let rule = CustomRule::new(rule).unwrap();
        let mut found = Found::new();
        rule.detect(&Scene { text: b"79927398713 79927398714", keys: &[] }, &mut found);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text| CustomRule::new(text).unwrap_err().to_string();
        assert!(told(RuleText { name: "EMAIL".into(), ..text("x") }).contains("EMAIL"));
        assert!(told(text("(")).starts_with("regex: "));
        assert!(told(text("(\\d{1000}){1000}")).starts_with("regex: "));
        let check = RuleText { validator: Some("md5".into()), ..text("x") };
        assert!(told(check).contains("luhn"));
        assert!(told(RuleText { score: Some(2.0), ..text("x") }).contains("between"));
    }
}
