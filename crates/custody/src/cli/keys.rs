//! What was typed behind `custody keys`.

use clap::{Args, Subcommand};

use super::Where;

/// Examples of `custody keys`.
pub(super) const EXAMPLES: &str = "\
Examples:
  custody keys                                      the public keys, for handing out
  custody keys rotate root                          a new root key of the same provider
  custody keys rotate root --to vault:custody       from now on Vault holds the root key
  custody keys rotate store                         a new store key: copies of the old store open nothing
  custody keys rotate signing                       a new signing key; the log hands over to it

docs/keys.md tells the providers, and what to do when a key is lost.";

const ROOT_EXAMPLES: &str = "\
Examples:
  custody keys rotate root
  custody keys rotate root --to file:/etc/custody/root.key
  custody keys rotate root --to age:/etc/custody/root.age
  custody keys rotate root --to env:ROOT_KEY
  custody keys rotate root --to vault:custody
  custody keys rotate root --to aws-kms:alias/custody

The recorder must be stopped. Afterwards [keys] root must name the new provider.";

const STORE_EXAMPLES: &str = "\
Examples:
  custody keys rotate store
  custody keys rotate store --json

The recorder must be stopped. All keys of subjects and periods stay what they are, and all content
opens as before. An erasure does the same by itself.";

const SIGNING_EXAMPLES: &str = "\
Examples:
  custody keys rotate signing
  custody keys rotate signing --collector reader

The recorder must be stopped. At its next start it hands over: a record names the new key, and a
checkpoint is signed by both. Whoever trusts the old key goes on verifying with it.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: Option<KeysCommand>,
    #[command(flatten)]
    pub(crate) place: Where,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Put another key in the place of the present one
    Rotate(RotateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    #[command(subcommand)]
    pub(crate) what: RotateCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RotateCommand {
    /// The root key: all that it wraps is wrapped anew, the old one is destroyed
    #[command(after_help = ROOT_EXAMPLES)]
    Root {
        /// Another provider, in the words of `[keys] root`; default: the present one
        #[arg(long, value_name = "PROVIDER")]
        to: Option<String>,
        #[command(flatten)]
        place: Where,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// The store key: the key store is sealed anew, the old store key and the old store are destroyed
    #[command(after_help = STORE_EXAMPLES)]
    Store {
        #[command(flatten)]
        place: Where,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// A collector's signing key: at its next start the recorder hands over to the new one
    #[command(after_help = SIGNING_EXAMPLES)]
    Signing {
        /// Whose key; default: the configuration's collector
        #[arg(long, value_name = "NAME")]
        collector: Option<String>,
        #[command(flatten)]
        place: Where,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}
