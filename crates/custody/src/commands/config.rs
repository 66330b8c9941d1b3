//! `custody config check`.

use crate::checked::Checked;
use crate::cli::{ConfigArgs, ConfigCommand};
use crate::output::{GOOD, paint};
use crate::{Failure, Outcome, config, output};

pub(crate) fn run(args: &ConfigArgs) -> Result<Outcome, Failure> {
    match &args.command {
        ConfigCommand::Check { config } => {
            let config = config::load(config.as_deref())?;
            let upstreams = Checked::of(&config).map_err(Failure::Usage)?.upstreams;
            output::line(toml::to_string(&config)?)?;
            for (name, upstream) in &upstreams {
                output::line(format!(
                    "# upstream {name}: {} ({})",
                    upstream.base_url, upstream.route.mode
                ))?;
            }
            output::line(format!("# {}", paint(GOOD, "the configuration is good")))?;
            Ok(Outcome::Done)
        }
    }
}
