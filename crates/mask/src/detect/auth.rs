//! Credentials by the place they stand in: after a scheme, in a URL, in a command.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::shape::{entropy, is_dummy};
use super::value::stands_for_another;
use super::wording::reads_like_words;
use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run, run_back, run_within, slice};
use crate::entity::Entity;
use crate::words::Scene;

const TOKEN: Set = Set::alnum_and(b"-._~+/=|:");
const USERINFO: Set = Set::alnum_and(b"-._~%!$&*+,=^#");
const HOST: Set = Set::alnum_and(b"-._[]:%");
const ARGUMENT: Set = Set::alnum_and(b"-._~%!&*+,;=^#@$?/{}");
const USER: Set = Set::alnum_and(b"-._~%!&*+,;=^#@$?/{}\\<");
const QUOTED: Set = Set::alnum_and(b"-._~%!&*+,;=^#@$?/{}()[]<>|:");
const BLANK: Set = Set::only(b" \t");
const SCHEME: Set = Set::alnum_and(b"+.-:");
/// What the rest of an address has, after the password.
const REST: Set = Set::alnum_and(b"-._~%!$&*+,=^#@:/?[]");
/// No part of an address is longer.
const LONGEST: usize = 512;
/// Schemes of databases, brokers and directories.
const DATABASES: [&str; 34] = [
    "mongodb",
    "mongodb+srv",
    "postgres",
    "postgresql",
    "jdbc:postgresql",
    "mysql",
    "jdbc:mysql",
    "mysqlx",
    "mariadb",
    "jdbc:mariadb",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "sqlserver",
    "jdbc:sqlserver",
    "cockroachdb",
    "clickhouse",
    "oracle",
    "couchbase",
    "cassandra",
    "neo4j",
    "bolt",
    "nats",
    "kafka",
    "mqtt",
    "mqtts",
    "influxdb",
    "postgresql+psycopg2",
    "postgresql+asyncpg",
    "mysql+pymysql",
    "snowflake",
    "mssql+pyodbc",
];

/// Looks for the token after the `Bearer ` or `Basic ` that ends at `open`.
pub(crate) fn after_scheme(scene: &Scene<'_>, start: usize, open: usize, found: &mut Found) {
    let text = scene.text;
    let mut end = run(text, open, &TOKEN);
    while end > open && matches!(before(text, end, 1), b'.' | b':') {
        end -= 1;
    }
    let token = slice(text, open, end);
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    let short = scene.before(start, 24, &["authorization", "auth"]);
    let long_enough = token.len() >= if short { 8 } else { 16 };
    let jumble = (digits > 0 || token.len() >= 24 || short && token.ends_with(b"="))
        && entropy(token) >= 2.5
        && !is_dummy(token)
        && (token.iter().any(u8::is_ascii_lowercase) || !reads_like_words(token));
    let sure = || at(text, start).eq_ignore_ascii_case(&b'b') && is_user_and_password(token);
    if !is_word(before(text, start, 1)) && long_enough && (jumble || sure()) {
        found.push(span((open, end), Entity::ApiKey, 0.9, "authorization"));
    }
}

/// Whether the token of the `Basic` scheme (RFC 7617) says a user and a password.
fn is_user_and_password(token: &[u8]) -> bool {
    let said = BASE64_STANDARD.decode(token).ok().and_then(|said| String::from_utf8(said).ok());
    said.and_then(|said| said.split_once(':').map(|(_, password)| password.len() > 2))
        .unwrap_or(false)
}

/// Looks for the password in the URL whose `://` ends at `open`.
///
/// The address of a database names hosts, databases and users that nobody needs from a log, so with
/// a password in it the whole of it goes. Of any other URL only the password does.
pub(crate) fn in_url(scene: &Scene<'_>, open: usize, found: &mut Found) {
    let text = scene.text;
    let user = run_within(text, open, LONGEST, &USERINFO);
    if at(text, user) == b'@' && is_token(slice(text, open, user)) {
        found.push(span((open, user), Entity::ApiKey, 0.8, "url-token"));
    }
    if at(text, user) != b':' {
        return;
    }
    let start = user + 1;
    let mut end = run_within(text, start, LONGEST, &USERINFO);
    // A raw `@` or `/` in a password is wrong, and common; the last `@` before the host counts.
    while at(text, end) == b'@' {
        let next = run_within(text, end + 1, LONGEST, &USERINFO);
        if at(text, next) != b'@' {
            break;
        }
        end = next;
    }
    if at(text, end) != b'@' || run_within(text, end + 1, LONGEST, &HOST) == end + 1 {
        return;
    }
    let (user, password) = (slice(text, open, user), slice(text, start, end));
    let scheme = slice(text, run_back(text, open - 3, &SCHEME), open - 3);
    if matches!(password, b"x-oauth-basic" | b"") && user.len() >= 16 && !stands_for_another(user) {
        found.push(span((open, open + user.len()), Entity::ApiKey, 0.9, "url-token"));
    } else if is_password(user, password, scheme) {
        let database = DATABASES.iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()));
        if database {
            let from = open - 3 - scheme.len();
            let to = run_within(text, end, LONGEST, &REST);
            let place = (from, trimmed(text, end, to));
            found.push(span(place, Entity::ConnectionString, 0.9, "connection-string"));
        } else {
            found.push(span((start, end), Entity::ApiKey, 0.9, "url-password"));
        }
    }
}

fn is_password(user: &[u8], password: &[u8], scheme: &[u8]) -> bool {
    const NAMED: [&str; 10] = [
        "password",
        "pass",
        "pwd",
        "passwd",
        "secret",
        "token",
        "pw",
        "mypassword",
        "password@",
        "passwort",
    ];
    let same = password.iter().all(u8::is_ascii_lowercase)
        && (password == user || scheme.starts_with(password));
    password.len() >= 3
        && !same
        && !NAMED.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(password))
        && !matches!(at(password, 0), b'$' | b'%' | b'*')
        && !stands_for_another(password)
}

