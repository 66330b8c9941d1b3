//! What is done with each kind of value, and where.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::action::Action;
use crate::allow::AllowList;
use crate::custom::CustomRule;
use crate::entity::{Entity, Group};

/// A policy under a name and a version: an action per entity, exceptions by place, rules of the
/// user's own, and values that are no secret.
///
/// An entity the policy does not mention is masked; names of organisations stay.
#[derive(Clone, Debug)]
pub struct Policy {
    name: String,
    version: String,
    settings: Settings,
}

/// What a policy says.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// What is done everywhere; a later line wins over an earlier one.
    pub actions: Vec<(Target, Action)>,
    /// What is done otherwise in some places; a later exception wins.
    pub exceptions: Vec<Exception>,
    /// Rules of the user's own.
    pub rules: Vec<CustomRule>,
    /// Values that stay.
    pub allow: AllowList,
    /// Count what would be taken out, and leave it.
    pub dry_run: bool,
}

/// What a line of a policy speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every entity.
    All,
    /// The entities of a group.
    Group(Group),
    /// One entity.
    Entity(Entity),
}

/// Other actions in some places. A list that is empty says: everywhere.
#[derive(Clone, Debug, Default)]
pub struct Exception {
    /// Roles of the part: `system`, `user`, `assistant`, `tool`, …; `metadata` for what stands
    /// beside the parts.
    pub roles: Vec<String>,
    /// Environments of the call.
    pub environments: Vec<String>,
    /// Upstreams of the call.
    pub upstreams: Vec<String>,
    /// What is done there.
    pub actions: Vec<(Target, Action)>,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// Who speaks; `metadata` for what stands beside the parts.
    pub role: &'a str,
    /// The call's environment.
    pub environment: Option<&'a str>,
    /// The call's upstream.
    pub upstream: Option<&'a str>,
}

/// What is done at one place: the policy with its exceptions applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Actions {
    by_entity: BTreeMap<Entity, Action>,
    /// Which exceptions apply, a bit for each; tells one set of actions from another.
    pub(crate) variant: u64,
}

/// A name in a policy that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {name:?}")]
pub struct UnknownName {
    /// What was looked for: `entity`, `group` or `action`.
    pub what: &'static str,
    /// The name that was given.
    pub name: String,
}

/// More exceptions than a policy can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a policy has at most {} exceptions", Policy::EXCEPTIONS)]
pub struct TooManyExceptions;

impl Policy {
    /// The most exceptions that a policy has.
    pub const EXCEPTIONS: usize = 64;

    /// A policy whose version follows from what it says.
    pub fn new(name: impl Into<String>, settings: Settings) -> Result<Self, TooManyExceptions> {
        if settings.exceptions.len() > Self::EXCEPTIONS {
            return Err(TooManyExceptions);
        }
        let name = name.into();
        let version = format!("{name}@{}", digest(&settings));
        Ok(Self { name, version, settings })
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `name@…`, another one whenever it says anything else.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which exceptions apply at a place, a bit for each.
    pub(crate) fn variant(&self, place: &Place<'_>) -> u64 {
        let applies = self.settings.exceptions.iter().map(|exception| exception.applies(place));
        applies.enumerate().fold(0, |bits, (i, applies)| bits | u64::from(applies) << i)
    }

    /// What is done where these exceptions apply.
    pub(crate) fn actions(&self, variant: u64) -> Actions {
        let own = self.settings.rules.iter().map(CustomRule::entity);
        let mut by_entity: BTreeMap<Entity, Action> = Entity::ALL
            .into_iter()
            .chain(own)
            .map(|entity| (entity, Action::usual(entity)))
            .collect();
        let settings = &self.settings;
        let exceptions = settings.exceptions.iter().enumerate();
        let there = exceptions.filter(|(i, _)| variant >> i & 1 == 1);
        let lines = settings.actions.iter().chain(there.flat_map(|(_, e)| &e.actions));
        for (target, action) in lines {
            for (entity, slot) in &mut by_entity {
                if target.covers(*entity) {
                    *slot = *action;
                }
            }
        }
        Actions { by_entity, variant }
    }
}

impl Default for Policy {
    /// Every entity is masked but names of organisations. Its version is `default@1`.
    fn default() -> Self {
        Self {
            name: "default".to_owned(),
            version: "default@1".to_owned(),
            settings: Settings::default(),
        }
    }
}

impl Actions {
    pub(crate) fn of(&self, entity: Entity) -> Action {
        self.by_entity.get(&entity).copied().unwrap_or_default()
    }
}

impl Target {
    pub(crate) fn covers(self, entity: Entity) -> bool {
        match self {
            Self::All => true,
            Self::Group(group) => entity.group() == group,
            Self::Entity(only) => entity == only,
        }
    }

    fn describe(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Group(group) => group.as_str().to_owned(),
            Self::Entity(entity) => entity.as_str().to_owned(),
        }
    }
}

