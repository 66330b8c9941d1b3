use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use super::*;
use crate::signer::{AUDIENCE, ISSUER, NOW, Signer, claims, jwks};
use crate::{Basis, Grant, Naming, TokenFile};

const AT: Timestamp = Timestamp(NOW * 1_000_000);

fn naming(user: &str) -> Naming {
    Naming {
        name: "n".to_owned(),
        user: Some(user.to_owned()),
        grants: vec![Grant::Ingest],
        ..Naming::default()
    }
}

fn oidc(issuer: &str, jwks: &str) -> OidcConfig {
    OidcConfig::new(issuer, AUDIENCE, jwks, ["sub", "roles", ""]).unwrap()
}

fn until(what: &str, mut good: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !good() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_running_recorder_sees_what_is_made_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let access = Access::start(path.clone(), None).unwrap();
    let ask = |text: &str| access.resolve(text.as_bytes(), AT);
    let file = TokenFile::new(&path);
    let token = file.create(&naming("maria"), AT).unwrap();
    until("the token counts", || ask(&token.text).is_ok());
    let principal = ask(&format!("Bearer {}", token.text.as_str())).unwrap();
    assert_eq!(principal.user.as_deref(), Some("maria"));
    assert!(ask(&format!("  bearer   {} ", token.text.as_str())).is_ok());
    assert_eq!(access.known.lock().unwrap().len(), 1);
    file.revoke(token.id, AT).unwrap();
    until("the token is revoked", || ask(&token.text) == Err(Fault::Revoked));

    // A file that is damaged leaves what was known, one that is gone knows nobody.
    let kept = file.create(&naming("jan"), AT).unwrap();
    until("another token counts", || ask(&kept.text).is_ok());
    archive::durable::replace(&path, b"{", 0o600).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert!(ask(&kept.text).is_ok());
    std::fs::remove_file(&path).unwrap();
    until("nobody is known", || ask(&kept.text) == Err(Fault::Unknown));
}

#[test]
fn what_is_no_token_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let access = Access::start(path.clone(), None).unwrap();
    for (text, fault) in [
        ("", Fault::Invalid),
        ("Bearer", Fault::Invalid),
        ("sk-something", Fault::Invalid),
        ("ctk_", Fault::Invalid),
        ("a.b", Fault::Invalid),
        ("a.b.c", Fault::Unknown),
        (&format!("ctk_{}_{}", "0".repeat(16), "1".repeat(64)), Fault::Unknown),
        (&"x".repeat(20_000), Fault::Invalid),
    ] {
        assert_eq!(access.resolve(text.as_bytes(), AT), Err(fault), "{text}");
    }
    assert_eq!(access.resolve(&[0xff, 0xfe], AT), Err(Fault::Invalid));
    // A file of tokens that cannot be read says nothing of any token.
    archive::durable::replace(&path, b"{", 0o600).unwrap();
    let access = Access::start(path, None).unwrap();
    let token = format!("ctk_{}_{}", "0".repeat(16), "1".repeat(64));
    assert_eq!(access.resolve(token.as_bytes(), AT), Err(Fault::Unchecked));
}

#[test]
fn keys_in_a_file_are_exchanged_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (path, keys) = (folder.path().join("tokens.json"), folder.path().join("keys.json"));
    let config = oidc(ISSUER, keys.to_str().unwrap());
    assert!(Access::start(path.clone(), Some(config.clone())).is_err(), "a file that is not there");
    archive::durable::replace(&keys, jwks(&[Signer::EdDsa(1)]).as_bytes(), 0o644).unwrap();
    let access = Access::start(path, Some(config)).unwrap();
    let ask = |signer: Signer| access.resolve(signer.jwt(&claims()).as_bytes(), AT);
    assert_eq!(ask(Signer::EdDsa(1)).unwrap().basis, Basis::Oidc);
    assert_eq!(ask(Signer::Es256(2)), Err(Fault::Unknown));
    // A remembered JWT ends with its time, and with its key.
    let later = AT.plus_us(1_000_000_000);
    let jwt = Signer::EdDsa(1).jwt(&claims());
    assert_eq!(access.resolve(jwt.as_bytes(), later), Err(Fault::Expired));
    archive::durable::replace(&keys, jwks(&[Signer::Es256(2)]).as_bytes(), 0o644).unwrap();
    until("the new key counts", || ask(Signer::Es256(2)).is_ok());
    assert_eq!(ask(Signer::EdDsa(1)), Err(Fault::Unknown));
}

