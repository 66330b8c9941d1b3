//! Collects oddities with a bound on each kind.

use std::collections::BTreeMap;
use std::fmt::Display;

use record::Oddity;

/// How many of one kind are told one by one.
const EACH: u64 = 8;

/// Oddities in the order in which they were noticed. A stream of a hundred thousand odd events
/// must not make as many entries, so beyond the first few of a kind only their number is told.
#[derive(Debug, Default)]
pub(crate) struct Oddities {
    list: Vec<Oddity>,
    counts: BTreeMap<&'static str, u64>,
}

impl Oddities {
    pub(crate) fn note(&mut self, code: &'static str) {
        if self.count(code) == 1 {
            self.list.push(Oddity::new(code));
        }
    }

    pub(crate) fn at(&mut self, code: &'static str, place: impl Display) {
        if self.count(code) <= EACH {
            self.list.push(Oddity::at(code, place.to_string()));
        }
    }

    /// Adds those that were noticed elsewhere, of other kinds.
    pub(crate) fn append(&mut self, others: Self) {
        self.list.extend(others.list);
        for (code, count) in others.counts {
            *self.counts.entry(code).or_default() += count;
        }
    }

    fn count(&mut self, code: &'static str) -> u64 {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn into_list(mut self) -> Vec<Oddity> {
        for (code, count) in self.counts {
            let told = self.list.iter().any(|o| o.code == code && o.detail.is_some());
            if told && count > EACH {
                self.list.push(Oddity::at(code, format!("{} more", count - EACH)));
            }
        }
        self.list
    }
}
