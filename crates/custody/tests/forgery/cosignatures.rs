//! Forged cosignatures, with and without a policy.

use tlog::{CosigningKey, Note};

use crate::Forge;
use crate::case::{Case, Original};
use crate::classes::{
    Blind, Cell, File, OLDER, OPERATOR, Place, Says, at, dropped_all, operator, other_digit,
};

/// The table's columns.
pub(crate) const COLUMNS: [&str; 5] =
    ["verify", "verify --policy", "custody-verify", "c.-v. --policy", "verify.py"];

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) forge: Forge,
    pub(crate) cells: [Cell; 5],
}

const NO_POLICY: &str = "without a policy nobody is trusted to cosign, and no cosignature is read";
pub(crate) const NO_ANCHORS: &str = "it reads no anchors";
pub(crate) const KEPT_BY_OPERATOR: &str = "what is kept of a witness is in the operator's hands: the quorum \
                                stands still at the size before, which it says; the witness knows";

/// A row that only the two with a policy see.
fn row(name: &'static str, forge: Forge, verify: Cell, offline: Cell) -> Row {
    let cells = [Blind(NO_POLICY), verify, Blind(NO_POLICY), offline, Blind(NO_ANCHORS)];
    Row { name, forge, cells }
}

pub(crate) fn rows() -> Vec<Row> {
    let none = || Says("does not hold for any checkpoint");
    let operators = |name, forge, verify, offline| {
        let cells = [Blind(OPERATOR), verify, Blind(OPERATOR), offline, Blind(OPERATOR)];
        Row { name, forge, cells }
    };
    vec![
        row("cosignature changed", changed, File, File),
        row("cosignature of another checkpoint", exchanged, File, File),
        row("checkpoint above a cosignature changed", head_changed, File, File),
        row("log's signature above a cosignature changed", log_changed, File, File),
        row("newest cosignature by an unknown witness", |c, _| unknown(c, 1), kept(), kept()),
        row(
            "all cosignatures by an unknown witness",
            |c, _| unknown(c, usize::MAX),
            none(),
            none(),
        ),
        row("removed: newest cosignature", |c, _| removed(c, 1), kept(), kept()),
        row("removed: all cosignatures", |c, _| removed(c, usize::MAX), none(), none()),
        operators(
            "operator signs another log",
            operator,
            Says("written anew"),
            Says("written anew"),
        ),
        operators("the same, later cosignatures removed", forked_and_removed, kept(), kept()),
        Row {
            name: "tail and journal dropped",
            forge: dropped_all,
            cells: [Blind(OLDER), Says("cut back"), Blind(OLDER), Says("cut back"), Blind(OLDER)],
        },
    ]
}

fn kept() -> Cell {
    Blind(KEPT_BY_OPERATOR)
}

/// The file as every verifier names it: within the ledger.
fn place(name: &str) -> Place {
    at(name.trim_start_matches("c1/ledger/"), None)
}

/// The newest cosigned note with its line of this number exchanged for what `edit` makes of it.
fn edited(case: &Case, edit: impl FnOnce(&str) -> String) -> Place {
    let (_, name, note) = case.cosigned().pop().unwrap();
    let forged = edit(&note);
    assert_ne!(forged, note);
    case.write(&name, forged.as_bytes());
    place(&name)
}

/// Lines of a note: origin, size, root, nothing, the log's signature, the witness's.
fn changed(case: &Case, _: &Original) -> Place {
    edited(case, |note| {
        let digits = note.split('\n').nth(5).unwrap().chars().count();
        other_digit(note, 5, digits - 20)
    })
}

fn log_changed(case: &Case, _: &Original) -> Place {
    edited(case, |note| {
        let digits = note.split('\n').nth(4).unwrap().chars().count();
        other_digit(note, 4, digits - 20)
    })
}

fn head_changed(case: &Case, _: &Original) -> Place {
    edited(case, |note| other_digit(note, 2, 5))
}

fn exchanged(case: &Case, _: &Original) -> Place {
    let (_, _, other) = case.cosigned().remove(0);
    edited(case, |note| {
        let line = |note: &str| note.split('\n').nth(5).unwrap().to_owned();
        note.replace(&line(note), &line(&other))
    })
}

/// The newest so many, cosigned by somebody with the witness's name and another key.
fn unknown(case: &Case, count: usize) -> Place {
    let notes = case.cosigned();
    for (_, name, text) in notes.iter().rev().take(count) {
        let head: Vec<&str> = text.split('\n').take(5).collect();
        let mut note = Note::parse(format!("{}\n", head.join("\n")).as_bytes()).unwrap();
        note.cosign(&CosigningKey::new("witness.example/w1", &[9; 32]).unwrap(), 1_795_435_200);
        case.write(name, &note.to_bytes());
    }
    place(&notes.last().unwrap().1)
}

fn removed(case: &Case, count: usize) -> Place {
    let notes = case.cosigned();
    assert!(notes.len() > 1);
    for (_, name, _) in notes.iter().rev().take(count) {
        case.remove(name);
    }
    place(&notes.last().unwrap().1)
}

fn forked_and_removed(case: &Case, o: &Original) -> Place {
    operator(case, o);
    removed(case, 1)
}
