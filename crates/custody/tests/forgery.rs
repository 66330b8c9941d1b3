//! Every class of forgery × every verifier: each says what is wrong and where, or the table says why
//! it cannot see it. `docs/verification.md` has the same table for people.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![expect(clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

#[path = "forgery/case.rs"]
mod case;
#[path = "forgery/classes.rs"]
mod classes;
mod support;
#[path = "forgery/verifiers.rs"]
mod verifiers;

use std::fmt::Write as _;

use case::{Case, Original};
use classes::{Cell, Place, classes};
use verifiers::{Said, VERIFIERS, Verifiers};

#[test]
fn every_forgery_is_told_by_every_verifier_that_can_see_it() {
    let folder = tempfile::tempdir().unwrap();
    let original = Original::record(folder.path());
    let verifiers = Verifiers::find();

    let clean = original.copy();
    for (name, said) in verifiers.run(&clean, &original.key) {
        assert_eq!(said.code, 0, "{name} on what was recorded: {said:#?}");
    }

    println!("{:44} {}", "", VERIFIERS.map(|name| format!("{name:16}")).join(""));
    let mut wrong = Vec::new();
    for class in classes() {
        let case = original.copy();
        let place = (class.forge)(&case, &original);
        let mut row = format!("{:44}", class.name);
        let said = verifiers.run(&case, &original.key);
        for (name, said) in said {
            let at = VERIFIERS.iter().position(|n| *n == name).unwrap();
            let cell = &class.cells[at];
            write!(row, " {:16}", cell.label()).unwrap();
            if let Err(why) = cell.check(&said, &place) {
                wrong.push(format!("{} × {name}: {why}\n{said:#?}", class.name));
            }
        }
        println!("{row}");
    }
    for class in classes() {
        for (name, cell) in VERIFIERS.iter().zip(&class.cells) {
            if let Cell::Blind(why) = cell {
                println!("{} × {name}: cannot see it: {why}", class.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

impl Cell {
    fn label(&self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::File => "file",
            Self::Says(_) => "told",
            Self::Blind(_) => "-",
        }
    }

    /// Whether a verifier said what this cell asks for.
    fn check(&self, said: &Said, place: &Place) -> Result<(), String> {
        let found = |wanted: &str| said.lines.iter().any(|line| line.contains(wanted));
        let of_record = |line: &String| {
            place.record.is_some_and(|n| {
                let (entry, hash) = (format!("entry {n} "), format!("hash {} ", n % 256));
                line.contains(&format!("record {n}:"))
                    || line.contains(&entry)
                    || line.contains(&hash)
            })
        };
        let good = match self {
            Self::Blind(_) => {
                let silent = said.code == 0;
                return silent.then_some(()).ok_or_else(|| "it saw it: the table is wrong".into());
            }
            Self::Says(words) => said.code != 0 && found(words),
            Self::File => said.code == 1 && found(&place.file),
            Self::Record => {
                let told = |line: &String| line.contains(&place.file) && of_record(line);
                said.code == 1 && said.lines.iter().any(told)
            }
        };
        good.then_some(()).ok_or_else(|| format!("not told as it should be: {place:?}"))
    }
}

/// What a class needs: the copy that is forged, and what was recorded.
type Forge = fn(&Case, &Original) -> Place;
