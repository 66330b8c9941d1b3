use std::sync::Arc;

use access::{Grant, Naming, TokenFile};
use provider::{Family, Format};
use record::{AdmissionNumber, Origin, Timestamp, TraceId};

use super::{Access, Oddity, Settled};
use crate::Mode;
use crate::assemble::RequestFields;
use crate::call::Route;
use crate::call::{CallHead, Identity};

const NOW: Timestamp = Timestamp(1_795_435_200_000_000);

/// A call whose header and body claim these users.
fn fields(header: Option<&str>, body: Option<&str>, token: Option<&str>) -> RequestFields {
    let route = Arc::new(Route {
        upstream: "openai".to_owned(),
        provider: "openai".to_owned(),
        family: Family::OpenAi,
        mode: Mode::Observe,
        class: "standard".to_owned(),
    });
    let head = CallHead {
        user: header.map(str::to_owned),
        identity: if header.is_some() { Identity::Header } else { Identity::None },
        roles: vec!["admin".to_owned()],
        environment: Some("prod".to_owned()),
        service: Some("claimed".to_owned()),
        token: token.map(|token| token.as_bytes().to_vec()),
        ..CallHead::told(route, Origin::Proxy, TraceId([7; 16]))
    };
    let body = body.map_or("{}".to_owned(), |user| format!("{{\"user\":{user:?}}}"));
    RequestFields {
        head,
        number: AdmissionNumber(1),
        admitted: NOW,
        kept_from: NOW,
        sent_us: None,
        read: provider::read_request(Format::OpenAiChat, "", body.as_bytes()),
        bytes: 2,
        complete: true,
        oddities: Vec::new(),
        settled: Settled::default(),
    }
}

fn settle(access: Option<&Access>, fields: &mut RequestFields) {
    let RequestFields { head, read, oddities, .. } = fields;
    fields.settled = super::settle(access, head, read.user.as_ref(), NOW, oddities);
}

fn told(fields: &RequestFields) -> Vec<String> {
    let text = |oddity: &Oddity| match &oddity.detail {
        Some(detail) => format!("{} {detail}", oddity.code),
        None => oddity.code.to_string(),
    };
    fields.oddities.iter().map(text).collect()
}

/// A token that was made for this, and who knows it.
fn token(naming: Naming) -> (tempfile::TempDir, Access, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let naming = Naming { name: "n".to_owned(), grants: vec![Grant::Ingest], ..naming };
    let made = TokenFile::new(&path).create(&naming, NOW).unwrap();
    let access = Access::start(path, None).unwrap();
    (folder, access, made.text.to_string())
}

#[test]
fn without_a_token_claims_stand_as_what_they_are() {
    for (header, body, user, identity, others) in [
        (None, None, None, Identity::None, 0),
        (Some("ann"), None, Some("ann"), Identity::Header, 0),
        (None, Some("bob"), Some("bob"), Identity::Body, 0),
        (Some("ann"), Some("bob"), Some("ann"), Identity::Header, 1),
    ] {
        let mut fields = fields(header, body, None);
        settle(None, &mut fields);
        let settled = &fields.settled;
        assert_eq!((settled.user.as_deref(), settled.identity), (user, identity));
        assert_eq!((settled.others.len(), told(&fields).len()), (others, 0));
        assert_eq!(fields.head.roles, ["admin"]);
    }
}

#[test]
fn what_a_token_names_wins_and_the_rest_may_be_claimed() {
    let (_folder, access, text) = token(Naming {
        user: Some("maria".to_owned()),
        roles: vec!["support".to_owned()],
        service: Some("helpdesk".to_owned()),
        ..Naming::default()
    });
    let mut call = fields(Some("ann"), Some("bob"), Some(&text));
    settle(Some(&access), &mut call);
    let settled = &call.settled;
    assert_eq!((settled.user.as_deref(), settled.identity), (Some("maria"), Identity::Token));
    assert_eq!(settled.proven, ["roles", "service", "user"]);
    assert_eq!(settled.others, ["ann", "bob"]);
    assert!(settled.caller.as_deref().unwrap().starts_with("t_"));
    assert_eq!(
        told(&call),
        ["identity_overridden roles", "identity_overridden service", "identity_overridden user"]
    );
    assert_eq!(
        (call.head.roles[0].as_str(), call.head.service.as_deref()),
        ("support", Some("helpdesk"))
    );
    assert_eq!(call.head.environment.as_deref(), Some("prod"));

    // The same claims are no contradiction, in whatever order.
    let mut call = fields(Some("maria"), None, Some(&text));
    call.head.roles = vec!["support".to_owned(), "support".to_owned()];
    call.head.service = None;
    settle(Some(&access), &mut call);
    assert!(told(&call).is_empty() && call.settled.others.is_empty());
}

#[test]
fn a_token_without_a_user_leaves_the_user_a_claim() {
    let naming = Naming { service: Some("helpdesk".to_owned()), ..Naming::default() };
    let (_folder, access, text) = token(naming);
    let mut call = fields(Some("ann"), None, Some(&text));
    settle(Some(&access), &mut call);
    assert_eq!(
        (call.settled.user.as_deref(), call.settled.identity),
        (Some("ann"), Identity::Header)
    );
    assert_eq!(call.settled.proven, ["service"]);
    assert_eq!(call.head.roles, ["admin"]);
    let mut call = fields(None, None, Some(&text));
    settle(Some(&access), &mut call);
    assert_eq!((call.settled.user, call.settled.identity), (None, Identity::Token));
}

#[test]
fn a_token_that_is_no_good_is_told_and_changes_nothing_else() {
    let (_folder, access, text) = token(Naming { expires: Some(NOW), ..Naming::default() });
    let unknown = format!("ctk_{}_{}", "0".repeat(16), "1".repeat(64));
    for (access, text, oddity) in [
        (Some(&access), text.as_str(), "token_expired"),
        (Some(&access), &unknown, "token_unknown"),
        (Some(&access), "nonsense", "token_invalid"),
        (None, &text, "token_unknown"),
    ] {
        let mut call = fields(Some("ann"), None, Some(text));
        settle(access, &mut call);
        assert_eq!(told(&call), [oddity]);
        assert_eq!(call.settled.identity, Identity::Header);
        assert_eq!((call.settled.caller, call.settled.proven.len()), (None, 0));
    }
}
