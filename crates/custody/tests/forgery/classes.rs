//! The classes of forgery. A new verifier is a column in `VERIFIERS` and a cell in each row here; a new
//! class is a row.

use record::Digest;
use tlog::{Checkpoint, Hash, SigningKey, leaf_hash};

use crate::Forge;
use crate::case::{Case, Original};

/// What a verifier must say of a class.
pub(crate) enum Cell {
    /// The file and the record.
    Record,
    /// The file.
    File,
    /// These words.
    Says(&'static str),
    /// Nothing, and why it cannot.
    Blind(&'static str),
}

pub(crate) use Cell::{Blind, File, Record, Says};

/// Where the forgery is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) record: Option<u64>,
}

pub(crate) struct Class {
    pub(crate) name: &'static str,
    pub(crate) forge: Forge,
    /// In the order of `VERIFIERS`.
    pub(crate) cells: [Cell; 4],
}

pub(crate) const LOG_ONLY: &str = "it audits the log; envelopes and parts are not its business";
pub(crate) const NO_JSON: &str = "it takes the key from you and does not read custody.json";
const ARCHIVE_ONLY: &str = "the journal is not in the archive";
pub(crate) const OLDER: &str =
    "an older state is as true as a newer one; only somebody who holds a later checkpoint can tell";
pub(crate) const COPY: &str = "a kept checkpoint is a copy that nothing else names";
pub(crate) const OPERATOR: &str =
    "whoever has the key signs what he likes; only a checkpoint that somebody else kept shows it";
const OWN_KEY: &str = "without --key it believes the key that the archive names, and says so";
const UNNAMED: &str =
    "the record that names the newest segment is in the journal, and it reads no columns but two";

pub(crate) fn classes() -> Vec<Class> {
    let class = |name, forge: Forge, cells| Class { name, forge, cells };
    vec![
        class(
            "entry",
            entry,
            [Record, Record, Record, Says("tile/0/000: the entries give another")],
        ),
        class("tile", tile, [Record, Record, Record, File]),
        class(
            "entry and its tiles",
            entry_and_tiles,
            [Says("root"), Says("root"), Says("root"), Says("another root")],
        ),
        class(
            "entry and its tiles, the record",
            entry_and_tiles_record,
            [Record, Record, Says("root"), Record],
        ),
        class(
            "checkpoint: size",
            |c, _| published(c, |t| t.replacen('\n', "\n1", 1)),
            [File, File, Says("checkpoint:"), File],
        ),
        class(
            "checkpoint: root",
            |c, _| published(c, other_root),
            [File, File, Says("checkpoint:"), File],
        ),
        class(
            "checkpoint: signature",
            |c, _| published(c, other_signature),
            [File, File, Says("checkpoint:"), File],
        ),
        class(
            "checkpoint: an old one again",
            replay,
            [Says("cut back"), Says("cut back"), Says("cut back"), Says("cut back")],
        ),
        class(
            "tail dropped, journal kept",
            dropped_tail,
            [Says("cut back"), Says("cut back"), Blind(OLDER), Blind(OLDER)],
        ),
        class(
            "tail dropped, journal too",
            dropped_all,
            [Blind(OLDER), Blind(OLDER), Blind(OLDER), Blind(OLDER)],
        ),
        class(
            "envelopes of two rows exchanged",
            swapped_envelopes,
            [Record, Record, Blind(LOG_ONLY), Record],
        ),
        class("sealed parts exchanged", swapped_parts, [Record, Record, Blind(LOG_ONLY), Record]),
        class("envelope changed", changed_envelope, [Record, Record, Blind(LOG_ONLY), Record]),
        class("metadata column changed", changed_column, [Record, Record, Blind(LOG_ONLY), File]),
        class(
            "metadata column changed, newest segment",
            newest_column,
            [Record, Record, Blind(LOG_ONLY), Blind(UNNAMED)],
        ),
        class("record added to a segment", added_record, [Record, Record, Blind(LOG_ONLY), Record]),
        class("segment added", added_segment, [Record, Record, Blind(LOG_ONLY), Record]),
        class("older segment added", older_segment, [File, File, Blind(LOG_ONLY), File]),
        class(
            "removed: checkpoint",
            |c, _| removed(c, "c1/ledger/checkpoint"),
            [File, File, Says("no file named checkpoint"), File],
        ),
        class(
            "removed: tile",
            |c, _| removed(c, "c1/ledger/tile/0/000"),
            [File, File, Says("tile/0/000: missing"), File],
        ),
        class(
            "removed: entries",
            |c, _| removed(c, "c1/ledger/tile/entries/000"),
            [File, File, Says("tile/entries/000: missing"), File],
        ),
        class(
            "removed: kept checkpoint",
            |c, _| {
                let name = c.kept()[0].1.clone();
                removed(c, &name)
            },
            [Blind(COPY), Blind(COPY), Blind(COPY), Blind(COPY)],
        ),
        class(
            "removed: records file",
            |c, o| removed(c, &o.file),
            [File, File, Blind(LOG_ONLY), File],
        ),
        class(
            "removed: parts file",
            |c, o| removed(c, &o.parts()),
            [File, File, Blind(LOG_ONLY), File],
        ),
        class(
            "removed: custody.json",
            |c, _| removed(c, "custody.json"),
            [Says("custody.json"), Says("custody.json"), Blind(NO_JSON), Blind(NO_JSON)],
        ),
        class(
            "removed: journal",
            removed_journal,
            [
                Says("its envelope is nowhere"),
                Says("its envelope is nowhere"),
                Blind(ARCHIVE_ONLY),
                Blind(ARCHIVE_ONLY),
            ],
        ),
        class(
            "custody.json with another key",
            other_key,
            [Says("c1/ledger/checkpoint"), File, Blind(NO_JSON), Blind(NO_JSON)],
        ),
        class(
            "log signed again with another key",
            signed_again,
            [Blind(OWN_KEY), Says("custody.json"), Says("checkpoint:"), File],
        ),
        class(
            "operator signs another log",
            operator,
            [Blind(OPERATOR), Blind(OPERATOR), Blind(OPERATOR), Blind(OPERATOR)],
        ),
        class(
            "the same, and you kept a checkpoint",
            |c, o| remembered(c, o, operator),
            [Says("forked"), Says("forked"), Says("forked"), Says("another root")],
        ),
        class(
            "tail dropped, and you kept a checkpoint",
            |c, o| remembered(c, o, dropped_all),
            [Says("cut back"), Says("cut back"), Says("cut back"), Says("cut back")],
        ),
        class(
            "log signed again under another name",
            renamed,
            [Blind(OWN_KEY), Says("no collector has the key"), Says("no key of that name"), File],
        ),
    ]
}

pub(crate) fn at(file: impl Into<String>, record: Option<u64>) -> Place {
    Place { file: file.into(), record }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

pub(crate) fn entry(case: &Case, o: &Original) -> Place {
    let mut bundle = case.read("c1/ledger/tile/entries/000");
    bundle[index(o.victim) * 59 + 58] ^= 1;
    case.write("c1/ledger/tile/entries/000", &bundle);
    at("tile/entries/000", Some(o.victim))
}

pub(crate) fn tile(case: &Case, o: &Original) -> Place {
    let mut tile = case.read("c1/ledger/tile/0/000");
    tile[index(o.victim) * 32] ^= 1;
    case.write("c1/ledger/tile/0/000", &tile);
    at("tile/0/000", Some(o.victim))
}

fn entry_and_tiles(case: &Case, o: &Original) -> Place {
    let mut entries = case.entries();
    entries[index(o.victim)][56] ^= 1;
    let root = case.rebuild(&entries);
    assert_ne!(root, Hash([0; 32]));
    at("c1/ledger/checkpoint", Some(o.victim))
}

fn entry_and_tiles_record(case: &Case, o: &Original) -> Place {
    entry_and_tiles(case, o);
    at(o.file.clone(), Some(o.victim))
}

fn published(case: &Case, edit: impl FnOnce(&str) -> String) -> Place {
    let name = "c1/ledger/checkpoint";
    let text = String::from_utf8(case.read(name)).unwrap();
    let forged = edit(&text);
    assert_ne!(forged, text);
    case.write(name, forged.as_bytes());
    at(name, None)
}

/// The same text with one base64 digit of a line exchanged.
pub(crate) fn other_digit(text: &str, line: usize, digit: usize) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let at = lines[line].char_indices().nth(digit).unwrap().0;
    let other = if lines[line][at..].starts_with('A') { "B" } else { "A" };
    lines[line].replace_range(at..=at, other);
    lines.join("\n")
}

pub(crate) fn other_root(text: &str) -> String {
    other_digit(text, 2, 5)
}

fn other_signature(text: &str) -> String {
    let digits = text.split('\n').nth(4).unwrap().chars().count();
    other_digit(text, 4, digits - 20)
}

pub(crate) fn replay(case: &Case, _: &Original) -> Place {
    let old = case.kept()[0].1.clone();
    case.write("c1/ledger/checkpoint", &case.read(&old));
    at("c1/ledger/checkpoint", None)
}

fn dropped_tail(case: &Case, o: &Original) -> Place {
    let end = o.segments[0].1.last().unwrap() + 1;
    let kept = case.kept();
    let (size, name) = kept.iter().find(|(size, _)| *size >= end).unwrap().clone();
    case.rebuild(&case.entries()[..index(size)]);
    case.write("c1/ledger/checkpoint", &case.read(&name));
    for (_, name) in kept.iter().filter(|(other, _)| *other > size) {
        case.remove(name);
    }
    for (name, rows) in o.segments.iter().filter(|(_, rows)| *rows.last().unwrap() >= size) {
        case.remove(name);
        let parts = name.replace("/records/", "/parts/");
        if case.archive().join(&parts).exists() {
            case.remove(&parts);
        }
        assert!(rows[0] > 0);
    }
    at("c1/ledger/checkpoint", Some(size))
}

pub(crate) fn dropped_all(case: &Case, o: &Original) -> Place {
    case.remove_journal();
    dropped_tail(case, o)
}

fn swapped_envelopes(case: &Case, o: &Original) -> Place {
    let name = &o.file;
    case.rewrite_records(name, name, |rows| {
        let place = |n: u64| rows.iter().position(|row| row.index == n).unwrap();
        let (one, two) = (place(o.victim), place(o.other));
        rows.swap(one, two);
        let moved = rows[one].index;
        rows[one].index = rows[two].index;
        rows[two].index = moved;
    });
    at(name, Some(o.victim))
}

pub(crate) fn swapped_parts(case: &Case, o: &Original) -> Place {
    let name = o.parts();
    let mut pid = String::new();
    case.rewrite_parts(&name, |parts| {
        let two = parts.iter().position(|part| part.1 != parts[0].1).unwrap();
        let moved = std::mem::take(&mut parts[0].1);
        parts[0].1 = std::mem::replace(&mut parts[two].1, moved);
        pid = parts[0].0.to_string();
    });
    at(name, Some(case.record_with(&o.file, &pid)))
}

/// The record says that all went well.
fn doctored(envelope: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(envelope.to_vec()).unwrap();
    let forged = text.replacen("\"model\":\"gpt-4o\"", "\"model\":\"gpt-5x\"", 1);
    let forged = if forged == text { text.replacen("gpt-4o", "gpt-5x", 1) } else { forged };
    assert_ne!(forged, text);
    forged.into_bytes()
}

pub(crate) fn changed_envelope(case: &Case, o: &Original) -> Place {
    let name = &o.file;
    case.rewrite_records(name, name, |rows| {
        let row = rows.iter_mut().find(|row| row.index == o.victim).unwrap();
        row.envelope = doctored(&row.envelope);
        row.columns.clone_from(&row.envelope);
    });
    at(name, Some(o.victim))
}

/// What an engine is told is another thing than what was logged.
fn column(case: &Case, name: &str) -> Place {
    let mut record = None;
    case.rewrite_records(name, name, |rows| {
        let called = |row: &&mut crate::case::Row| row.envelope.windows(6).any(|w| w == b"gpt-4o");
        let row = rows.iter_mut().find(called).unwrap();
        row.columns = doctored(&row.envelope);
        record = Some(row.index);
    });
    at(name, record)
}

fn changed_column(case: &Case, o: &Original) -> Place {
    column(case, &o.file)
}

fn newest_column(case: &Case, o: &Original) -> Place {
    assert_ne!(o.newest, o.file);
    column(case, &o.newest)
}

/// A record that nobody made, out of one that somebody made.
fn invented(row: &crate::case::Row, index: u64) -> crate::case::Row {
    let envelope = doctored(&row.envelope);
    crate::case::Row { index, columns: envelope.clone(), envelope }
}

fn added_record(case: &Case, o: &Original) -> Place {
    let name = &o.file;
    case.rewrite_records(name, name, |rows| {
        let row = rows.iter().find(|row| row.index == o.victim).unwrap();
        rows.push(invented(row, o.past()));
    });
    at(name, Some(o.past()))
}

fn added_segment(case: &Case, o: &Original) -> Place {
    let (old, _) = o.file.rsplit_once('/').unwrap();
    let name = format!("{old}/{:012}-{:012}.parquet", o.past(), o.past());
    case.rewrite_records(&o.file, &name, |rows| {
        let row = rows.iter().find(|row| row.index == o.victim).unwrap();
        *rows = vec![invented(row, o.past())];
    });
    at(name, Some(o.past()))
}

/// True rows again, in a file that an engine reads too: every sum over them counts them twice.
fn older_segment(case: &Case, o: &Original) -> Place {
    let (folder, _) = o.file.rsplit_once('/').unwrap();
    let name = format!("{folder}/{0:012}-{0:012}.parquet", o.victim);
    case.rewrite_records(&o.file, &name, |rows| {
        rows.retain(|row| row.index == o.victim);
    });
    let parts = name.replace("/records/", "/parts/");
    case.write(&parts, &case.read(&o.parts()));
    at(name, None)
}

fn removed(case: &Case, name: &str) -> Place {
    case.remove(name);
    at(name, None)
}

fn removed_journal(case: &Case, _: &Original) -> Place {
    for file in crate::support::files_under(&case.data().join("collectors/c1")) {
        if file.extension().is_some_and(|extension| extension == "journal") {
            std::fs::remove_file(file).unwrap();
        }
    }
    at("c1/ledger", None)
}

fn forger(name: &str) -> SigningKey {
    SigningKey::new(name, &Digest::of(b"a forger's secret").0).unwrap()
}

fn describe(case: &Case, old: &str, new: &SigningKey, origin: &str) {
    let text = String::from_utf8(case.read("custody.json")).unwrap();
    let key = new.verifying_key().to_string();
    let (old_origin, _) = old.split_once('+').unwrap();
    let forged =
        text.replace(old, &key).replace(&format!("\"{old_origin}\""), &format!("\"{origin}\""));
    assert_ne!(forged, text);
    case.write("custody.json", forged.as_bytes());
}

pub(crate) fn other_key(case: &Case, o: &Original) -> Place {
    let (origin, _) = o.key.split_once('+').unwrap();
    describe(case, &o.key, &forger(origin), origin);
    at("custody.json", None)
}

fn sign_again(case: &Case, o: &Original, origin: &str) -> Place {
    let key = forger(origin);
    let entries = case.entries();
    let mut tree = tlog::Tree::new();
    let kept = case.kept();
    for (size, entry) in (1..).zip(&entries) {
        tree.push(leaf_hash(entry), |_, _| {});
        if let Some((_, name)) = kept.iter().find(|(kept, _)| *kept == size) {
            let checkpoint = Checkpoint { origin: origin.to_owned(), size, root: tree.root() };
            case.write(name, &checkpoint.sign(&key));
            case.write("c1/ledger/checkpoint", &checkpoint.sign(&key));
        }
    }
    describe(case, &o.key, &key, origin);
    at("c1/ledger/checkpoint", None)
}

fn signed_again(case: &Case, o: &Original) -> Place {
    sign_again(case, o, o.key.split_once('+').unwrap().0)
}

/// A checkpoint that an auditor took along, laid among those that are kept.
const MINE: &str = "c1/ledger/checkpoints/mine";

fn remembered(case: &Case, o: &Original, forge: Forge) -> Place {
    let mine = case.read("c1/ledger/checkpoint");
    let place = forge(case, o);
    case.write(MINE, &mine);
    place
}

/// The operator changes the last entry, which is in no segment yet, and signs with the true key.
pub(crate) fn operator(case: &Case, o: &Original) -> Place {
    case.remove_journal();
    let mut entries = case.entries();
    entries.last_mut().unwrap()[56] ^= 1;
    let root = case.rebuild(&entries);
    let size = u64::try_from(entries.len()).unwrap();
    let (origin, _) = o.key.split_once('+').unwrap();
    let note = Checkpoint { origin: origin.to_owned(), size, root }.sign(&o.signing_key());
    case.write("c1/ledger/checkpoint", &note);
    case.write(&case.kept().last().unwrap().1, &note);
    at("c1/ledger/checkpoint", None)
}

fn renamed(case: &Case, o: &Original) -> Place {
    sign_again(case, o, "custody.local/ffffffff/c1")
}
