//! Addresses of the Internet protocol, version 4 and 6.

use std::net::Ipv6Addr;

use super::{Found, span};
use crate::bytes::{Set, at, before, is_word, run, run_back, slice};
use crate::entity::Entity;
use crate::words::Scene;

const WORDS: [&str; 12] = [
    "ip", "ipv4", "ipv6", "addr", "address", "host", "server", "client", "dns", "gateway",
    "subnet", "remote",
];
const VERSIONS: [&str; 14] = [
    "v", "version", "versions", "ver", "release", "releases", "build", "section", "chapter",
    "driver", "firmware", "upgrade", "upgraded", "oid",
];

/// Looks for the IPv4 address whose first octet starts at `start`.
pub(crate) fn detect_v4(scene: &Scene<'_>, start: usize, found: &mut Found) {
    let text = scene.text;
    let Some((octets, end)) = octets_from(text, start) else {
        return;
    };
    let left = before(text, start, 1);
    let left_far = before(text, start, 2);
    let joined = is_word(left)
        || matches!(left, b'.' | b'-') && left_far.is_ascii_alphanumeric()
        || is_word(at(text, end))
        || matches!(at(text, end), b'.' | b'-') && at(text, end + 1).is_ascii_alphanumeric()
        || at(text, end) == b'+';
    let required = left == b'=' && matches!(left_far, b'=' | b'>' | b'<' | b'~' | b'^')
        || matches!(left, b'~' | b'^' | b'>' | b'<' | b'#');
    let product = left == b'/' && left_far.is_ascii_alphabetic() && at(text, end) != b':';
    if joined || required || product || is_benign(octets) {
        return;
    }
    let sure = scene.before(start, 30, &WORDS) && !scene.before(start, 12, &VERSIONS);
    let used = matches!(at(text, end), b':' | b'/') || left == b'/' && left_far == b'/';
    if sure || (used || !is_numbering(octets)) && !scene.before(start, 30, &VERSIONS) {
        let end = with_prefix(text, start, end, 32);
        found.push(span((start, end), Entity::IpAddress, if sure { 0.95 } else { 0.8 }, "ipv4"));
    }
}

/// Sections of documents, object identifiers and versions count in small numbers.
fn is_numbering(octets: [u8; 4]) -> bool {
    const SMALL: u8 = 32;
    octets.iter().all(|octet| *octet < SMALL) && octets.first() != Some(&10)
        || matches!(octets, [1, 3, 6, _] | [2, 5, 4 | 29, _])
}

/// Takes in the length of a network's prefix, as in `10.0.0.0/8`; in a URL it is a path.
fn with_prefix(text: &[u8], start: usize, end: usize, most: u64) -> usize {
    let stop = super::number::end_of_digits(text, end + 1);
    let digits = slice(text, end + 1, stop);
    let prefix = at(text, end) == b'/'
        && (1..=3).contains(&digits.len())
        && super::shape::number(digits) <= most
        && !is_word(at(text, stop))
        && at(text, stop) != b'/'
        && before(text, start, 1) != b'/';
    if prefix { stop } else { end }
}

/// Looks for the IPv6 address round the colon at `colon`; tells where it stopped looking.
pub(crate) fn detect_v6(scene: &Scene<'_>, colon: usize, found: &mut Found) -> usize {
    const TOKEN: Set = Set::only(b"0123456789abcdefABCDEF:.");
    let text = scene.text;
    let mut start = run_back(text, colon, &TOKEN);
    let mut end = run(text, colon, &TOKEN);
    let stop = end;
    while end > start && before(text, end, 1) == b'.' {
        end -= 1;
    }
    if before(text, end, 1) == b':' && before(text, end, 2) != b':' {
        end -= 1;
    }
    // In `address:2001:db8::1` the first colon belongs to the sentence.
    if at(text, start) == b':' && at(text, start + 1) != b':' {
        start += 1;
    }
    let token = slice(text, start, end);
    let colons = token.split(|b| *b == b':').count() - 1;
    if colons < 2 || token.len() > 45 || is_word(before(text, start, 1)) || is_word(at(text, end)) {
        return stop;
    }
    let parsed = std::str::from_utf8(token).ok().and_then(|t| t.parse::<Ipv6Addr>().ok());
    if let Some(address) = parsed
        && !address.is_loopback()
        && !address.is_unspecified()
        && (is_telling(token, colons) || scene.before(start, 30, &WORDS))
    {
        let end = with_prefix(text, start, with_zone(text, end), 128);
        found.push(span((start, end), Entity::IpAddress, 0.9, "ipv6"));
    }
    stop
}

