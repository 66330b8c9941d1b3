use std::os::unix::fs::PermissionsExt as _;

use super::*;

const NOW: Timestamp = Timestamp(1_795_435_200_000_000);

fn naming() -> Naming {
    Naming {
        name: "helpdesk".to_owned(),
        user: Some("maria.lopez/7781".to_owned()),
        roles: vec!["support".to_owned()],
        grants: vec![Grant::Viewer, Grant::Ingest, Grant::Viewer],
        expires: Some(NOW.plus_us(10)),
        ..Naming::default()
    }
}

fn find(file: &TokenFile, text: &str, at: Timestamp) -> Result<Principal, Fault> {
    let bytes = std::fs::read(&file.path).unwrap();
    let table = table(Some(&bytes)).unwrap();
    table.find(&token::parse(text).unwrap(), at).map(|(principal, _)| principal)
}

#[test]
fn a_token_stands_for_what_it_was_made_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("deep/tokens.json"));
    assert!(file.list().unwrap().is_empty());
    let made = file.create(&naming(), NOW).unwrap();
    let principal = find(&file, &made.text, NOW).unwrap();
    assert_eq!(principal.user.as_deref(), Some("maria.lopez/7781"));
    assert_eq!(principal.id, Some(made.id.to_string()));
    assert_eq!((principal.roles, principal.service), (Some(vec!["support".to_owned()]), None));
    assert_eq!(principal.grants, [Grant::Ingest, Grant::Viewer]);

    let other = file.create(&naming(), NOW).unwrap();
    let mixed = format!("{}{}", &made.text[..21], &other.text[21..]);
    assert_eq!(find(&file, &mixed, NOW), Err(Fault::Invalid));
    assert_eq!(find(&file, &made.text, NOW.plus_us(10)), Err(Fault::Expired));
    let (stranger, _) = token::make().unwrap();
    assert_eq!(find(&file, &stranger.text, NOW), Err(Fault::Unknown));

    let (row, fresh) = file.revoke(made.id, NOW.plus_us(1)).unwrap();
    assert_eq!((row.state(NOW), fresh), ("revoked", true));
    let (row, fresh) = file.revoke(made.id, NOW.plus_us(5)).unwrap();
    assert_eq!((row.revoked, fresh), (Some(NOW.plus_us(1)), false));
    assert_eq!(find(&file, &made.text, NOW), Err(Fault::Revoked));
    assert!(find(&file, &other.text, NOW).is_ok());
    assert!(matches!(file.revoke(stranger.id, NOW), Err(AccessError::Wrong(_))));
    let states: Vec<_> = file.list().unwrap().iter().map(|row| row.state(NOW)).collect();
    assert_eq!(states, ["revoked", "active"]);
}

#[test]
fn the_file_is_ours_alone_and_holds_neither_token_nor_user() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("tokens.json"));
    let made = file.create(&naming(), NOW).unwrap();
    let mode = std::fs::metadata(&file.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&file.path).unwrap();
    assert!(!text.contains("maria") && !text.contains(made.text.rsplit('_').next().unwrap()));
    // Nor does the other token open it.
    let secret = &file.create(&naming(), NOW).unwrap();
    let sealed = file.list().unwrap().remove(0).user.unwrap();
    assert!(open_user(&token::parse(&secret.text).unwrap().secret, &sealed).is_none());
}

#[test]
fn tokens_made_at_the_same_time_are_all_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("tokens.json"));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..5).for_each(|_| drop(file.create(&naming(), NOW).unwrap())));
        }
    });
    assert_eq!(file.list().unwrap().len(), 20);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("tokens.json"));
    for wrong in [
        Naming { name: String::new(), ..naming() },
        Naming { user: Some("a\nb".to_owned()), ..naming() },
        Naming { roles: vec!["x".repeat(257)], ..naming() },
        Naming { roles: vec!["x".to_owned(); 65], ..naming() },
        Naming { service: Some(" x".to_owned()), ..naming() },
        Naming { grants: Vec::new(), ..naming() },
    ] {
        assert!(matches!(file.create(&wrong, NOW), Err(AccessError::Wrong(_))), "{wrong:?}");
    }
    for (text, why) in [
        ("", "line 1"),
        ("{\"version\":2,\"tokens\":[]}", "version is 2"),
        ("{\"version\":1,\"tokens\":[{\"id\":\"secret\"}]}", "line 1"),
        ("[1", "line 1"),
    ] {
        let error = parse(Some(text.as_bytes())).err().unwrap();
        assert!(error.contains(why) && !error.contains("secret"), "{text}: {error}");
    }
}
