//! Telephone numbers: international, North American, and national forms beside a telling word.

mod plan;
mod words;

pub(crate) use words::phrases;
use words::{OTHER, PERSONAL, STRONG, WEAK};

use super::number::Number;
use super::shape::{glued, in_opaque_token, is_date, number as value};
use super::{Found, span};
use crate::bytes::{at, before, slice};
use crate::context::{Side, Surroundings};
use crate::entity::Entity;
use crate::words::Scene;

/// A number right before one of these is one if it has the form of a national number.
const AFTER: [&str; 7] = ["office", "fax", "mobile", "cell", "phone", "home", "landline"];
/// Nobody writes a number in more groups.
const MOST_GROUPS: usize = 8;

/// Looks for one phone number among the groups of a number.
pub(crate) fn detect(
    scene: &Scene<'_>,
    number: &Number,
    near: &mut Surroundings,
    found: &mut Found,
) {
    if number.digits < 6 {
        return;
    }
    let groups = number.groups().len();
    let mut first = 0;
    while first < groups {
        // The longest form wins: a country code belongs to the number.
        let fit = (first..groups.min(first + MOST_GROUPS)).rev().find_map(|last| {
            let form = Form::read(scene.text, number, first, last)?;
            form.score(scene, near).map(|score| (form, last, score))
        });
        let Some((form, last, score)) = fit else {
            first += 1;
            continue;
        };
        let end = with_extension(scene.text, form.end);
        found.push(span((form.start, end), Entity::Phone, score, "phone"));
        first = last + 1;
    }
}

/// Some groups of a number, looked at as a phone number.
struct Form<'a> {
    text: &'a [u8],
    number: &'a Number,
    first: usize,
    last: usize,
    start: usize,
    end: usize,
    digits: usize,
    plus: bool,
}

impl<'a> Form<'a> {
    fn read(text: &'a [u8], number: &'a Number, first: usize, last: usize) -> Option<Self> {
        let groups = number.groups().get(first..=last)?;
        let (open, _) = *groups.first()?;
        let (_, end) = *groups.last()?;
        let digits = groups.iter().map(|(from, to)| to - from).sum();
        let whole = first == 0;
        let mut start = if whole { number.start } else { open };
        let plus = whole && number.plus;
        // A bracket that closes before the number ends opens before it begins.
        if slice(text, start, end).contains(&b')') {
            if before(text, start, 1) == b'(' {
                start -= 1;
            }
        } else if at(text, start) == b'(' {
            start += 1;
        }
        let form = Self { text, number, first, last, start, end, digits, plus };
        ((6..=15).contains(&digits) && form.stands_alone()).then_some(form)
    }