/// An issuer on this machine that answers with what `body` says of a path, and tells what was asked.
fn issuer(
    body: impl Fn(SocketAddr, &str, usize) -> String + Send + 'static,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let path = lines.next().and_then(|l| Some(l.split(' ').nth(1)?.to_owned())).unwrap();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let mut seen = seen.lock().unwrap();
            seen.push(path.clone());
            let body = body(address, &path, seen.len());
            let status = if body.is_empty() { 500 } else { 200 };
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close");
            let _gone = write!(&stream, "{head}\r\n\r\n{body}");
        }
    });
    (address, asked)
}

fn discovered(address: SocketAddr, path: &str) -> String {
    match path {
        "/.well-known/openid-configuration" => {
            format!("{{\"issuer\":\"http://{address}\",\"jwks_uri\":\"http://{address}/keys\"}}")
        }
        _ => jwks(&[Signer::Es256(2)]),
    }
}

fn at_issuer(address: SocketAddr) -> String {
    let mut claims = claims();
    claims["iss"] = format!("http://{address}").into();
    Signer::Es256(2).jwt(&claims)
}

#[test]
fn keys_are_found_by_discovery() {
    let (address, asked) = issuer(|address, path, _| discovered(address, path));
    let folder = tempfile::tempdir().unwrap();
    let config = oidc(&format!("http://{address}"), "");
    let access = Access::start(folder.path().join("tokens.json"), Some(config)).unwrap();
    assert!(access.resolve(at_issuer(address).as_bytes(), AT).is_ok());
    // However many unknown keys are asked for, the issuer is not asked again within a minute.
    let mut claims = claims();
    claims["iss"] = format!("http://{address}").into();
    for seed in 10..60 {
        let jwt = Signer::EdDsa(seed).jwt(&claims);
        assert_eq!(access.resolve(jwt.as_bytes(), AT), Err(Fault::Unknown));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(*asked.lock().unwrap(), ["/.well-known/openid-configuration", "/keys"]);
}

#[test]
fn another_issuers_document_is_not_believed() {
    let (address, _) = issuer(|_, path, _| match path {
        "/.well-known/openid-configuration" => {
            format!("{{\"issuer\":{ISSUER:?},\"jwks_uri\":\"http://127.0.0.1:1/keys\"}}")
        }
        _ => jwks(&[Signer::Es256(2)]),
    });
    let folder = tempfile::tempdir().unwrap();
    let config = oidc(&format!("http://{address}"), "");
    let access = Access::start(folder.path().join("tokens.json"), Some(config)).unwrap();
    assert_eq!(access.resolve(at_issuer(address).as_bytes(), AT), Err(Fault::Unchecked));
}

#[test]
fn an_issuer_that_is_away_is_asked_again() {
    let (address, _) = issuer(
        |address, path, asked| {
            if asked == 1 { String::new() } else { discovered(address, path) }
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let config = oidc(&format!("http://{address}"), &format!("http://{address}/keys"));
    let access = Access::start(folder.path().join("tokens.json"), Some(config)).unwrap();
    let jwt = at_issuer(address);
    assert_eq!(access.resolve(jwt.as_bytes(), AT), Err(Fault::Unchecked));
    until("the keys are there", || access.resolve(jwt.as_bytes(), AT).is_ok());
}
