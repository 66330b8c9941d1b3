//! What somebody can do to a bucket: with locks, shadows and delete markers; without, anything.

use crate::Forge;
use crate::case::{Case, Original};
use crate::classes::{
    Blind, COPY, Cell, File, LOG_ONLY, NO_JSON, OLDER, Place, Record, Says, at, changed_envelope,
    entry, other_key, other_root, replay, swapped_parts, tile,
};
use crate::cosignatures::{KEPT_BY_OPERATOR, NO_ANCHORS};
use crate::support::{Bucket, files_under};

/// The table's columns: on the bucket; on a copy of what was put first; on a copy of what is there
/// last.
pub(crate) const COLUMNS: [&str; 6] =
    ["verify", "verify --policy", "1st: c.-v.", "1st: verify.py", "last: c.-v.", "last: verify.py"];

pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) forge: fn(&Bucket, &Original) -> Place,
    pub(crate) cells: [Cell; 6],
}

const FIRST: &str = "what was put first is what was logged; what came later is not in this copy";

/// A row that a copy of the first versions is none the worse for.
fn row(
    name: &'static str,
    forge: fn(&Bucket, &Original) -> Place,
    offline: Cell,
    script: Cell,
) -> Row {
    Row { name, forge, cells: [File, File, Blind(FIRST), Blind(FIRST), offline, script] }
}

/// With Object Lock.
pub(crate) fn locked() -> Vec<Row> {
    let cut = || Says("cut back");
    let blind = |why| [File, File, Blind(why), Blind(why), Blind(why), Blind(why)];
    vec![
        row("shadow: records", |b, o| put(b, o, changed_envelope), Blind(LOG_ONLY), Record),
        row("shadow: parts", |b, o| put(b, o, swapped_parts), Blind(LOG_ONLY), Record),
        row("shadow: tile", |b, o| put(b, o, tile), Record, File),
        row(
            "shadow: entries",
            |b, o| put(b, o, entry),
            Record,
            Says("the entries give another tile"),
        ),
        row("shadow: kept checkpoint", |b, o| put(b, o, kept), File, File),
        row("shadow: cosigned note", |b, o| put(b, o, note), File, Blind(NO_ANCHORS)),
        Row {
            name: "later version: custody.json, another key",
            forge: |b, o| put(b, o, other_key),
            cells: blind(NO_JSON),
        },
        row("delete marker: records", |b, o| hide(b, &o.file), Blind(LOG_ONLY), File),
        row("delete marker: parts", |b, o| hide(b, &o.parts()), Blind(LOG_ONLY), File),
        row("delete marker: tile", |b, _| hide(b, "c1/ledger/tile/0/000"), File, File),
        row("delete marker: entries", |b, _| hide(b, "c1/ledger/tile/entries/000"), File, File),
        row("delete marker: kept checkpoint", hide_kept, Blind(COPY), Blind(COPY)),
        row("delete marker: cosigned note", hide_note, Blind(KEPT_BY_OPERATOR), Blind(NO_ANCHORS)),
        row(
            "delete marker: checkpoint",
            |b, _| hide(b, "c1/ledger/checkpoint"),
            Says("no file named checkpoint"),
            File,
        ),
        Row {
            name: "delete marker: custody.json",
            forge: |b, _| hide(b, "custody.json"),
            cells: blind(NO_JSON),
        },
        Row {
            name: "later version: an older checkpoint",
            forge: |b, o| put(b, o, replay),
            cells: [cut(), cut(), cut(), cut(), cut(), cut()],
        },
        Row {
            name: "the same, later kept ones and notes hidden",
            forge: set_back,
            cells: [
                File,
                File,
                cut(),
                cut(),
                Blind(OLDER),
                Says("the envelope is not the one that was logged"),
            ],
        },
    ]
}

