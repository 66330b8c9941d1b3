//! Sans-io readers of provider wire formats: bytes in, parts and fields out.
//!
//! Pure: no I/O, no clock, no async. Nothing here fails: traffic that cannot be read as usual is
//! evidence too, so it is kept as an opaque part and told of by an [`Oddity`](record::Oddity).
//!
//! ```text
//! request bytes ──read_request──► ReadRequest  { fields, parts, skeleton, oddities }
//! answer bytes ───push…finish───► ReadResponse { fields, parts, skeleton, oddities }
//!                      │
//!                      ├─ JSON ─────────────────────────────┐
//!                      └─ stream ─► events ─► assembled JSON ┴─► parts + skeleton
//! ```
//!
//! A stream is assembled into the JSON that the provider would have sent unstreamed, and both go
//! through the same reader. So a message has the same parts whether it was streamed, sent whole,
//! or came back as history in the next request.
//!
//! One folder per format family; a format implements `reader::Reader`.

mod anthropic;
mod bedrock;
mod cohere;
mod cost;
mod error;
mod format;
mod framing;
mod gemini;
mod json;
mod mcp;
mod media;
mod merge;
mod oddities;
mod ollama;
mod openai;
mod otel;
mod params;
mod reader;
mod request;
mod response;
pub mod sse;
mod taker;
mod usage;
mod word;

pub use format::{Family, Format, RequestHead, UnknownFamily, detect};
pub use framing::Framing;
pub use request::{ReadRequest, read_request};
pub use response::{
    End, HeaderTokens, ReadResponse, ResponseHead, ResponseReader, ends_stream, stream_framing,
};
pub use usage::NORMALISER_VERSION;
