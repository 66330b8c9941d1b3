//! A JSON array's own closing bracket.

/// Counts brackets outside of texts.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    at: At,
    depth: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Nothing but white space yet.
    #[default]
    Start,
    /// An object, which is sent whole: its end is the transport's.
    Whole,
    Outside,
    /// In a text.
    Inside,
    /// In a text, after a backslash.
    Escaped,
    /// The array is closed.
    Closed,
}

impl Brackets {
    /// True when the array is closed and nothing but white space follows.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        if self.at == At::Whole {
            return false;
        }
        for byte in bytes {
            self.take(*byte);
        }
        self.at == At::Closed
    }

    fn take(&mut self, byte: u8) {
        self.at = match (self.at, byte) {
            (At::Start | At::Closed, b' ' | b'\t' | b'\r' | b'\n') => self.at,
            (At::Start, b'[') | (At::Outside, b'[' | b'{') => {
                self.depth += 1;
                At::Outside
            }
            // Bytes after the end: it was none.
            (At::Start | At::Closed | At::Whole, _) => At::Whole,
            (At::Outside, b']' | b'}') => {
                self.depth -= 1;
                if self.depth == 0 { At::Closed } else { At::Outside }
            }
            (At::Outside, b'"') | (At::Escaped, _) => At::Inside,
            (At::Inside, b'\\') => At::Escaped,
            (At::Inside, b'"') => At::Outside,
            (at, _) => at,
        };
    }
}
