use super::*;

fn load(text: &str) -> anyhow::Result<Config> {
    load_text(text, "custody.toml", std::iter::empty())
}

#[test]
fn nothing_is_valid() {
    assert_eq!(load("").unwrap(), Config::default());
}

#[test]
fn the_defaults_come_back_from_their_own_text() {
    let text = toml::to_string(&Config::default()).unwrap();
    assert_eq!(load(&text).unwrap(), Config::default());
}

#[test]
fn a_typo_names_line_key_and_the_nearest_key() {
    for (text, expected) in [
        ("\n[proxy]\nlistn = \"127.0.0.1:1\"\n", ["line 3", "\"listn\"", "\"listen\""]),
        ("datta = \"x\"\n", ["line 1", "\"datta\"", "\"data\""]),
        ("[capture]\n\ngate_timeot = \"1s\"\n", ["line 3", "\"gate_timeot\"", "\"gate_timeout\""]),
        (
            "[[upstream]]\nname = \"a\"\nbase_ulr = \"x\"\n",
            ["line 3", "\"base_ulr\"", "\"base_url\""],
        ),
        ("[prox]\n", ["line 1", "\"prox\"", "\"proxy\""]),
    ] {
        let error = load(text).unwrap_err().to_string();
        for piece in expected {
            assert!(error.contains(piece), "{text:?}: {error}");
        }
    }
}

#[test]
fn wrong_values_name_the_line() {
    for text in [
        "[capture]\nmemory = \"lots\"\n",
        "[proxy]\nlisten = \"nowhere\"\n",
        "[ledger]\nsegment_age = 5\n",
        "data = 5\ndata = 6",
    ] {
        let error = load(text).unwrap_err().to_string();
        assert!(error.contains("line 2"), "{text:?}: {error}");
    }
}

#[test]
fn the_environment_wins() {
    let environment = [
        ("CUSTODY_PROXY_LISTEN", "127.0.0.1:9"),
        ("CUSTODY_ARCHIVE", "/x"),
        ("CUSTODY_ARCHIVE_IMMUTABLE", "false"),
        ("CUSTODY_CAPTURE_THREADS", "3"),
        ("CUSTODY_TIERS_COLD", "s3://cold/x"),
        ("CUSTODY_SHARED", "ignored"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = load_text("", "x", environment.into_iter()).unwrap();
    assert_eq!(config.proxy.listen, SocketAddr::from(([127, 0, 0, 1], 9)));
    assert_eq!(config.archive, Some("/x".to_owned()));
    assert_eq!(config.tiers.cold, Some("s3://cold/x".to_owned()));
    assert_eq!((config.archive_immutable, config.capture.threads), (false, 3));

    let wrong = [("CUSTODY_PROXY_LISTN".to_owned(), "x".to_owned())];
    let error = load_text("", "x", wrong.into_iter()).unwrap_err().to_string();
    assert!(error.contains("CUSTODY_PROXY_LISTEN"), "{error}");
}

#[test]
fn units_are_shown_as_they_are_read() {
    for text in ["256MiB", "1KiB", "3B", "5GiB"] {
        assert_eq!(text.parse::<Bytes>().unwrap().to_string(), text);
    }
    for text in ["250ms", "10s", "5m", "2h"] {
        assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
    }
    assert_eq!("4096".parse::<Bytes>().unwrap(), Bytes(4096));
    assert!("5".parse::<Span>().is_err());
    assert!("99999999999GiB".parse::<Bytes>().is_err());
}