impl std::str::FromStr for Target {
    type Err = UnknownName;

    /// `all`, a group in lower case, or an entity.
    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "all" => Ok(Self::All),
            _ => match name.parse() {
                Ok(group) => Ok(Self::Group(group)),
                Err(_) => name.parse().map(Self::Entity),
            },
        }
    }
}

impl Exception {
    fn applies(&self, place: &Place<'_>) -> bool {
        let among = |names: &[String], name: Option<&str>| {
            names.is_empty() || name.is_some_and(|name| names.iter().any(|n| n == name))
        };
        among(&self.roles, Some(place.role))
            && among(&self.environments, place.environment)
            && among(&self.upstreams, place.upstream)
    }
}

/// Lines that say what is done anyway count for nothing, so that writing out a default changes no
/// version.
fn digest(settings: &Settings) -> String {
    let lines = |actions: &[(Target, Action)]| {
        let lines =
            actions.iter().map(|(target, action)| format!("{}={action}", target.describe()));
        lines.collect::<Vec<_>>().join(";")
    };
    let plain = Policy { name: String::new(), version: String::new(), settings: settings.clone() };
    let mut hash = Sha256::new();
    for (entity, action) in plain.actions(0).by_entity {
        if action != Action::usual(entity) {
            hash.update(format!("{entity}={action}\n"));
        }
    }
    for exception in &settings.exceptions {
        let Exception { roles, environments, upstreams, actions } = exception;
        let actions = lines(actions);
        hash.update(format!("at {roles:?} {environments:?} {upstreams:?}: {actions}\n"));
    }
    for rule in &settings.rules {
        hash.update(format!("rule {}\n", rule.describe()));
    }
    hash.update(settings.allow.describe());
    if settings.dry_run {
        hash.update("dry run\n");
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(8);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(settings: Settings) -> Policy {
        Policy::new("ours", settings).unwrap()
    }

    fn only(entity: Entity, action: Action) -> Settings {
        Settings { actions: vec![(Target::Entity(entity), action)], ..Settings::default() }
    }

    #[test]
    fn the_default_masks_everything_but_firms() {
        let policy = Policy::default();
        assert_eq!(policy.version(), "default@1");
        let actions = policy.actions(0);
        for entity in Entity::ALL {
            let kept = entity == Entity::Organisation;
            assert_eq!(actions.of(entity), if kept { Action::Keep } else { Action::Mask });
        }
    }

    #[test]
    fn another_action_is_another_version() {
        let keep = |e| policy(only(e, Action::Keep));
        assert_ne!(keep(Entity::Email).version(), keep(Entity::Phone).version());
        assert_eq!(keep(Entity::Email).version(), keep(Entity::Email).version());
        let version = keep(Entity::Email).version().to_owned();
        let (name, digest) = version.split_once('@').unwrap();
        assert_eq!((name, digest.len()), ("ours", 8));
    }

    #[test]
    fn spelling_out_a_default_changes_no_version() {
        let spelt = policy(only(Entity::Email, Action::Mask));
        assert_eq!(spelt.version(), policy(Settings::default()).version());
        let dry = policy(Settings { dry_run: true, ..Settings::default() });
        assert_ne!(dry.version(), spelt.version());
    }

    #[test]
    fn the_later_line_wins() {
        let policy = policy(Settings {
            actions: vec![
                ("all".parse().unwrap(), Action::Keep),
                ("financial".parse().unwrap(), Action::Mask),
                ("IBAN".parse().unwrap(), Action::Drop),
            ],
            ..Settings::default()
        });
        let actions = policy.actions(0);
        assert_eq!(actions.of(Entity::Email), Action::Keep);
        assert_eq!(actions.of(Entity::CreditCard), Action::Mask);
        assert_eq!(actions.of(Entity::Iban), Action::Drop);
    }

    #[test]
    fn exceptions_hold_where_they_say() {
        let exception = |roles: &[&str], upstreams: &[&str], action| Exception {
            roles: roles.iter().map(|s| (*s).to_owned()).collect(),
            upstreams: upstreams.iter().map(|s| (*s).to_owned()).collect(),
            environments: vec!["dev".to_owned()],
            actions: vec![(Target::Entity(Entity::Email), action)],
        };
        let policy = policy(Settings {
            exceptions: vec![
                exception(&["assistant"], &[], Action::Keep),
                exception(&[], &["local"], Action::Drop),
            ],
            ..Settings::default()
        });
        let at = |role, environment, upstream| {
            let place = Place { role, environment, upstream };
            policy.actions(policy.variant(&place)).of(Entity::Email)
        };
        assert_eq!(at("assistant", Some("dev"), Some("x")), Action::Keep);
        assert_eq!(at("assistant", Some("prod"), Some("x")), Action::Mask);
        assert_eq!(at("assistant", Some("dev"), Some("local")), Action::Drop);
        assert_eq!(at("user", None, Some("local")), Action::Mask);
    }
}
