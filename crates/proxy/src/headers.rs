//! Which headers pass.

use http::{HeaderMap, HeaderName, header};

/// Headers of one hop (RFC 9110 §7.6.1), and `Expect`, which the server side has answered.
const HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Removes what is for this hop only, on the way to the provider.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip_hop(headers);
    headers.remove(header::EXPECT);
    headers.remove(header::HOST);
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("custody-")).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// Removes what is for this hop only, on the way to the client.
pub(crate) fn strip_response(headers: &mut HeaderMap) {
    strip_hop(headers);
}

fn strip_hop(headers: &mut HeaderMap) {
    // Connection names further headers of this hop.
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(name);
    }
}

/// A header's text, when it is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|v| !v.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_and_own_headers_do_not_pass() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("custody-user", "alice"),
            ("custody-token", "ctk_x"),
            ("authorization", "Bearer x"),
            ("x-stays", "1"),
            ("expect", "100-continue"),
        ] {
            headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        strip_request(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["authorization", "x-stays"]);
    }
}
