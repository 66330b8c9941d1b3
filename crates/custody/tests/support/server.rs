//! The binary: started, stopped, killed, asked.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{SOON, until};

const BINARY: &str = env!("CARGO_BIN_EXE_custody");
/// Set for the tests, not for the binary.
pub(crate) const ROUNDS: &str = "CUSTODY_KILL_ROUNDS";

/// How to run a server.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Where configuration, data and messages lie.
    pub(crate) folder: PathBuf,
    /// The data directory.
    pub(crate) data: PathBuf,
    pub(crate) mode: &'static str,
    pub(crate) upstream: String,
    /// More of its top, before the tables.
    pub(crate) top: String,
    /// More of the configuration: tables after the ones that are always there.
    pub(crate) more: String,
    /// More of `[proxy]`, `[capture]` and `[ledger]`.
    pub(crate) proxy: String,
    pub(crate) capture: String,
    pub(crate) ledger: String,
    pub(crate) log: &'static str,
    /// Environment variables beside those of the tests.
    pub(crate) environment: Vec<(String, String)>,
}

impl Setup {
    pub(crate) fn new(folder: &Path, upstream: SocketAddr) -> Self {
        Self {
            folder: folder.to_owned(),
            data: folder.join("data"),
            mode: "evidence",
            upstream: format!("http://{upstream}"),
            top: String::new(),
            more: String::new(),
            proxy: String::new(),
            capture: String::new(),
            ledger: String::new(),
            log: "info",
            environment: Vec::new(),
        }
    }

