//! Whose a call is: what a token names wins over what headers, baggage and body claim.

use std::collections::BTreeSet;

use access::{Access, Basis, Fault, Principal};
use record::{Oddity, Timestamp};

use crate::call::{CallHead, Identity};

/// Who the caller is, as far as the call tells.
#[derive(Default)]
pub(crate) struct Settled {
    /// The user id.
    pub(crate) user: Option<String>,
    /// What it rests on.
    pub(crate) identity: Identity,
    /// The access token's id.
    pub(crate) caller: Option<String>,
    /// The fields that a token names, in alphabetical order.
    pub(crate) proven: Vec<&'static str>,
    /// User ids that were claimed and lost: they are somebody's all the same. The
    /// longest first.
    pub(crate) others: Vec<String>,
}

/// Looks at the token, puts what it names in the place of what the head claims, and tells where that
/// differs. A token that is no good changes nothing but the oddities. `named` is the user id that a
/// body names.
pub(crate) fn settle(
    access: Option<&Access>,
    head: &mut CallHead,
    named: Option<&String>,
    at: Timestamp,
    oddities: &mut Vec<Oddity>,
) -> Settled {
    let principal = head.token.take().and_then(|token| {
        let resolve = |access: &Access| access.resolve(&token, at);
        match access.map_or(Err(Fault::Unknown), resolve) {
            Ok(principal) => Some(principal),
            Err(fault) => {
                oddities.push(Oddity::new(fault.code()));
                None
            }
        }
    });
    let claimed = [head.user.take(), named.cloned()];
    let mut settled = Settled::default();
    if let Some(principal) = &principal {
        settled.caller.clone_from(&principal.id);
        let (proven, overridden) = prove(principal, head, &claimed);
        settled.proven = proven;
        for field in overridden {
            oddities.push(Oddity::at("identity_overridden", field));
        }
    }
    let named = principal.as_ref().and_then(|principal| principal.user.clone());
    let basis = principal.map(|principal| match principal.basis {
        Basis::Oidc => Identity::Oidc,
        _ => Identity::Token,
    });
    let claims = claimed.iter().flatten();
    settled.identity = match (&named, claims.clone().next(), head.identity) {
        (None, Some(_), Identity::None) => Identity::Body,
        (None, Some(_), claimed) => claimed,
        // Without a user: what the caller rests on.
        _ => basis.unwrap_or_default(),
    };
    settled.user = named.or_else(|| claims.clone().next().cloned());
    let lost = claims.filter(|claim| Some(*claim) != settled.user.as_ref());
    settled.others = lost.cloned().collect();
    settled.others.sort_by_key(|id| std::cmp::Reverse(id.len()));
    settled
}

/// Puts what a principal names into the head. Gives the names of those fields, and of those among
/// them that were claimed to be something else.
fn prove(
    principal: &Principal,
    head: &mut CallHead,
    users: &[Option<String>; 2],
) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut proven, mut overridden) = (Vec::new(), Vec::new());
    let mut note = |field, differs: bool| {
        proven.push(field);
        if differs {
            overridden.push(field);
        }
    };
    let differs =
        |claim: &Option<String>, named: &String| claim.as_ref().is_some_and(|c| c != named);
    if let Some(named) = &principal.environment {
        note("environment", differs(&head.environment, named));
        head.environment = Some(named.clone());
    }
    if let Some(named) = &principal.roles {
        let set = |roles: &[String]| roles.iter().cloned().collect::<BTreeSet<_>>();
        note("roles", !head.roles.is_empty() && set(&head.roles) != set(named));
        head.roles.clone_from(named);
    }
    if let Some(named) = &principal.service {
        note("service", differs(&head.service, named));
        head.service = Some(named.clone());
    }
    if let Some(named) = &principal.user {
        note("user", users.iter().any(|claim| differs(claim, named)));
    }
    (proven, overridden)
}

#[cfg(test)]
mod tests;
