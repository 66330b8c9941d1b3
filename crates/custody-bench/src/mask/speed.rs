//! How fast it is, by the CPU time of one core: others may share the machine.

use std::time::Duration;

use anyhow::Result;
use mask::{Masker, Policy, Taken, Tier};
use rustix::time::{ClockId, clock_gettime};

use super::code::File;
use super::goals::Title;
use super::look;
use super::repeats;
use super::report::{Form, Section};
use super::sets::Sets;
use crate::num;
use crate::stats::Samples;
use crate::text::Text;

/// Bytes of a prompt.
const PROMPT: usize = 10 << 10;
/// Prompts of a kind.
const PROMPTS: usize = 60;

/// CPU time of this thread.
pub(super) fn spent() -> Duration {
    of(ClockId::ThreadCPUTime)
}

/// CPU time of this process, all its threads.
pub(super) fn spent_by_all() -> Duration {
    of(ClockId::ProcessCPUTime)
}

fn of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Prompts of 10 KB: letters and web pages, files, and both in one.
pub(super) struct Prompts {
    pub(super) prose: Vec<String>,
    code: Vec<String>,
    mix: Vec<String>,
}

impl Prompts {
    /// From annotated texts where there are some, else from words at random.
    pub(super) fn new(sets: &Sets, files: &[File]) -> Self {
        let mut texts = String::new();
        for set in ["uner_en_ewt", "presidio_synth_v2", "presidio_gen_large"] {
            for document in sets.get(set).into_iter().flatten() {
                texts.push_str(&document.text);
                texts.push('\n');
            }
        }
        if texts.is_empty() {
            let mut bytes = Vec::new();
            let text = Text::new();
            (0..200).for_each(|number| text.write(number, 2000, &mut bytes));
            texts = String::from_utf8_lossy(&bytes).replace("\\n", "\n").replace("\\\"", "\"");
        }
        let code: String = files.iter().map(|file| file.text.as_str()).collect();
        let (prose, code) = (pieces(&texts), pieces(&code));
        let mix = prose.iter().zip(&code).map(|(prose, code)| {
            let half =
                |text: &str| text.get(..text.floor_char_boundary(PROMPT / 2)).map(str::to_owned);
            let (prose, code) = (half(prose).unwrap_or_default(), half(code).unwrap_or_default());
            format!("{prose}\n```\n{code}\n```\n")
        });
        Self { mix: mix.collect(), prose, code }
    }
}

/// A text cut into prompts, from all over it.
fn pieces(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut rest = text;
    while rest.len() >= PROMPT {
        let (piece, tail) = rest.split_at(rest.floor_char_boundary(PROMPT));
        all.push(piece.to_owned());
        rest = tail;
    }
    let step = all.len().div_ceil(PROMPTS).max(1);
    all.into_iter().step_by(step).collect()
}

/// Megabytes that `work` does in a second of CPU time, over `window` or all texts once, whichever
/// is more.
pub(super) fn rate(texts: &[String], window: Duration, mut work: impl FnMut(&str)) -> f64 {
    let begin = spent();
    let mut bytes = 0;
    loop {
        for text in texts {
            work(std::hint::black_box(text));
            bytes += text.len();
        }
        let used = spent().saturating_sub(begin);
        if used >= window || texts.is_empty() {
            return num::float(num::count(bytes)) / 1e6 / used.as_secs_f64().max(1e-9);
        }
    }
}

/// Measures.
pub(super) fn table(prompts: &Prompts, window: Duration) -> Result<Section> {
    let mut section = Section::new(Title::Speed);
    let values = Masker::new(Policy::default(), [0; 32]);
    let pass = values.anywhere();
    let mask = |text: &str| {
        std::hint::black_box(pass.mask_text(text, &mut Taken::default()));
    };
    let kinds = [("prose", &prompts.prose), ("code", &prompts.code), ("mix", &prompts.mix)];
    for (name, texts) in kinds {
        // The first look makes what the detectors keep for the next ones.
        for text in texts {
            mask(text);
        }
        section.put("always on, MB/s", name, Form::Measure, rate(texts, window, mask));
        let mut samples = Samples::default();
        let begin = spent();
        while spent().saturating_sub(begin) < window && !texts.is_empty() {
            for text in texts {
                let before = spent();
                mask(text);
                samples.push(spent().saturating_sub(before));
            }
        }
        let quantiles = samples.quantiles();
        section.put("10 KB prompt, p50, ms", name, Form::Measure, quantiles.p50 / 1000.0);
        section.put("10 KB prompt, p99, ms", name, Form::Measure, quantiles.p99 / 1000.0);
    }
    let both = look::masker();
    let named = both.anywhere().tier(Tier::Names);
    let name = |text: &str| {
        std::hint::black_box(named.mask_text(text, &mut Taken::default()));
    };
    for text in prompts.prose.iter().take(1) {
        name(text);
    }
    for (kind, texts) in kinds {
        let some = texts.get(..texts.len().min(12)).unwrap_or_default();
        section.put("names tier, MB/s", kind, Form::Measure, rate(some, window, name));
    }
    let repeated = repeats::rate(&prompts.prose, window)?;
    section.put("names tier, MB/s", "90 % met before", Form::Measure, repeated.rate);
    section.note(format!(
        "90 % met before: the whole recorder without a disk's syncs, reading and sealing included; \
         {:.1} % of its parts' bytes were met before",
        repeated.met * 100.0
    ));
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::{PROMPT, PROMPTS, pieces};

    #[test]
    fn prompts_are_cut_between_characters() {
        let pieces = pieces(&"é€x".repeat(1 << 19));
        assert!(pieces.len() <= PROMPTS && pieces.len() > PROMPTS / 2, "{}", pieces.len());
        assert!(pieces.iter().all(|piece| (PROMPT - 3..=PROMPT).contains(&piece.len())));
    }
}