    fn group(&self, i: usize) -> &'a [u8] {
        if i > self.last - self.first {
            return &[];
        }
        self.number.group(self.text, self.first + i)
    }

    fn separator(&self, i: usize) -> &'a [u8] {
        if i >= self.last - self.first {
            return &[];
        }
        self.number.separator(self.text, self.first + i)
    }

    fn count(&self) -> usize {
        self.last - self.first + 1
    }

    fn stands_alone(&self) -> bool {
        let left = before(self.text, self.start, 1);
        let right = at(self.text, self.end);
        let money = matches!(left, b'$' | b'#') || right == b'%';
        let decimal = matches!(left, b'.' | b',')
            && before(self.text, self.start, 2).is_ascii_digit()
            || matches!(right, b'.' | b',' | b':') && at(self.text, self.end + 1).is_ascii_digit()
            || left == b':' && before(self.text, self.start, 2).is_ascii_digit();
        let inner = self.separator(0);
        let joined = |edge: &[u8]| {
            !edge.is_empty() && (edge == inner || edge != b" " && !edge.contains(&b'('))
        };
        let cut = self.first.checked_sub(1).map(|i| self.number.separator(self.text, i));
        let rest = self.number.separator(self.text, self.last);
        let joined = cut.is_some_and(joined) || joined(rest);
        let named = glued(self.text, self.start, self.end)
            || in_opaque_token(self.text, self.start, with_extension(self.text, self.end));
        !(money || decimal || joined || named || self.holds_date() && !self.is_pairs())
    }

    fn holds_date(&self) -> bool {
        (0..self.count().saturating_sub(2)).any(|i| {
            self.separator(i) == self.separator(i + 1)
                && self.separator(i).len() == 1
                && is_date(self.group(i), self.group(i + 1), self.group(i + 2))
                && !(self.separator(i) == b" " && self.count() > 3)
        })
    }

    fn score(&self, scene: &Scene<'_>, near: &mut Surroundings) -> Option<f32> {
        if self.plus {
            let mut digits = [0_u8; 15];
            let all = (0..self.count()).flat_map(|i| self.group(i));
            digits.iter_mut().zip(all).for_each(|(slot, digit)| *slot = *digit);
            let digits = slice(&digits, 0, self.digits);
            return (plan::is_possible(digits) && !self.is_dotted_list()).then_some(0.95);
        }
        if self.is_north_american() {
            return Some(0.9);
        }
        if self.is_abroad() || self.is_pairs() {
            return Some(0.8);
        }
        let context = near.of(scene, self.start, self.end);
        let near = |topics, reach| {
            context.relation(topics, OTHER).filter(|r| r.distance <= reach && r.side != Side::After)
        };
        let strong = near(STRONG, 24);
        if strong.is_some_and(|r| self.is_plausible(r.side == Side::Key || r.distance <= 14)) {
            return Some(0.85);
        }
        if !self.is_spaced_thousands() && near(OTHER, 24).is_some() || self.is_range() {
            return None;
        }
        let personal = near(PERSONAL, 24).is_some_and(|r| r.side != Side::Key && !r.stopped);
        // Chats have keys such as `text` over everything.
        let weak = near(WEAK, 40).is_some_and(|r| r.side != Side::Key);
        let after = scene.after(self.end, 8, &AFTER) && self.ends_line_after_word();
        let spread = self.count() > 1 && self.digits >= 6 && self.is_plausible(false);
        let loose = self.digits >= 7 && (personal || !self.is_spaced_thousands());
        if after && spread
            || (weak || personal) && spread && loose
            || self.is_national() && self.count() > 2
        {
            return Some(0.7);
        }
        let plain = (weak || after) && self.is_plain_national()
            || (personal || after) && self.is_run(after);
        (self.count() == 1 && plain && !self.is_assigned()).then_some(0.6)
    }

    /// `0044 20 7946 0958`: two zeros for the `+`.
    fn is_abroad(&self) -> bool {
        let mut digits = [0_u8; 15];
        let all = (0..self.count()).flat_map(|i| self.group(i));
        digits.iter_mut().zip(all).for_each(|(slot, digit)| *slot = *digit);
        let digits = slice(&digits, 0, self.digits);
        let blanks = (0..self.count() - 1).all(|i| matches!(self.separator(i), b" " | b"-"));
        let code = matches!(self.group(0).len(), 4 | 5);
        code && self.count() > 2
            && blanks
            && digits.strip_prefix(b"00").is_some_and(plan::is_possible)
    }

    /// `06.12.34.56.78`, as in France.
    fn is_pairs(&self) -> bool {
        let head = self.group(0);
        self.count() == 5
            && at(head, 0) == b'0'
            && at(head, 1) != b'0'
            && (0..5).all(|i| self.group(i).len() == 2)
            && (0..4).all(|i| self.separator(i) == b".")
            && (1..5).any(|i| value(self.group(i)) != value(self.group(i - 1)) + 1)
    }

    /// Eight to twelve digits in one run that are no date and no time.
    fn is_run(&self, from_line: bool) -> bool {
        let run = self.group(0);
        let date = run.len() == 8
            && (is_date(slice(run, 0, 4), slice(run, 4, 6), slice(run, 6, 8))
                || is_date(slice(run, 0, 2), slice(run, 2, 4), slice(run, 4, 8)));
        let epoch = run.len() == 10 && matches!(value(slice(run, 0, 2)), 10..=19);
        let fresh = !from_line || matches!(before(self.text, self.start, 1), b'\n' | 0);
        (8..=12).contains(&run.len()) && !date && !epoch && fresh
    }

    /// Two bounds: years, message numbers.
    fn is_range(&self) -> bool {
        let (from, to) = (value(self.group(0)), value(self.group(1)));
        self.count() == 2
            && self.group(0).len() == self.group(1).len()
            && self.group(0).len() <= 4
            && self.separator(0).contains(&b'-')
            && from < to
            && to < 3000
    }

    /// A constant in code: `pub const CALL: u32 = 2147790711`.
    fn is_assigned(&self) -> bool {
        let left = before(self.text, self.start, 1);
        let left = if left == b' ' { before(self.text, self.start, 2) } else { left };
        left == b'=' && before(self.text, self.start, 1) == b' '
    }

    /// Sections of a standard behind a name that ends with `+`, or a year of many digits.
    fn is_dotted_list(&self) -> bool {
        let single = (0..self.count()).filter(|i| self.group(*i).len() == 1).count();
        let year = self.count() == 3
            && self.group(0).len() >= 4
            && self.group(1).len() == 2
            && self.group(2).len() == 2;
        single > 3 || year
    }

    /// Area, exchange and line, with the separators of North America.
    fn is_north_american(&self) -> bool {
        let extra = self.count().saturating_sub(3);
        let prefix = extra == 0 || extra == 1 && matches!(self.group(0), b"1" | b"001");
        let lengths = [0, 1, 2].map(|i| self.group(extra + i).len());
        let separators = (self.separator(extra), self.separator(extra + 1));
        let bracket = slice(self.text, self.start, self.end).contains(&b'(');
        let telling = match separators {
            (b"-", b"-") | (b".", b".") => true,
            (b") " | b")" | b")-", b"-" | b" " | b".") => bracket,
            (b" ", b" " | b"-") => {
                let code = |i: usize| self.group(extra + i).first().is_some_and(|b| *b >= b'2');
                code(0) && code(1)
            }
            _ => false,
        };
        prefix && telling && lengths == [3, 3, 4]
    }

    /// `8e 02 54 21 95 22 b1`: octets among others.
    fn is_in_dump(&self) -> bool {
        let octet = |from: usize| {
            let pair = slice(self.text, from, from + 2);
            let hex = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
            hex.then(|| pair.iter().any(u8::is_ascii_digit))
        };
        let left = (before(self.text, self.start, 1) == b' ').then(|| self.start.checked_sub(3));
        let left = left.flatten().and_then(octet);
        let right = (at(self.text, self.end) == b' ').then(|| octet(self.end + 1)).flatten();
        let pairs = (0..self.count()).all(|i| self.group(i).len() == 2);
        pairs && (left == Some(true) || right == Some(true) || left.is_some() && right.is_some())
    }

    /// A trunk zero or a bracketed area code, and groups as people write them.
    fn is_national(&self) -> bool {
        let bracket = at(self.text, self.start) == b'(' && self.group(0).len() >= 2;
        let head = self.group(0);
        let trunk = at(head, 0) == b'0' && at(head, 1) != b'0' && head.len() >= 2;
        let even = (1..self.count()).all(|i| self.group(i).len() >= 2)
            && (1..self.count() - 1).all(|i| matches!(self.separator(i), b" " | b"-"));
        let counts_up = (1..self.count())
            .all(|i| value(self.group(i)) == value(self.group(i - 1)).wrapping_add(1));
        (bracket && self.digits >= 9 || trunk && (9..=11).contains(&self.digits))
            && even
            && !counts_up
            && !self.is_in_dump()
    }

    /// Ten or eleven digits in one run that do not look like a time.
    fn is_plain_national(&self) -> bool {
        let head = self.group(0);
        match head.len() {
            10 => at(head, 0) >= b'2' || at(head, 0) == b'0',
            11 => matches!(at(head, 0), b'0' | b'1'),
            _ => false,
        }
    }

    /// What a number after the word `phone` still may not be.
    fn is_plausible(&self, labelled: bool) -> bool {
        let one_run = self.count() == 1;
        let epoch =
            one_run && at(self.group(0), 0) == b'1' && matches!(self.digits, 10 | 13) && !labelled;
        let dots = (0..self.count() - 1).filter(|i| self.separator(*i) == b".").count();
        let tiny = (0..self.count()).filter(|i| self.group(*i).len() == 1).count();
        !(epoch
            || one_run && self.digits < 7
            || dots == 1
            || tiny > 2
            || tiny > 1 && self.digits < 8)
    }

    /// `12 345 678` is an amount more often than a phone number.
    fn is_spaced_thousands(&self) -> bool {
        self.group(0).len() <= 3
            && self.count() > 1
            && (1..self.count()).all(|i| self.group(i).len() == 3)
            && (0..self.count() - 1).all(|i| self.separator(i) == b" ")
    }

    /// `100 000 mobile users` is an amount; a word that labels a number ends the line.
    fn ends_line_after_word(&self) -> bool {
        let rest = self.text.get(self.end..).unwrap_or_default();
        let word = rest.iter().skip(1).position(|b| !b.is_ascii_alphabetic());
        word.is_none_or(|n| !matches!(at(rest, n + 1), b' ') || at(rest, n + 2) == b'\n')
    }
}

