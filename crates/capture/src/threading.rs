//! Finds what a request goes on with: a conversation by its prefix, an answer by its id, an earlier
//! attempt by its content (DESIGN §6).

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use lru::LruCache;
use record::envelope::PartRef;
use record::{Kid, PartKind, RecordId, Role, Scope, Timestamp, TraceId};
use sha2::{Digest as _, Sha256};

use crate::met::Print;

/// How many conversations, answers and requests are remembered, each.
const REMEMBERED: usize = 50_000;
/// Clients try again within seconds; the same words an hour later are a request of their own.
const RETRY_WITHIN_US: i64 = 10 * 60 * 1_000_000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) thread: String,
    /// The interaction that this one goes on from.
    pub(crate) previous: Option<RecordId>,
    /// The first attempt of the same request.
    pub(crate) retry_of: Option<RecordId>,
    /// The hash over the request's messages, from which the answer's go on.
    pub(crate) chain: Chain,
}

/// A rolling hash over messages.
pub(crate) type Chain = [u8; 32];

/// A request as far as it matters here.
pub(crate) struct Asked<'a> {
    pub(crate) id: RecordId,
    pub(crate) at: Timestamp,
    pub(crate) attempt: u32,
    /// Whose request it is; conversations of two people never meet.
    pub(crate) subject: Kid,
    pub(crate) session: Option<&'a str>,
    /// The answer that the body says it continues.
    pub(crate) previous_response: Option<&'a str>,
    pub(crate) parts: &'a [PartRef],
    pub(crate) prints: &'a [Option<Print>],
}

/// Remembers in memory alone; what it finds stands in the records. After a restart a conversation
/// that goes on starts a thread anew.
pub(crate) struct Threading {
    known: Mutex<Known>,
}

struct Known {
    /// A conversation so far, answer included, and who said the last of it.
    chains: LruCache<[u8; 16], (String, RecordId)>,
    /// Answers by the provider's id.
    answers: LruCache<String, (String, RecordId)>,
    /// Whole requests, and their first attempt.
    asked: LruCache<[u8; 16], (RecordId, Timestamp)>,
    /// The person that a trace's calls named.
    users: LruCache<TraceId, String>,
}

impl Threading {
    pub(crate) fn new() -> Self {
        let size = NonZeroUsize::new(REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        let known = Known {
            chains: LruCache::new(size),
            answers: LruCache::new(size),
            asked: LruCache::new(size),
            users: LruCache::new(size),
        };
        Self { known: Mutex::new(known) }
    }

    /// What a request goes on with.
    pub(crate) fn find(&self, asked: &Asked<'_>) -> Found {
        let start = seed(asked.subject, asked.session);
        let prefixes = prefixes(start, asked.parts, asked.prints);
        let chain = prefixes.last().copied().unwrap_or(start);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let by_id = asked.previous_response.and_then(|id| known.answers.get(id).cloned());
        let found = by_id.or_else(|| {
            prefixes.iter().rev().find_map(|prefix| known.chains.get(&short(prefix)).cloned())
        });
        let retry_of =
            (!prefixes.is_empty()).then(|| known.attempt(asked, short(&chain))).flatten();
        drop(known);
        let (thread, previous) = match found {
            Some((thread, previous)) => (thread, Some(previous)),
            None => (thread_of(retry_of.unwrap_or(asked.id)), None),
        };
        Found { thread, previous, retry_of, chain }
    }

    /// Remembers whose trace it is.
    pub(crate) fn note_user(&self, trace: TraceId, user: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.users.put(trace, user.to_owned());
    }

    /// The person that a call of the trace named.
    pub(crate) fn user_of(&self, trace: TraceId) -> Option<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.users.get(&trace).cloned()
    }

    /// Remembers a request with its answer.
    pub(crate) fn remember(
        &self,
        id: RecordId,
        thread: &str,
        response_id: Option<&str>,
        chain: Chain,
        answer: (&[PartRef], &[Option<Print>]),
    ) {
        let (parts, prints) = answer;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(response_id) = response_id {
            known.answers.put(response_id.to_owned(), (thread.to_owned(), id));
        }
        if let Some(whole) = prefixes(chain, parts, prints).pop() {
            known.chains.put(short(&whole), (thread.to_owned(), id));
        }
    }
}

impl Known {
    /// The first attempt of a request, when the client says that this is a later one; remembers the
    /// request otherwise.
    fn attempt(&mut self, asked: &Asked<'_>, whole: [u8; 16]) -> Option<RecordId> {
        let recent = |at: Timestamp| asked.at.0.saturating_sub(at.0) < RETRY_WITHIN_US;
        match self.asked.get(&whole) {
            Some((first, at)) if asked.attempt > 1 && recent(*at) => Some(*first),
            _ => {
                self.asked.put(whole, (asked.id, asked.at));
                None
            }
        }
    }
}

