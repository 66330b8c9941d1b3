//! How well what was found fits what was annotated.
//!
//! The definitions are those of the scorer that goes with the annotated texts: labels are folded
//! into groups; *overlap* is the same group and at least half of what both cover together;
//! *leaked* are letters and digits of a value that nothing covers, whatever it was taken for;
//! *over-masked* are characters outside every annotation.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use unicode_normalization::char::is_combining_mark;

use super::look::Found;
use super::sets::{Document, Gold};
use crate::num;

/// The least share of what two spans cover together that both of them cover.
const OVERLAP: f64 = 0.5;

/// What became of the annotated values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    /// How many there are.
    pub(crate) all: u64,
    /// Found at exactly their places.
    pub(crate) strict: u64,
    /// Found, with an overlap.
    pub(crate) overlap: u64,
    /// Of which something is covered.
    pub(crate) touched: u64,
    /// Of which no letter and no digit is left.
    pub(crate) covered: u64,
    /// Letters and digits of all of them.
    pub(crate) signs: u64,
    /// Those that are left.
    pub(crate) leaked: u64,
}

/// What became of the findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// How many there are.
    pub(crate) all: u64,
    /// At exactly the place of a value.
    pub(crate) strict: u64,
    /// Overlapping a value.
    pub(crate) overlap: u64,
}

/// A group's figures, or those of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Of the values.
    pub(crate) values: Values,
    /// Of the findings.
    pub(crate) findings: Findings,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let (v, o) = (&mut self.values, other.values);
        v.all += o.all;
        v.strict += o.strict;
        v.overlap += o.overlap;
        v.touched += o.touched;
        v.covered += o.covered;
        v.signs += o.signs;
        v.leaked += o.leaked;
        self.findings.all += other.findings.all;
        self.findings.strict += other.findings.strict;
        self.findings.overlap += other.findings.overlap;
    }
}

impl Tally {
    pub(crate) fn recall(&self) -> f64 {
        ratio(self.values.overlap, self.values.all)
    }

    pub(crate) fn precision(&self) -> f64 {
        ratio(self.findings.overlap, self.findings.all)
    }

    pub(crate) fn f1(&self) -> f64 {
        f(self.precision(), self.recall(), 1.0)
    }

    /// Weighs recall four times as much as precision.
    pub(crate) fn f2(&self) -> f64 {
        f(self.precision(), self.recall(), 2.0)
    }

    /// Of exact places.
    pub(crate) fn strict(&self) -> (f64, f64, f64) {
        let recall = ratio(self.values.strict, self.values.all);
        let precision = ratio(self.findings.strict, self.findings.all);
        (recall, precision, f(precision, recall, 1.0))
    }

    pub(crate) fn touched(&self) -> f64 {
        ratio(self.values.touched, self.values.all)
    }

    pub(crate) fn covered(&self) -> f64 {
        ratio(self.values.covered, self.values.all)
    }

    pub(crate) fn leaked(&self) -> f64 {
        ratio(self.values.leaked, self.values.signs)
    }
}

/// Part of a whole; of nothing it is 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    num::float(part) / num::float(whole.max(1))
}

fn f(precision: f64, recall: f64, beta: f64) -> f64 {
    let weight = beta * beta;
    if precision + recall == 0.0 {
        return 0.0;
    }
    (1.0 + weight) * precision * recall / (weight * precision + recall)
}

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Miss {
    /// The label of the value, or of the finding that is none.
    pub(crate) label: String,
    /// It was found where there is no value; otherwise a value was not found.
    pub(crate) wrong: bool,
    /// The characters there.
    pub(crate) text: String,
    /// Letters and digits that are left of the value.
    pub(crate) leaked: u64,
}

/// The figures of a set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    /// By group; groups of which the set has no value are left out.
    pub(crate) groups: BTreeMap<String, Tally>,
    /// What went wrong in these groups.
    pub(crate) misses: Vec<Miss>,
    outside: u64,
    over: u64,
}

impl Scores {
    /// A group's figures.
    pub(crate) fn of(&self, group: &str) -> Tally {
        self.groups.get(group).copied().unwrap_or_default()
    }

    /// All groups together.
    pub(crate) fn micro(&self) -> Tally {
        let mut sum = Tally::default();
        self.groups.values().for_each(|tally| sum += *tally);
        sum
    }

    /// The share of characters outside annotations that is covered.
    pub(crate) fn over_masked(&self) -> f64 {
        ratio(self.over, self.outside)
    }
}

/// Labels that mean the same to a reader are one group.
pub(crate) fn group(label: &str) -> &str {
    match label {
        "ADDRESS" | "ZIP" | "LOCATION" | "STREET_ADDRESS" | "GPE" | "FAC" | "CITY" | "STATE"
        | "STREET_NAME" | "BUILDING_NUMBER" | "SECONDARY_ADDRESS" | "ZIP_CODE" => "LOC",
        "ORGANIZATION" => "ORG",
        "EMAIL_ADDRESS" => "EMAIL",
        "PHONE_NUMBER" => "PHONE",
        "IBAN_CODE" => "IBAN",
        "CREDIT_CARD_NUMBER" => "CREDIT_CARD",
        "GIVEN_NAME" | "SURNAME" | "PER" => "PERSON",
        "TITLE" => "PERSON_TITLE",
        "DOMAIN_NAME" => "URL",
        "SSN" | "TAX_ID" => "US_SSN",
        "DRIVERS_LICENSE" => "US_DRIVER_LICENSE",
        "DATE" | "AGE" => "DATE_TIME",
        "IP" => "IP_ADDRESS",
        other => other,
    }
}

