//! What masking takes out, where, and what becomes of it.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use mask::{Action, CustomRule, Entity, Exception, Policy, RuleText, Settings, Target};
use serde::{Deserialize, Serialize};

use super::Bytes;

/// Masking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MaskingConfig {
    /// Name of the policy, in every record.
    pub(crate) policy: String,
    /// What is done unless the tables below say otherwise: `default`, `secrets`, `pci`, `gdpr` or
    /// `hipaa`.
    pub(crate) preset: String,
    /// Whether names of people and places are looked for.
    pub(crate) names: bool,
    /// Bytes of content that may wait for names; what is more is sealed and kept closed.
    pub(crate) names_backlog: Bytes,
    /// Only count what would be taken out, and leave it.
    pub(crate) dry_run: bool,
    /// `keep`, `mask`, `pseudonym`, `vault` or `drop`, by entity (`EMAIL = "pseudonym"`), by group
    /// (`financial = "drop"`) or for `all`.
    pub(crate) entities: BTreeMap<String, String>,
    /// Values that stay, by entity, by group or for `all`; `*` stands for any characters.
    pub(crate) allow: BTreeMap<String, Vec<String>>,
    /// Other actions in some places.
    pub(crate) exception: Vec<ExceptionConfig>,
    /// Rules of one's own.
    pub(crate) rule: Vec<MaskingRuleConfig>,
}

/// Other actions in some places. What is not given fits everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExceptionConfig {
    /// Roles of the part, or `metadata`.
    #[serde(default)]
    pub(crate) roles: Vec<String>,
    /// Environments of the call.
    #[serde(default)]
    pub(crate) environments: Vec<String>,
    /// Upstreams of the call.
    #[serde(default)]
    pub(crate) upstreams: Vec<String>,
    /// What is done there.
    pub(crate) entities: BTreeMap<String, String>,
}

/// A rule of one's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaskingRuleConfig {
    /// The entity that it finds.
    pub(crate) name: String,
    /// A regular expression; group 1 is the value, where there is one.
    pub(crate) regex: String,
    /// `luhn`, `verhoeff`, `mod97` or `mod11`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) validator: Option<String>,
    /// Words of which one must stand near.
    #[serde(default)]
    pub(crate) context: Vec<String>,
    /// How sure it is, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f32>,
    /// What is done with it. Default: `mask`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    /// Texts in which it must find something; tried at every start.
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    /// Texts in which it must find nothing.
    #[serde(default)]
    pub(crate) counter_examples: Vec<String>,
}

/// Roles that a part may have, and what stands beside the parts.
const ROLES: [&str; 6] = ["system", "developer", "user", "assistant", "tool", "metadata"];

impl Default for MaskingConfig {
    fn default() -> Self {
        Self {
            policy: "default".to_owned(),
            preset: "default".to_owned(),
            names: true,
            names_backlog: Bytes(64 << 20),
            dry_run: false,
            entities: BTreeMap::new(),
            allow: BTreeMap::new(),
            exception: Vec::new(),
            rule: Vec::new(),
        }
    }
}

impl MaskingConfig {
    /// The policy that it describes, its rules compiled and tried.
    pub(crate) fn policy(&self) -> anyhow::Result<Policy> {
        let rules = self.rules()?;
        let plain = Self { names: true, names_backlog: Bytes(64 << 20), ..Self::default() };
        let here = Self { names: true, names_backlog: Bytes(64 << 20), ..self.clone() };
        if plain == here {
            return Ok(Policy::default());
        }
        let mut settings = Settings {
            actions: preset(&self.preset)?,
            rules,
            dry_run: self.dry_run,
            ..Settings::default()
        };
        for (rule, compiled) in self.rule.iter().zip(&settings.rules) {
            let action = rule
                .action
                .as_deref()
                .map(action)
                .transpose()
                .with_context(|| format!("[[masking.rule]] {}", rule.name))?;
            let target = Target::Entity(compiled.entity());
            settings.actions.extend(action.map(|action| (target, action)));
        }
        settings.actions.extend(lines("[masking.entities]", &self.entities)?);
        for (what, patterns) in &self.allow {
            let target = target(what).with_context(|| format!("[masking.allow] {what}"))?;
            for pattern in patterns {
                settings.allow.add(target, pattern);
            }
        }
        for exception in &self.exception {
            settings.exceptions.push(exception.read()?);
        }
        Policy::new(self.policy.clone(), settings).map_err(|error| anyhow!("[masking] {error}"))
    }

    /// The rules, compiled; the examples of each hold.
    fn rules(&self) -> anyhow::Result<Vec<CustomRule>> {
        let mut rules = Vec::new();
        for rule in &self.rule {
            let place = || format!("[[masking.rule]] {}", rule.name);
            let compiled = CustomRule::new(rule.text()).with_context(place)?;
            compiled.test().with_context(place)?;
            if rules.iter().any(|other: &CustomRule| other.entity() == compiled.entity()) {
                return Err(anyhow!("{}: there are two rules of that name", place()));
            }
            rules.push(compiled);
        }
        Ok(rules)
    }
}

impl MaskingRuleConfig {
    pub(crate) fn text(&self) -> RuleText {
        RuleText {
            name: self.name.clone(),
            regex: self.regex.clone(),
            validator: self.validator.clone(),
            context: self.context.clone(),
            score: self.score,
            examples: self.examples.clone(),
            counter_examples: self.counter_examples.clone(),
        }
    }
}

