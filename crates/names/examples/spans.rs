//! Finds names in lines of JSON, so that a scorer can be run on any annotated set.
//!
//! Lines `{"id","text"}` on standard input, `{"id","spans":[{"start","end","label","score"}]}` on standard output; offsets
//! count code points. With `--speed`, standard input is one text; the example reads it again and again for two seconds
//! on one core and says how many MB a second that is.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use names::{NameKind, Tagger};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let mut out = std::io::stdout().lock();
    if std::env::args().any(|argument| argument == "--speed") {
        return speed(&input, &mut out);
    }
    for line in input.lines() {
        let document: Value = serde_json::from_str(line)?;
        let text = document.get("text").and_then(Value::as_str).unwrap_or_default();
        let count = |end: usize| text[..end].chars().count();
        let found = Tagger::shared().find(text);
        let spans: Vec<Value> = found
            .iter()
            .map(|name| {
                let label = match name.kind {
                    NameKind::Person => "PERSON",
                    NameKind::Location => "LOCATION",
                    NameKind::Address => "ADDRESS",
                    _ => "ORG",
                };
                json!({"start": count(name.start), "end": count(name.end), "label": label, "score": name.score})
            })
            .collect();
        writeln!(out, "{}", json!({"id": document.get("id"), "spans": spans}))?;
    }
    Ok(())
}

fn speed(text: &str, out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    Tagger::shared();
    writeln!(out, "unpacked in {:.1} ms", begun.elapsed().as_secs_f64() * 1e3)?;
    let begun = Instant::now();
    let (mut bytes, mut names) = (0usize, 0usize);
    while begun.elapsed() < Duration::from_secs(2) {
        names += Tagger::shared().find(text).len();
        bytes += text.len();
    }
    let megabytes = f64::from(u32::try_from(bytes)?) / 1e6;
    writeln!(out, "{:.3} MB/s, {names} names", megabytes / begun.elapsed().as_secs_f64())?;
    Ok(())
}
