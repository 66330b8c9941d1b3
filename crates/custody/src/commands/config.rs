//! `custody config check`.

use crate::cli::{ConfigArgs, ConfigCommand};
use crate::output::{GOOD, paint};
use crate::{Failure, Outcome, config, output, upstreams};

pub(crate) fn run(args: &ConfigArgs) -> Result<Outcome, Failure> {
    match &args.command {
        ConfigCommand::Check { config } => {
            let config = config::load(config.as_deref())?;
            let classes = config::classes(&config).map_err(Failure::Usage)?;
            let all = upstreams::all(&config, &classes).map_err(Failure::Usage)?;
            config.anchors.check().map_err(Failure::Usage)?;
            output::line(toml::to_string(&config)?)?;
            for (name, upstream) in &all {
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