/// A token in the place of the user: `https://0f3e…@github.com/`.
fn is_token(user: &[u8]) -> bool {
    let digits = user.iter().filter(|b| b.is_ascii_digit()).count();
    let plain = user.iter().all(u8::is_ascii_alphanumeric);
    plain && user.len() >= 20 && digits > 2 && entropy(user) >= 3.0 && !stands_for_another(user)
}

/// Signs that end a sentence or a statement are no part of an address.
fn trimmed(text: &[u8], from: usize, to: usize) -> usize {
    let mut end = to;
    while end > from && matches!(before(text, end, 1), b'.' | b',' | b':' | b'!' | b'?') {
        end -= 1;
    }
    end
}

/// Looks for `user:password` after the option of `curl` that ends at `open`.
pub(crate) fn after_option(scene: &Scene<'_>, start: usize, open: usize, found: &mut Found) {
    let text = scene.text;
    if !matches!(before(text, start, 1), b' ' | b'-' | b'\n' | b'\t')
        || !scene.before_in_text(start, 400, &["curl", "http", "https", "wget"])
    {
        return;
    }
    let open = run_within(text, open, 4, &BLANK);
    let quote = matches!(at(text, open), b'"' | b'\'');
    let first = open + usize::from(quote);
    let user = run_within(text, first, LONGEST, &USER);
    // `"user":"password"`: each has quotes of its own.
    let closed = quote && at(text, user) == at(text, open);
    let colon = user + usize::from(closed);
    if at(text, colon) != b':' {
        return;
    }
    let own = (closed || !quote) && matches!(at(text, colon + 1), b'"' | b'\'');
    let from = colon + 1 + usize::from(own);
    let end = run_within(text, from, LONGEST, if own || quote { &QUOTED } else { &ARGUMENT });
    let (user, password) = (slice(text, first, user), slice(text, from, end));
    let word = password.len() < 12 && password.iter().all(u8::is_ascii_lowercase);
    let reference = |part: &[u8]| {
        matches!(at(part, 0), b'$' | b'%' | b'<' | b'*' | b'[') || stands_for_another(part)
    };
    // A key may stand in the place of either.
    let secret = password.len() >= 3 && !word && !reference(password);
    let key = password.is_empty() && user.len() >= 8 && entropy(user) >= 2.5;
    if (secret || key) && !reference(user) {
        found.push(span((first, end), Entity::ApiKey, 0.8, "curl-user"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn after_a_scheme() {
        let value = "AbCdEf123456GhIjKl7890";
        yes(Entity::ApiKey, &format!("Authorization: Bearer {value}\n"), value);
        yes(Entity::ApiKey, &format!("bearer {value}"), value);
        yes(Entity::ApiKey, "Authorization: Basic YnJvd3Nlcjo=", "YnJvd3Nlcjo=");
        yes(Entity::ApiKey, "basic YWRhOmxvdmVsYWNlMTIz", "YWRhOmxvdmVsYWNlMTIz");
        no(Entity::ApiKey, "the bearer of good news, Bearer XXXXXXXXXXXXXXXXXXXXXXX");
        no(Entity::ApiKey, "basic understanding of internationalisation");
    }

    #[test]
    fn in_a_url() {
        yes(Entity::ApiKey, "see https://app:s3cr3tP4ss@example.net:5432/x", "s3cr3tP4ss");
        yes(Entity::ApiKey, "ftp://u:myR3alP@ssw0rd@files.example.net", "myR3alP@ssw0rd");
        let token = "0f3e4d5c6b7a89980f3e4d5c6b7a8998";
        yes(Entity::ApiKey, &format!("git clone https://{token}@github.com/a/b"), token);
        yes(Entity::ApiKey, &format!("https://{token}:x-oauth-basic@github.com/a/b"), token);
        no(Entity::ApiKey, "https://example.com:8080/@user");
        no(Entity::ApiKey, "amqp://user:$password@localhost");
        no(Entity::ApiKey, "amqp://user:*****@example.com");
    }

    #[test]
    fn of_a_database_the_whole_address_goes() {
        for value in [
            "postgres://app:s3cr3tP4ss@db.example.net:5432/x?sslmode=require",
            "mongodb+srv://u:myR3alP@ssw0rd@c0.mongodb.net/test",
            "jdbc:mysql://root:m42ploz2wd@10.0.0.1/app",
            "rediss://:p4ssw0rd99@cache.example.net:6380/0",
        ] {
            yes(Entity::ConnectionString, &format!("URI=\"{value}\";"), value);
        }
        no(Entity::ConnectionString, "postgres://postgres:postgres@localhost/x");
        no(Entity::ConnectionString, "postgres://user:password@localhost/x");
    }

    #[test]
    fn after_an_option() {
        yes(Entity::ApiKey, "curl -XPOST \\\n  -u dev:yqDVtkqPE https://x", "dev:yqDVtkqPE");
        yes(Entity::ApiKey, "curl --user 'johns:h0pk1ns~21s' $URL", "johns:h0pk1ns~21s");
        yes(Entity::ApiKey, "curl -u \"d2LkV78zLx!t:\" https://x", "d2LkV78zLx!t:");
        yes(Entity::ApiKey, "curl -k -u elastic:P@ssw0rd$1 x", "elastic:P@ssw0rd$1");
        no(Entity::ApiKey, "curl -u username:token x");
        no(Entity::ApiKey, "docker run -u 1000:1000 x");
    }
}
