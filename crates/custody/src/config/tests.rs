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

/// Every key that a configuration may have, with the table that it stands in: `("[proxy]",
/// "listen")`. They come from what the reader itself says that it expects, so none is forgotten.
fn keys(prefix: &str, header: &str, into: &mut Vec<(String, String)>) -> bool {
    let text = format!("{header}\nno_such_key = 1\n");
    let error = match toml::from_str::<Config>(&text) {
        Ok(_) => return false,
        Err(error) => error.message().to_owned(),
    };
    if !error.starts_with("unknown field `no_such_key`") {
        return false;
    }
    for key in error.split('`').skip(3).step_by(2) {
        let path = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
        let tables = [format!("[{path}]"), format!("[[{path}]]"), format!("[{path}.NAME]")];
        let inner = [path.clone(), path.clone(), format!("{path}.NAME")];
        let is_table = tables.iter().zip(&inner).any(|(table, path)| keys(path, table, into));
        if !is_table {
            into.push((header.to_owned(), key.to_owned()));
        }
    }
    true
}

/// The reference's rows: table, keys, and what stands in the column of defaults.
fn documented() -> Vec<(String, Vec<String>, String)> {
    let rows = include_str!("../../../../docs/configuration.md").lines();
    rows.filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let first = cells.next()?.replace(['`', ','], "");
        let default = cells.next().unwrap_or_default().to_owned();
        let (table, names) = match first.split_once(' ') {
            Some((table, names)) => (table.to_owned(), names.to_owned()),
            None if first.starts_with('[') => (first, String::new()),
            None => (String::new(), first),
        };
        Some((table, names.split_whitespace().map(str::to_owned).collect(), default))
    })
    .collect()
}

#[test]
fn the_reference_names_every_key_its_default_and_nothing_else() {
    let mut known = Vec::new();
    assert!(keys("", "", &mut known));
    assert!(known.len() > 50, "{known:?}");
    let documented = documented();
    let defaults = toml::Table::try_from(Config::default()).unwrap();
    for (table, key) in &known {
        // A map of free names is a table of its own: `[masking.entities]`.
        let as_table = format!("{}.{key}]", table.trim_end_matches(']'));
        let row = documented
            .iter()
            .find(|(t, keys, _)| (t == table && keys.contains(key)) || *t == as_table);
        let Some((.., told)) = row else {
            panic!("docs/configuration.md has no row for {table} {key}")
        };
        let inside = table.trim_matches(['[', ']']);
        let holder = match inside {
            "" => Some(&defaults),
            name => defaults.get(name).and_then(toml::Value::as_table),
        };
        let default = holder.and_then(|table| table.get(key));
        let default = match default {
            Some(toml::Value::String(text)) => text.clone(),
            Some(toml::Value::Table(_)) | None => continue,
            Some(other) => other.to_string(),
        };
        let same =
            if default.is_empty() { told.is_empty() } else { *told == format!("`{default}`") };
        assert!(same, "{table} {key} is {default:?} by default, and the reference says {told:?}");
    }
    for (table, keys, _) in &documented {
        for key in keys {
            let is_one = known.contains(&(table.clone(), key.clone()));
            assert!(is_one, "docs/configuration.md has a row for {table} {key}, which is no key");
        }
    }
}
