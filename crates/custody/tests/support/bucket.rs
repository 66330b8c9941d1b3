//! A bucket as somebody sees it who may write in it and read its versions.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use archive::{Archive as _, Name, S3Access, S3Archive, S3Config, Stored, Version};

/// A fresh prefix of a bucket of the server that `CUSTODY_TEST_S3` names.
pub(crate) struct Bucket {
    /// `s3://bucket/prefix`.
    pub(crate) url: String,
    /// What the binary takes the server and the credentials from.
    pub(crate) environment: Vec<(String, String)>,
    archive: S3Archive,
    http: String,
    user: String,
    /// What was read, so that it is read once.
    read: RefCell<BTreeMap<(Name, Version), Vec<u8>>>,
    /// Versions that [`put`](Self::put) and [`hide`](Self::hide) made.
    made: RefCell<Vec<(String, Option<String>)>>,
}

impl Bucket {
    /// With Object Lock or without; `None`, said aloud, where there is no server or no curl.
    pub(crate) fn open(locked: bool, prefix: &str) -> Option<Self> {
        let Ok(words) = std::env::var("CUSTODY_TEST_S3") else {
            said("LEFT OUT: CUSTODY_TEST_S3 names no S3 server");
            return None;
        };
        if Command::new("curl").arg("--version").output().is_err() {
            said("LEFT OUT: there is no curl, which signs what Custody itself never sends");
            return None;
        }
        let word = |name: &str| {
            let found = words.split_whitespace().find_map(|word| word.strip_prefix(name));
            found.unwrap_or_else(|| panic!("{name} in CUSTODY_TEST_S3")).to_owned()
        };
        let (endpoint, key, secret) = (word("endpoint="), word("access_key="), word("secret_key="));
        // Two buckets for all tests: small servers hold few.
        let bucket = if locked { "custody-test-locked" } else { "custody-test-plain" };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let prefix = format!("forgery/{}-{}-{prefix}", now.as_micros(), std::process::id());
        let url = format!("s3://{bucket}/{prefix}");
        let environment = [
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_ACCESS_KEY_ID", &key),
            ("AWS_SECRET_ACCESS_KEY", &secret),
            ("AWS_REGION", &"us-east-1".to_owned()),
        ];
        let user = format!("{key}:{secret}");
        let environment =
            environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec();
        let region = "us-east-1".to_owned();
        let access = Some(S3Access { endpoint: endpoint.clone(), region, key, secret });
        let archive = S3Archive::new(S3Config {
            url: url.parse().unwrap(),
            spool: None,
            allow_unlocked: !locked,
            cold_class: None,
            access,
        });
        let bucket = format!("{endpoint}/{bucket}");
        let opened = Self {
            url,
            environment,
            archive: archive.unwrap(),
            http: format!("{bucket}/{prefix}"),
            user,
            read: RefCell::default(),
            made: RefCell::default(),
        };
        let lock = ["-H", "x-amz-bucket-object-lock-enabled: true"];
        let (status, _) = opened.send("PUT", &bucket, if locked { &lock } else { &[] });
        assert!(status == 200 || status == 409, "{bucket}: {status}");
        Some(opened)
    }

    /// Status and the version that the answer names.
    fn send(&self, method: &str, url: &str, more: &[&str]) -> (u16, Option<String>) {
        let output = Command::new("curl")
            .args(["-sS", "-X", method, "--aws-sigv4", "aws:amz:us-east-1:s3", "-D", "-"])
            .args(["--user", &self.user, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"])
            .args(["-o", "/dev/null"])
            .args(more)
            .arg(url)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let head = String::from_utf8_lossy(&output.stdout).to_lowercase();
        // An interim answer (100) may come first.
        let status = head.lines().rev().find_map(|line| line.strip_prefix("http/1.1 ")).unwrap();
        let status = status.split(' ').next().unwrap().parse().unwrap();
        let version = head.lines().find_map(|line| line.strip_prefix("x-amz-version-id: "));
        (status, version.map(str::to_owned))
    }

    /// As a signature wants it.
    fn object(&self, name: &str) -> String {
        format!("{}/{}", self.http, name.replace('=', "%3D"))
    }

    /// A new version under a name that may be taken, without a lock.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let body = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(body.path(), bytes).unwrap();
        let data = format!("@{}", body.path().display());
        let (status, version) =
            self.send("PUT", &self.object(name), &["--data-binary", data.as_str()]);
        assert_eq!(status, 200, "{name}");
        self.made.borrow_mut().push((name.to_owned(), version));
    }

    /// A delete marker where there are versions; where there are none the object is gone.
    pub(crate) fn hide(&self, name: &str) {
        let (status, version) = self.send("DELETE", &self.object(name), &[]);
        assert_eq!(status, 204, "{name}");
        self.made.borrow_mut().push((name.to_owned(), version));
    }

    /// Removes one version; gives the status.
    pub(crate) fn remove(&self, name: &str, version: &str) -> u16 {
        self.send("DELETE", &format!("{}?versionId={version}", self.object(name)), &[]).0
    }

    /// Undoes what was put and hidden; `bytes` gives what was there where there are no versions.
    pub(crate) fn restore(&self, bytes: impl Fn(&str) -> Vec<u8>) {
        let made = self.made.take();
        for (name, version) in made.into_iter().rev() {
            match version {
                Some(version) => assert_eq!(self.remove(&name, &version), 204, "{name}"),
                None => self.put(&name, &bytes(&name)),
            }
        }
        self.made.take();
    }

    pub(crate) fn versions(&self) -> Vec<Stored> {
        self.archive.versions("").unwrap().unwrap()
    }

    /// Copies the bucket into a folder: the first version of each object, and of those that change
    /// the last one, as the specification says; or with `latest` what a plain copy gets.
    pub(crate) fn copy(&self, latest: bool, to: &Path) {
        for versions in self.versions().chunk_by(|a, b| a.name == b.name) {
            let mut real = versions.iter().filter(|stored| !stored.marker);
            let chosen = if latest {
                versions.iter().find(|stored| stored.latest).filter(|stored| !stored.marker)
            } else if versions.iter().any(|stored| stored.name.changes()) {
                real.next_back()
            } else {
                real.next()
            };
            let Some(Stored { name, version, .. }) = chosen else { continue };
            let mut read = self.read.borrow_mut();
            let place = (name.clone(), version.clone());
            // Without versions the same one is another object after it was put again.
            if version.0 == "null" {
                read.remove(&place);
            }
            let bytes = read
                .entry(place)
                .or_insert_with(|| self.archive.get_version(name, version).unwrap().unwrap());
            let path: PathBuf = to.join(name.as_str());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
}

/// Past the test harness, which keeps back what passing tests print.
fn said(text: &str) {
    drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()));
}
