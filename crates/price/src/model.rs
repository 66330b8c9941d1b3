//! Which entry a model's id means: the name in the table, or one with a version after it.
//!
//! Ids come as providers write them: `gpt-4o-2024-08-06`, `claude-sonnet-4@20250514`,
//! `models/gemini-2.5-pro`, `us.anthropic.claude-3-5-sonnet-20241022-v2:0`, or that at the end of
//! an ARN.

/// What was taken away from an id to come to an entry's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The path before it: an ARN's, or `models/`.
    Path,
    /// A region or `global.` before it.
    Region,
    /// A version after it.
    Version,
}

impl Step {
    /// In words, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "without the path before it",
            Self::Region => "without the region before it",
            Self::Version => "without the version after it",
        }
    }
}

/// Before a Bedrock id: where a cross-region profile may send the call.
const REGIONS: [&str; 8] = ["us", "eu", "apac", "ap", "jp", "au", "us-gov", "global"];

/// The id's forms, from the id itself to the shortest; the first that a table has is meant. So an
/// entry for one version is met before the one for all of them, and an entry for one region before
/// the one for any.
pub(crate) fn forms(id: &str) -> impl Iterator<Item = (&str, Vec<Step>)> {
    let bare = without_path(id);
    let regionless = without_region(bare);
    let mut starts = vec![(id, Vec::new())];
    let mut steps = Vec::new();
    if bare != id {
        steps.push(Step::Path);
        starts.push((bare, steps.clone()));
    }
    if regionless != bare {
        steps.push(Step::Region);
        starts.push((regionless, steps));
    }
    starts.into_iter().flat_map(|(start, steps)| {
        std::iter::successors(Some((start, steps)), |(id, steps)| {
            let shorter = without_version(id)?;
            let mut steps = steps.clone();
            if steps.last() != Some(&Step::Version) {
                steps.push(Step::Version);
            }
            Some((shorter, steps))
        })
    })
}

/// Profiles and models by ARN end in the id; those that a company made itself end in a name that
/// says nothing, which no table has.
fn without_path(id: &str) -> &str {
    let after_slash = id.rsplit('/').next().unwrap_or(id);
    let path = id.starts_with("arn:")
        || id.starts_with("models/")
        || id.starts_with("publishers/")
        || id.starts_with("projects/");
    if path { after_slash } else { id }
}

fn without_region(id: &str) -> &str {
    match id.split_once('.') {
        // A vendor follows: `us.amazon.nova-…`, but not `us.` of some other naming.
        Some((region, rest)) if REGIONS.contains(&region) && rest.contains('.') => rest,
        _ => id,
    }
}

/// The id without the last thing after it that is a version: a date, a number of three digits or
/// more, `latest`, `v1`, `v2:0`, anything after `@`.
fn without_version(id: &str) -> Option<&str> {
    let split = |at: char| id.rsplit_once(at).filter(|(before, _)| !before.is_empty());
    if let Some((before, _)) = split('@') {
        return Some(before);
    }
    if let Some((before, revision)) = split(':') {
        // `v2:0` is one version, and so is the `v2` in it.
        return digits(revision, 1..=2).then_some(before);
    }
    let (before, last) = split('-')?;
    if let Some(before) = dated(id) {
        return Some(before);
    }
    let numbered = last.strip_prefix('v').is_some_and(|number| digits(number, 1..=2));
    let version = digits(last, 3..=4) || digits(last, 8..=8) || last == "latest" || numbered;
    version.then_some(before)
}

/// The id before `-2024-08-06`.
fn dated(id: &str) -> Option<&str> {
    let mut from_end = id.rsplitn(4, '-');
    let (day, month, year) = (from_end.next()?, from_end.next()?, from_end.next()?);
    let before = from_end.next().filter(|before| !before.is_empty())?;
    (digits(day, 2..=2) && digits(month, 2..=2) && digits(year, 4..=4)).then_some(before)
}

fn digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(id: &str, name: &str) -> bool {
        forms(id).any(|(form, _)| form == name)
    }

    #[test]
    fn versions_come_off() {
        for (id, name) in [
            ("gpt-4o", "gpt-4o"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("claude-3-7-sonnet-latest", "claude-3-7-sonnet"),
            ("claude-sonnet-4-20250514", "claude-sonnet-4"),
            ("claude-sonnet-4@20250514", "claude-sonnet-4"),
            ("claude-sonnet-4@default", "claude-sonnet-4"),
            ("gemini-2.0-flash-001", "gemini-2.0-flash"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("projects/p/locations/l/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("grok-4-0709", "grok-4"),
            ("amazon.nova-pro-v1:0", "amazon.nova-pro"),
            ("us.amazon.nova-pro-v1:0", "amazon.nova-pro"),
            ("anthropic.claude-3-5-sonnet-20241022-v2:0", "anthropic.claude-3-5-sonnet"),
            ("apac.anthropic.claude-3-5-sonnet-20241022-v2:0", "anthropic.claude-3-5-sonnet"),
            (
                "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
                "amazon.nova-lite",
            ),
            (
                "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-lite-v1:0",
                "amazon.nova-lite",
            ),
        ] {
            assert!(reaches(id, name), "{id}: {:?}", forms(id).collect::<Vec<_>>());
        }
    }

    #[test]
    fn other_models_stay_others() {
        for (id, name) in [
            ("gpt-4o-mini", "gpt-4o"),
            ("gpt-4o-mini-2024-07-18", "gpt-4o"),
            ("gpt-4.1", "gpt-4"),
            ("gpt-4-32k", "gpt-4"),
            ("gpt-4-1106-preview", "gpt-4"),
            ("gpt-4o-audio-preview-2024-12-17", "gpt-4o"),
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4"),
            ("claude-opus-4-1", "claude-opus-4"),
            ("gemini-2.5-flash-lite", "gemini-2.5-flash"),
            ("gemini-2.5-flash-image", "gemini-2.5-flash"),
            ("gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
            ("ft:gpt-4o-2024-08-06:acme::abc123", "gpt-4o"),
            ("gpt-4o-2024-08-06.ft-0123", "gpt-4o"),
            ("amazon.nova-pro-v1:0:24k", "amazon.nova-pro"),
            ("openai/gpt-4o", "gpt-4o"),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/mi1dadi0g15f", "mi1dadi0"),
            ("", "gpt-4o"),
        ] {
            assert!(!reaches(id, name), "{id}");
        }
    }

    #[test]
    fn the_longest_form_comes_first_and_says_what_went() {
        let forms: Vec<_> = forms("us.anthropic.claude-3-5-sonnet-20241022-v2:0").collect();
        let names: Vec<&str> = forms.iter().map(|(form, _)| *form).collect();
        assert_eq!(names[0], "us.anthropic.claude-3-5-sonnet-20241022-v2:0");
        assert_eq!(names[3], "us.anthropic.claude-3-5-sonnet");
        assert_eq!(names[4], "anthropic.claude-3-5-sonnet-20241022-v2:0");
        assert_eq!(names.last(), Some(&"anthropic.claude-3-5-sonnet"));
        assert_eq!(forms[3].1, [Step::Version]);
        assert_eq!(forms.last().unwrap().1, [Step::Region, Step::Version]);
    }

    #[test]
    fn no_id_is_too_odd() {
        for id in
            ["-", "--", "@", ":", ".", "us.", "us..", "-2024-08-06", "é-ü@ß", "a-v", "arn:", "/"]
        {
            assert!(forms(id).count() < 20, "{id}");
        }
        assert!(forms(&"-001".repeat(1000)).count() <= 1001);
    }
}
