use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::signer::{AUDIENCE, ISSUER, NOW, Signer, claims, encode, jwks};

const SIGNERS: [Signer; 3] = [Signer::Rs256, Signer::Es256(3), Signer::EdDsa(4)];

fn config() -> OidcConfig {
    OidcConfig::new(ISSUER, AUDIENCE, "", ["sub", "realm_access.roles", "azp"]).unwrap()
}

fn keys() -> &'static KeySet {
    static KEYS: OnceLock<KeySet> = OnceLock::new();
    KEYS.get_or_init(|| KeySet::parse(jwks(&SIGNERS).as_bytes()).unwrap())
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn look(text: &str, now: i64) -> Result<Principal, Fault> {
    let (principal, window) = verify(&config(), keys(), text)?;
    window.check(at(now)).map(|()| principal)
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn a_good_jwt_tells_who_is_asking() {
    for signer in SIGNERS {
        let principal = look(&signer.jwt(&claims()), NOW).unwrap();
        assert_eq!(principal.user.as_deref(), Some("maria.lopez"), "{signer:?}");
        assert_eq!(principal.roles.unwrap(), ["support", "lead"]);
        assert_eq!(principal.service.as_deref(), Some("helpdesk"));
        assert_eq!((principal.basis, principal.id), (Basis::Oidc, None));
        assert_eq!(principal.grants, [Grant::Ingest]);
        // Without a key id any key of the algorithm will do.
        let header = json!({"alg": signer.algorithm(), "x5t": "x", "odd": 5});
        assert!(look(&signer.jwt_with(&header, &claims()), NOW).is_ok());
    }
}

#[test]
fn claims_for_somebody_else_or_another_time_do_not_count() {
    let look_at = |claims: &Value, now| look(&Signer::EdDsa(4).jwt(claims), now).map(|_| ());
    for (wrong, fault) in [
        (with("iss", json!("https://other.example")), Fault::Invalid),
        (with("iss", json!([ISSUER])), Fault::Invalid),
        (without("iss"), Fault::Invalid),
        (with("aud", json!("other")), Fault::Invalid),
        (with("aud", json!(["other", "another"])), Fault::Invalid),
        (with("aud", json!([])), Fault::Invalid),
        (without("aud"), Fault::Invalid),
        (without("exp"), Fault::Invalid),
        (with("exp", json!("never")), Fault::Invalid),
        (with("exp", json!(NOW - 60)), Fault::Expired),
        (with("exp", json!(-1)), Fault::Expired),
        (with("nbf", json!(NOW + 61)), Fault::Invalid),
        (with("nbf", json!(true)), Fault::Invalid),
        (with("sub", json!(17)), Fault::Invalid),
        (with("sub", json!("x".repeat(257))), Fault::Invalid),
    ] {
        assert_eq!(look_at(&wrong, NOW), Err(fault), "{wrong}");
    }
    for good in [
        with("exp", json!(NOW - 59)),
        with("exp", serde_json::from_str("1795435259.75").unwrap()),
        with("exp", serde_json::from_str("1.9e9").unwrap()),
        with("nbf", json!(NOW + 60)),
        with("aud", json!(AUDIENCE)),
        without("nbf"),
        without("sub"),
    ] {
        assert_eq!(look_at(&good, NOW), Ok(()), "{good}");
    }
    assert_eq!(look_at(&claims(), NOW + 359), Ok(()));
    assert_eq!(look_at(&claims(), NOW + 360), Err(Fault::Expired));
}

#[test]
fn no_header_talks_its_way_past_the_signature() {
    let claims = claims();
    for signer in SIGNERS {
        let good = signer.jwt(&claims);
        let (message, signature) = good.rsplit_once('.').unwrap();
        let (_, payload) = message.split_once('.').unwrap();
        let kid = signer.kid();
        // "none", in every spelling, with and without a signature.
        for alg in ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "RS384", "ES384"] {
            let header = encode(json!({"alg": alg, "kid": kid}).to_string());
            for signature in ["", signature] {
                let text = format!("{header}.{payload}.{signature}");
                assert_eq!(look(&text, NOW), Err(Fault::Invalid), "{alg}");
            }
        }
        // HMAC with what is public: the key's text, its bytes, its set.
        let jwk = signer.jwk();
        let public: Vec<Vec<u8>> = ["n", "x", "y", "e"]
            .iter()
            .filter_map(|name| jwk[*name].as_str())
            .map(|text| text.as_bytes().to_vec())
            .chain([jwk.to_string().into_bytes(), jwks(&SIGNERS).into_bytes()])
            .collect();
        for secret in public {
            let header = encode(json!({"alg": "HS256", "kid": kid}).to_string());
            let message = format!("{header}.{payload}");
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
            let signature = encode(ring::hmac::sign(&key, message.as_bytes()));
            assert_eq!(look(&format!("{message}.{signature}"), NOW), Err(Fault::Invalid));
        }
        // A key of the caller's own, in the header or behind an address in it.
        let own = Signer::Es256(9);
        for extra in
            [("jwk", own.jwk()), ("jku", json!("https://x/jwks")), ("x5u", json!("https://x"))]
        {
            let mut header = json!({"alg": "ES256", "kid": Signer::Es256(3).kid()});
            header[extra.0] = extra.1;
            assert_eq!(look(&own.jwt_with(&header, &claims), NOW), Err(Fault::Invalid));
        }
        // A header that wants to be understood.
        let header = json!({"alg": signer.algorithm(), "kid": kid, "crit": ["b64"], "b64": false});
        assert_eq!(look(&signer.jwt_with(&header, &claims), NOW), Err(Fault::Invalid));
        // Another key's id, another payload, a cut signature.
        for other in SIGNERS.into_iter().filter(|other| *other != signer) {
            let header = json!({"alg": signer.algorithm(), "kid": other.kid()});
            assert_eq!(look(&signer.jwt_with(&header, &claims), NOW), Err(Fault::Invalid));
        }
        let header = message.split('.').next().unwrap();
        let forged = encode(with("sub", json!("admin")).to_string());
        assert_eq!(look(&format!("{header}.{forged}.{signature}"), NOW), Err(Fault::Invalid));
        let cut = &good[..good.len() - 4];
        assert_eq!(look(cut, NOW), Err(Fault::Invalid));
    }
}