impl ExceptionConfig {
    fn read(&self) -> anyhow::Result<Exception> {
        let unknown = self.roles.iter().find(|role| !ROLES.contains(&role.as_str()));
        if let Some(role) = unknown {
            let known = ROLES.join(", ");
            return Err(anyhow!("[[masking.exception]] roles: {role:?}; known: {known}"));
        }
        Ok(Exception {
            roles: self.roles.clone(),
            environments: self.environments.clone(),
            upstreams: self.upstreams.clone(),
            actions: lines("[[masking.exception]] entities", &self.entities)?,
        })
    }
}

/// `all` first, then groups, then entities: whatever is more exact wins.
fn lines(
    table: &str,
    entities: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<(Target, Action)>> {
    let mut lines = Vec::new();
    for (what, done) in entities {
        let place = || format!("{table} {what} = {done:?}");
        lines.push((target(what).with_context(place)?, action(done).with_context(place)?));
    }
    lines.sort_by_key(|(target, _)| match target {
        Target::All => 0,
        Target::Group(_) => 1,
        Target::Entity(_) => 2,
    });
    Ok(lines)
}

fn action(name: &str) -> anyhow::Result<Action> {
    name.parse().map_err(|error| {
        let known: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
        anyhow!("{error}; known: {}", known.join(", "))
    })
}

fn target(name: &str) -> anyhow::Result<Target> {
    name.parse().map_err(|error: mask::UnknownName| {
        let names = Entity::ALL.iter().map(|entity| entity.as_str());
        let groups = mask::Group::ALL.iter().map(|group| group.as_str());
        let best = names.chain(groups).chain(["all"]).max_by(|a, b| {
            let like = |known: &str| strsim::jaro_winkler(known, &name.to_uppercase());
            like(a).total_cmp(&like(b))
        });
        anyhow!("{error}; did you mean {:?}?", best.unwrap_or("all"))
    })
}

/// What the presets say.
fn preset(name: &str) -> anyhow::Result<Vec<(Target, Action)>> {
    use mask::Group::{Contact, Credential, Financial, Name};
    let all = |action| (Target::All, action);
    let group = |group, action| (Target::Group(group), action);
    Ok(match name {
        "default" => Vec::new(),
        "secrets" => vec![all(Action::Keep), group(Credential, Action::Mask)],
        "pci" => {
            vec![all(Action::Keep), group(Credential, Action::Mask), group(Financial, Action::Mask)]
        }
        "gdpr" => vec![
            group(Contact, Action::Pseudonym),
            group(Name, Action::Pseudonym),
            (Target::Entity(Entity::Organisation), Action::Keep),
            (Target::Entity(Entity::IpAddress), Action::Pseudonym),
        ],
        "hipaa" => vec![all(Action::Mask)],
        _ => {
            return Err(anyhow!(
                "[masking] preset = {name:?}; known: default, secrets, pci, gdpr, hipaa"
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use mask::{Masker, Place, Taken};

    use super::*;

    fn policy(text: &str) -> anyhow::Result<Policy> {
        toml::from_str::<MaskingConfig>(text)?.policy()
    }

    fn masked(text: &str, what: &str, place: &Place<'_>) -> String {
        let masker = Masker::new(policy(text).unwrap(), [0; 32]);
        masker.at(place).mask_text(what, &mut Taken::default()).into_owned()
    }

    #[test]
    fn a_whole_policy() {
        let text = r#"
            policy = "ours"
            entities = { EMAIL = "keep", contact = "drop" }
            allow = { all = ["*@example.com"], CREDIT_CARD = ["4111*"] }
            [[exception]]
            roles = ["assistant"]
            environments = ["dev"]
            entities = { all = "keep" }
            [[rule]]
            name = "BADGE"
            regex = '\bB-\d{4}\b'
            examples = ["see B-1234"]
            counter_examples = ["B-12345"]
        "#;
        let user = Place { role: "user", ..Place::default() };
        let said = "mail a@b.org, call +1-984-182-0190, badge B-7777, 4111 1111 1111 1111";
        let left = "mail a@b.org, call , badge [BADGE], 4111 1111 1111 1111";
        assert_eq!(masked(text, said, &user), left);
        let dev = Place { role: "assistant", environment: Some("dev"), upstream: None };
        assert_eq!(masked(text, said, &dev), said);
        assert!(policy(text).unwrap().version().starts_with("ours@"));
        assert_eq!(policy("names = false").unwrap().version(), "default@1");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let told = |text: &str| format!("{:#}", policy(text).unwrap_err());
        assert!(told("preset = \"hippa\"").contains("hipaa"));
        assert!(told("entities = { EMIAL = \"mask\" }").contains("did you mean \"EMAIL\""));
        assert!(told("entities = { EMAIL = \"hide\" }").contains("pseudonym, vault"));
        assert!(told("[[exception]]\nroles = [\"robot\"]\nentities = {}").contains("robot"));
        let rule = "[[rule]]\nname = \"X_1\"\nregex = \"a(b\"";
        assert!(told(rule).starts_with("[[masking.rule]] X_1: regex"));
        let rule = "[[rule]]\nname = \"X_1\"\nregex = \"ab\"\nexamples = [\"xy\"]";
        assert!(told(rule).contains("example 1 is not found"), "{}", told(rule));
    }

    #[test]
    fn presets_differ() {
        let place = Place::default();
        let said = "a@b.org 4111111111111111 password: hunter2x";
        let of = |preset: &str| masked(&format!("preset = {preset:?}"), said, &place);
        assert!(of("secrets").starts_with("a@b.org 4111111111111111 password: [API_KEY]"));
        assert!(of("pci").starts_with("a@b.org [CREDIT_CARD] "));
        assert!(of("gdpr").starts_with("[EMAIL:"));
        assert!(of("hipaa").starts_with("[EMAIL] "));
    }
}
