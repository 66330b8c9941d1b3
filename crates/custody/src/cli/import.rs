//! `custody import`, as typed.

use std::path::PathBuf;

use clap::Args;

const EXAMPLES: &str = "\
Examples:
  custody import bedrock ./AWSLogs                    a folder as S3 delivers it, .json and .json.gz
  custody import langfuse traces.jsonl observations.jsonl
  custody import litellm - < payloads.jsonl           from standard input
  custody import openai-batch results.jsonl --requests input.jsonl
  custody import otlp traces.json
  custody import bedrock ./AWSLogs --dry-run          read and tell, record nothing

What is in the log already is passed by, so an import that was cut off is run again.
Exit code: 0 everything is in the log, 1 something was refused, 3 it could not run to its end.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// bedrock, langfuse, litellm, openai-batch or otlp
    pub(crate) format: intake::import::Source,
    /// Files, folders (all .json, .jsonl, .ndjson in them, also .gz), or - for standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The input file of a batch, beside its results; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) requests: Vec<PathBuf>,
    /// Read and tell, and record nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One JSON object a batch, one for each refusal, and one at the end
    #[arg(long)]
    pub(crate) json: bool,
    /// The recorder that runs; default: the one of this data directory
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Configuration file; default: custody.toml if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data directory, over the configuration's
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}
