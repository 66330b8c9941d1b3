//! Every class of forgery × every verifier: each says what is wrong and where, or the table says why
//! it cannot see it. `docs/verification.md` has the same table for people.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![expect(clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests")]

#[path = "forgery/bucket.rs"]
mod bucket;
#[path = "forgery/case.rs"]
mod case;
#[path = "forgery/classes.rs"]
mod classes;
#[path = "forgery/cosignatures.rs"]
mod cosignatures;
mod support;
#[path = "forgery/verifiers.rs"]
mod verifiers;

use std::fmt::Write as _;

use case::{Case, Original};
use classes::{Cell, Place, classes};
use support::{Bucket, Setup, Upstream};
use verifiers::{Said, VERIFIERS, Verifiers, verify};

#[test]
fn every_forgery_is_told_by_every_verifier_that_can_see_it() {
    let folder = tempfile::tempdir().unwrap();
    let original = Original::record(folder.path());
    let verifiers = Verifiers::find();

    let clean = original.copy();
    for (name, said) in verifiers.run(&clean, &original.key) {
        assert_eq!(said.code, 0, "{name} on what was recorded: {said:#?}");
    }

    let mut table = Table::new(&VERIFIERS);
    for class in classes() {
        let case = original.copy();
        let place = (class.forge)(&case, &original);
        let mut said = verifiers.run(&case, &original.key).into_iter().map(|(_, said)| said);
        let said: [Option<Said>; 4] = std::array::from_fn(|_| said.next());
        table.row(class.name, &class.cells, &said, &place);
    }
    table.finish();
}

#[test]
fn every_forged_cosignature_is_told_by_who_has_a_policy() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    let mut setup = Setup::new(folder.path(), upstream.address);
    let (key, witness) = Original::anchored(&mut setup, 12);
    let original = Original::of(setup.data.clone(), key.clone());
    let policy = folder.path().join("policy");
    std::fs::write(&policy, format!("log {key}\nwitness W {}\nquorum W\n", witness.key)).unwrap();
    let policy = policy.to_str().unwrap();
    let verifiers = Verifiers::find();
    let run = |case: &Case| {
        let archive = case.archive();
        let mut said = vec![
            Some(verify(case.data(), &["--key", &key], &[])),
            Some(verify(case.data(), &["--policy", policy], &[])),
            Some(verifiers.offline(&archive, &["--key", &key])),
            Some(verifiers.offline(&archive, &["--policy", policy])),
        ];
        said.push(verifiers.script(&archive, &key));
        said
    };
    for (name, said) in cosignatures::COLUMNS.iter().zip(run(&original.copy())) {
        assert!(said.as_ref().is_none_or(|said| said.code == 0), "{name}: {said:#?}");
    }
    let mut table = Table::new(&cosignatures::COLUMNS);
    for row in cosignatures::rows() {
        let case = original.copy();
        let place = (row.forge)(&case, &original);
        table.row(row.name, &row.cells, &run(&case), &place);
    }
    table.finish();
}

/// A recording in a bucket, and who verifies it.
struct Recorded {
    folder: tempfile::TempDir,
    _upstream: Upstream,
    setup: Setup,
    bucket: Bucket,
    original: Original,
    policy: String,
    verifiers: Verifiers,
}

impl Recorded {
    fn into(bucket: Bucket, calls: usize, top: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let upstream = Upstream::start();
        let mut setup = Setup::new(folder.path(), upstream.address);
        setup.top = format!("archive = {:?}\n{top}", bucket.url);
        setup.environment.clone_from(&bucket.environment);
        let (key, witness) = Original::anchored(&mut setup, calls);
        let policy = folder.path().join("policy");
        let text = format!("log {key}\nwitness W {}\nquorum W\n", witness.key);
        std::fs::write(&policy, text).unwrap();
        let first = folder.path().join("first");
        bucket.copy(false, &first.join("archive"));
        let original = Original::of(first, key);
        let policy = policy.to_str().unwrap().to_owned();
        let verifiers = Verifiers::find();
        Self { folder, _upstream: upstream, setup, bucket, original, policy, verifiers }
    }

