//! Trust policies, C2SP tlog-policy: which logs, which witnesses, and how many of those must have
//! cosigned.

mod anchored;
mod parse;

use std::fmt;

use crate::{CosignatureKey, Note, NoteError, VerifyingKey};

pub use anchored::{Anchored, AnchoredLog, CosignedBy};

/// What a verifier trusts.
///
/// ```text
/// log example.com/log+75973377+AepKbGPin…
/// witness W1 witness.example/w1+da77ade7+BOvN63jn…
/// witness W2 witness.example/w2+5893dc2c+BNcmFia6…
/// group both all W1 W2
/// quorum both
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<VerifyingKey>,
    members: Vec<Member>,
    /// Index into `members`; `None` is `quorum none`.
    quorum: Option<usize>,
}

/// A witness or a group; later ones refer to earlier ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: MemberName,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Witness(CosignatureKey),
    /// How many of these must have witnessed.
    Group(usize, Vec<usize>),
}

/// Name of a witness or a group within a policy: bytes, compared as such, shown as text.
#[derive(Clone, PartialEq, Eq, Hash)]
struct MemberName(Vec<u8>);

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// What is wrong with a policy, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PolicyError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What a policy says of one signed note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The log's key that signed it, of those that the policy names.
    pub log: Option<VerifyingKey>,
    /// Each witness of the policy, in its order.
    pub witnesses: Vec<Witnessed>,
    /// Each group of the policy, in its order.
    pub groups: Vec<Grouped>,
    /// Whether enough witnesses have cosigned.
    pub quorum: bool,
    /// When enough had, seconds since 1970; `None` without a quorum, and with `quorum none`.
    pub time: Option<u64>,
}

/// What a note says of one witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Its name in the policy.
    pub name: String,
    /// When it cosigned, seconds since 1970, or why it does not count.
    pub time: Result<u64, NoteError>,
}

/// What a note says of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// Its name in the policy.
    pub name: String,
    /// How many of its members have witnessed.
    pub have: usize,
    /// How many must have.
    pub need: usize,
}

