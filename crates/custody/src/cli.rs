//! What was typed.

mod keys;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use keys::{KeysArgs, KeysCommand, RotateCommand};

/// A flight recorder for AI: records every call to a model, sealed and provable.
#[derive(Debug, Parser)]
#[command(name = "custody", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show everything on an empty directory: a sandbox model, traffic, an incident, a forgery
    Demo(DemoArgs),
    /// Record: proxy and API
    Serve(ServeArgs),
    /// Show one record
    Show(ShowArgs),
    /// Show everything that belongs to one correlation id
    Trace(TraceArgs),
    /// Find records by text and by metadata
    Search(SearchArgs),
    /// Re-check everything: log, envelopes, parts, files, numbers
    Verify(VerifyArgs),
    /// Take sensitive values out of text or JSON from standard input
    Mask(MaskArgs),
    /// Show the public keys of the collectors, or put other keys in the place of those in use
    Keys(KeysArgs),
    /// Check the configuration
    Config(ConfigArgs),
}

/// Which data is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory, over the configuration's
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Archive directory, when it is not the one of the data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// Folder with the keys, when it is not the one of the data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
}

/// How content is read and shown.
#[derive(Debug, Clone, Args)]
pub(crate) struct Reading {
    #[command(flatten)]
    pub(crate) place: Where,
    /// Ask a running Custody at this address (<http://127.0.0.1:8081>) instead of reading files
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Metadata only; nothing is opened, so nothing is recorded
    #[arg(long, conflicts_with = "unrecorded")]
    pub(crate) metadata: bool,
    /// Open content without recording the read, where it cannot be recorded
    #[arg(long)]
    pub(crate) unrecorded: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where the demo keeps its data; default: a new temporary directory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of the proxy
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: std::net::SocketAddr,
    /// Address of the API
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub(crate) api: std::net::SocketAddr,
    /// End after the tour instead of serving on
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory, over the configuration's
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The record's id, as `Custody-Interaction-Id` says it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct TraceArgs {
    /// The correlation id, as `Custody-Correlation-Id` says it
    pub(crate) correlation: String,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Text to find in prompts, answers, tool calls; empty for any
    #[arg(default_value = "")]
    pub(crate) text: String,
    /// Filter over metadata, e.g. 'outcome = error and tokens > 1000'
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Not before: 24h, 7d, 2026-11-23, 2026-11-23T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Not after
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50, value_name = "N")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) place: Where,
    /// A verifier key that you trust (name+hash+base64) or a file that holds one; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MaskArgs {
    /// Show what was found, by which detector, instead of the masked text
    #[arg(long)]
    pub(crate) explain: bool,
    /// Lines of JSON in and out: {"id","text"} in, {"id","text"} out, or spans with --spans
    #[arg(long)]
    pub(crate) json: bool,
    /// With --json: {"id","spans":[{"start","end","label","score"}]} out, offsets in code points
    #[arg(long, requires = "json")]
    pub(crate) spans: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check the file, and show what applies
    Check {
        /// Configuration file; default: custody.toml if there is one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}
