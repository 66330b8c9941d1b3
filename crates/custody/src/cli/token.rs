//! What was typed behind `custody token`.

use access::{Grant, TokenId};
use clap::{Args, Subcommand};

use super::Where;
use crate::config::Span;

/// Examples of `custody token`.
const EXAMPLES: &str = "\
Examples:
  custody token create helpdesk --service helpdesk --environment prod
  custody token create maria-laptop --user maria.lopez --role support --expires 90d
  custody token list
  custody token revoke t_0123456789abcdef

A caller sends it as `Custody-Token: ctk_…`; it does not reach the provider. docs/identity.md tells who
counts as whom.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once
    Create(CreateArgs),
    /// Show all tokens, without their secrets
    List,
    /// End a token for good; a running recorder sees it within seconds
    Revoke {
        /// Its id
        #[arg(value_name = "ID")]
        id: TokenId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// For people, to tell it from others; not the user's id, which would stand in the list
    pub(crate) name: String,
    /// User id that its calls are recorded under; kept so that only the token itself can say it
    #[arg(long, value_name = "ID")]
    pub(crate) user: Option<String>,
    /// Role of the user in the application; may be repeated
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Vec<String>,
    /// The calling service
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// The deployment environment
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// What it may do with Custody: ingest, viewer, analyst, investigator, auditor or admin; may be
    /// repeated. Nothing but `ingest` is asked for yet
    #[arg(long, value_name = "GRANT", default_value = "ingest")]
    pub(crate) grant: Vec<Grant>,
    /// It ends after this time: 12h, 90d; default: when it is revoked
    #[arg(long, value_name = "SPAN")]
    pub(crate) expires: Option<Span>,
}
