//! Chats of which most was met before, through the recorder with its cache of parts.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{look, speed};
use crate::inside::Inside;
use crate::num;

/// Messages of a chat; the last one is new.
const MESSAGES: usize = 10;
/// Bytes of a message.
const MESSAGE: usize = 1000;

/// What was measured.
pub(super) struct Repeated {
    /// MB of messages in a second of CPU time.
    pub(super) rate: f64,
    /// The share of their bytes that was met before.
    pub(super) met: f64,
}

/// Records chats whose first nine messages their user has sent before, until the time is over.
pub(super) fn rate(prose: &[String], window: Duration) -> Result<Repeated> {
    let messages = messages(prose);
    let folder = tempfile::Builder::new().prefix("custody-bench").tempdir_in(".")?;
    // Nothing is sealed into segments meanwhile.
    let inside = Inside::start_with(folder.path(), Duration::from_secs(100_000), |config| {
        config.names = Some(look::names());
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = br#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Done.","refusal":null},"finish_reason":"stop"}]}"#;
    let call = |user: u64, parts: &[&String]| -> Result<()> {
        let speakers = ["assistant", "user"].into_iter().cycle();
        let messages = parts.iter().zip(speakers);
        let messages = messages.map(|(text, role)| json!({"role": role, "content": text}));
        let messages: Vec<_> = messages.collect();
        let body = serde_json::to_vec(&json!({"model": "gpt-4o", "messages": messages}))?;
        runtime.block_on(inside.call(user, &body, answer))?;
        inside.drain();
        Ok(())
    };
    let (mut bytes, mut known, mut used) = (0, 0, Duration::ZERO);
    let mut chats = messages.chunks_exact(MESSAGES).zip(0_u64..).cycle();
    let mut turn = 0_u64;
    while used < window
        && let Some((chat, number)) = chats.next()
        && turn < num::count(messages.len())
    {
        let mut parts: Vec<&String> = chat.iter().collect();
        let last = parts.pop();
        // A user has said all but the last before.
        call(number, &parts)?;
        parts.extend(last);
        let begin = speed::spent_by_all();
        call(number, &parts)?;
        used += speed::spent_by_all().saturating_sub(begin);
        let new = last.map_or(0, String::len);
        let all: usize = parts.iter().map(|part| part.len()).sum();
        bytes += num::count(all);
        known += num::count(all - new);
        turn += num::count(MESSAGES);
    }
    inside.close()?;
    let rate = num::float(bytes) / 1e6 / used.as_secs_f64().max(1e-9);
    Ok(Repeated { rate, met: num::float(known) / num::float(bytes.max(1)) })
}

/// Messages of a thousand bytes, no two the same.
fn messages(prose: &[String]) -> Vec<String> {
    let mut messages = Vec::new();
    for text in prose {
        let mut rest = text.as_str();
        while rest.len() >= MESSAGE {
            let (message, tail) = rest.split_at(rest.floor_char_boundary(MESSAGE));
            messages.push(message.to_owned());
            rest = tail;
        }
    }
    messages
}