#[test]
fn a_key_that_the_issuer_does_not_have_is_unknown() {
    assert_eq!(look(&Signer::EdDsa(7).jwt(&claims()), NOW), Err(Fault::Unknown));
    assert_eq!(look(&Signer::Es256(7).jwt(&claims()), NOW), Err(Fault::Unknown));
}

#[test]
fn claims_are_found_by_name_and_by_path() {
    let text = Signer::Es256(3).jwt(&claims());
    let read = |names: [&str; 3]| {
        let config = OidcConfig::new(ISSUER, AUDIENCE, "", names).unwrap();
        verify(&config, keys(), &text).unwrap().0
    };
    let by_name = read(["azp", "https://issuer.example/roles", ""]);
    assert_eq!((by_name.user.as_deref(), by_name.service), (Some("helpdesk"), None));
    assert_eq!(by_name.roles.unwrap(), ["one"]);
    let absent = read(["email", "realm_access.groups", "client.id"]);
    assert_eq!((absent.user, absent.roles, absent.service), (None, None, None));
    // A claim that is there and holds no roles says that there are none.
    assert_eq!(read(["sub", "realm_access", "azp"]).roles, Some(Vec::new()));
}

#[test]
fn only_keys_for_our_signatures_are_taken() {
    let mut set: Value = serde_json::from_str(&jwks(&SIGNERS)).unwrap();
    let list = set["keys"].as_array_mut().unwrap();
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("alg", json!("PS256")),
        ("kty", json!("oct")),
        ("n", json!("!")),
        ("n", json!(null)),
    ] {
        let mut key = Signer::Rs256.jwk();
        key["kid"] = "odd".into();
        key[name] = value;
        list.push(key);
    }
    list.extend([json!(5), json!({"kty": "EC", "crv": "secp256k1", "kid": "odd"})]);
    let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!((set.named(None).count(), set.named(Some("odd")).count()), (3, 0));
    for bad in ["", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\"}]}"]
    {
        assert!(KeySet::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn keys_come_from_where_nobody_can_exchange_them() {
    let new = |issuer, jwks| OidcConfig::new(issuer, "a", jwks, ["sub", "roles", ""]);
    for (issuer, jwks) in [
        (ISSUER, ""),
        (ISSUER, "https://issuer.example/keys"),
        (ISSUER, "keys.json"),
        ("any name", "/etc/keys.json"),
        ("http://127.0.0.1:1", ""),
        ("http://[::1]:1", ""),
        ("http://localhost", ""),
    ] {
        assert!(new(issuer, jwks).is_ok(), "{issuer} {jwks}");
    }
    for (issuer, jwks) in [
        ("http://issuer.example", ""),
        ("http://127.0.0.1.evil.example", ""),
        (ISSUER, "http://issuer.example/keys"),
        (ISSUER, "ftp://issuer.example/keys"),
        ("https://user:word@issuer.example", ""),
        ("issuer", ""),
    ] {
        assert!(matches!(new(issuer, jwks), Err(AccessError::Wrong(_))), "{issuer} {jwks}");
    }
}

proptest! {
    #[test]
    fn any_text_is_looked_at_without_a_panic(
        header in "\\PC*", claims in "\\PC*", signature in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let text = format!("{}.{}.{}", encode(&header), encode(&claims), encode(signature));
        prop_assert!(look(&text, NOW).is_err());
        let bare = format!("{header}.{claims}.");
        prop_assert!(look(&bare, NOW).is_err());
    }

    #[test]
    fn any_change_of_a_jwt_is_seen(at in 0_usize..400, to in "[A-Za-z0-9_-]") {
        let good = Signer::EdDsa(4).jwt(&claims());
        let at = at % good.len();
        let mut changed = good.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != good);
        prop_assert!(look(&changed, NOW).is_err());
    }
}
