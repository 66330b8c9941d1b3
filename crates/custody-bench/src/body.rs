//! Request bodies: OpenAI chat completions, made faster than any proxy can take them.

use std::io::Write;
use std::rc::Rc;

use bytes::Bytes;
use crc32fast::Hasher;

use crate::answer::Answer;
use crate::num;
use crate::pieces::Pieces;
use crate::plan::Shape;
use crate::text::{Rng, Text};

/// Conversations that run at the same time.
const CONVERSATIONS: u64 = 100;

/// Requests in a conversation. With a shared system prompt and two messages more in each request,
/// 1 + 2 × 11 of its 156 messages are new: 85 % were seen before.
const TURNS: u32 = 12;

/// System prompts that conversations share, and prefixes that agents share.
const SHARED: u64 = 8;

/// The numbers of answers' texts start here, those of requests at zero.
const ANSWERS: u64 = 1 << 39;

/// One request and the answer it asks for.
pub(crate) struct Job {
    /// The body.
    pub(crate) body: Pieces,
    /// CRC-32 of the body.
    pub(crate) crc: u32,
    /// What the upstream is asked to answer.
    pub(crate) answer: Answer,
}

/// An endless supply of requests of one shape, the same for the same seed.
pub(crate) struct Bodies {
    shape: Shape,
    stream: bool,
    text: Rc<Text>,
    rng: Rng,
    /// Numbers for new texts.
    fresh: u64,
    issued: u64,
    prefixes: Vec<Prefix>,
    conversations: Vec<Conversation>,
}

/// The part of a body that many requests share.
struct Prefix {
    bytes: Bytes,
    hasher: Hasher,
}

struct Conversation {
    turn: u32,
    user: u64,
    /// Messages so far, as JSON without the closing bracket.
    messages: Vec<u8>,
    last: Answer,
}

impl Bodies {
    /// `stream` asks for streamed answers.
    pub(crate) fn new(text: Rc<Text>, shape: Shape, stream: bool, seed: u64) -> Self {
        let mut bodies = Self {
            shape,
            stream,
            text,
            rng: Rng::new(seed),
            // Rounds must not repeat each other's content; 2^32 texts each are plenty.
            fresh: SHARED + ((seed & 0x3f) << 32),
            issued: 0,
            prefixes: Vec::new(),
            conversations: Vec::new(),
        };
        match shape {
            Shape::New(length) => {
                let prefix = bodies.prefix(0, length / 8, 0);
                bodies.prefixes.push(prefix);
            }
            Shape::Prefixed(length) => {
                for number in 0..SHARED {
                    let prefix = bodies.prefix(number, 6_000, length * 9 / 10);
                    bodies.prefixes.push(prefix);
                }
            }
            Shape::Chat | Shape::ChatNew => {
                for number in 0..CONVERSATIONS {
                    let mut conversation = Conversation::new();
                    // The mix of young and old conversations of any moment, from the start.
                    for _ in 0..number % u64::from(TURNS) {
                        bodies.say(&mut conversation);
                    }
                    bodies.conversations.push(conversation);
                }
            }
        }
        bodies
    }

    /// The next request.
    pub(crate) fn next(&mut self) -> Job {
        let ticket = self.issued;
        self.issued += 1;
        match self.shape {
            Shape::New(length) => self.with_prefix(0, length, 1_350),
            Shape::Prefixed(length) => self.with_prefix(num::index(ticket % SHARED), length, 1_350),
            Shape::Chat => self.chat(num::index(ticket % CONVERSATIONS)),
            Shape::ChatNew => {
                let turn = u32::try_from(ticket % u64::from(TURNS)).unwrap_or(0);
                self.chat_new(turn)
            }
        }
    }

    fn answer(&mut self, length: usize) -> Answer {
        Answer { number: ANSWERS + self.number(), length }
    }

