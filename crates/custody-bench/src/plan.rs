//! The workloads.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What is sent, as named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// Requests of 1 KB, mostly new.
    #[value(name = "unary-1k")]
    Unary1k,
    /// Requests of 10 KB, mostly new.
    #[value(name = "unary-10k")]
    Unary10k,
    /// Requests of 100 KB of which 90 % repeat, as agents send them.
    #[value(name = "unary-100k")]
    Unary100k,
    /// Growing conversations of 4 to 12 KB.
    Chat,
    /// The same sizes, all content new.
    ChatNew,
    /// 300 requests a second against an upstream that answers after 50 ms.
    Latency,
    /// 100 concurrent streams.
    #[value(name = "stream-100")]
    Stream100,
    /// 1,000 concurrent streams.
    #[value(name = "stream-1000")]
    Stream1000,
}

/// What the request bodies look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A short fixed system prompt, the rest new.
    New(usize),
    /// The first nine tenths repeat.
    Prefixed(usize),
    /// About a hundred conversations, each request with the history so far.
    Chat,
    /// Sizes as in `Chat`, nothing repeats.
    ChatNew,
}

/// How requests are paced and answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// Whole answers, at the rate that keeps the proxy's core this busy.
    Busy(f64),
    /// Whole answers after `delay`, at `rate` a second.
    Rate {
        /// Requests a second.
        rate: f64,
        /// What the model takes.
        delay: Duration,
    },
    /// Streamed answers, so many at a time.
    Streams(Streams),
}

/// A stream's timing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Streams {
    /// How many run at a time when none is late.
    pub(crate) concurrent: u32,
    /// Pieces in each.
    pub(crate) chunks: u32,
    /// From request to first token.
    pub(crate) first: Duration,
    /// Between two pieces.
    pub(crate) gap: Duration,
}

impl Streams {
    /// From request to last piece.
    pub(crate) fn length(&self) -> Duration {
        self.first + self.gap * self.chunks.saturating_sub(1)
    }
}

/// A gap between two pieces that exceeds the upstream's by this is a stall.
pub(crate) const STALL: Duration = Duration::from_millis(10);

impl Workload {
    /// All of them, in the order of the report.
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// The short selection of `--quick`.
    pub(crate) const QUICK: [Self; 4] = [Self::Unary1k, Self::Chat, Self::Latency, Self::Stream100];

    /// As on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unary1k => "unary-1k",
            Self::Unary10k => "unary-10k",
            Self::Unary100k => "unary-100k",
            Self::Chat => "chat",
            Self::ChatNew => "chat-new",
            Self::Latency => "latency",
            Self::Stream100 => "stream-100",
            Self::Stream1000 => "stream-1000",
        }
    }

    /// For the headline of its tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Unary1k => "1 KB requests, 1.8 KB answers at once, proxy core 70 % busy",
            Self::Unary10k => "10 KB requests, 1.8 KB answers at once, proxy core 70 % busy",
            Self::Unary100k => "100 KB requests of which 90 % repeat, proxy core 70 % busy",
            Self::Chat => "chats of 4-12 KB, 85 % of messages seen before, proxy core 70 % busy",
            Self::ChatNew => "chats of 4-12 KB, every message new, proxy core 70 % busy",
            Self::Latency => "300 chat requests/s, answered after 50 ms, open loop",
            Self::Stream100 => {
                "100 concurrent streams, first token after 10 ms, 50 chunks at 10 ms"
            }
            Self::Stream1000 => {
                "1,000 concurrent streams, first token after 10 ms, 50 chunks at 50 ms"
            }
        }
    }

    /// What its requests look like.
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Unary1k => Shape::New(1_000),
            Self::Unary10k => Shape::New(10_000),
            Self::Unary100k => Shape::Prefixed(100_000),
            Self::ChatNew => Shape::ChatNew,
            Self::Chat | Self::Latency | Self::Stream100 | Self::Stream1000 => Shape::Chat,
        }
    }

    /// How they are paced.
    pub(crate) fn pace(self) -> Pace {
        let ms = Duration::from_millis;
        match self {
            Self::Latency => Pace::Rate { rate: 300.0, delay: ms(50) },
            Self::Stream100 => {
                Pace::Streams(Streams { concurrent: 100, chunks: 50, first: ms(10), gap: ms(10) })
            }
            // 10 ms would be 100,000 chunks a second: one core can neither make nor take them, and
            // the stalls would be the load generator's.
            Self::Stream1000 => {
                Pace::Streams(Streams { concurrent: 1000, chunks: 50, first: ms(10), gap: ms(50) })
            }
            _ => Pace::Busy(0.7),
        }
    }

    /// Whether answers are streamed.
    pub(crate) fn streams(self) -> bool {
        matches!(self.pace(), Pace::Streams(_))
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::Workload;

    #[test]
    fn names_are_those_of_the_command_line() {
        for workload in Workload::all() {
            let value = workload.to_possible_value().unwrap();
            assert_eq!(value.get_name(), workload.name());
        }
    }
}
