//! Holds the house together: floors, the two halves, the verifier's trust base, file sizes.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, PackageId};

/// The house, floor by floor. A crate depends only on lower floors.
const FLOORS: [(&str, u8); 24] = [
    ("record", 0),
    ("tlog", 0),
    ("mask", 0),
    ("names", 0),
    ("seal", 0),
    ("provider", 1),
    ("price", 1),
    ("archive", 1),
    ("segment", 1),
    ("access", 2),
    ("keys", 2),
    ("ledger", 3),
    ("anchor", 3),
    ("capture", 4),
    ("query", 4),
    ("proxy", 5),
    ("lifecycle", 5),
    ("api", 6),
    ("intake", 6),
    ("custody", 7),
    ("custody-tower", 0),
    ("custody-verify", 7),
    ("custody-bench", 8),
    ("xtask", 9),
];

/// Crates that do no I/O, know no time and no sibling.
const PURE: [&str; 5] = ["record", "tlog", "mask", "names", "seal"];

/// All that the offline verifier links, ours and others', sorted. A new name here is a new thing
/// that people must trust: it is added on purpose or not at all.
const VERIFIER: &str = include_str!("verifier-closure.txt");

/// No file is longer, in lines.
const LONGEST: usize = 800;

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, floor)| *floor)
}

/// The workspace's own crates and the ones among them that each links, dev-dependencies aside.
fn own_dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let own: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect();
    metadata
        .workspace_packages()
        .iter()
        .map(|package| {
            let links = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development)
                .map(|dependency| dependency.name.clone())
                .filter(|name| own.contains(name));
            (package.name.to_string(), links.collect())
        })
        .collect()
}

/// Everything that a crate links on this target, with its dependencies' dependencies.
fn closure(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let resolve = metadata.resolve.as_ref().expect("metadata has a resolution");
    let start = metadata.workspace_packages().into_iter().find(|p| p.name == name).unwrap();
    let mut seen: BTreeSet<PackageId> = BTreeSet::new();
    let mut next = vec![start.id.clone()];
    while let Some(id) = next.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let node = resolve.nodes.iter().find(|node| node.id == id).unwrap();
        for dependency in &node.deps {
            let normal = dependency.dep_kinds.iter().any(|kind| {
                let here = kind.target.as_ref().is_none_or(|target| {
                    let target = target.to_string();
                    !target.contains("wasm") && !target.contains("windows")
                });
                kind.kind == DependencyKind::Normal && here
            });
            if normal {
                next.push(dependency.pkg.clone());
            }
        }
    }
    seen.iter().map(|id| metadata[id].name.to_string()).collect()
}

#[test]
fn crates_depend_downward_only() {
    for (name, links) in own_dependencies(&metadata()) {
        let own =
            floor(&name).unwrap_or_else(|| panic!("crate {name} has no floor: add it to FLOORS"));
        for other in links {
            let below = floor(&other).unwrap();
            assert!(below < own, "{name} (floor {own}) depends on {other} (floor {below})");
        }
    }
}

#[test]
fn folders_are_named_as_their_crates() {
    for package in metadata().workspace_packages() {
        let folder = package.manifest_path.parent().unwrap().file_name().unwrap();
        assert_eq!(folder, package.name.as_str());
    }
}

#[test]
fn pure_crates_know_nobody() {
    let metadata = metadata();
    for name in PURE {
        assert!(own_dependencies(&metadata)[name].is_empty(), "{name} knows a sibling");
        let links = closure(&metadata, name);
        for banned in ["tokio", "hyper", "rustix", "socket2", "jiff", "getrandom"] {
            assert!(!links.contains(banned), "{name} links {banned}");
        }
        for file in rust_files(&root().join("crates").join(name).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for banned in ["std::fs", "TcpStream", "UdpSocket", "SystemTime", "Instant::now"] {
                assert!(!text.contains(banned), "{} uses {banned}", file.display());
            }
        }
    }
}

#[test]
fn the_read_half_never_links_the_write_half() {
    let metadata = metadata();
    for reader in ["query", "api"] {
        let links = closure(&metadata, reader);
        for writer in ["ledger", "capture", "proxy"] {
            assert!(!links.contains(writer), "{reader} links {writer}");
        }
    }
}

#[test]
fn parquet_is_known_to_one_crate() {
    for package in metadata().workspace_packages() {
        let knows =
            package.dependencies.iter().any(|d| d.name == "parquet" || d.name == "arrow-array");
        assert!(!knows || package.name == "segment", "{} knows Parquet", package.name);
    }
}

/// What a crate links when it is built by itself: the metadata of the workspace has the features of
/// all its crates together, which pull in more.
fn built_alone(name: &str) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tree = std::process::Command::new(cargo)
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "-p", name])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_verifier_links_what_is_pinned_and_nothing_else() {
    let links = built_alone("custody-verify");
    let pinned: BTreeSet<String> = VERIFIER.lines().map(str::to_owned).collect();
    let new: Vec<_> = links.difference(&pinned).collect();
    let gone: Vec<_> = pinned.difference(&links).collect();
    assert!(new.is_empty(), "new in the verifier's trust base: {new:?}");
    assert!(gone.is_empty(), "no longer in the verifier's trust base, take them out: {gone:?}");
}

/// The fuzz targets are a workspace of their own, with a lock that nothing else keeps up to date.
#[test]
fn the_lock_of_the_fuzz_targets_knows_every_dependency() {
    let manifest = root().join("fuzz/Cargo.toml");
    MetadataCommand::new()
        .manifest_path(&manifest)
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("`cargo update --workspace --manifest-path fuzz/Cargo.toml` brings it up to date");
}

#[test]
fn no_file_is_too_long() {
    let mut lengths = Vec::new();
    for file in rust_files(&root().join("crates")).chain(rust_files(&root().join("xtask"))) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
        lengths.push(lines);
    }
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2).copied().unwrap();
    assert!(median <= 220, "the median file has {median} lines");
}

#[test]
fn nothing_is_switched_off_or_left_open() {
    // Spelt in pieces, so that this file does not find itself.
    let banned = [
        ["#[ig", "nore"].concat(),
        ["todo", "!("].concat(),
        ["unimplemented", "!("].concat(),
        ["FIX", "ME"].concat(),
        ["#[allow", "("].concat(),
    ];
    for file in rust_files(&root().join("crates")).chain(rust_files(&root().join("xtask"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in &banned {
            assert!(!text.contains(word.as_str()), "{} holds {word}", file.display());
        }
    }
}

fn rust_files(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.into_iter()
}