/// Without: what is removed or replaced is gone, and both copies are one.
pub(crate) fn plain() -> Vec<Row> {
    let row = |name, forge, verify: fn() -> Cell, offline: fn() -> Cell, script: fn() -> Cell| {
        let cells = [verify(), verify(), offline(), script(), offline(), script()];
        Row { name, forge, cells }
    };
    let (file, record) = (|| File, || Record);
    let log_only = || Blind(LOG_ONLY);
    let copy = || Blind(COPY);
    let cut = || Says("cut back");
    vec![
        row("removed: records", |b, o| hide(b, &o.file), file, log_only, file),
        row("removed: parts", |b, o| hide(b, &o.parts()), file, log_only, file),
        row("removed: tile", |b, o| hide(b, &partial(o, "0")), file, file, file),
        row("removed: entries", |b, o| hide(b, &partial(o, "entries")), file, file, file),
        row("removed: kept checkpoint", hide_kept, copy, copy, copy),
        row("replaced: records", |b, o| put(b, o, changed_envelope), record, log_only, record),
        row("replaced: parts", |b, o| put(b, o, swapped_parts), record, log_only, record),
        row("replaced: kept checkpoint", |b, o| put(b, o, kept), file, file, file),
        row("replaced: checkpoint by an older one", |b, o| put(b, o, replay), cut, cut, cut),
    ]
}

/// The same bytes in another bucket: no version is the one that a record names.
pub(crate) fn copied() -> [Cell; 6] {
    let same = "the bytes are the same; which version they are is known to the bucket alone";
    [File, File, Blind(same), Blind(same), Blind(same), Blind(same)]
}

/// Puts what a forgery of files changes into the bucket.
fn put(bucket: &Bucket, o: &Original, forge: Forge) -> Place {
    let case = o.copy();
    let place = forge(&case, o);
    let mut changed = 0;
    for file in files_under(&case.archive()) {
        let name = file.strip_prefix(case.archive()).unwrap().to_str().unwrap();
        let (bytes, before) = (case.read(name), std::fs::read(o.archive().join(name)));
        if before.is_ok_and(|before| before != bytes) {
            bucket.put(name, &bytes);
            changed += 1;
        }
    }
    assert_eq!(changed, 1);
    place
}

fn hide(bucket: &Bucket, name: &str) -> Place {
    bucket.hide(name);
    within(name)
}

/// As every verifier names it.
fn within(name: &str) -> Place {
    at(name.trim_start_matches("c1/ledger/"), None)
}

fn kept(case: &Case, _: &Original) -> Place {
    let name = case.kept()[0].1.clone();
    let text = String::from_utf8(case.read(&name)).unwrap();
    case.write(&name, other_root(&text).as_bytes());
    within(&name)
}

fn note(case: &Case, _: &Original) -> Place {
    let (_, name, text) = case.cosigned().pop().unwrap();
    case.write(&name, other_root(&text).as_bytes());
    within(&name)
}

fn hide_kept(bucket: &Bucket, o: &Original) -> Place {
    hide(bucket, &o.copy().kept()[0].1)
}

fn hide_note(bucket: &Bucket, o: &Original) -> Place {
    hide(bucket, &o.copy().cosigned().pop().unwrap().1)
}

/// The log as it was when it was first anchored, for whoever asks for no versions.
fn set_back(bucket: &Bucket, o: &Original) -> Place {
    let case = o.copy();
    let notes = case.cosigned();
    let (kept, later): (Vec<_>, Vec<_>) =
        case.kept().into_iter().partition(|(size, _)| *size <= notes[0].0);
    bucket.put("c1/ledger/checkpoint", &case.read(&kept.last().unwrap().1));
    for (_, name, _) in &notes[1..] {
        bucket.hide(name);
    }
    for (_, name) in &later {
        bucket.hide(name);
    }
    within(&later[0].1)
}

/// The tile or bundle that only the published checkpoint is about.
fn partial(o: &Original, level: &str) -> String {
    let size = o.copy().kept().last().unwrap().0;
    assert!(size < 256);
    format!("c1/ledger/tile/{level}/000.p/{size}")
}
