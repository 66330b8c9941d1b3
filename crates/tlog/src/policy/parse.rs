//! Reads a policy: line by line, bytes as the specification has them.

use std::str::FromStr;

use super::{Kind, Member, MemberName, Policy, PolicyError};
use crate::{KeyError, VerifyingKey};

/// A policy is written by hand; whoever sends more wants something else.
const MAX_BYTES: usize = 1 << 20;
const MAX_MEMBERS: usize = 4096;

#[derive(Default)]
enum Quorum {
    #[default]
    Unsaid,
    None,
    Of(usize),
}

/// What is read so far.
#[derive(Default)]
struct Reading {
    logs: Vec<VerifyingKey>,
    members: Vec<Member>,
    /// Members that a group has taken: each may be taken once.
    taken: Vec<usize>,
    quorum: Quorum,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Policy, PolicyError> {
    let mut reading = Reading::default();
    let mut lines = 0;
    if bytes.len() > MAX_BYTES {
        return Err(PolicyError { line: 1, reason: "the policy is over 1 MiB".to_owned() });
    }
    for (index, line) in bytes.split(|b| *b == b'\n').enumerate() {
        lines = index + 1;
        reading.line(line).map_err(|reason| PolicyError { line: lines, reason })?;
    }
    let quorum = match reading.quorum {
        Quorum::None => None,
        Quorum::Of(member) => Some(member),
        Quorum::Unsaid => {
            let reason = "the policy ends without a quorum line (`quorum NAME`, or `quorum none`)";
            return Err(PolicyError { line: lines, reason: reason.to_owned() });
        }
    };
    Ok(Policy { logs: reading.logs, members: reading.members, quorum })
}

impl Reading {
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        if let Some(byte) = line.iter().find(|b| (**b < 0x20 && **b != b'\t') || **b == 0x7f) {
            return Err(format!("it holds the control character 0x{byte:02x}"));
        }
        let words: Vec<&[u8]> =
            line.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", key] | [b"log", key, _] => self.log(key),
            [b"witness", name, key] | [b"witness", name, key, _] => self.witness(name, key),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [b"log", ..] => Err("expected `log VKEY [URL]`".to_owned()),
            [b"witness", ..] => Err("expected `witness NAME VKEY [URL]`".to_owned()),
            [b"group", ..] => Err("expected `group NAME (all|any|K) MEMBER…`".to_owned()),
            [b"quorum", ..] => Err("expected `quorum NAME`".to_owned()),
            [other, ..] => Err(format!(
                "{:?} is not a keyword; known: log, witness, group, quorum",
                String::from_utf8_lossy(other)
            )),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), String> {
        let key: VerifyingKey = vkey(key)?;
        if self.logs.iter().any(|known| known.public_bytes() == key.public_bytes()) {
            return Err("this log's public key is in an earlier line already".to_owned());
        }
        self.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &[u8], key: &[u8]) -> Result<(), String> {
        let key: crate::CosignatureKey = vkey(key)?;
        let known = self.members.iter().find(|member| match &member.kind {
            Kind::Witness(known) => known.public_bytes() == key.public_bytes(),
            Kind::Group(..) => false,
        });
        if let Some(known) = known {
            return Err(format!("witness {} has the same public key already", known.name));
        }
        self.define(name, Kind::Witness(key))
    }

    fn group(&mut self, name: &[u8], threshold: &[u8], words: &[&[u8]]) -> Result<(), String> {
        let mut members = Vec::with_capacity(words.len());
        for word in words {
            let index = self.index(word)?;
            if self.taken.contains(&index) {
                return Err(format!(
                    "{} is a member of a group already, and may be of one only",
                    String::from_utf8_lossy(word)
                ));
            }
            self.taken.push(index);
            members.push(index);
        }
        let all = members.len();
        let need = match threshold {
            _ if all == 0 => return Err("a group needs at least one member".to_owned()),
            b"all" => all,
            b"any" => 1,
            digits => number(digits).filter(|k| (1..=all).contains(k)).ok_or_else(|| {
                format!(
                    "the threshold {:?} is neither `all` nor `any` nor a number from 1 to {all}",
                    String::from_utf8_lossy(digits)
                )
            })?,
        };
        self.define(name, Kind::Group(need, members))
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), String> {
        if !matches!(self.quorum, Quorum::Unsaid) {
            return Err("there is a quorum line already".to_owned());
        }
        self.quorum = if name == b"none" { Quorum::None } else { Quorum::Of(self.index(name)?) };
        Ok(())
    }

    fn define(&mut self, name: &[u8], kind: Kind) -> Result<(), String> {
        let name = MemberName(name.to_vec());
        if name.0 == b"none" {
            return Err("the name `none` is taken: it is the quorum that asks nothing".to_owned());
        }
        if self.members.iter().any(|member| member.name == name) {
            return Err(format!("the name {name} is taken by an earlier line"));
        }
        if self.members.len() == MAX_MEMBERS {
            return Err(format!("it is over {MAX_MEMBERS} witnesses and groups"));
        }
        self.members.push(Member { name, kind });
        Ok(())
    }

