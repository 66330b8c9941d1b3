//! What masking is to reach.

/// A limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// This much or more.
    Least(f64),
    /// This much or less.
    Most(f64),
}

impl Goal {
    /// Whether a figure keeps to it.
    pub(crate) fn met(self, value: f64) -> bool {
        match self {
            Self::Least(limit) => value >= limit,
            Self::Most(limit) => value <= limit,
        }
    }
}

const SYNTH: &str = "presidio_synth_v2";
const LARGE: &str = "presidio_gen_large";
const EWT: &str = "uner_en_ewt";

/// The goal of a figure, if it has one. `of` is the set, or whatever else the column stands for.
pub(crate) fn goal(table: Title, measure: &str, of: &str) -> Option<Goal> {
    use Goal::{Least, Most};
    let letters = of == SYNTH || of == LARGE;
    match (table, measure) {
        (Title::Structured, "micro F1") if letters => Some(Least(0.95)),
        (Title::Structured, "micro F2") if letters => Some(Least(0.94)),
        (Title::Structured, "micro precision") if letters => Some(Least(0.98)),
        (Title::Structured, "PHONE F1") => (of == SYNTH).then_some(Least(0.88)),
        (Title::Structured, measure) if letters && measure.ends_with("F1") => {
            (!measure.starts_with("micro")).then_some(Least(0.99))
        }
        (Title::Names, "PERSON F1") => match of {
            SYNTH => Some(Least(0.86)),
            LARGE => Some(Least(0.88)),
            EWT => Some(Least(0.84)),
            _ => None,
        },
        (Title::Names, "leaked, core types") if letters => Some(Most(0.12)),
        (Title::Names, "over-masked") => Some(Most(0.015)),
        (Title::Secrets, _) => match of {
            "gitleaks+betterleaks" => Some(Least(0.98)),
            "kingfisher" => Some(Least(0.90)),
            "secretlint+detectsecrets" => Some(Least(0.85)),
            _ => None,
        },
        (Title::NoSecrets, "flagged") => match of {
            "neg" | "neg_betterleaks" => Some(Most(0.12)),
            "leaktk, without" => Some(Most(0.15)),
            "leaktk, with" => Some(Least(0.80)),
            _ => None,
        },
        (Title::Identifiers, "strict F1") => Some(Least(0.90)),
        (Title::Disguised, "wholly covered") => Some(Least(0.97)),
        (Title::Streams, "as the plain text") => Some(Least(1.0)),
        (Title::Streams, "values left") => Some(Most(0.0)),
        (Title::Stays, _) => (of == "masked").then_some(Most(0.0)),
        (Title::Code, "without EMAIL") => (of != "examples").then_some(Most(0.001)),
        (Title::Speed, "always on, MB/s") => (of == "mix").then_some(Least(60.0)),
        (Title::Speed, "10 KB prompt, p99, ms") => (of == "mix").then_some(Most(0.5)),
        (Title::Speed, "names tier, MB/s") => match of {
            "prose" => Some(Least(0.25)),
            "90 % met before" => Some(Least(2.0)),
            _ => None,
        },
        (Title::Start, "start, s") => Some(Most(0.15)),
        (Title::Start, "memory, MB") => Some(Most(64.0)),
        _ => None,
    }
}

/// The tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Title {
    Structured,
    Names,
    Secrets,
    NoSecrets,
    Identifiers,
    Disguised,
    Streams,
    Stays,
    Code,
    Speed,
    Start,
    Presidio,
}

impl Title {
    /// For machines.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Structured => "structured",
            Self::Names => "names",
            Self::Secrets => "secrets",
            Self::NoSecrets => "no_secrets",
            Self::Identifiers => "identifiers",
            Self::Disguised => "disguised",
            Self::Streams => "streams",
            Self::Stays => "stays",
            Self::Code => "code",
            Self::Speed => "speed",
            Self::Start => "start",
            Self::Presidio => "presidio",
        }
    }

    /// For people.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Structured => {
                "Structured types (overlap of half; micro over card, e-mail, IBAN, SSN, IP, phone)"
            }
            Self::Names => {
                "Names (every finding counts; core types: persons, places, addresses, structured)"
            }
            Self::Secrets => "Credentials in the fixtures of scanners (share of them)",
            Self::NoSecrets => "Texts flagged for a credential (share of them)",
            Self::Identifiers => "Identifiers in the tests of another tool, types that both know",
            Self::Disguised => "Values in Unicode's disguises",
            Self::Streams => "Streams cut at 1 to 7 characters, read by the recorder's reader",
            Self::Stays => "What must stay (texts)",
            Self::Code => "Code and data (share of characters masked)",
            Self::Speed => "Speed of one core, by its CPU time",
            Self::Start => "A fresh process with the detectors that are always on (median of five)",
            Self::Presidio => "Beside Presidio, on the same texts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Goal, Title, goal};

    #[test]
    fn goals_by_table_measure_and_set() {
        let at = |title, measure| goal(title, measure, "presidio_synth_v2");
        assert_eq!(at(Title::Structured, "PHONE F1"), Some(Goal::Least(0.88)));
        assert_eq!(at(Title::Structured, "IBAN F1"), Some(Goal::Least(0.99)));
        assert_eq!(at(Title::Structured, "micro F1 with URL, licence"), None);
        assert_eq!(goal(Title::Structured, "PHONE F1", "presidio_gen_large"), None);
        assert!(Goal::Most(0.0).met(0.0) && !Goal::Least(1.0).met(0.999));
    }
}