    fn number(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    /// A system prompt, and messages until `length` is reached.
    fn prefix(&mut self, number: u64, system: usize, length: usize) -> Prefix {
        let mut out = Vec::with_capacity(length + 8_000);
        out.extend_from_slice(br#"{"messages":["#);
        message(&self.text, "system", number, system, &mut out);
        let mut assistant = false;
        while out.len() + 1_500 < length {
            let role = if assistant { "assistant" } else { "user" };
            assistant = !assistant;
            let number = self.number();
            message(&self.text, role, number, 2_900, &mut out);
        }
        let mut hasher = Hasher::new();
        hasher.update(&out);
        Prefix { bytes: out.into(), hasher }
    }

    /// A shared prefix and new messages up to `length`.
    fn with_prefix(&mut self, prefix: usize, length: usize, answer: usize) -> Job {
        let Some(shared) = self.prefixes.get(prefix) else { return self.chat_new(0) };
        let (bytes, mut hasher) = (shared.bytes.clone(), shared.hasher.clone());
        let mut rest = Vec::with_capacity(length.saturating_sub(bytes.len()) + 1_024);
        let left = length.saturating_sub(bytes.len() + 110);
        // Long requests bring several new messages.
        let messages = (left / 3_000).max(1);
        for _ in 0..messages {
            let number = self.number();
            message(&self.text, "user", number, left / messages - 32, &mut rest);
        }
        self.close(number_of_user(self.issued), &mut rest);
        hasher.update(&rest);
        let answer = self.answer(answer);
        Job { body: Pieces::new(bytes, rest.into()), crc: hasher.finalize(), answer }
    }

    fn chat(&mut self, index: usize) -> Job {
        let Some(slot) = self.conversations.get_mut(index) else { return self.chat_new(0) };
        let mut conversation = std::mem::replace(slot, Conversation::new());
        self.say(&mut conversation);
        let mut out = Vec::with_capacity(conversation.messages.len() + 256);
        out.extend_from_slice(&conversation.messages);
        self.close(conversation.user, &mut out);
        let answer = conversation.last;
        if conversation.turn < TURNS
            && let Some(slot) = self.conversations.get_mut(index)
        {
            *slot = conversation;
        }
        Job { crc: crc32fast::hash(&out), body: Pieces::new(out.into(), Bytes::new()), answer }
    }

    /// Adds the last answer and the user's next message to a conversation.
    fn say(&mut self, conversation: &mut Conversation) {
        let out = &mut conversation.messages;
        let length = if conversation.turn == 0 {
            let system = self.rng.below(num::index(SHARED));
            conversation.user = self.number();
            out.extend_from_slice(br#"{"messages":["#);
            message(&self.text, "system", num::count(system), SYSTEM, out);
            FIRST + self.rng.below(400)
        } else {
            message(
                &self.text,
                "assistant",
                conversation.last.number,
                conversation.last.length,
                out,
            );
            USER + self.rng.below(160)
        };
        let number = self.number();
        message(&self.text, "user", number, length, out);
        conversation.turn += 1;
        let length = ANSWER + self.rng.below(240);
        conversation.last = self.answer(length);
    }

    /// What `chat` would send at this turn, of new texts only.
    fn chat_new(&mut self, turn: u32) -> Job {
        let mut out = Vec::with_capacity(14_000);
        out.extend_from_slice(br#"{"messages":["#);
        let (system, first) = (self.number(), self.number());
        message(&self.text, "system", system, SYSTEM, &mut out);
        message(&self.text, "user", first, FIRST + self.rng.below(400), &mut out);
        for _ in 0..turn {
            let (assistant, user) = (self.number(), self.number());
            message(&self.text, "assistant", assistant, ANSWER + self.rng.below(240), &mut out);
            message(&self.text, "user", user, USER + self.rng.below(160), &mut out);
        }
        self.close(number_of_user(self.issued), &mut out);
        let length = ANSWER + self.rng.below(240);
        let answer = self.answer(length);
        Job { crc: crc32fast::hash(&out), body: Pieces::new(out.into(), Bytes::new()), answer }
    }

    /// What follows the messages.
    fn close(&self, user: u64, out: &mut Vec<u8>) {
        if out.last() == Some(&b',') {
            out.pop();
        }
        let stream = if self.stream {
            r#""stream":true,"stream_options":{"include_usage":true}"#
        } else {
            r#""stream":false"#
        };
        let written = write!(
            out,
            r#"],"model":"gpt-4o-2024-08-06","temperature":0.7,"max_tokens":1024,"user":"user-{user}",{stream}}}"#
        );
        debug_assert!(written.is_ok(), "a vector takes everything");
    }
}

impl Conversation {
    fn new() -> Self {
        Self { turn: 0, user: 0, messages: Vec::new(), last: Answer { number: 0, length: 0 } }
    }
}

/// Lengths of messages in conversations: the first request is then about 4 KB, the twelfth 12 KB.
const SYSTEM: usize = 2_300;
const FIRST: usize = 1_250;
const USER: usize = 80;
const ANSWER: usize = 370;

/// A few thousand users.
fn number_of_user(ticket: u64) -> u64 {
    ticket % 4_096
}

/// One message and a comma.
fn message(text: &Text, role: &str, number: u64, length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"role":""#);
    out.extend_from_slice(role.as_bytes());
    out.extend_from_slice(br#"","content":""#);
    text.write(number, length, out);
    out.extend_from_slice(br#""},"#);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::rc::Rc;

    use serde_json::Value;

    use super::{Bodies, Job};
    use crate::plan::Shape;
    use crate::text::Text;

    /// Sizes of 2,400 bodies, and the share of their messages that an earlier one had.
    fn survey(shape: Shape) -> (usize, usize, usize, usize) {
        let mut bodies = Bodies::new(Rc::new(Text::new()), shape, false, 3);
        let (mut seen, mut sizes) = (HashSet::new(), Vec::new());
        let (mut repeated, mut all) = (0, 0);
        for round in 0..3_600 {
            let Job { body, crc, .. } = bodies.next();
            let bytes = body.concat();
            assert_eq!(crc, crc32fast::hash(&bytes));
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            for message in value["messages"].as_array().unwrap() {
                let new = seen.insert(message.to_string());
                if round >= 1_200 {
                    all += 1;
                    repeated += usize::from(!new);
                }
            }
            sizes.push(bytes.len());
        }
        sizes.sort_unstable();
        (sizes[0], sizes[sizes.len() / 2], sizes[sizes.len() - 1], repeated * 1000 / all)
    }

    #[test]
    fn chats_repeat_85_percent_and_span_4_to_12_kb() {
        let (min, median, max, repeated) = survey(Shape::Chat);
        assert!((840..=860).contains(&repeated), "{repeated}");
        assert!(min > 3_600 && max < 12_800, "{min} {median} {max}");
        assert!(min < 4_300 && max > 11_500, "{min} {median} {max}");
    }

    #[test]
    fn new_chats_repeat_nothing_in_the_same_sizes() {
        let (min, median, max, repeated) = survey(Shape::ChatNew);
        assert_eq!(repeated, 0);
        let (_, other, _, _) = survey(Shape::Chat);
        assert!(
            min > 3_600 && max < 12_800 && median.abs_diff(other) < 400,
            "{min} {median} {max}"
        );
    }

    #[test]
    fn plain_shapes_have_their_size() {
        for (shape, length) in [
            (Shape::New(1_000), 1_000),
            (Shape::New(10_000), 10_000),
            (Shape::Prefixed(100_000), 100_000),
        ] {
            let (min, median, max, _) = survey(shape);
            assert!(min * 100 > length * 90 && max * 100 < length * 125, "{min} {median} {max}");
            assert!(median.abs_diff(length) * 100 < length * 8, "{median} of {length}");
        }
    }
}
