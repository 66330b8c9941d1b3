//! The values of a Kubernetes secret: whatever they are, and under whatever names.

use super::{Found, span};
use crate::bytes::{Set, at, run, slice};
use crate::entity::Entity;
use crate::words::Scene;

const LEAD: Set = Set::only(b" \t\"'");
/// What a line has before its first member: blanks, and the sign of an item.
const INDENT: Set = Set::only(b" -");
/// How far round its kind a manifest is looked at, in bytes.
const REACH: usize = 8192;
/// Values below this length are kinds and switches.
const SHORTEST: usize = 4;

/// Looks for the values of the manifest whose `kind:` stands at `start..open`; tells how far it looked.
pub(crate) fn detect(scene: &Scene<'_>, (start, open): (usize, usize), found: &mut Found) -> usize {
    let text = scene.text;
    let word = run(text, open, &LEAD);
    if !slice(text, word, word + 6).eq_ignore_ascii_case(b"secret")
        || at(text, word + 6).is_ascii_alphanumeric()
    {
        return open;
    }
    let line = line_start(text, start);
    let column = start - line;
    if slice(text, line, start).iter().any(|b| !INDENT.has(*b)) {
        return open;
    }
    let from = text.len().min(first_line(text, line));
    let mut at_line = from;
    let mut inside = None;
    while at_line < text.len() && at_line < line + REACH {
        let end = line_end(text, at_line);
        let first = run(text, at_line, &INDENT);
        let indent = first - at_line;
        if slice(text, at_line, at_line + 3) == b"---" && at_line > line {
            break;
        }
        if first < end && at(text, first) != b'#' {
            let member = slice(text, first, end);
            if indent == column {
                let data = member.starts_with(b"data:") || member.starts_with(b"stringData:");
                inside = data.then_some(());
            } else if indent > column && inside.is_some() {
                value(text, first, end, found);
            }
        }
        at_line = end + 1;
    }
    at_line
}

/// The start of the first line of the manifest, within reach.
fn first_line(text: &[u8], line: usize) -> usize {
    let from = line.saturating_sub(REACH);
    let before = slice(text, from, line);
    let mark = before.windows(4).rposition(|w| w == b"\n---");
    mark.map_or(from, |i| line_end(text, from + i + 1) + 1)
}

/// A line below `data`: a name with its value, or one more line of the value before.
fn value(text: &[u8], first: usize, end: usize, found: &mut Found) {
    let line = slice(text, first, end);
    let name = line.windows(2).position(|w| w == b": ").map(|i| first + i + 2);
    if name.is_none() && line.ends_with(b":") {
        return;
    }
    let start = run(text, name.unwrap_or(first), &LEAD);
    let mut stop = end;
    while stop > start && matches!(at(text, stop - 1), b' ' | b'"' | b'\'' | b'\r' | b'\\') {
        stop -= 1;
    }
    let value = slice(text, start, stop);
    let elsewhere = matches!(at(value, 0), b'{' | b'$' | b'<' | b'|' | b'>' | b'&' | b'*' | b'[');
    if value.len() >= SHORTEST && !elsewhere {
        found.push(span((start, stop), Entity::ApiKey, 0.8, "kubernetes-secret"));
    }
}

fn line_start(text: &[u8], at: usize) -> usize {
    const LINE: usize = 200;
    let from = at.saturating_sub(LINE);
    let window = slice(text, from, at);
    window.iter().rposition(|b| *b == b'\n').map_or(from, |i| from + i + 1)
}

fn line_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, values};

    #[test]
    fn every_value_of_a_secret() {
        let text = "kind: Secret\nmetadata:\n  name: app\ndata:\n  # one\n  extra: YWRtaW46cGFzcw==\n  \
                    file: |\n    Zmlyc3QgbGluZQ==\n    c2Vjb25kIGxpbmU=\ntype: Opaque\n";
        let found = values(text, Entity::ApiKey);
        assert_eq!(found, ["YWRtaW46cGFzcw==", "Zmlyc3QgbGluZQ==", "c2Vjb25kIGxpbmU="]);
        let before = "---\n- data:\n    extra: 'YWRtaW46cGFzcw=='\n  kind: 'Secret'\n---\nkind: ConfigMap\n\
                      data:\n  plain: value\n";
        assert_eq!(values(before, Entity::ApiKey), ["YWRtaW46cGFzcw=="]);
    }

    #[test]
    fn other_kinds_and_references() {
        no(Entity::ApiKey, "kind: ConfigMap\ndata:\n  extra: YWRtaW46cGFzcw==\n");
        no(Entity::ApiKey, "kind: Secret\ndata:\n  extra: {{ .Values.extra }}\n");
        no(Entity::ApiKey, "kind: SecretStore\ndata:\n  extra: somewhere\n");
    }
}
