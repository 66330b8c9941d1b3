//! `-- readers`: how fast provider formats are read, MB/s of one core.

use std::process::ExitCode;

use clap::Args as ClapArgs;
use provider::{End, Format, ResponseHead, ResponseReader};

use crate::inside::traffic::Traffic;
use crate::{cpu, num};

/// Options of `readers`.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// CPU time of each measurement, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
}

/// Reads and prints.
pub(crate) fn run(args: &Args) -> ExitCode {
    let traffic = Traffic::new();
    let stream = traffic.stream(500);
    let request = traffic.request(1, 8192);
    let answer = traffic.answer(1, 2048);
    let speed = |name: &str, bytes: &[u8], read: &dyn Fn(&[u8])| {
        let me = [std::process::id()];
        let before = cpu::used_micros(&me);
        let mut done = 0;
        while cpu::used_micros(&me) - before < args.millis * 1000 {
            for _ in 0..50 {
                read(std::hint::black_box(bytes));
            }
            done += num::count(bytes.len()) * 50;
        }
        let used = cpu::used_micros(&me) - before;
        println!("{name:<28} {:>8.0} MB/s", num::float(done) / num::float(used));
    };
    let streamed = ResponseHead {
        status: 200,
        content_type: Some("text/event-stream"),
        tokens: provider::HeaderTokens::default(),
    };
    let whole = ResponseHead {
        status: 200,
        content_type: Some("application/json"),
        tokens: provider::HeaderTokens::default(),
    };
    let respond = |head: &ResponseHead<'_>, bytes: &[u8]| {
        let mut reader = ResponseReader::new(Format::OpenAiChat, head);
        reader.push(bytes);
        std::hint::black_box(reader.finish(End::Complete));
    };
    speed("events of a stream (SSE)", &stream, &|bytes| {
        let mut reader = provider::sse::SseReader::new();
        reader.push(bytes);
        while let Some(event) = reader.next() {
            std::hint::black_box(event.data.len());
        }
    });
    speed("chat, streamed answer", &stream, &|bytes| respond(&streamed, bytes));
    speed("chat, whole answer", &answer, &|bytes| respond(&whole, bytes));
    speed("chat, request", &request, &|bytes| {
        std::hint::black_box(provider::read_request(Format::OpenAiChat, "", bytes));
    });
    ExitCode::SUCCESS
}
