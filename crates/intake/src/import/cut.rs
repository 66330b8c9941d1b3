//! Files cut into records: one object a line, objects one after the other, or one list of objects.
//!
//! Exports are written in all three ways, and some are cut off in the middle. A record that is
//! broken costs itself and not the ones behind it.

use serde::de::IgnoredAny;

/// A record longer than this, in bytes, is refused: no call is that long, and it must fit into
/// memory.
pub const LONGEST: usize = 64 << 20;

/// What was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// One JSON object, on one line.
    Record {
        /// The line that it begins in, from 1.
        line: u64,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// Something that is no whole object.
    Broken {
        /// The line that it begins in, from 1.
        line: u64,
        /// What is wrong.
        message: String,
    },
}

/// Takes the bytes of one file, in pieces of any size.
#[derive(Debug, Default)]
pub struct Cutter {
    /// Lines that have ended.
    lines: u64,
    /// Inside of a list at the top.
    list: bool,
    state: State,
    record: Vec<u8>,
    /// The line that `record` begins in.
    began: u64,
    /// Open objects and lists of `record`.
    depth: usize,
    /// Where in `record` a line begins that may be a record of its own, and its number.
    candidate: Option<(usize, u64)>,
    /// Whether the byte before was the end of a line.
    line_start: bool,
    /// How often lines were looked at again because the record before them never ended.
    again: u8,
}

/// At most so often, or a file of nothing but heads would be read once for each of them.
const AGAIN: u8 = 64;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between records.
    #[default]
    Between,
    /// In a record, outside of a string.
    Inside,
    /// In a string of a record.
    Text,
    /// Behind a backslash.
    Escape,
    /// In something that is no object, until the line ends.
    Stray,
    /// In the rest of a record that is too long, until the line ends.
    Over,
}

impl Cutter {
    /// Before the first byte.
    pub fn new() -> Self {
        Self { line_start: true, ..Self::default() }
    }

    /// Takes more bytes and gives what they complete.
    pub fn push(&mut self, bytes: &[u8], give: &mut dyn FnMut(Piece)) {
        for byte in bytes {
            self.take(*byte, give);
            self.line_start = *byte == b'\n';
            self.lines += u64::from(self.line_start);
        }
    }

    /// The file ends here.
    pub fn finish(mut self, give: &mut dyn FnMut(Piece)) {
        loop {
            match self.state {
                State::Between if self.list => {
                    give(broken(self.lines + 1, "the file ends before its list does"));
                    return;
                }
                State::Between | State::Over => return,
                State::Stray => self.stray(give),
                State::Inside | State::Text | State::Escape => {
                    self.resume(give);
                    if self.state != State::Between && !self.again(give) {
                        give(broken(self.began, "the file ends in the middle of this record"));
                        return;
                    }
                }
            }
        }
    }

    /// Gives up the line that a record began in, and reads those behind it again.
    fn again(&mut self, give: &mut dyn FnMut(Piece)) -> bool {
        let Some(end) = self.record.iter().position(|byte| *byte == b'\n') else { return false };
        if self.again == AGAIN {
            return false;
        }
        self.again += 1;
        let rest = self.record.split_off(end + 1);
        give(broken(self.began, "the line ends in the middle of this record"));
        self.lines = self.began;
        self.line_start = true;
        self.reset();
        self.push(&rest, give);
        true
    }

    fn take(&mut self, byte: u8, give: &mut dyn FnMut(Piece)) {
        match self.state {
            State::Between => self.between(byte),
            State::Inside => self.inside(byte, give),
            State::Text => match byte {
                // JSON escapes it, so this string has no end.
                b'\n' => {
                    give(broken(self.began, "the line ends in the middle of this record"));
                    self.reset();
                }
                b'"' => self.keep(byte, State::Inside, give),
                b'\\' => self.keep(byte, State::Escape, give),
                _ => self.keep(byte, State::Text, give),
            },
            State::Escape => self.keep(byte, State::Text, give),
            State::Stray if byte == b'\n' => self.stray(give),
            State::Over if byte == b'\n' => self.reset(),
            State::Stray if self.record.len() < 16 => self.record.push(byte),
            State::Stray | State::Over => {}
        }
    }

