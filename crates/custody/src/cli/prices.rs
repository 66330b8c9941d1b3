//! What was typed after `custody prices`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct PricesArgs {
    /// A model's id, as a call asks for it or an answer names it: show the entry that it gets, and why
    pub(crate) model: Option<String>,
    /// Only this provider, or upstream
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Write the built-in table into a new file, to start from
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "provider", "json"])]
    pub(crate) write: Option<PathBuf>,
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}
