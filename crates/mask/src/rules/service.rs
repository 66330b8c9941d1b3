//! Names of services, after which a jumble is a key. Data, in `rules/services.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    alone: Vec<String>,
    worded: Vec<String>,
}

#[expect(clippy::expect_used, reason = "the data is part of the program, and a test reads it")]
static SERVICES: LazyLock<File> = LazyLock::new(|| {
    toml::from_str(include_str!("../../rules/services.toml")).expect("the names are well-formed")
});

/// Every name, and whether it is enough alone.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, bool)> {
    let alone = SERVICES.alone.iter().map(|name| (name.as_str(), true));
    alone.chain(SERVICES.worded.iter().map(|name| (name.as_str(), false)))
}