    /// Writes the configuration file.
    pub(crate) fn write(&self) -> PathBuf {
        let path = self.folder.join("custody.toml");
        let text = format!(
            "data = {:?}\narchive_immutable = false\n{}\n\
             [proxy]\nlisten = \"127.0.0.1:0\"\nmode = {:?}\nstop_timeout = \"5s\"\n{}\n\n\
             [api]\nlisten = \"127.0.0.1:0\"\n\n\
             [capture]\n{}\n\n[ledger]\n{}\n\n\
             [[upstream]]\nname = \"openai\"\nbase_url = {:?}\nformat = \"openai\"\n\n\
             [[upstream]]\nname = \"anthropic\"\nbase_url = {:?}\nformat = \"anthropic\"\n\n\
             [[upstream]]\nname = \"any\"\nbase_url = {:?}\n\n{}",
            self.data.to_str().unwrap(),
            self.top,
            self.mode,
            self.proxy,
            self.capture,
            self.ledger,
            self.upstream,
            self.upstream,
            self.upstream,
            self.more
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A running `custody serve`.
pub(crate) struct Server {
    child: Child,
    pub(crate) setup: Setup,
    pub(crate) proxy: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) key: String,
    stdout: PathBuf,
}

impl Server {
    pub(crate) fn start(setup: &Setup) -> Self {
        Self::try_start(setup).unwrap_or_else(|run| {
            panic!("the server did not start: {} {}", run.code, run.stderr);
        })
    }

    /// Starts a process and kills it after `moment`, wherever its start has come to.
    pub(crate) fn start_and_kill(setup: &Setup, moment: Duration) {
        let config = setup.write();
        let messages = setup.folder.join("stderr.txt");
        let stderr = File::options().create(true).append(true).open(&messages).unwrap();
        let mut child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&config)
            .envs(setup.environment.iter().cloned())
            .env_remove(ROUNDS)
            .stdout(Stdio::null())
            .stderr(stderr)
            .current_dir(&setup.folder)
            .spawn()
            .unwrap();
        std::thread::sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts, or gives what the process said when it ended.
    pub(crate) fn try_start(setup: &Setup) -> Result<Self, Run> {
        let config = setup.write();
        let messages = setup.folder.join("stderr.txt");
        let stderr = File::options().create(true).append(true).open(&messages).unwrap();
        let mut child = Command::new(BINARY)
            .args(["serve", "--config"])
            .arg(&config)
            .env("CUSTODY_LOG", setup.log)
            .envs(setup.environment.iter().cloned())
            .env_remove(ROUNDS)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .current_dir(&setup.folder)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (mut proxy, mut api, mut key) = (None, None, None);
        let mut said = String::new();
        while key.is_none() {
            let mut line = String::new();
            if out.read_line(&mut line).unwrap() == 0 {
                let code = child.wait().unwrap().code().unwrap_or(-1);
                let stderr = std::fs::read_to_string(&messages).unwrap();
                return Err(Run { code, stdout: said, stderr });
            }
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("proxy"), Some(url)) => proxy = Some(address(url)),
                (Some("api"), Some(url)) => api = Some(address(url)),
                (Some("key"), Some(text)) => key = Some(text.to_owned()),
                _ => {}
            }
            said.push_str(&line);
        }
        // The rest of standard output goes into a file.
        let stdout = setup.folder.join("stdout.txt");
        let mut file = File::options().create(true).append(true).open(&stdout).unwrap();
        std::io::Write::write_all(&mut file, said.as_bytes()).unwrap();
        std::thread::spawn(move || std::io::copy(&mut out, &mut file));
        Ok(Self {
            child,
            setup: setup.clone(),
            proxy: proxy.unwrap(),
            api: api.unwrap(),
            key: key.unwrap(),
            stdout,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.setup.data
    }

    /// What the server said on standard error.
    pub(crate) fn stderr(&self) -> String {
        std::fs::read_to_string(self.setup.folder.join("stderr.txt")).unwrap()
    }

    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(&self.stdout).unwrap()
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status =
            until("the server ends", Duration::from_mins(1), || self.child.try_wait().unwrap());
        assert!(status.success(), "{status:?}: {}", self.stderr());
        self.no_panic();
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.no_panic();
    }

    pub(crate) fn no_panic(&self) {
        let said = self.stderr();
        assert!(!said.contains("panicked"), "{said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Its standard output as one JSON value a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// Runs the binary with arguments.
pub(crate) fn custody(arguments: &[&str]) -> Run {
    custody_with(arguments, &[])
}

/// The same with environment variables beside those of the tests.
pub(crate) fn custody_with(arguments: &[&str], environment: &[(String, String)]) -> Run {
    let output = Command::new(BINARY)
        .args(arguments)
        .envs(environment.iter().cloned())
        .current_dir(std::env::temp_dir())
        .env_remove(ROUNDS)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr,
    }
}

/// `custody verify --json`: exit code and report.
pub(crate) fn verify(data: &Path) -> (i32, Value) {
    let run = custody(&["verify", "--json", "--data", data.to_str().unwrap()]);
    let report = serde_json::from_str(&run.stdout)
        .unwrap_or_else(|_| serde_json::json!({ "error": run.stderr }));
    (run.code, report)
}

/// Verifies, and checks that all is well; gives the numbers of the recorder's log.
pub(crate) fn verified(data: &Path) -> Value {
    let (code, report) = verify(data);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["ok"], true, "{report:#}");
    let collectors = report["collectors"].as_array().unwrap();
    let numbers = collectors.iter().find(|c| c["collector"] == "c1").unwrap()["numbers"].clone();
    let n = |name: &str| numbers[name].as_u64().unwrap();
    assert_eq!(n("admitted"), n("recorded") + n("gaps") + n("open") + n("missing"), "{numbers:#}");
    assert_eq!(n("missing"), 0, "{numbers:#}");
    numbers
}

/// One record from the files; `None` when it is not there.
pub(crate) fn show(data: &Path, id: &str) -> Option<Value> {
    let run = custody(&["show", id, "--json", "--unrecorded", "--data", data.to_str().unwrap()]);
    (run.code == 0).then(|| serde_json::from_str(&run.stdout).unwrap())
}

/// A record once its outcome is known.
pub(crate) fn outcome_of(data: &Path, id: &str) -> Value {
    until(&format!("the outcome of {id}"), SOON, || {
        show(data, id).filter(|record| record["response"]["outcome"] != "interrupted")
    })
}

/// All records' metadata, newest first.
pub(crate) fn all_records(data: &Path) -> Vec<Value> {
    let data = data.to_str().unwrap();
    let run = custody(&["search", "--json", "--metadata", "--limit", "1000000", "--data", data]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    run.lines().into_iter().map(|hit| hit["record"].clone()).collect()
}

/// The metadata of calls.
pub(crate) fn interactions(data: &Path) -> Vec<Value> {
    all_records(data).into_iter().filter(|record| record["kind"] == "interaction").collect()
}

/// All files of a folder and below.
pub(crate) fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_under(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
