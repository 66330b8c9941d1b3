//! What people see: colour on a terminal, plain text elsewhere, progress on long work.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// A heading.
pub(crate) const HEAD: Style = Style::new().bold();
/// Something less important.
pub(crate) const DIM: Style = Style::new().dimmed();
/// All is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Something is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A name, an id.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// Text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes a line to standard output; styles are dropped where it is no terminal.
pub(crate) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(anstream::stdout().lock(), "{text}")?;
    Ok(())
}

/// One JSON object as a line.
pub(crate) fn json(value: &Value) -> anyhow::Result<()> {
    line(value)
}

/// An error, on standard error.
pub(crate) fn error(text: &str) {
    // Where even standard error is gone there is nobody left to tell.
    let _untold = writeln!(anstream::stderr().lock(), "{} {text}", paint(BAD, "error:"));
}

/// A remark, on standard error, so that it does not mix with what was asked for.
pub(crate) fn remark(text: &str) {
    let _untold = writeln!(anstream::stderr().lock(), "{}", paint(DIM, text));
}

/// A bar that appears when the work takes over two seconds.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: std::time::Instant,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::hidden();
        let template = "{spinner} {msg} [{bar:30}] {human_pos}/{human_len} {per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, started: std::time::Instant::now() }
    }

    pub(crate) fn set(&self, what: &str, done: u64, all: u64) {
        let terminal = std::io::stderr().is_terminal();
        if terminal && self.bar.is_hidden() && self.started.elapsed() > Duration::from_secs(2) {
            self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        self.bar.set_message(what.to_owned());
        self.bar.set_length(all.max(done));
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Text that may hold anything, safe for a terminal: control and direction characters are shown as
/// escapes, long text is cut.
pub(crate) fn safe(text: &str, longest: usize) -> String {
    let mut out = String::new();
    for (i, c) in text.chars().enumerate() {
        if i == longest {
            out.push('…');
            break;
        }
        let direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}');
        if c == '\n' {
            out.push_str(" ⏎ ");
        } else if c.is_control() || direction {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