fn thread_of(id: RecordId) -> String {
    let tail = id.as_bytes().get(6..).unwrap_or_default();
    format!("t_{}", hex::encode(tail))
}

fn seed(subject: Kid, session: Option<&str>) -> Chain {
    let hash = Sha256::new().chain_update(subject.as_bytes());
    hash.chain_update(session.unwrap_or_default()).finalize().into()
}

fn short(hash: &Chain) -> [u8; 16] {
    let mut out = [0; 16];
    out.iter_mut().zip(hash).for_each(|(to, from)| *to = *from);
    out
}

/// A rolling hash after each message part. System prompts and tools do not count: applications
/// change them in the middle of a conversation. Neither does reasoning, which clients leave out.
fn prefixes(start: Chain, parts: &[PartRef], prints: &[Option<Print>]) -> Vec<Chain> {
    let mut hash = start;
    parts
        .iter()
        .zip(prints)
        .filter_map(|(part, print)| Some((part, (*print)?)))
        .filter(|(part, _)| {
            part.scope == Scope::Subject
                && matches!(part.role, Role::User | Role::Assistant | Role::Tool)
                && matches!(part.kind, PartKind::Text | PartKind::ToolCall | PartKind::ToolResult)
        })
        .map(|(_, print)| {
            hash = Sha256::new().chain_update(hash).chain_update(print).finalize().into();
            hash
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use record::{Digest, Pid};

    use super::*;

    fn parts(said: &[(Role, u8)]) -> (Vec<PartRef>, Vec<Option<Print>>) {
        let part = |(role, text): &(Role, u8)| PartRef {
            key: None,
            kind: PartKind::Text,
            length: 1,
            pid: Pid([*text; 32]),
            role: *role,
            scope: Scope::Subject,
            sha256: Digest([0; 32]),
            withheld: false,
        };
        (said.iter().map(part).collect(), said.iter().map(|(_, text)| Some([*text; 32])).collect())
    }

    struct Ask {
        n: u8,
        at: i64,
        attempt: u32,
        subject: u8,
        session: Option<&'static str>,
        previous: Option<&'static str>,
    }

    const ASK: Ask = Ask { n: 1, at: 0, attempt: 1, subject: 1, session: None, previous: None };

    fn find(threading: &Threading, ask: &Ask, said: &[(Role, u8)]) -> Found {
        let (parts, prints) = parts(said);
        threading.find(&Asked {
            id: RecordId::from_bytes([ask.n; 16]),
            at: Timestamp(ask.at),
            attempt: ask.attempt,
            subject: Kid([ask.subject; 16]),
            session: ask.session,
            previous_response: ask.previous,
            parts: &parts,
            prints: &prints,
        })
    }

    const USER: Role = Role::User;
    const MODEL: Role = Role::Assistant;

    #[test]
    fn a_conversation_is_found_by_its_prefix_and_only_for_its_owner() {
        let threading = Threading::new();
        let first = find(&threading, &ASK, &[(USER, 1)]);
        let (answer, prints) = parts(&[(MODEL, 2)]);
        let id = RecordId::from_bytes([1; 16]);
        threading.remember(id, &first.thread, Some("resp_1"), first.chain, (&answer, &prints));
        let turns = [(USER, 1), (MODEL, 2), (USER, 3)];
        let second = find(&threading, &Ask { n: 2, ..ASK }, &turns);
        assert_eq!((second.thread.as_str(), second.previous), (first.thread.as_str(), Some(id)));
        for other in [Ask { n: 3, subject: 2, ..ASK }, Ask { n: 4, session: Some("s"), ..ASK }] {
            let found = find(&threading, &other, &turns);
            assert_ne!(found.thread, first.thread);
            assert_eq!(found.previous, None);
        }
        let by_id = Ask { n: 5, previous: Some("resp_1"), ..ASK };
        assert_eq!(find(&threading, &by_id, &[(USER, 9)]).thread, first.thread);
    }

    #[test]
    fn a_later_attempt_names_the_first() {
        let threading = Threading::new();
        let first = find(&threading, &ASK, &[(USER, 1)]);
        assert_eq!(first.retry_of, None);
        let again = find(&threading, &Ask { n: 2, attempt: 2, at: 1_000_000, ..ASK }, &[(USER, 1)]);
        assert_eq!(again.retry_of, Some(RecordId::from_bytes([1; 16])));
        assert_eq!(again.thread, first.thread);
        // The same words without a retry count, or long after, are another request.
        assert_eq!(find(&threading, &Ask { n: 3, ..ASK }, &[(USER, 1)]).retry_of, None);
        let late = Ask { n: 4, attempt: 2, at: RETRY_WITHIN_US * 2, ..ASK };
        assert_eq!(find(&threading, &late, &[(USER, 1)]).retry_of, None);
    }
}