    fn index(&self, name: &[u8]) -> Result<usize, String> {
        self.members
            .iter()
            .position(|member| member.name.0 == name)
            .ok_or_else(|| format!("no earlier line defines {:?}", String::from_utf8_lossy(name)))
    }
}

fn vkey<K: FromStr<Err = KeyError>>(word: &[u8]) -> Result<K, String> {
    let text = std::str::from_utf8(word).map_err(|_| "the key is not UTF-8".to_owned())?;
    text.parse().map_err(|error: KeyError| error.to_string())
}

fn number(digits: &[u8]) -> Option<usize> {
    let decimal = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    std::str::from_utf8(digits).ok().filter(|_| decimal)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CosigningKey, SigningKey};

    fn wrong(text: &str) -> PolicyError {
        Policy::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn errors_name_the_line_and_what_is_wrong() {
        let log = SigningKey::new("l", &[1; 32]).unwrap().verifying_key();
        let renamed = SigningKey::new("m", &[1; 32]).unwrap().verifying_key();
        let key = |n: u8| CosigningKey::new(format!("w{n}"), &[n; 32]).unwrap().cosignature_key();
        let renamed_witness = CosigningKey::new("x", &[2; 32]).unwrap().cosignature_key();
        let (a, b) = (format!("witness A {}", key(2)), format!("witness B {}", key(3)));
        for (text, line, reason) in [
            (String::new(), 1, "without a quorum line"),
            (format!("{a}\n\n"), 3, "without a quorum line"),
            ("# x\nwitnes A b\n".into(), 2, "not a keyword"),
            ("log\n".into(), 1, "log VKEY"),
            (format!("log {log} url more\n"), 1, "log VKEY"),
            ("log a+b\n".into(), 1, "three fields"),
            (format!("log {}\n", key(2)), 1, "type 4"),
            (format!("witness A {log}\n"), 1, "type 1"),
            (format!("log {log}\nlog {renamed}\n"), 2, "earlier line already"),
            (format!("{a}\nwitness B {renamed_witness}\n"), 2, "witness A has the same"),
            (format!("{a}\nwitness A {}\n", key(3)), 2, "is taken by"),
            (format!("witness none {}\n", key(2)), 1, "`none` is taken"),
            (format!("{a}\ngroup G all\n"), 2, "at least one member"),
            (format!("{a}\ngroup G\n"), 2, "group NAME"),
            (format!("{a}\ngroup G 2 A\n"), 2, "from 1 to 1"),
            (format!("{a}\ngroup G 0 A\n"), 2, "from 1 to 1"),
            (format!("{a}\ngroup G +1 A\n"), 2, "from 1 to 1"),
            (format!("{a}\ngroup G 01 A\n"), 2, "from 1 to 1"),
            (format!("{a}\ngroup G any A A\n"), 2, "of one only"),
            (format!("{a}\n{b}\ngroup G any A\ngroup H any A B\n"), 4, "of one only"),
            (format!("{a}\ngroup G any A none\n"), 2, "no earlier line"),
            (format!("{a}\ngroup G any G\n"), 2, "no earlier line"),
            (format!("quorum A\n{a}\n"), 1, "no earlier line"),
            (format!("{a}\nquorum A\nquorum none\n"), 3, "already"),
            ("quorum\n".into(), 1, "quorum NAME"),
            ("quorum none\r\n".into(), 1, "0x0d"),
            ("\nquorum \u{7f}\n".into(), 2, "0x7f"),
            ("quorum \u{a0}none\n".into(), 1, "no earlier line"),
        ] {
            let error = wrong(&text);
            assert_eq!(error.line, line, "{text:?}: {error}");
            assert!(error.reason.contains(reason), "{text:?}: {error}");
        }
    }

    #[test]
    fn names_are_bytes() {
        let key = |n: u8| CosigningKey::new("w", &[n; 32]).unwrap().cosignature_key();
        let mut text = format!("witness K {}\nwitness \u{212a} {}\n", key(1), key(2)).into_bytes();
        text.extend_from_slice(format!("witness \u{e9} {}\nwitness ", key(3)).as_bytes());
        text.push(0xe9);
        text.extend_from_slice(format!(" {}\nquorum ", key(4)).as_bytes());
        text.push(0xe9);
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.quorum, Some(3));
    }

    #[test]
    fn many_are_read() {
        let key = |n| CosigningKey::new("w", &[n; 32]).unwrap().cosignature_key();
        let witnesses: Vec<String> =
            (1..=200).map(|n| format!("witness W{n} {}", key(n))).collect();
        let names: Vec<String> = (1..=200).map(|n| format!("W{n}")).collect();
        let text = format!("{}\ngroup G 150 {}\nquorum G\n", witnesses.join("\n"), names.join(" "));
        assert!(Policy::parse(text.as_bytes()).is_ok());
    }
}