/// Takes in the name of an interface, as in `fe80::1%eth0`.
fn with_zone(text: &[u8], end: usize) -> usize {
    const NAME: Set = Set::alnum_and(b"");
    let stop = run(text, end + 1, &NAME);
    if at(text, end) == b'%' && (2..=15).contains(&(stop - end - 1)) { stop } else { end }
}

/// `a::b` and `f16::E` are paths in code and `10::20` is a slice; an address says more.
fn is_telling(token: &[u8], colons: usize) -> bool {
    let last = token.rsplit(|b| *b == b':').next().unwrap_or_default();
    let first = at(token, 0);
    if colons == 2 && first != b':' && at(last, 0).is_ascii_alphabetic() && !first.is_ascii_digit()
    {
        return false;
    }
    // `::10.0.0.1`
    if token.contains(&b'.') {
        return true;
    }
    let digits = token.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = token.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let mixed = colons >= 3 || letters > 0;
    digits > 0 && digits + letters >= 4 && mixed || digits >= 7
}

fn octets_from(text: &[u8], start: usize) -> Option<([u8; 4], usize)> {
    let mut octets = [0; 4];
    let mut i = start;
    for (n, octet) in octets.iter_mut().enumerate() {
        if n > 0 {
            if at(text, i) != b'.' {
                return None;
            }
            i += 1;
        }
        let end = super::number::end_of_digits(text, i);
        let digits = slice(text, i, end);
        if digits.is_empty() || digits.len() > 3 || digits.len() > 1 && at(digits, 0) == b'0' {
            return None;
        }
        *octet = u8::try_from(super::shape::number(digits)).ok()?;
        i = end;
    }
    Some((octets, i))
}

/// These name no machine in particular: loopback, any, broadcast. Private ones name one.
fn is_benign(octets: [u8; 4]) -> bool {
    matches!(octets, [127, 0, 0, 1] | [0, ..] | [255, 255, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn addresses_of_version_4() {
        yes(Entity::IpAddress, "from 106.31.73.20.", "106.31.73.20");
        yes(Entity::IpAddress, "http://10.1.2.3:8080/x", "10.1.2.3");
        yes(Entity::IpAddress, "host/10.0.0.7:8080", "10.0.0.7");
        yes(Entity::IpAddress, "10.0.0.0/8", "10.0.0.0/8");
        yes(Entity::IpAddress, "http://10.1.2.3/24", "10.1.2.3");
        yes(Entity::IpAddress, "dns 1.1.1.1", "1.1.1.1");
        yes(Entity::IpAddress, "|172.61.42.192|", "172.61.42.192");
    }

    #[test]
    fn addresses_of_version_6() {
        yes(Entity::IpAddress, "at [2001:db8::1]:443", "2001:db8::1");
        yes(Entity::IpAddress, "fe80::1 is up", "fe80::1");
        yes(Entity::IpAddress, "via fe80::1%eth0 or", "fe80::1%eth0");
        yes(Entity::IpAddress, "route 2001:db8::/32 is", "2001:db8::/32");
        yes(Entity::IpAddress, "to ::ffff:10.0.0.1 now", "::ffff:10.0.0.1");
        let full = "d80:e4b5:79da:6cf6:71f3:51f7:9161:c319";
        yes(Entity::IpAddress, &format!("address {full} blocked"), full);
    }

    #[test]
    fn versions_and_the_like_are_none() {
        for text in [
            "v1.2.3.4",
            "version 1.2.3.4",
            "Version: 1.2.3.4",
            "pkg-1.2.3.4",
            "pkg==1.2.3.4",
            "Chrome/91.0.4.77 Safari",
            "1.2.3.4-rc1",
            "1.3.6.1.4.1",
            "see 20.8.2.3 and 2.5.29.31",
            "f16::E",
            "1.2.3.456",
            "01.2.3.4",
            "127.0.0.1",
            "0.0.0.0",
            "0.9.3.1",
            "::1",
            "::",
            "std::fmt",
            "dead::beef",
            "x[10::20]",
            "12:30:45",
            "00:1A:2B:3C:4D:5E",
        ] {
            no(Entity::IpAddress, text);
        }
    }
}
