//! Names that say what stands under them: members of JSON objects, variables in text.

use crate::words::parts;

/// What a name says about the value it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hint {
    /// A password: any value will do.
    Password,
    /// A key, token or secret: the value is a jumble.
    Credential,
    /// Perhaps a key of a map, perhaps one to a door: the value must be a good jumble.
    Key,
}

/// Words before `token` that make it a piece of text, or a place in a list.
const HARMLESS: [&str; 29] = [
    "page",
    "next",
    "eos",
    "bos",
    "pad",
    "unk",
    "sep",
    "cls",
    "mask",
    "stop",
    "continuation",
    "sync",
    "first",
    "last",
    "delta",
    "special",
    "start",
    "end",
    "previous",
    "prev",
    "image",
    "audio",
    "per",
    "resume",
    "cursor",
    "max",
    "bad",
    "skip",
    "json",
];
/// Words before `key` that make it a credential.
const SECRET_KEYS: [&str; 20] = [
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "signing",
    "encryption",
    "master",
    "account",
    "subscription",
    "license",
    "deploy",
    "admin",
    "service",
    "app",
    "application",
    "license",
    "server",
    "live",
    "authentication",
];

/// Words that say that anybody may know the value, or that it is none.
const OPEN: [&str; 11] = [
    "public",
    "pub",
    "publishable",
    "csrf",
    "xsrf",
    "mock",
    "fake",
    "dummy",
    "example",
    "sample",
    "placeholder",
];

/// The word for a password in other languages, without the signs over letters.
const PASSWORDS: [&str; 27] = [
    "password",
    "passwd",
    "pwd",
    "psw",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "contrasena",
    "senha",
    "motdepasse",
    "mdp",
    "wachtwoord",
    "haslo",
    "losenord",
    "lozenord",
    "adgangskode",
    "passord",
    "salasana",
    "heslo",
    "jelszo",
    "parola",
    "sifre",
    "parole",
    "lozinka",
    "sshpass",
    "pgpassword",
];

/// What a name says, by its last words.
pub(crate) fn hint(name: &[u8]) -> Option<Hint> {
    if parts(name).any(|part| any(part, &OPEN)) {
        return None;
    }
    let (mut last, mut previous): (&[u8], &[u8]) = (b"", b"");
    for part in parts(name) {
        // Numbers and environments tell nothing: `API_KEY_2`, `SECRET_KEY_PROD`.
        let vague = part.iter().all(u8::is_ascii_digit)
            || any(part, &["prod", "dev", "staging", "value", "base64", "str", "env"]);
        if !vague || last.is_empty() {
            previous = last;
            last = part;
        }
    }
    if any(last, &PASSWORDS)
        || last.len() > 8 && ends(last, b"password")
        || last.len() > 6 && ends(last, b"passwd")
        || any(last, &["passe"]) && any(previous, &["de"])
    {
        return Some(Hint::Password);
    }
    if any(last, &["secret", "secrets", "apikey", "authorization", "jwt", "cookie", "apitoken"])
        || any(last, &["credential", "credentials", "bearer", "secretkey", "accesskey"])
        || last.len() > 5
            && (ends(last, b"token") || ends(last, b"secret") || ends(last, b"apikey"))
        || any(last, &["privatekey", "secrettoken", "authkey", "authcode", "sessionid", "sessid"])
    {
        return Some(Hint::Credential);
    }
    if any(last, &["token"]) {
        return (!any(previous, &HARMLESS)).then_some(Hint::Credential);
    }
    if any(last, &["key", "keys"]) {
        return Some(if any(previous, &SECRET_KEYS) { Hint::Credential } else { Hint::Key });
    }
    if any(last, &["pass", "pat"]) && !previous.is_empty() {
        return Some(Hint::Password);
    }
    // `ACCESS` alone, in capitals, is what stands before a key in notes.
    if matches!(last, b"ACCESS" | b"PRIVATE")
        || last.len() > 8
            && (last.ends_with(b"ACCESS") || last.ends_with(b"PRIVATE") || last.ends_with(b"KEY"))
    {
        return Some(Hint::Key);
    }
    any(last, &["auth", "login", "pass"]).then_some(Hint::Key)
}

fn any(word: &[u8], list: &[&str]) -> bool {
    list.iter().any(|w| w.as_bytes().eq_ignore_ascii_case(word))
}

fn ends(word: &[u8], tail: &[u8]) -> bool {
    word.len()
        .checked_sub(tail.len())
        .and_then(|at| word.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials() {
        for name in ["api_key", "x-api-key", "clientSecret", "ACCESS_TOKEN", "authorization"] {
            assert_eq!(hint(name.as_bytes()), Some(Hint::Credential), "{name}");
        }
        for name in ["password", "DB_PASSWORD", "userPwd", "dbpassword"] {
            assert_eq!(hint(name.as_bytes()), Some(Hint::Password), "{name}");
        }
        assert_eq!(hint(b"API_KEY_2"), Some(Hint::Credential));
        assert_eq!(hint(b"sortKey"), Some(Hint::Key));
    }

    #[test]
    fn names_that_only_sound_alike() {
        for name in [
            "max_tokens",
            "token_type",
            "next_page_token",
            "key_id",
            "secretary",
            "password_policy",
            "tokenizer",
            "keyboard",
            "author",
            "passenger",
            "pat",
            "[API_KEY]",
            "",
        ] {
            assert_eq!(hint(name.as_bytes()), None, "{name}");
        }
    }
}
