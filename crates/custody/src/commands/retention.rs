//! `custody retention`: what is kept how long.

use serde_json::json;

use crate::cli::RetentionArgs;
use crate::output::{DIM, HEAD, NAME, paint};
use crate::place::Place;
use crate::{Failure, Outcome, config, output};

pub(crate) fn run(args: &RetentionArgs) -> Result<Outcome, Failure> {
    let place = Place::named(&args.place)?;
    let classes = config::classes(&place.config).map_err(Failure::Usage)?;
    let days = |days: Option<u32>| days.map_or("forever".to_owned(), |days| format!("{days}d"));
    if !args.json {
        let head = format!(
            "{:<14} {:>8} {:>8} {:>9} {:>9}",
            "class", "hot", "lock", "content", "metadata"
        );
        output::line(paint(HEAD, head))?;
    }
    for class in classes.iter() {
        if args.json {
            output::json(&json!({
                "class": class.name, "hot_days": class.hot, "lock_days": class.lock,
                "content_days": class.content, "metadata_days": class.metadata,
            }))?;
        } else {
            output::line(format!(
                "{} {:>7}d {:>7}d {:>9} {:>9}",
                paint(NAME, format!("{:<14}", class.name)),
                class.hot,
                class.lock,
                days(class.content),
                days(class.metadata)
            ))?;
        }
    }
    if !args.json {
        output::line("")?;
        for upstream in &place.config.upstream {
            output::line(format!("upstream {}: {}", upstream.name, upstream.retention))?;
        }
        for rule in &place.config.retention_rule {
            let part = |name: &str, value: &Option<String>| {
                value.as_ref().map(|value| format!("{name} {value}"))
            };
            let when = [
                part("upstream", &rule.upstream),
                part("path", &rule.path),
                part("caller", &rule.caller),
            ];
            let when: Vec<String> = when.into_iter().flatten().collect();
            let when = if when.is_empty() { "every call".to_owned() } else { when.join(", ") };
            output::line(format!("rule: {when}: {}", rule.class))?;
        }
        output::line(paint(
            DIM,
            "all else: standard; docs/retention.md says what the presets are for",
        ))?;
    }
    Ok(Outcome::Done)
}
