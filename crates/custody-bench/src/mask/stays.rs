//! Text that must stay: identifiers of machines, numbers of every day.

use std::fmt::Write as _;

use mask::Masker;

use super::goals::Title;
use super::look::{self, is_name};
use super::report::{Form, Section};
use crate::num;
use crate::text::Rng;

/// How many of each kind are made.
const EACH: usize = 120;

/// What stands round them; `{}` is the place.
const PLACES: [&str; 6] = [
    "{}",
    "The value is {} and nothing was changed since.",
    "{\"name\": \"{}\", \"status\": \"ok\", \"count\": 3}",
    "level=info ref={} msg=\"done\" took=12ms",
    "| {} | ok | 17 |",
    "Please look at {}, then at the one before.",
];

/// A name, and how one is made.
type Kind = (&'static str, fn(&mut Rng) -> String);

const KINDS: [Kind; 14] = [
    ("UUIDs", |rng| {
        let parts = [8, 4, 3, 3, 12].map(|length| hex(rng, length));
        let [a, b, c, d, e] = parts;
        format!("{a}-{b}-4{c}-a{d}-{e}")
    }),
    ("UUIDs of digits alone", |rng| {
        let parts = [8, 4, 3, 3, 12].map(|length| digits(rng, length));
        let [a, b, c, d, e] = parts;
        format!("{a}-{b}-4{c}-8{d}-{e}")
    }),
    ("ULIDs", |rng| {
        let letters = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        format!("01J{}", from(rng, letters, 23))
    }),
    ("MD5, trace ids", |rng| hex(rng, 32)),
    ("SHA-1, commits", |rng| hex(rng, 40)),
    ("SHA-256", |rng| hex(rng, 64)),
    ("SHA-256 with its name", |rng| format!("sha256:{}", hex(rng, 64))),
    ("short commits", |rng| {
        let length = 6 + rng.below(6);
        from(rng, b"abcdef", 1) + &hex(rng, length)
    }),
    ("epochs, s", |rng| epoch(rng).to_string()),
    ("epochs, ms", |rng| format!("{}{}", epoch(rng), digits(rng, 3))),
    ("epochs, us", |rng| format!("{}{}", epoch(rng), digits(rng, 6))),
    ("versions", |rng| {
        let mut version = String::from(if rng.below(2) == 0 { "v" } else { "" });
        for place in 0..3 {
            let dot = if place == 0 { "" } else { "." };
            let written = write!(version, "{dot}{}", rng.below(if place == 2 { 40 } else { 20 }));
            debug_assert!(written.is_ok(), "a string takes everything");
        }
        match rng.below(4) {
            0 => version + "-rc.1",
            1 => version + "+build.20261104",
            _ => version,
        }
    }),
    ("prices and timestamps", |rng| match rng.below(4) {
        0 => format!("${},{:03}.{:02}", 1 + rng.below(99), rng.below(1000), rng.below(100)),
        1 => format!("EUR {}.{:03},{:02}", 1 + rng.below(99), rng.below(1000), rng.below(100)),
        2 => format!(
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            1 + rng.below(12),
            1 + rng.below(28),
            rng.below(24),
            rng.below(60),
            rng.below(60),
            rng.below(1000)
        ),
        _ => format!(
            "{:02}/Nov/2026:{:02}:{:02}:{:02} +0000",
            1 + rng.below(28),
            rng.below(24),
            rng.below(60),
            rng.below(60)
        ),
    }),
    ("SKUs and order numbers", |rng| match rng.below(4) {
        0 => format!("SKU-{}-{}", digits(rng, 5), from(rng, b"ABCDEFGHKLMNPRSTUVWXYZ", 3)),
        1 => format!("PN {}-{}", digits(rng, 4), digits(rng, 4)),
        2 => format!("ORD-2026-{}", digits(rng, 8)),
        _ => format!("{}{}", from(rng, b"ABCDEFGHKLMNPRSTUVWXYZ", 2), digits(rng, 6)),
    }),
];

fn from(rng: &mut Rng, letters: &[u8], length: usize) -> String {
    let letter = |_| letters.get(rng.below(letters.len())).copied().map_or('0', char::from);
    (0..length).map(letter).collect()
}

fn hex(rng: &mut Rng, length: usize) -> String {
    from(rng, b"0123456789abcdef", length)
}

fn digits(rng: &mut Rng, length: usize) -> String {
    from(rng, b"0123456789", length)
}

/// A second between 2020 and 2029.
fn epoch(rng: &mut Rng) -> usize {
    1_580_000_000 + rng.below(300_000_000)
}

/// Masks them all.
pub(super) fn table(masker: &Masker, examples: usize) -> Section {
    let mut section = Section::new(Title::Stays);
    for (row, (name, make)) in KINDS.into_iter().enumerate() {
        let mut rng = Rng::new(num::count(row));
        let (mut all, mut masked, mut names) = (0, 0, 0);
        let mut some = Vec::new();
        for place in PLACES {
            for _ in 0..EACH / PLACES.len() {
                let text = place.replacen("{}", &make(&mut rng), 1);
                let found = look::find(masker, &text);
                all += 1;
                masked += u64::from(!found.is_empty());
                names += u64::from(!found.is_empty() && found.iter().all(|f| is_name(&f.label)));
                if let Some(first) = found.first().filter(|_| some.len() < examples) {
                    some.push(format!("{} in {text:?}", first.label));
                }
            }
        }
        section.put(name, "masked", Form::Count, num::float(masked));
        section.put(name, "by the names tier alone", Form::Count, num::float(names));
        section.put(name, "texts", Form::Count, num::float(all));
        for text in some {
            section.note(text);
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Rng};

    #[test]
    fn they_look_like_what_they_are() {
        let made = |name| {
            let kind = KINDS.iter().find(|(kind, _)| *kind == name).unwrap();
            (kind.1)(&mut Rng::new(1))
        };
        let uuid = made("UUIDs");
        let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{uuid}");
        assert_eq!(made("epochs, us").len(), 16);
        assert_eq!(made("SHA-256").len(), 64);
        assert!(made("ULIDs").len() == 26);
    }
}
