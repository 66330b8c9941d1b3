//! Rules that take more than a prefix: a keyword, an expression round it, and what the value must be.
//!
//! They are data, in `rules/*.toml` beside the sources. An expression is compiled when its keyword
//! is met for the first time, so that the hundreds that never are cost neither time nor memory.

use std::sync::{LazyLock, OnceLock};

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use serde::Deserialize;

/// A rule as it stands in the data.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    /// What it is.
    pub id: String,
    /// Where it is tried: wherever one of these stands, in whatever case.
    pub keys: Vec<String>,
    /// What is looked for there.
    regex: String,
    /// The group that is the secret; without it the first one that matched.
    #[serde(default)]
    pub group: Option<usize>,
    /// Whether every match begins with the keyword.
    #[serde(default)]
    pub first: bool,
    /// How many bytes after the beginning of the keyword a match may end.
    #[serde(default = "near")]
    pub reach: usize,
    /// The least entropy of the secret, in bits per byte.
    #[serde(default)]
    pub entropy: f32,
    /// Whether a secret that reads like words is one all the same.
    #[serde(default = "yes")]
    pub words: bool,
    /// The least number of digits in the secret.
    #[serde(default)]
    pub digits: usize,
    #[serde(skip)]
    compiled: OnceLock<Option<Regex>>,
}

fn near() -> usize {
    512
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
struct File {
    rules: Vec<Pattern>,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let files = [
        include_str!("../../rules/betterleaks.toml"),
        include_str!("../../rules/veles.toml"),
        include_str!("../../rules/places.toml"),
    ];
    files.into_iter().flat_map(read).collect()
});

#[expect(clippy::expect_used, reason = "the data is part of the program, and a test reads it")]
fn read(file: &str) -> Vec<Pattern> {
    toml::from_str::<File>(file).expect("the rules are well-formed").rules
}

/// Every rule of this kind.
pub(crate) fn all() -> &'static [Pattern] {
    &PATTERNS
}

/// What is between a name and a value in most of the expressions.
const SIGN: &str = r"(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)";

impl Pattern {
    /// The expression; `None` if it does not compile, which a test rules out.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.regex).ok()).as_ref()
    }

    /// Whether the keyword is part of a name to which the secret is assigned.
    pub(crate) fn is_assigned(&self) -> bool {
        self.first && self.regex.contains(SIGN)
    }

    /// The expression as it is written.
    #[cfg(test)]
    pub(crate) fn source(&self) -> &str {
        &self.regex
    }
}

