//! Up to which size a log is anchored: a policy over all cosigned notes that were kept of it.

use std::collections::BTreeMap;

use super::Policy;
use crate::{Checkpoint, Hash, KeyHistory, Note};

/// Cosigned notes of one log as they are collected.
///
/// Notes of one size that are about the same tree are judged together: each witness's cosignature
/// may have been kept by itself.
#[derive(Debug)]
pub struct Anchored<'a> {
    policy: &'a Policy,
    origin: String,
    /// By size and text; the name is of the first of them.
    notes: BTreeMap<(u64, String), (String, Note)>,
    findings: Vec<String>,
}

/// What the anchors of one log come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchoredLog {
    /// Each witness of the policy, in its order.
    pub witnesses: Vec<CosignedBy>,
    /// The largest tree for which the quorum holds, and when it held, seconds since 1970 (`None`
    /// with `quorum none`).
    pub quorum: Option<(u64, Option<u64>)>,
    /// What contradicts the log: a log that was cut back or written anew, notes that are none.
    pub findings: Vec<String>,
}

/// What one witness vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedBy {
    /// Its name in the policy.
    pub name: String,
    /// The largest tree that it cosigned, and when, seconds since 1970.
    pub last: Option<(u64, u64)>,
    /// How many checkpoints it cosigned.
    pub checkpoints: u64,
}

impl<'a> Anchored<'a> {
    /// For the log of this origin.
    pub fn new(policy: &'a Policy, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        Self { policy, origin, notes: BTreeMap::new(), findings: Vec::new() }
    }

