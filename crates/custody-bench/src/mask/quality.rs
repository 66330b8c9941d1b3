//! How much is found, how much is left, and what is taken that is no value.

use mask::{Entity, Masker};

use super::goals::Title;
use super::look::{self, Found};
use super::report::{Form, Report, Section};
use super::score::{Scores, Tally, group, ratio, score};
use super::sets::{Document, Sets};
use super::streams;
use crate::num;

/// Types with a form that can be checked.
pub(super) const STRUCTURED: [&str; 6] =
    ["CREDIT_CARD", "EMAIL", "IBAN", "US_SSN", "IP_ADDRESS", "PHONE"];
/// What published figures of structured types count besides.
const WIDER: [&str; 2] = ["URL", "US_DRIVER_LICENSE"];
/// People, and where they are.
const NAMES: [&str; 4] = ["PERSON", "LOCATION", "ADDRESS", "ZIP"];
const LETTERS: [&str; 3] = ["presidio_synth_v2", "presidio_gen_large", "datafog_corpus"];
const PROSE: [&str; 9] = [
    "presidio_synth_v2",
    "presidio_gen_large",
    "uner_en_ewt",
    "wnut17_test",
    "uner_de_pud",
    "uner_pt_pud",
    "uner_sv_pud",
    "uner_zh_pud",
    "uner_ru_pud",
];

/// What a reader of the log must not see.
pub(super) fn core() -> Vec<&'static str> {
    [&NAMES[..], &STRUCTURED].concat()
}

/// The sets, and what is found in them.
pub(super) struct Searched<'a> {
    sets: &'a Sets,
    masker: &'a Masker,
    /// Examples to print of what went wrong, for each kind of it.
    examples: usize,
}

impl<'a> Searched<'a> {
    pub(super) fn new(sets: &'a Sets, masker: &'a Masker, examples: usize) -> Self {
        Self { sets, masker, examples }
    }

    /// A set and what is found in it; `None` if it is not there.
    fn set(&self, name: &str) -> Option<(&'a [Document], Vec<Vec<Found>>)> {
        let documents = self.sets.get(name)?;
        let found = documents.iter().map(|d| look::find(self.masker, &d.text)).collect();
        Some((documents, found))
    }

    /// All tables of the folder.
    pub(super) fn print(&self, report: &mut Report, folder: Option<&str>) {
        let mut print = |section: Section| report.print(&section, folder);
        print(self.structured());
        print(self.names());
        print(self.secrets());
        print(self.no_secrets());
        print(self.identifiers());
        print(self.disguised());
        if let Some(documents) = self.sets.get("sse_stream") {
            print(streams::table(documents, self.masker));
        }
    }

    fn structured(&self) -> Section {
        let mut section = Section::new(Title::Structured);
        for name in LETTERS {
            let Some((documents, found)) = self.set(name) else { continue };
            let scores = score(documents, &found, Some(&STRUCTURED));
            let micro = scores.micro();
            section.put("micro F1", name, Form::Share, micro.f1());
            section.put("micro F2", name, Form::Share, micro.f2());
            section.put("micro precision", name, Form::Share, micro.precision());
            for label in STRUCTURED.iter().filter(|label| scores.groups.contains_key(**label)) {
                section.put(&format!("{label} F1"), name, Form::Share, scores.of(label).f1());
            }
            let wider = score(documents, &found, Some(&[&STRUCTURED[..], &WIDER].concat())).micro();
            section.put("micro F1 with URL, licence", name, Form::Share, wider.f1());
            section.put("micro F2 with URL, licence", name, Form::Share, wider.f2());
            self.examples(&mut section, name, &scores);
        }
        section
    }

    fn names(&self) -> Section {
        let mut section = Section::new(Title::Names);
        for name in PROSE {
            let Some((documents, found)) = self.set(name) else { continue };
            let mut scores = score(documents, &found, None);
            section.put("PERSON F1", name, Form::Share, scores.of("PERSON").f1());
            section.put("PERSON recall", name, Form::Share, scores.of("PERSON").recall());
            section.put("PERSON precision", name, Form::Share, scores.of("PERSON").precision());
            section.put("place, address F1", name, Form::Share, scores.of("LOC").f1());
            section.put("place, address leaked", name, Form::Percent, scores.of("LOC").leaked());
            let micro = score(documents, &found, Some(&core())).micro();
            section.put("leaked, core types", name, Form::Percent, micro.leaked());
            section.put("over-masked", name, Form::Percent, scores.over_masked());
            scores.misses.retain(|miss| matches!(group(&miss.label), "PERSON" | "LOC"));
            self.examples(&mut section, name, &scores);
        }
        section
    }

