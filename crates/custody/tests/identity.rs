//! Who counts as whom, through the real binary: tokens and JWTs over headers, baggage and bodies.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use support::{Server, Setup, Upstream, chat, custody, outcome_of, post, until};

const ISSUER: &str = "https://issuer.example";

/// A recorder, and keys of the issuer where its configuration may name them.
fn recorder(more: &str) -> (tempfile::TempDir, Upstream, Server) {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let keys = folder.path().join("jwks.json");
    archive::durable::replace(&keys, jwks(1).as_bytes(), 0o644).unwrap();
    let more = more.replace("KEYS", keys.to_str().unwrap());
    let setup = Setup { more, ..Setup::new(folder.path(), upstream.address) };
    let server = Server::start(&setup);
    (folder, upstream, server)
}

/// Runs `custody token …` on this data directory; gives its one line of JSON.
fn token(data: &Path, arguments: &[&str]) -> Value {
    let tail = ["--json", "--data", data.to_str().unwrap()];
    let run = custody(&[&["token"], arguments, &tail].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.lines().remove(0)
}

/// A call with these headers, and its record.
fn call(server: &Server, headers: &[(&str, &str)], body: &str) -> Value {
    let answer = post(server.proxy, headers, body.as_bytes());
    assert_eq!(answer.head.status, 200, "no call is refused for its token");
    outcome_of(server.data(), &answer.head.id())
}

fn oddities(record: &Value) -> Vec<String> {
    let text = |oddity: &Value| {
        let detail = oddity["detail"].as_str().map(|detail| format!(" {detail}"));
        format!("{}{}", oddity["code"].as_str().unwrap(), detail.unwrap_or_default())
    };
    record["oddities"].as_array().unwrap().iter().map(text).collect()
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn jwt(seed: u8, claims: &Value) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": format!("k{seed}")});
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(message.as_bytes());
    format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

fn jwks(seed: u8) -> String {
    let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
    let x = BASE64_URL_SAFE_NO_PAD.encode(key.to_bytes());
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": format!("k{seed}"), "x": x});
    json!({"keys": [key]}).to_string()
}

/// What a caller says who wants to be somebody else.
const CLAIMS: [(&str, &str); 5] = [
    ("custody-user", "mallory"),
    ("custody-role", "admin"),
    ("custody-service", "payroll"),
    ("custody-environment", "prod"),
    ("custody-session", "chat of mallory"),
];

fn with_claims(sent: &str) -> Vec<(&str, &str)> {
    [&[("custody-token", sent)], CLAIMS.as_slice()].concat()
}

#[test]
fn a_caller_with_a_token_cannot_claim_another_user_or_role() {
    let (_folder, upstream, server) = recorder("");
    let made = token(
        server.data(),
        &["create", "n", "--user", "maria", "--role", "support", "--service", "helpdesk"],
    );
    let text = made["token"].as_str().unwrap();
    let plain = chat("Hello", false);
    // Somebody else's calls, and maria's own without a token.
    let mallory = call(&server, &CLAIMS, &plain);
    assert_eq!(mallory["who"]["identity"], "header");
    assert_eq!((&mallory["who"]["caller"], &mallory["who"]["proven"]), (&Value::Null, &json!([])));
    let maria = call(&server, &[("custody-user", "maria")], &plain)["who"]["user"].clone();
    assert_ne!(maria, mallory["who"]["user"]);

    let record = until("the token counts", support::SOON, || {
        let record = call(&server, &with_claims(text), &plain);
        (record["who"]["identity"] == "token").then_some(record)
    });
    let who = &record["who"];
    assert_eq!(who["user"], maria);
    assert_eq!(
        (&who["caller"], &who["proven"]),
        (&made["id"], &json!(["roles", "service", "user"]))
    );
    assert_eq!((&who["roles"], &who["service"]), (&json!(["support"]), &json!("helpdesk")));
    assert_eq!(who["environment"], "prod", "what the token does not name may be claimed");
    assert_eq!(
        oddities(&record),
        ["identity_overridden roles", "identity_overridden service", "identity_overridden user"]
    );
    assert_eq!(record["correlation"]["session"], "chat of [USER]");
    assert!(!record.to_string().contains("mallory"), "{record:#}");

    // The body and the baggage claim as little.
    let mut body: Value = serde_json::from_str(&plain).unwrap();
    body["user"] = "mallory".into();
    for headers in [
        vec![("custody-token", text)],
        vec![("custody-token", text), ("baggage", "user.id=mallory,user.roles=admin")],
    ] {
        let record = call(&server, &headers, &body.to_string());
        assert_eq!((&record["who"]["user"], &record["who"]["identity"]), (&maria, &json!("token")));
        assert!(oddities(&record).contains(&"identity_overridden user".to_owned()));
        assert_eq!(record["who"]["roles"], json!(["support"]));
    }
    assert!(!upstream.seen().is_empty());
    for seen in upstream.seen() {
        assert!(seen.headers.iter().all(|(name, _)| !name.to_lowercase().starts_with("custody-")));
    }
    let data = server.data().to_str().unwrap();
    let filter = format!("caller = {} and identity = token", made["id"].as_str().unwrap());
    let run = custody(&["search", "--metadata", "--json", "--where", &filter, "--data", data]);
    assert_eq!(run.lines().len(), 3, "{}", run.stderr);
    let data = server.setup.data.clone();
    server.stop();
    support::verified(&data);
}

#[test]
fn a_token_that_is_no_good_is_an_oddity_and_claims_are_claims() {
    let (_folder, _upstream, server) = recorder("");
    let made = token(server.data(), &["create", "a", "--user", "maria"]);
    let short = token(server.data(), &["create", "b", "--user", "maria", "--expires", "1ms"]);
    let plain = chat("Hello", false);
    let told = |sent: &str| {
        let record = call(&server, &with_claims(sent), &plain);
        let who = &record["who"];
        (who["identity"].as_str().unwrap().to_owned(), who["caller"].clone(), oddities(&record))
    };
    let claimed = |oddity: &str| ("header".to_owned(), Value::Null, vec![oddity.to_owned()]);
    let text = made["token"].as_str().unwrap();
    until("the token counts", support::SOON, || (told(text).0 == "token").then_some(()));
    assert_eq!(told(short["token"].as_str().unwrap()), claimed("token_expired"));
    let unknown = format!("ctk_{}_{}", "0".repeat(16), "1".repeat(64));
    assert_eq!(told(&unknown), claimed("token_unknown"));
    assert_eq!(told(&jwt(1, &json!({}))), claimed("token_unknown"));
    let forged = format!("{}{}", &text[..21], "1".repeat(64));
    assert_eq!(told(&forged), claimed("token_invalid"));
    assert_eq!(told("Bearer sk-other"), claimed("token_invalid"));

    let id = made["id"].as_str().unwrap();
    assert_eq!(token(server.data(), &["revoke", id])["state"], "revoked");
    until("the token is revoked", Duration::from_secs(5), || {
        (told(text) == claimed("token_revoked")).then_some(())
    });
    // A restart knows no more and no less.
    let setup = server.setup.clone();
    server.kill();
    let server = Server::start(&setup);
    let record = call(&server, &with_claims(text), &plain);
    assert_eq!(oddities(&record), ["token_revoked"]);
    server.stop();
    support::verified(&setup.data);
}

#[test]
fn a_jwt_of_the_issuer_says_who_is_asking() {
    let (folder, _upstream, server) = recorder(&format!(
        "[oidc]\nissuer = {ISSUER:?}\naudience = \"custody\"\njwks = \"KEYS\"\n\
         roles_claim = \"realm_access.roles\"\nservice_claim = \"azp\"\n"
    ));
    let plain = chat("Hello", false);
    let claims = json!({"iss": ISSUER, "aud": "custody", "sub": "maria", "exp": 4_102_444_800_u64,
        "azp": "helpdesk", "realm_access": {"roles": ["support"]}});
    let sent = format!("Bearer {}", jwt(1, &claims));
    let record = call(&server, &with_claims(&sent), &plain);
    let who = &record["who"];
    assert_eq!((&who["identity"], &who["caller"]), (&json!("oidc"), &Value::Null));
    assert_eq!(who["proven"], json!(["roles", "service", "user"]));
    assert_eq!((&who["roles"], &who["service"]), (&json!(["support"]), &json!("helpdesk")));
    let maria = call(&server, &[("custody-user", "maria")], &plain);
    assert_eq!(who["user"], maria["who"]["user"]);

    for (name, value, oddity) in [
        ("iss", json!("https://other.example"), "token_invalid"),
        ("aud", json!("other"), "token_invalid"),
        ("exp", json!(1_700_000_000), "token_expired"),
        ("nbf", json!(4_000_000_000_u64), "token_invalid"),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        let record = call(&server, &with_claims(&jwt(1, &claims)), &plain);
        assert_eq!(
            (oddities(&record), &record["who"]["identity"]),
            (vec![oddity.to_owned()], &json!("header"))
        );
    }
    let (_, rest) = sent.trim_start_matches("Bearer ").split_once('.').unwrap();
    let none = format!("{}.{rest}", encode(&json!({"alg": "none", "kid": "k1"})));
    assert_eq!(oddities(&call(&server, &with_claims(&none), &plain)), ["token_invalid"]);
    assert_eq!(oddities(&call(&server, &with_claims(&jwt(2, &claims)), &plain)), ["token_unknown"]);
    // The issuer exchanges its key.
    archive::durable::replace(&folder.path().join("jwks.json"), jwks(2).as_bytes(), 0o644).unwrap();
    until("the new key counts", support::SOON, || {
        let record = call(&server, &with_claims(&jwt(2, &claims)), &plain);
        (record["who"]["identity"] == "oidc").then_some(())
    });
    assert_eq!(oddities(&call(&server, &with_claims(&sent), &plain)), ["token_unknown"]);
    server.stop();
}

#[test]
fn the_command_tells_what_there_is_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let at = data.to_str().unwrap();
    let run = custody(&[
        "token", "create", "laptop", "--user", "maria", "--grant", "viewer", "--data", at,
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (text, id) = (run.stdout.trim(), run.stderr.split(' ').next().unwrap());
    assert!(text.starts_with("ctk_") && id.starts_with("t_"), "{} {}", run.stdout, run.stderr);
    let listed = token(&data, &["list"]);
    assert_eq!((&listed["id"], &listed["grants"]), (&json!(id), &json!(["viewer"])));
    assert_eq!((&listed["names_user"], &listed["state"]), (&json!(true), &json!("active")));
    let list = custody(&["token", "list", "--data", at]).stdout;
    assert!(list.contains("laptop") && !list.contains("maria") && !list.contains(text), "{list}");
    for (wrong, told) in [
        (vec!["create", ""], "the name"),
        (vec!["create", "x", "--grant", "root"], "unknown grant"),
        (vec!["create", "x", "--expires", "0s"], "never counts"),
        (vec!["create", "x", "--expires", "soon"], "span of time"),
        (vec!["revoke", "t_0000000000000000"], "there is no token"),
        (vec!["revoke", "laptop"], "hexadecimal"),
    ] {
        let run = custody(&[&["token"], wrong.as_slice(), &["--data", at]].concat());
        assert_eq!(run.code, 2, "{wrong:?}");
        assert!(run.stderr.contains(told), "{wrong:?}: {}", run.stderr);
    }
    archive::durable::replace(&data.join("tokens.json"), b"{\"version\":1", 0o600).unwrap();
    let run = custody(&["token", "create", "x", "--data", at]);
    assert_eq!(run.code, 3, "a damaged file is not overwritten");
    assert!(run.stderr.contains("tokens.json: it is no file of tokens"), "{}", run.stderr);
    let run = custody(&["token", "revoke", id, "--data", at]);
    assert_eq!(run.code, 3);
}
