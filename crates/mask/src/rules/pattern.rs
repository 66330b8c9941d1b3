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