impl Policy {
    /// Reads a policy.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::parse(bytes)
    }

    /// The logs that it names; none means that the log is known from elsewhere.
    pub fn logs(&self) -> &[VerifyingKey] {
        &self.logs
    }

    /// Its witnesses: name and key, in its order.
    pub fn witnesses(&self) -> impl Iterator<Item = (String, &CosignatureKey)> {
        self.members.iter().filter_map(|member| match &member.kind {
            Kind::Witness(key) => Some((member.name.to_string(), key)),
            Kind::Group(..) => None,
        })
    }

    /// Whether it asks for no witness at all (`quorum none`).
    pub fn asks_nothing(&self) -> bool {
        self.quorum.is_none()
    }

    /// Judges a signed note. A checkpoint is valid when [`Verdict::log`] is there, its origin is
    /// that key's name, and [`Verdict::quorum`] is true.
    pub fn judge(&self, note: &Note) -> Verdict {
        let log = self.logs.iter().find(|key| note.verify(key).is_ok()).cloned();
        let (mut witnesses, mut groups) = (Vec::new(), Vec::new());
        // When each member had witnessed; members refer to earlier ones only.
        let mut times: Vec<Option<u64>> = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let name = member.name.to_string();
            times.push(match &member.kind {
                Kind::Witness(key) => {
                    let time = note.cosigned(key);
                    witnesses.push(Witnessed { name, time: time.clone() });
                    time.ok()
                }
                Kind::Group(need, of) => {
                    let mut have: Vec<u64> =
                        of.iter().filter_map(|i| times.get(*i).copied().flatten()).collect();
                    have.sort_unstable();
                    groups.push(Grouped { name, have: have.len(), need: *need });
                    have.get(*need - 1).copied()
                }
            });
        }
        let time = self.quorum.and_then(|i| times.get(i).copied().flatten());
        Verdict { log, witnesses, groups, quorum: self.quorum.is_none() || time.is_some(), time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CosigningKey, SigningKey};

    const TEXT: &str = "example.com/log\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn log() -> SigningKey {
        SigningKey::new("example.com/log", &[7; 32]).unwrap()
    }

    fn witness(n: u8) -> CosigningKey {
        CosigningKey::new(format!("witness.example/w{n}"), &[n; 32]).unwrap()
    }

    fn key(n: u8) -> CosignatureKey {
        witness(n).cosignature_key()
    }

    fn cosigned(by: &[(u8, u64)]) -> Note {
        let mut note = Note::sign(TEXT.into(), &log());
        for (n, time) in by {
            note.cosign(&witness(*n), *time);
        }
        Note::parse(&note.to_bytes()).unwrap()
    }

    /// The example of the specification, with keys.
    fn example() -> Policy {
        let text = format!(
            "log {}\n\nwitness X1 {}\nwitness X2 {} https://x2.example/\nwitness X3 {}\n\
             group X-witnesses 2 X1 X2 X3\n\n# the second organisation\n\
             witness\tY1 {}\n  witness Y2 {}\t\nwitness Y3 {}\ngroup Y-witnesses any Y1 Y2 Y3\n\n\
             group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
            log().verifying_key(),
            key(1),
            key(2),
            key(3),
            key(11),
            key(12),
            key(13)
        );
        Policy::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_quorum_is_that_of_the_groups() {
        let policy = example();
        assert_eq!(policy.witnesses().count(), 6);
        for (by, holds, time) in [
            (vec![], false, None),
            (vec![(1, 10), (2, 20), (3, 30)], false, None),
            (vec![(1, 10), (11, 20)], false, None),
            (vec![(1, 10), (2, 20), (11, 15)], true, Some(20)),
            (vec![(1, 10), (2, 20), (12, 25), (13, 5)], true, Some(20)),
            (vec![(1, 10), (3, 20), (12, 25)], true, Some(25)),
            (vec![(11, 1), (12, 2), (13, 3)], false, None),
            // A witness that the policy does not name counts for nothing.
            (vec![(1, 10), (11, 20), (99, 20)], false, None),
        ] {
            let verdict = policy.judge(&cosigned(&by));
            assert_eq!((verdict.quorum, verdict.time), (holds, time), "{by:?}");
            assert_eq!(verdict.log, Some(log().verifying_key()));
        }
        let verdict = policy.judge(&cosigned(&[(1, 10), (12, 7)]));
        assert_eq!(verdict.groups[0], Grouped { name: "X-witnesses".into(), have: 1, need: 2 });
        assert_eq!(verdict.groups[2].have, 1);
        assert_eq!(verdict.witnesses[0].time, Ok(10));
        assert!(verdict.witnesses[1].time.is_err());
    }

    #[test]
    fn a_wrong_cosignature_does_not_count() {
        let policy = example();
        let good = cosigned(&[(1, 10), (2, 20), (11, 15)]).to_bytes();
        let text = String::from_utf8(good).unwrap();
        let forged = text.replacen("20852163", "20852164", 1);
        let verdict = policy.judge(&Note::parse(forged.as_bytes()).unwrap());
        assert!(!verdict.quorum && verdict.log.is_none());
        assert!(matches!(verdict.witnesses[0].time, Err(NoteError::WrongSignature(_))));
    }

    #[test]
    fn a_single_witness_or_none_can_be_the_quorum() {
        let one = format!("witness W {}\nquorum W", key(1));
        let one = Policy::parse(one.as_bytes()).unwrap();
        assert!(!one.judge(&cosigned(&[])).quorum);
        assert!(one.judge(&cosigned(&[(1, 5)])).quorum);
        assert!(one.logs().is_empty());
        let none = Policy::parse(b"quorum none\n").unwrap();
        assert!(none.asks_nothing() && none.judge(&cosigned(&[])).quorum);
    }
}
