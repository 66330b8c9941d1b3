//! Credentials by the place they stand in: after a scheme, in a URL, in a command.

use super::shape::{entropy, is_dummy};
use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run, slice};
use crate::entity::Entity;
use crate::words::Scene;

const TOKEN: Set = Set::alnum_and(b"-._~+/=|:");
const USERINFO: Set = Set::alnum_and(b"-._~%!$&*+,=^#");
const HOST: Set = Set::alnum_and(b"-._[]:%");
const ARGUMENT: Set = Set::alnum_and(b"-._~%!&*+,;=^#@$?/");

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
    if !is_word(before(text, start, 1))
        && long_enough
        && (digits > 0 || token.len() >= 24 || short && token.ends_with(b"="))
        && entropy(token) >= 2.5
        && !is_dummy(token)
    {
        found.push(span((open, end), Entity::ApiKey, 0.9, "authorization"));
    }
}

/// Looks for the password in the URL whose `://` ends at `open`.
pub(crate) fn in_url(scene: &Scene<'_>, open: usize, found: &mut Found) {
    let text = scene.text;
    let user = run(text, open, &USERINFO);
    if at(text, user) != b':' {
        return;
    }
    let start = user + 1;
    let mut end = run(text, start, &USERINFO);
    // A raw `@` or `/` in a password is wrong, and common; the last `@` before the host counts.
    while at(text, end) == b'@' {
        let next = run(text, end + 1, &USERINFO);
        if at(text, next) != b'@' {
            break;
        }
        end = next;
    }
    let password = slice(text, start, end);
    let host = run(text, end + 1, &HOST) > end + 1;
    let named = [&b"password"[..], b"pass", b"pwd", b"secret", b"token"].contains(&password);
    let reference = matches!(at(password, 0), b'$' | b'%' | b'*');
    if at(text, end) == b'@'
        && host
        && password.len() >= 3
        && !named
        && !reference
        && !is_dummy(password)
    {
        found.push(span((start, end), Entity::ApiKey, 0.9, "url-password"));
    }
}

/// Looks for `user:password` after the option of `curl` that ends at `open`.
pub(crate) fn after_option(scene: &Scene<'_>, start: usize, open: usize, found: &mut Found) {
    let text = scene.text;
    if !scene.before(start, 120, &["curl"]) {
        return;
    }
    let open = open + usize::from(matches!(at(text, open), b'"' | b'\''));
    let user = run(text, open, &ARGUMENT);
    let end = run(text, user + 1, &ARGUMENT);
    let password = slice(text, user + 1, end);
    let word = password.iter().all(u8::is_ascii_lowercase) && password.len() < 12;
    let reference = at(password, 0) == b'$' || at(text, open) == b'$';
    if at(text, user) == b':' && password.len() >= 3 && !word && !reference && !is_dummy(password) {
        found.push(span((open, end), Entity::ApiKey, 0.8, "curl-user"));
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
        no(Entity::ApiKey, "the bearer of good news, Bearer XXXXXXXXXXXXXXXXXXXXXXX");
        no(Entity::ApiKey, "basic understanding of internationalisation");
    }

    #[test]
    fn in_a_url() {
        yes(Entity::ApiKey, "postgres://app:s3cr3tP4ss@db.example.net:5432/x", "s3cr3tP4ss");
        yes(Entity::ApiKey, "mongodb+srv://u:myR3alP@ssw0rd@c0.mongodb.net", "myR3alP@ssw0rd");
        no(Entity::ApiKey, "https://example.com:8080/@user");
        no(Entity::ApiKey, "amqp://user:$password@localhost");
        no(Entity::ApiKey, "amqp://user:*****@example.com");
    }

    #[test]
    fn after_an_option() {
        yes(Entity::ApiKey, "curl -k -u elastic:P@ssw0rd$1 x", "elastic:P@ssw0rd$1");
        no(Entity::ApiKey, "curl -u username:token x");
        no(Entity::ApiKey, "docker run -u 1000:1000 x");
    }
}
