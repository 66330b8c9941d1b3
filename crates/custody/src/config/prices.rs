//! What tokens cost.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use price::{Prices, Table};
use serde::{Deserialize, Serialize};

/// Price tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PricesConfig {
    /// A price table of one's own, whose entries win. Empty: none.
    pub(crate) table: String,
    /// Whether the built-in table holds for what the own one does not name.
    pub(crate) built_in: bool,
}

impl Default for PricesConfig {
    fn default() -> Self {
        Self { table: String::new(), built_in: true }
    }
}

impl PricesConfig {
    /// Reads the tables that are in force.
    pub(crate) fn read(&self) -> anyhow::Result<Prices> {
        let own = (!self.table.is_empty()).then(|| own(Path::new(&self.table))).transpose()?;
        let built_in =
            self.built_in.then(Table::built_in).transpose().context("built-in prices")?;
        Ok(Prices::new(own, built_in))
    }
}

fn own(path: &Path) -> anyhow::Result<Table> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("[prices] table: cannot read {name}"))?;
    Table::parse(&text).map_err(|error| anyhow!("[prices] table: {name}, {error}"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "files of tests")]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_own_table_names_file_line_and_what() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        let config = |table: &Path| PricesConfig {
            table: table.to_str().unwrap().to_owned(),
            ..PricesConfig::default()
        };
        std::fs::write(&path, "date = \"2026-11-01\"\nprovider = []\nprice = 3\n").unwrap();
        let error = config(&path).read().unwrap_err().to_string();
        assert!(error.contains("prices.toml, line 3, column 1: unknown field `price`"), "{error}");
        let error = config(&folder.path().join("other.toml")).read().unwrap_err().to_string();
        assert!(error.contains("cannot read") && error.contains("other.toml"), "{error}");
        // What is written to start from is a table.
        std::fs::write(&path, price::BUILT_IN).unwrap();
        let prices = config(&path).read().unwrap();
        assert_eq!(prices.tables().count(), 2);
        let alone = PricesConfig { built_in: false, ..PricesConfig::default() };
        assert_eq!(alone.read().unwrap().tables().count(), 0);
    }
}