/// Takes in `x123`, ` x123`, ` ext. 123`.
fn with_extension(text: &[u8], end: usize) -> usize {
    let mut i = end + usize::from(at(text, end) == b' ');
    let word = [&b"extension"[..], b"ext.", b"ext", b"x"].into_iter().find(|word| {
        text.get(i..i + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word))
    });
    let Some(word) = word else { return end };
    i += word.len();
    i += usize::from(at(text, i) == b' ');
    let stop = super::number::end_of_digits(text, i);
    if (1..=6).contains(&(stop - i)) { stop } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::{no, yes};

    #[test]
    fn forms_that_need_no_word() {
        for value in [
            "+1-984-182-0190",
            "+447700677662",
            "+46 (0)8 928 571 38",
            "+41 (0)38 549 02 90",
            "(579)888-3058",
            "(579) 888-3058 ext. 12",
            "201-948-1927",
            "930.167.3943",
            "001-518-640-0854",
            "001-846-853-9089x92556",
            "1-800-555-0199",
            "0487 98 11 92",
            "024 971 50 30",
            "(08) 8747 6301",
            "(71) 4233-6306",
            "0044 20 7946 0958",
            "06.12.34.56.78",
        ] {
            yes(Entity::Phone, &format!("so {value}, then"), value);
        }
    }

    #[test]
    fn forms_that_need_one() {
        for value in ["467 3395", "60-56-85-91", "21 284 698 2548", "9469 9966", "51 516 33 75"] {
            yes(Entity::Phone, &format!("Phone:\n{value}\n"), value);
        }
        yes(Entity::Phone, "call me on 5551234567", "5551234567");
        yes(Entity::Phone, "call me on 42027106", "42027106");
        yes(Entity::Phone, "телефон 351-29-66", "351-29-66");
        yes(Entity::Phone, "my number is 781 951 585", "781 951 585");
        yes(Entity::Phone, "416 60 039 office\n", "416 60 039");
    }

    #[test]
    fn keys_of_every_chat_are_no_words() {
        let masker = crate::Masker::new(crate::Policy::default(), [0; 32]);
        assert_eq!(masker.anywhere().find_below("12 3456 789", &["text", "messages"]), []);
    }

    #[test]
    fn other_numbers_are_none() {
        for text in [
            "550e8400-e29b-41d4-a716-446655440000",
            "2024-01-31 10",
            "31.12.2024",
            "call 2024-01-31",
            "1712345678",
            "1712345678901",
            "call back at 1712345678901",
            "pub const VHOST_SET_CALL: u32 = 2148052769",
            "calls in 1989-2022",
            "+9999-12-31",
            "+100000101",
            "C++14 20.8.2.2.4",
            "call me on 20240131",
            "$1 234 567",
            "12 345 678 people",
            "100 000 mobile users",
            "id 555-1234",
            "01 02 03 04 05",
            "01.02.03.04.05",
            "dd 60 8e 02 54 21 95 22 b1 90",
            "0012 3456 7890",
            "3.14159265",
            "order 12345678",
            "/orders/123-456-7890",
            "pkg-123-456-7890",
            "192.168.100.200",
            "12:30:45",
            "10 000 000",
        ] {
            no(Entity::Phone, text);
        }
    }
}