    fn between(&mut self, byte: u8) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
            b'[' => self.list = true,
            b']' if self.list => self.list = false,
            // A byte order mark.
            0xef | 0xbb | 0xbf if self.lines == 0 => {}
            _ => {
                self.began = self.lines + 1;
                self.record.push(byte);
                self.depth = 1;
                self.state = if byte == b'{' { State::Inside } else { State::Stray };
            }
        }
    }

    fn inside(&mut self, byte: u8, give: &mut dyn FnMut(Piece)) {
        match byte {
            // An object on one line is itself a record, if the one around it has been cut off.
            b'{' if self.line_start => self.candidate = Some((self.record.len(), self.lines + 1)),
            b'\n' => self.resume(give),
            _ => {}
        }
        if self.state == State::Between {
            return;
        }
        match byte {
            b'"' => self.keep(byte, State::Text, give),
            b'{' | b'[' => {
                self.depth += 1;
                self.keep(byte, State::Inside, give);
            }
            b'}' | b']' => {
                self.depth -= 1;
                self.keep(byte, State::Inside, give);
                if self.depth == 0 && self.state == State::Inside {
                    self.whole(give);
                }
            }
            _ => self.keep(byte, State::Inside, give),
        }
    }

    /// Looks whether the line that ends here is a record of its own inside of one that never ended.
    fn resume(&mut self, give: &mut dyn FnMut(Piece)) {
        let Some((from, line)) = self.candidate.take() else { return };
        let Some(own) = self.record.get(from..) else { return };
        let before = self.record.get(..from).unwrap_or_default();
        let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace());
        // In a list an object may stand on a line of its own.
        let fits = last.is_some_and(|byte| b":,[".contains(byte));
        if fits || serde_json::from_slice::<IgnoredAny>(own).is_err() {
            return;
        }
        let bytes = own.to_vec();
        give(broken(self.began, "the line ends in the middle of this record"));
        give(Piece::Record { line, bytes });
        self.reset();
    }

    fn whole(&mut self, give: &mut dyn FnMut(Piece)) {
        let mut bytes = std::mem::take(&mut self.record);
        // White space, since it stands in no text.
        bytes.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|b| *b = b' ');
        let line = self.began;
        self.reset();
        match serde_json::from_slice::<IgnoredAny>(&bytes) {
            Ok(_) => give(Piece::Record { line, bytes }),
            Err(error) => {
                let what = match error.classify() {
                    serde_json::error::Category::Eof => "the record is cut off",
                    _ => "the record is no JSON",
                };
                give(broken(line, &format!("{what}, at its byte {}", error.column())));
            }
        }
    }

    fn stray(&mut self, give: &mut dyn FnMut(Piece)) {
        give(broken(self.began, "expected a JSON object"));
        self.reset();
    }

    fn keep(&mut self, byte: u8, state: State, give: &mut dyn FnMut(Piece)) {
        if self.record.len() < LONGEST {
            self.record.push(byte);
            self.state = state;
            return;
        }
        if self.again(give) {
            return;
        }
        give(broken(self.began, &format!("the record is longer than {LONGEST} bytes")));
        self.reset();
        self.state = State::Over;
    }

    fn reset(&mut self) {
        self.record.clear();
        self.state = State::Between;
        self.depth = 0;
        self.candidate = None;
    }
}

fn broken(line: u64, message: &str) -> Piece {
    Piece::Broken { line, message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, step: usize) -> Vec<String> {
        let mut out = Vec::new();
        let mut give = |piece| match piece {
            Piece::Record { line, bytes } => {
                out.push(format!("{line} {}", String::from_utf8(bytes).unwrap()));
            }
            Piece::Broken { line, message } => out.push(format!("{line}! {message}")),
        };
        let mut cutter = Cutter::new();
        text.as_bytes().chunks(step).for_each(|chunk| cutter.push(chunk, &mut give));
        cutter.finish(&mut give);
        out
    }

    /// What it comes to, which no split of the bytes may change.
    #[track_caller]
    fn same(text: &str, expected: &[&str]) {
        for step in [1, 2, 3, 7, 1000] {
            assert_eq!(cut(text, step), expected, "in steps of {step}");
        }
    }

    #[test]
    fn lines_objects_and_lists() {
        same("{\"a\":1}\n{\"b\":\"}\\\"{\"}\n", &["1 {\"a\":1}", "2 {\"b\":\"}\\\"{\"}"]);
        same("{\"a\":1}{\"b\":2}", &["1 {\"a\":1}", "1 {\"b\":2}"]);
        same("\u{feff}[\n{\"a\":1},\r\n{\"b\":[{}]}\n]\n", &["2 {\"a\":1}", "3 {\"b\":[{}]}"]);
        same(
            "{\n \"a\": [\n{\"b\": 1},\n{\"b\": 2}\n]}\n",
            &["1 {  \"a\": [ {\"b\": 1}, {\"b\": 2} ]}"],
        );
        same("", &[]);
    }

    #[test]
    fn what_is_cut_costs_itself_alone() {
        let middle = "the line ends in the middle of this record";
        let end = "the file ends in the middle of this record";
        same(
            "{\"a\":\"x\n{\"b\":2}\n{\"c\":{\"d\":\n{\"e\":3}\n{\"f\":[1,",
            &[
                &format!("1! {middle}"),
                "2 {\"b\":2}",
                &format!("3! {middle}"),
                "4 {\"e\":3}",
                &format!("5! {end}"),
            ],
        );
        same("[{\"a\":1},", &["1 {\"a\":1}", "1! the file ends before its list does"]);
        same("{\"a\":[1\n{\"b\":2}", &[&format!("1! {middle}"), "2 {\"b\":2}"]);
    }

    #[test]
    fn what_is_no_object_is_told() {
        same(
            "hello\n{\"a\":1}\n17\n",
            &["1! expected a JSON object", "2 {\"a\":1}", "3! expected a JSON object"],
        );
        same("{\"a\":1]\n{\"b\":2}\n", &["1! the record is no JSON, at its byte 7", "2 {\"b\":2}"]);
    }
}