    fn secrets(&self) -> Section {
        let mut section = Section::new(Title::Secrets);
        let sets = ["gitleaks", "betterleaks", "kingfisher", "secretlint", "detectsecrets"];
        let tallies: Vec<Option<Tally>> = sets
            .iter()
            .map(|short| {
                let (documents, found) = self.set(&format!("secrets_{short}"))?;
                let scores = score(documents, &found, Some(&["SECRET"]));
                self.examples(&mut section, short, &scores);
                Some(scores.of("SECRET"))
            })
            .collect();
        let mut put = |name: &str, tally: Tally| {
            section.put("overlap of half", name, Form::Share, tally.recall());
            section.put("touched", name, Form::Share, tally.touched());
            section.put("wholly covered", name, Form::Share, tally.covered());
        };
        for (name, tally) in sets.iter().zip(&tallies) {
            if let Some(tally) = tally {
                put(name, *tally);
            }
        }
        for (a, b) in [(0, 1), (3, 4)] {
            if let (Some(Some(one)), Some(Some(two))) = (tallies.get(a), tallies.get(b)) {
                let mut both = *one;
                both += *two;
                let name = [sets.get(a), sets.get(b)].map(|s| s.copied().unwrap_or_default());
                put(&name.join("+"), both);
            }
        }
        section
    }

    fn no_secrets(&self) -> Section {
        let mut section = Section::new(Title::NoSecrets);
        let mut put = |column: &str, set: &str, has: Option<bool>| {
            let Some((documents, found)) = self.set(set) else { return };
            let texts: Vec<_> =
                documents.iter().zip(&found).filter(|(d, _)| d.has_secret == has).collect();
            let flagged = texts.iter().filter(|(_, f)| f.iter().any(|f| f.label == "SECRET"));
            let flagged = num::count(flagged.count());
            section.put("flagged", column, Form::Share, ratio(flagged, num::count(texts.len())));
            section.put("texts", column, Form::Count, num::float(num::count(texts.len())));
            let wrong = texts
                .iter()
                .filter(|(_, f)| f.iter().any(|f| f.label == "SECRET") != (has == Some(true)));
            let ids: Vec<_> = wrong.map(|(d, _)| d.id.as_str()).take(self.examples).collect();
            if !ids.is_empty() {
                section.note(format!("{column}, wrong: {}", ids.join(", ")));
            }
        };
        put("neg", "secrets_neg", None);
        put("neg_betterleaks", "secrets_neg_betterleaks", None);
        put("leaktk, with", "secrets_docs_leaktk", Some(true));
        put("leaktk, without", "secrets_docs_leaktk", Some(false));
        section
    }

    fn identifiers(&self) -> Section {
        let mut section = Section::new(Title::Identifiers);
        let name = "presidio_unit_ids";
        let Some((documents, found)) = self.set(name) else { return section };
        let mut labels: Vec<&str> =
            documents.iter().flat_map(|d| &d.spans).map(|gold| gold.label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        let all = num::count(labels.len());
        labels.retain(|label| group(label).parse::<Entity>().is_ok());
        let scores = score(documents, &found, Some(&labels));
        let (recall, precision, f1) = scores.micro().strict();
        section.put("strict F1", name, Form::Share, f1);
        section.put("strict recall", name, Form::Share, recall);
        section.put("strict precision", name, Form::Share, precision);
        section.put("types of theirs", name, Form::Count, num::float(all));
        section.put(
            "types that both know",
            name,
            Form::Count,
            num::float(num::count(labels.len())),
        );
        self.examples(&mut section, name, &scores);
        section
    }

    fn disguised(&self) -> Section {
        let mut section = Section::new(Title::Disguised);
        let name = "unicode_evasion";
        let Some((documents, found)) = self.set(name) else { return section };
        for (column, labels) in [("structured", &STRUCTURED[..]), ("credentials", &["SECRET"])] {
            let mut scores = score(documents, &found, Some(labels));
            let micro = scores.micro();
            section.put("wholly covered", column, Form::Share, micro.covered());
            section.put("leaked", column, Form::Percent, micro.leaked());
            scores.misses.retain(|miss| miss.leaked > 0);
            self.examples(&mut section, column, &scores);
        }
        section
    }

    /// The commonest kinds of error first.
    fn examples(&self, section: &mut Section, name: &str, scores: &Scores) {
        if self.examples == 0 {
            return;
        }
        let mut kinds: Vec<((&str, bool), Vec<&str>)> = Vec::new();
        for miss in &scores.misses {
            let kind = (miss.label.as_str(), miss.wrong);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, texts)) => texts.push(&miss.text),
                None => kinds.push((kind, vec![&miss.text])),
            }
        }
        kinds.sort_by_key(|(_, texts)| std::cmp::Reverse(texts.len()));
        for ((label, wrong), texts) in kinds {
            let what = if wrong { "wrong" } else { "missed" };
            let some: Vec<_> = texts.iter().take(self.examples).map(|t| format!("{t:?}")).collect();
            section.note(format!("{name}: {what} {label} {}: {}", texts.len(), some.join(", ")));
        }
    }
}
