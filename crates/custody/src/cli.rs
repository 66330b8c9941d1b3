//! What was typed.

mod import;
mod keys;
mod prices;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use import::ImportArgs;
pub(crate) use keys::{KeysArgs, KeysCommand, RotateCommand};
pub(crate) use prices::PricesArgs;
pub(crate) use token::{CreateArgs, TokenArgs, TokenCommand};

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
    /// Record what other systems have written down, as sealed at import
    Import(ImportArgs),
    /// Destroy the keys of a person's content, with a receipt
    Erase(EraseArgs),
    /// Place, lift and list legal holds
    Hold(HoldArgs),
    /// Show what is kept how long
    Retention(RetentionArgs),
    /// Try to break the locks of the archive
    WormProbe(ProbeArgs),
    /// Take sensitive values out of text or JSON from standard input
    Mask(MaskArgs),
    /// Open values that masking took out of a record and keeps apart
    Reveal(RevealArgs),
    /// Show what tokens cost, and which prices a model gets
    Prices(PricesArgs),
    /// Witness other people's logs
    Witness(WitnessArgs),
    /// Show the public keys of the collectors, or put other keys in the place of those in use
    Keys(KeysArgs),
    /// Make, list and revoke access tokens, which prove who is asking
    Token(TokenArgs),
    /// Check the configuration
    Config(ConfigArgs),
}

/// Which data is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Where {
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory, over the configuration's
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Archive directory or `s3://bucket/prefix`, when it is not the one of the data directory
    #[arg(long, global = true, value_name = "DIR|URL")]
    pub(crate) archive: Option<String>,
    /// Folder with the keys, when it is not the one of the data directory
    #[arg(long, global = true, value_name = "DIR")]
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
    /// Take this part out, sealed, into --output, and print the key that opens it and nothing else
    #[arg(long, value_name = "PID", requires = "output", conflicts_with_all = ["server", "metadata"])]
    pub(crate) disclose: Option<String>,
    /// Where the sealed bytes of --disclose go; a new file
    #[arg(long, short, value_name = "FILE", requires = "disclose")]
    pub(crate) output: Option<PathBuf>,
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
    /// Read the lock of every archived object back
    #[arg(long)]
    pub(crate) locks: bool,
    /// Trust policy (C2SP tlog-policy): say which anchors hold; without a quorum the check fails
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whom a subject's name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SubjectKind {
    User,
    Session,
    Caller,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct EraseArgs {
    /// The person: a user id as the application sends it, or its pseudonym (u_…)
    pub(crate) subject: Option<String>,
    /// What SUBJECT is: a user, a session of calls without a user id, or a credential's fingerprint
    /// (k_…) of calls with neither
    #[arg(long = "as", value_enum, value_name = "KIND", default_value = "user")]
    pub(crate) kind: SubjectKind,
    /// The legal basis, which stands in the receipt: never name the person
    #[arg(long, value_name = "TEXT", default_value = "request of the data subject (GDPR Art. 17)")]
    pub(crate) basis: String,
    /// Say what would go, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Agree to an erasure that somebody else asked for
    #[arg(long, value_name = "ID", conflicts_with_all = ["subject", "dry_run"])]
    pub(crate) approve: Option<String>,
    /// Withdraw an erasure that waits
    #[arg(long, value_name = "ID", conflicts_with_all = ["subject", "dry_run", "approve"])]
    pub(crate) withdraw: Option<String>,
    /// List erasures that wait for approval
    #[arg(long, conflicts_with_all = ["subject", "approve"])]
    pub(crate) list: bool,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// The recorder that runs; default: the one of this data directory
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(subcommand)]
    pub(crate) command: HoldCommand,
    /// The recorder that runs; default: the one of this data directory
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) server: Option<String>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Keep records from retention and erasure
    Place {
        /// The hold's name: a case number
        hold: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// Records of this user (id or pseudonym)
        #[arg(long, value_name = "ID")]
        user: Option<String>,
        /// Records of this session without a user id
        #[arg(long, value_name = "ID", conflicts_with = "user")]
        session: Option<String>,
        /// Records that this filter lets through, e.g. 'outcome = error'
        #[arg(long = "where", value_name = "FILTER")]
        filter: Option<String>,
        /// This record; may be repeated
        #[arg(long, value_name = "ID")]
        id: Vec<String>,
    },
    /// Let retention and erasure reach the records again
    Lift {
        /// The hold's name
        hold: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Show all holds
    List,
}

#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    #[command(subcommand)]
    pub(crate) command: WitnessCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Cosign checkpoints of logs that only grow (C2SP tlog-witness)
    Serve {
        /// Where it answers POST /add-checkpoint
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8082")]
        listen: std::net::SocketAddr,
        /// Its key, and what it has seen of each log
        #[arg(long, value_name = "DIR", default_value = "./custody-witness")]
        state: PathBuf,
        /// The witness's name, which it keeps for good; default: one that is made up
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A log's verifier key (name+hash+base64) or a file with one a line; may be repeated
        #[arg(long, value_name = "VKEY", required = true)]
        log: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RevealArgs {
    /// The record's id
    pub(crate) id: String,
    /// Why; it is recorded with who and when
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Only the value behind this placeholder, e.g. `[EMAIL:7f3a91c04d5e]`
    #[arg(long, value_name = "WORD")]
    pub(crate) placeholder: Option<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MaskCommand {
    /// Try the examples of the rules in the configuration
    Test,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct MaskArgs {
    #[command(subcommand)]
    pub(crate) command: Option<MaskCommand>,
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Who speaks: `system`, `user`, `assistant`, `tool`; exceptions of the policy go by it
    #[arg(long, value_name = "ROLE", default_value = "user")]
    pub(crate) role: String,
    /// The call's environment
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The call's upstream
    #[arg(long, value_name = "NAME")]
    pub(crate) upstream: Option<String>,
    /// Leave names of people and places: the detectors that are always on, alone
    #[arg(long)]
    pub(crate) no_names: bool,
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
