//! What the tagger's names still need: clean ends, and silence where they are pieces of code.

use crate::Name;

/// What no name starts or ends with.
const LOOSE: &str = ",;:\"“”„»«<>()[]{}|*_=`";

/// The longest name without a letter, in bytes: a postcode, a house number.
const NUMBER: usize = 12;

/// Trims names, and leaves out what is none: numbers alone, identifiers, pieces of paths.
pub(crate) fn tidy(text: &str, names: Vec<Name>) -> Vec<Name> {
    let trimmed = names.into_iter().filter_map(|name| {
        let body = text.get(name.start..name.end)?;
        let loose = |c: char| c.is_whitespace() || LOOSE.contains(c);
        let left = body.trim_start_matches(loose);
        let start = name.start + body.len() - left.len();
        let body = left.trim_end_matches(loose);
        let name = Name { start, end: start + body.len(), ..name };
        let letters = body.contains(char::is_alphabetic);
        let number = body.len() <= NUMBER && body.contains(char::is_numeric);
        ((letters || number) && !code(text, &name)).then_some(name)
    });
    trimmed.collect()
}

/// Whether a name is a piece of an identifier, a call or a path.
fn code(text: &str, name: &Name) -> bool {
    let (Some(before), Some(body), Some(after)) =
        (text.get(..name.start), text.get(name.start..name.end), text.get(name.end..))
    else {
        return true;
    };
    let glued = |c: char| "_$\\".contains(c);
    if before.ends_with(glued)
        || after.starts_with(glued)
        || before.ends_with("::")
        || after.starts_with("::")
        || after.starts_with('(') && !body.contains(char::is_whitespace)
    {
        return true;
    }
    // Small letters between points and strokes: `sid.example`, `src/jasper`.
    let small = !body.contains(char::is_uppercase) && !body.contains(char::is_whitespace);
    let point = |c: char| "./@#~".contains(c);
    small
        && (before.ends_with(point)
            || after.starts_with(point) && after.chars().nth(1).is_some_and(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NameKind;

    fn kept(text: &str, body: &str) -> Option<String> {
        let start = text.find(body).unwrap();
        let name = Name { start, end: start + body.len(), kind: NameKind::Person, score: 1.0 };
        tidy(text, vec![name]).first().map(|name| text[name.start..name.end].to_owned())
    }

    #[test]
    fn ends_are_clean() {
        assert_eq!(
            kept("for \"Anna Meyer\", please", "\"Anna Meyer\","),
            Some("Anna Meyer".into())
        );
        assert_eq!(kept("a ... b", "..."), None);
    }

    #[test]
    fn numbers_alone_are_short() {
        assert_eq!(kept("in 10115 now", "10115"), Some("10115".into()));
        assert_eq!(kept("12, 13, 14, 15, 16", "12, 13, 14, 15, 16"), None);
    }

    #[test]
    fn pieces_of_code_are_no_names() {
        assert_eq!(kept("let x = jasper_home;", "jasper"), None);
        assert_eq!(kept("Victor::new()", "Victor"), None);
        assert_eq!(kept("call Mark(1)", "Mark"), None);
        assert_eq!(kept("see src/jasper/lib", "jasper"), None);
        assert_eq!(kept("name=Jasper;", "Jasper"), Some("Jasper".into()));
        assert_eq!(kept("{\"n\":\"jasper\"}", "jasper"), Some("jasper".into()));
        assert_eq!(kept("thanks jasper.", "jasper"), Some("jasper".into()));
        assert_eq!(kept("SMITH/JOHN MR", "SMITH"), Some("SMITH".into()));
    }
}