    /// In the order of `bucket::COLUMNS`, on this bucket.
    fn run(&self, bucket: &Bucket) -> Vec<Option<Said>> {
        let key = self.original.key.as_str();
        let on_bucket = |more: [&str; 2]| {
            let arguments = ["--archive", &bucket.url, more[0], more[1]];
            Some(verify(&self.setup.data, &arguments, &bucket.environment))
        };
        let mut said = vec![on_bucket(["--key", key]), on_bucket(["--policy", &self.policy])];
        for latest in [false, true] {
            let copy = tempfile::tempdir_in(&self.folder).unwrap();
            bucket.copy(latest, copy.path());
            said.push(Some(self.verifiers.offline(copy.path(), &["--policy", &self.policy])));
            said.push(self.verifiers.script(copy.path(), key));
        }
        said
    }

    fn fill(&self, rows: Vec<bucket::Row>) -> Table {
        for (name, said) in bucket::COLUMNS.iter().zip(self.run(&self.bucket)) {
            assert!(said.as_ref().is_none_or(|said| said.code == 0), "{name}: {said:#?}");
        }
        let mut table = Table::new(&bucket::COLUMNS);
        for row in rows {
            let place = (row.forge)(&self.bucket, &self.original);
            table.row(row.name, &row.cells, &self.run(&self.bucket), &place);
            self.bucket.restore(|name| std::fs::read(self.original.archive().join(name)).unwrap());
        }
        table
    }
}

#[test]
fn every_forgery_in_a_bucket_with_locks_is_told_by_who_asks_for_versions() {
    let Some(bucket) = Bucket::open(true, "locked") else { return };
    let recorded = Recorded::into(bucket, 262, "");
    // Locks hold what was put: that is why shadows and markers are all that there is.
    let (bucket, original) = (&recorded.bucket, &recorded.original);
    // What a probe left is not of the log.
    let of_log = |stored: &archive::Stored| stored.name.as_str().starts_with("c1/");
    for stored in bucket.versions().into_iter().filter(of_log) {
        let status = bucket.remove(stored.name.as_str(), &stored.version.0);
        assert_eq!(status, 403, "{}", stored.name);
    }
    let mut table = recorded.fill(bucket::locked());
    let again = Bucket::open(true, "copied").unwrap();
    for file in support::files_under(&original.archive()) {
        let name = file.strip_prefix(original.archive()).unwrap().to_str().unwrap().to_owned();
        again.put(&name, &std::fs::read(file).unwrap());
    }
    let place = Place { file: original.file.clone(), record: None };
    table.row(
        "versions that records name replaced",
        &bucket::copied(),
        &recorded.run(&again),
        &place,
    );
    again.restore(|_| Vec::new());
    table.finish();
}

#[test]
fn every_forgery_in_a_bucket_without_locks_is_told() {
    let Some(bucket) = Bucket::open(false, "plain") else { return };
    let recorded = Recorded::into(bucket, 20, "allow_unlocked = true\n");
    recorded.fill(bucket::plain()).finish();
}

/// A table as it is filled: what is not told as it should be is told at the end.
struct Table {
    columns: &'static [&'static str],
    wrong: Vec<String>,
    blind: Vec<String>,
}

impl Table {
    fn new(columns: &'static [&'static str]) -> Self {
        let head: Vec<String> = columns.iter().map(|name| format!("{name:16} ")).collect();
        let head = head.concat();
        println!("{:44} {head}", "");
        Self { columns, wrong: Vec::new(), blind: Vec::new() }
    }

    /// Judges what each column's verifier said; one that is not there said nothing.
    fn row(&mut self, name: &str, cells: &[Cell], said: &[Option<Said>], place: &Place) {
        let mut row = format!("{name:44}");
        for ((column, cell), said) in self.columns.iter().zip(cells).zip(said) {
            let Some(said) = said else { continue };
            write!(row, " {:16}", cell.label()).unwrap();
            if let Err(why) = cell.check(said, place) {
                self.wrong.push(format!("{name} × {column}: {why}\n{said:#?}"));
            }
            if let Cell::Blind(why) = cell {
                self.blind.push(format!("{name} × {column}: cannot see it: {why}"));
            }
        }
        println!("{row}");
    }

    fn finish(self) {
        println!("{}", self.blind.join("\n"));
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n\n"));
    }
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