/// Scores a set. With `only`, values of other labels neither count nor make a finding wrong.
pub(crate) fn score(documents: &[Document], found: &[Vec<Found>], only: Option<&[&str]>) -> Scores {
    let mut scores = Scores::default();
    let mut findings: BTreeMap<&str, Findings> = BTreeMap::new();
    let nothing = Vec::new();
    let mut wrong = Vec::new();
    for (i, document) in documents.iter().enumerate() {
        let found = found.get(i).unwrap_or(&nothing);
        let chars: Vec<char> = document.text.chars().collect();
        let counts = |gold: &&Gold| only.is_none_or(|only| only.contains(&gold.label.as_str()));
        let (mut golds, others): (Vec<_>, Vec<_>) = document.spans.iter().partition(counts);
        let hidden = map(chars.len(), found.iter().map(|f| (f.start, f.end)));
        let valued = map(chars.len(), document.spans.iter().map(|g| (g.start, g.end)));
        scores.outside += count(valued.iter().filter(|valued| !**valued));
        scores.over +=
            count(hidden.iter().zip(&valued).filter(|(hidden, gold)| **hidden && !**gold));
        let (mut used, mut exact) = (vec![false; found.len()], vec![false; found.len()]);
        // The longest value chooses first.
        golds.sort_by_key(|gold| std::cmp::Reverse(gold.end.saturating_sub(gold.start)));
        for gold in golds {
            let tally = scores.groups.entry(group(&gold.label).to_owned()).or_default();
            let values = &mut tally.values;
            let place = gold.start..gold.end.max(gold.start);
            let signs = chars.get(place.clone()).unwrap_or_default().iter();
            let signs = signs.zip(hidden.get(place).unwrap_or_default());
            let signs: Vec<_> = signs.filter(|(c, _)| is_sign(**c)).collect();
            let (all, leaked) = (count(signs.iter()), count(signs.iter().filter(|(_, h)| !**h)));
            values.all += 1;
            values.signs += all;
            values.leaked += leaked;
            values.covered += u64::from(leaked == 0);
            values.touched += u64::from(leaked < all);
            let mut best = None;
            let mut most = -1.0;
            for (i, f) in found.iter().enumerate() {
                if group(&f.label) != group(&gold.label) {
                    continue;
                }
                if let Some(exact) = exact.get_mut(i)
                    && !*exact
                    && (f.start, f.end) == (gold.start, gold.end)
                {
                    *exact = true;
                    values.strict += 1;
                }
                let both = gold.end.min(f.end).saturating_sub(gold.start.max(f.start));
                if both == 0 || used.get(i).is_some_and(|used| *used) {
                    continue;
                }
                let either = gold.end.max(f.end) - gold.start.min(f.start);
                let share = ratio(num::count(both), num::count(either));
                if share >= OVERLAP && share > most {
                    (best, most) = (Some(i), share);
                }
            }
            if let Some(used) = best.and_then(|best| used.get_mut(best)) {
                *used = true;
                values.overlap += 1;
            } else {
                scores.misses.push(miss(&gold.label, &chars, gold.start, gold.end, false, leaked));
            }
        }
        for ((f, used), exact) in found.iter().zip(used).zip(exact) {
            let beside = |g: &&&Gold| g.end.min(f.end) > g.start.max(f.start);
            if !used && others.iter().any(|g| beside(&g)) {
                continue;
            }
            let tally = findings.entry(group(&f.label)).or_default();
            tally.all += 1;
            tally.overlap += u64::from(used);
            tally.strict += u64::from(exact);
            if !used {
                wrong.push(miss(&f.label, &chars, f.start, f.end, true, 0));
            }
        }
    }
    for (group, tally) in &mut scores.groups {
        tally.findings = findings.get(group.as_str()).copied().unwrap_or_default();
    }
    wrong.retain(|miss| scores.groups.contains_key(group(&miss.label)));
    scores.misses.extend(wrong);
    scores
}

fn miss(label: &str, chars: &[char], start: usize, end: usize, wrong: bool, leaked: u64) -> Miss {
    let text = chars.get(start..end.max(start)).unwrap_or_default().iter().collect();
    Miss { label: label.to_owned(), wrong, text, leaked }
}

/// Letters and digits, by themselves: vowel signs that stand on others are neither.
fn is_sign(c: char) -> bool {
    c.is_alphanumeric() && !is_combining_mark(c)
}

fn map(length: usize, ranges: impl Iterator<Item = (usize, usize)>) -> Vec<bool> {
    let mut map = vec![false; length];
    for (start, end) in ranges {
        let end = end.min(length);
        if let Some(places) = map.get_mut(start.min(end)..end) {
            places.fill(true);
        }
    }
    map
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    num::count(items.count())
}

#[cfg(test)]
mod tests;