    /// Takes a note; `name` is where it lies, for people.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        let note = match Note::parse(bytes) {
            Ok(note) => note,
            Err(error) => return self.findings.push(format!("{name}: {error}")),
        };
        let checkpoint = match Checkpoint::parse(note.unverified_text()) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return self.findings.push(format!("{name}: {error}")),
        };
        if checkpoint.origin != self.origin {
            let found = checkpoint.origin;
            return self.findings.push(format!("{name}: it is of the log {found:?}"));
        }
        let key = (checkpoint.size, note.unverified_text().to_owned());
        let (_, kept) = self.notes.entry(key).or_insert_with(|| (name.to_owned(), note.clone()));
        for (_, witness) in self.policy.witnesses() {
            // One that does not hold is left out here, and so counts for nothing.
            if let Err(error) = kept.adopt(&note, witness)
                && matches!(error, crate::NoteError::WrongSignature(_))
            {
                self.findings.push(format!("{name}: {error}"));
            }
        }
    }

    /// Judges them. `checkpoint` is the log's own and `keys` are the keys that signed the log, both
    /// checked before; `root_at` gives the root that the log has at a size, from what was checked.
    /// Of a log that handed over from key to key the policy may name any one.
    pub fn finish(
        mut self,
        checkpoint: &Checkpoint,
        keys: &KeyHistory,
        root_at: impl Fn(u64) -> Option<Hash>,
    ) -> AnchoredLog {
        let mut witnesses: Vec<CosignedBy> = self
            .policy
            .witnesses()
            .map(|(name, _)| CosignedBy { name, last: None, checkpoints: 0 })
            .collect();
        // Without witnesses the checkpoint itself is what is valid.
        let mut quorum = self.policy.asks_nothing().then_some((checkpoint.size, None));
        let named = self.policy.logs().iter().any(|key| keys.knows(key));
        for ((size, text), (name, note)) in &self.notes {
            let verdict = self.policy.judge(note);
            let cosigned = verdict.witnesses.iter().any(|witness| witness.time.is_ok());
            // By the key for its size: the one before it, once stolen, vouches for nothing new.
            let signed =
                self.policy.logs().is_empty() || (named && note.verify(keys.at(*size)).is_ok());
            if !signed {
                self.findings.push(format!("{name}: no log of the policy has signed it"));
                continue;
            }
            let root = Checkpoint::parse(text).map(|parsed| parsed.root).ok();
            let known =
                if *size == checkpoint.size { Some(checkpoint.root) } else { root_at(*size) };
            if *size > checkpoint.size {
                self.findings.push(format!(
                    "{name}: it is of size {size}, and the log's checkpoint only of {}: the log \
                     was cut back",
                    checkpoint.size
                ));
                continue;
            }
            if root.is_none() || root != known {
                let who = if cosigned { "what was cosigned" } else { "it" };
                self.findings.push(format!(
                    "{name}: {who} has another root than the log at size {size}: the log was \
                     written anew"
                ));
                continue;
            }
            for (sum, witness) in witnesses.iter_mut().zip(&verdict.witnesses) {
                if let Ok(time) = witness.time {
                    sum.last = sum.last.max(Some((*size, time)));
                    sum.checkpoints += 1;
                }
            }
            if verdict.quorum {
                quorum = quorum.max(Some((*size, verdict.time)));
            }
        }
        AnchoredLog { witnesses, quorum, findings: self.findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::tests::{leaves, mth};
    use crate::{CosigningKey, KeyChange, SigningKey};

    fn log() -> SigningKey {
        SigningKey::new("example.com/log", &[7; 32]).unwrap()
    }

    fn keys() -> KeyHistory {
        KeyHistory::of(log().verifying_key())
    }

    fn witness(n: u8) -> CosigningKey {
        CosigningKey::new(format!("w{n}"), &[n; 32]).unwrap()
    }

    fn policy(quorum: &str) -> Policy {
        let text = format!(
            "log {}\nwitness A {}\nwitness B {}\ngroup both all A B\nquorum {quorum}\n",
            log().verifying_key(),
            witness(1).cosignature_key(),
            witness(2).cosignature_key()
        );
        Policy::parse(text.as_bytes()).unwrap()
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { origin: "example.com/log".into(), size, root: mth(&leaves(size)) }
    }

    fn note(checkpoint: &Checkpoint, key: &SigningKey, by: u8, time: u64) -> Vec<u8> {
        let mut note = Note::parse(&checkpoint.sign(key)).unwrap();
        note.cosign(&witness(by), time);
        note.to_bytes()
    }

    #[test]
    fn cosignatures_that_were_kept_apart_are_judged_together() {
        let both = policy("both");
        let mut anchored = Anchored::new(&both, "example.com/log");
        anchored.add("10/a", &note(&checkpoint(10), &log(), 1, 100));
        anchored.add("10/b", &note(&checkpoint(10), &log(), 2, 107));
        anchored.add("20/a", &note(&checkpoint(20), &log(), 1, 200));
        let sum = anchored.finish(&checkpoint(30), &keys(), |size| Some(mth(&leaves(size))));
        assert_eq!(sum.findings, Vec::<String>::new());
        assert_eq!(sum.quorum, Some((10, Some(107))));
        assert_eq!(sum.witnesses[0].last, Some((20, 200)));
        assert_eq!(sum.witnesses[1].last, Some((10, 107)));
        assert_eq!(sum.witnesses[0].checkpoints, 2);
    }

    #[test]
    fn without_notes_there_is_no_quorum() {
        let both = policy("both");
        assert_eq!(
            Anchored::new(&both, "x").finish(&checkpoint(5), &keys(), |_| None).quorum,
            None
        );
        let none = policy("none");
        let sum = Anchored::new(&none, "x").finish(&checkpoint(5), &keys(), |_| None);
        assert_eq!(sum.quorum, Some((5, None)));
    }

    /// From entry 15 on another key signs; the policy names the one before.
    #[test]
    fn a_policy_that_names_one_key_of_a_log_is_about_all_of_them() {
        let next = SigningKey::new("example.com/log", &[9; 32]).unwrap();
        let change = KeyChange { index: 15, old: log().verifying_key(), new: next.verifying_key() };
        let both = checkpoint(16).sign_by_all(&[&log(), &next]);
        let (keys, loose) = KeyHistory::reaching(&log().verifying_key(), vec![change], &[&both]);
        assert!(loose.is_empty());
        let policy = policy("A");
        for (by, wrong, upto) in
            [(&next, 0, Some((20, Some(200)))), (&log(), 1, Some((10, Some(100))))]
        {
            let mut anchored = Anchored::new(&policy, "example.com/log");
            anchored.add("10", &note(&checkpoint(10), &log(), 1, 100));
            anchored.add("20", &note(&checkpoint(20), by, 1, 200));
            let sum = anchored.finish(&checkpoint(30), &keys, |size| Some(mth(&leaves(size))));
            assert_eq!((sum.findings.len(), sum.quorum), (wrong, upto), "{:?}", sum.findings);
        }
        // Keys that are not of this log do not come in by its name.
        let mut anchored = Anchored::new(&policy, "example.com/log");
        anchored.add("20", &note(&checkpoint(20), &next, 1, 200));
        let alone = KeyHistory::of(next.verifying_key());
        let sum = anchored.finish(&checkpoint(30), &alone, |size| Some(mth(&leaves(size))));
        assert!(sum.quorum.is_none() && sum.findings[0].contains("no log of the policy"));
    }

    #[test]
    fn a_log_that_was_cut_or_rewritten_is_found() {
        let policy = policy("A");
        let mut rewritten = checkpoint(10);
        rewritten.root = Hash([1; 32]);
        let stranger = SigningKey::new("example.com/log", &[8; 32]).unwrap();
        let mut elsewhere = checkpoint(10);
        elsewhere.origin = "example.com/other".into();
        let good = String::from_utf8(note(&checkpoint(10), &log(), 1, 100)).unwrap();
        let damaged = good.replacen("example.com/log\n10\n", "example.com/log\n11\n", 1);
        for (bytes, what) in [
            (note(&checkpoint(40), &log(), 1, 1), "cut back"),
            (note(&rewritten, &log(), 1, 1), "written anew"),
            (note(&checkpoint(10), &stranger, 1, 1), "no log of the policy"),
            (note(&elsewhere, &log(), 1, 1), "of the log \"example.com/other\""),
            (damaged.into_bytes(), "is wrong"),
            (b"noise".to_vec(), "not a signed note"),
        ] {
            let mut anchored = Anchored::new(&policy, "example.com/log");
            anchored.add("x", &bytes);
            let sum = anchored.finish(&checkpoint(30), &keys(), |size| Some(mth(&leaves(size))));
            assert!(sum.findings.iter().any(|f| f.contains(what)), "{what}: {:?}", sum.findings);
            assert_eq!((sum.quorum, sum.witnesses[0].last), (None, None), "{what}");
        }
    }
}
