//! Credentials in a query.

use crate::identity::percent_decode;

/// Names of parameters that carry credentials.
const SECRET: [&str; 8] =
    ["key", "api_key", "api-key", "apikey", "access_token", "token", "sig", "signature"];

/// The query with values of credentials replaced, and the first of them.
pub(crate) fn query(query: &str) -> (String, Option<&str>) {
    let mut credential = None;
    let kept: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if is_secret(name) => {
                credential = credential.or(Some(value).filter(|value| !value.is_empty()));
                format!("{name}=REDACTED")
            }
            _ => pair.to_owned(),
        })
        .collect();
    (kept.join("&"), credential)
}

fn is_secret(name: &str) -> bool {
    // A name may be encoded, and is the same name to the provider.
    let lower = percent_decode(name).to_ascii_lowercase();
    SECRET.contains(&lower.as_str()) || lower.starts_with("x-amz-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out() {
        assert_eq!(
            query("alt=sse&key=AIzaX&KEY=b&flag"),
            ("alt=sse&key=REDACTED&KEY=REDACTED&flag".to_owned(), Some("AIzaX"))
        );
        assert_eq!(query("X%2DAmz-Signature=f").0, "X%2DAmz-Signature=REDACTED");
        assert_eq!(query("a=1"), ("a=1".to_owned(), None));
    }
}