/// Bytes, not characters: classes of Unicode would make the automata hundreds of times larger.
pub(crate) fn compile(regex: &str) -> Result<Regex, Box<regex_automata::meta::BuildError>> {
    let config = Config::new()
        .utf8_empty(false)
        .onepass(false)
        .dfa(false)
        .nfa_size_limit(Some(1 << 20))
        .hybrid_cache_capacity(256 << 10);
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    Regex::builder().configure(config).syntax(syntax).build(regex).map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regex_syntax::hir::{Class, Hir, HirKind};
    use regex_syntax::{ParserBuilder, hir};

    use super::*;
    use crate::{Masker, Policy};

    /// Writes a text that an expression matches, with letters drawn from its classes.
    struct Writer {
        state: u64,
        text: Vec<u8>,
    }

    impl Writer {
        fn write(seed: u64, regex: &str) -> String {
            let mut parser = ParserBuilder::new().unicode(false).utf8(false).build();
            let mut writer = Self { state: seed, text: Vec::new() };
            writer.walk(&parser.parse(regex).unwrap());
            String::from_utf8(writer.text).unwrap()
        }

        fn draw(&mut self, below: usize) -> usize {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.state >> 33).unwrap() % below
        }

        fn walk(&mut self, hir: &Hir) {
            match hir.kind() {
                HirKind::Look(hir::Look::WordAscii)
                    if self.text.last().is_some_and(u8::is_ascii_alphanumeric) =>
                {
                    self.text.push(b' ');
                }
                HirKind::Empty | HirKind::Look(_) => {}
                HirKind::Literal(hir::Literal(bytes)) => self.text.extend_from_slice(bytes),
                HirKind::Class(class) => self.member(class),
                HirKind::Repetition(many) => {
                    let more = many.max.is_none() && many.min > 0;
                    let times = if more { many.min + 16 } else { many.min };
                    (0..times).for_each(|_| self.walk(&many.sub));
                }
                HirKind::Capture(group) => self.walk(&group.sub),
                HirKind::Concat(parts) => parts.iter().for_each(|part| self.walk(part)),
                HirKind::Alternation(parts) => {
                    let one = self.draw(parts.len());
                    self.walk(&parts[one]);
                }
            }
        }

        fn member(&mut self, class: &Class) {
            let class = match class {
                Class::Bytes(class) => class.clone(),
                Class::Unicode(class) => class.to_byte_class().unwrap(),
            };
            let has = |b: &u8| class.iter().any(|r| (r.start()..=r.end()).contains(b));
            let plain: Vec<u8> =
                (b'0'..=b'z').filter(u8::is_ascii_alphanumeric).filter(has).collect();
            let any: Vec<u8> = (b' '..=b'~').chain([b'\n']).filter(has).collect();
            let from = if plain.is_empty() { any } else { plain };
            let one = self.draw(from.len());
            self.text.push(from[one]);
        }
    }

    #[test]
    fn every_rule_finds_an_example_of_itself() {
        let masker = Masker::new(Policy::default(), [0; 32]);
        let mut silent = Vec::new();
        for rule in all() {
            let finds = (1..40).any(|seed| {
                let example = Writer::write(seed, rule.source());
                let text =
                    rule.keys.iter().any(|key| example.to_lowercase().contains(key.as_str()));
                let text = if text { example } else { format!("{} {example}", rule.keys[0]) };
                masker.find(&text).iter().any(|span| span.entity.is_credential())
            });
            if !finds {
                silent.push((&rule.id, Writer::write(1, rule.source())));
            }
        }
        assert!(silent.is_empty(), "{silent:#?}");
    }

    #[test]
    fn no_rule_finds_what_stands_for_a_secret() {
        let masker = Masker::new(Policy::default(), [0; 32]);
        for rule in all() {
            for value in
                ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "${SECRET}", "<your-key>", "[API_KEY]"]
            {
                let text = format!("{}={value} {} {value}", rule.keys[0], rule.keys[0]);
                let found = masker.find(&text);
                let ours = found.iter().filter(|span| span.entity.is_credential()).count();
                assert_eq!(ours, 0, "{}: {text}: {found:?}", rule.id);
            }
        }
    }

    #[test]
    fn rules_are_small_and_have_names_of_their_own() {
        let mut names = BTreeSet::new();
        for rule in all() {
            assert!(names.insert(&rule.id), "{} is there twice", rule.id);
            assert!(!rule.keys.is_empty(), "{} has no keyword", rule.id);
            for key in &rule.keys {
                assert!(key.len() >= 3 && *key == key.to_lowercase(), "{}: {key:?}", rule.id);
            }
            assert!(rule.reach <= 16 << 10, "{} looks too far", rule.id);
            let regex = compile(rule.source()).unwrap_or_else(|e| panic!("{}: {e}", rule.id));
            let (groups, size) = (
                regex.group_info().group_len(regex_automata::PatternID::ZERO),
                regex.memory_usage(),
            );
            assert!(rule.group.is_none_or(|group| group < groups), "{} has no such group", rule.id);
            assert!(size < 384 << 10, "{} takes {size} bytes", rule.id);
        }
    }

    #[test]
    fn there_are_rules_enough() {
        assert!(all().len() >= 450, "{}", all().len());
    }
}
