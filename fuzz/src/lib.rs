//! What the fuzz targets do, as ordinary functions: `fuzz_targets/` calls them with libFuzzer's
//! bytes, `tests/replay.rs` with the files of `corpus/`, on stable and without libFuzzer.
//!
//! Each function takes any bytes and panics when what it holds to is broken.

mod bedrock;
mod journal;
mod json;
mod ledger;
mod masking;
mod provider_formats;
mod sealing;

pub use bedrock::eventstream;
pub use journal::{content, envelope, frames, leaf};
pub use json::skeleton;
pub use ledger::{bundle, checkpoint, note, proof, tile_path};
pub use masking::{mask_json, mask_text};
pub use provider_formats::{
    anthropic_request, anthropic_response, chat_request, chat_response, completions_request,
    completions_response, embeddings_request, embeddings_response, gemini_embed_request,
    gemini_embed_response, gemini_request, gemini_response, response_splits, responses_request,
    responses_response, sse,
};
pub use provider_formats::{
    cohere_request, cohere_response, cohere_v1_request, cohere_v1_response, mcp_request,
    mcp_response, ollama_generate_request, ollama_generate_response, ollama_request,
    ollama_response,
};
pub use provider_formats::{converse_request, converse_response, invoke_request, invoke_response};
pub use sealing::{decompress, key_wrap, sealed_part};

/// The body of a file of `fuzz_targets/`.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::$name(data));

        #[cfg(not(fuzzing))]
        fn main() {
            eprintln!(
                "built without libFuzzer: use `cargo +nightly fuzz run {}`",
                stringify!($name)
            );
        }
    };
}

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        /// Every target with its name, which is that of its file and of its corpus.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    anthropic_request, anthropic_response, bundle, chat_request, chat_response, checkpoint, cohere_request, cohere_response, cohere_v1_request, cohere_v1_response, completions_request, completions_response, content, converse_request, converse_response, decompress, embeddings_request, embeddings_response, envelope, eventstream, frames, gemini_embed_request, gemini_embed_response, gemini_request, gemini_response, invoke_request, invoke_response, key_wrap, leaf, mask_json, mask_text, mcp_request, mcp_response, note, ollama_generate_request, ollama_generate_response, ollama_request, ollama_response, proof, response_splits, responses_request, responses_response, sealed_part, skeleton, sse, tile_path,
}
