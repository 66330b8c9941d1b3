//! A timestamp authority on loopback: `openssl ts` behind a small HTTP server.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const CONFIG: &str = "\
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[signer]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = test
[test]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
";

/// How it behaves.
pub(crate) const ANSWERS: u8 = 0;
pub(crate) const FAILS: u8 = 1;
/// Answers the request before, whatever is asked.
pub(crate) const REPLAYS: u8 = 2;

pub(crate) struct Authority {
    folder: PathBuf,
    address: SocketAddr,
    mode: Arc<AtomicU8>,
    asked: Arc<AtomicU64>,
}

impl Authority {
    /// Starts one in an empty folder; `None`, said aloud, when there is no openssl here.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            // Past the test harness, which keeps back what passing tests print.
            drop(writeln!(
                std::io::stderr(),
                "LEFT OUT: there is no openssl, so nothing is timestamped"
            ));
            return None;
        }
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("tsa.cnf"), CONFIG).unwrap();
        for arguments in [
            "req -new -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 \
             -subj /CN=test-ca -config tsa.cnf -extensions ca",
            "req -new -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=test-tsa \
             -config tsa.cnf",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 \
             -extfile tsa.cnf -extensions signer",
        ] {
            let output = run(folder, &arguments.split_whitespace().collect::<Vec<_>>());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, asked) = (Arc::new(AtomicU8::new(ANSWERS)), Arc::new(AtomicU64::new(0)));
        let authority = Self { folder: folder.to_owned(), address, mode, asked };
        let (folder, mode, asked) =
            (folder.to_owned(), Arc::clone(&authority.mode), Arc::clone(&authority.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up is its own affair.
                drop(answer(stream, &folder, mode.load(Ordering::SeqCst)));
            }
        });
        Some(authority)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/tsr", self.address)
    }

    pub(crate) fn behave(&self, mode: u8) {
        self.mode.store(mode, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }

    /// `openssl ts -verify` of an answer over a file, with the authority's own certificate.
    pub(crate) fn verify(&self, answer: &Path, over: &Path) -> Output {
        let (answer, over) = (answer.to_str().unwrap(), over.to_str().unwrap());
        run(&self.folder, &["ts", "-verify", "-in", answer, "-data", over, "-CAfile", "ca.pem"])
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl").args(arguments).current_dir(folder).output().unwrap()
}

fn answer(stream: TcpStream, folder: &Path, mode: u8) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut kind) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        } else if let Some(value) = line.strip_prefix("content-type:") {
            value.trim().clone_into(&mut kind);
        }
    }
    let mut query = vec![0; length];
    reader.read_exact(&mut query)?;
    assert_eq!(kind, "application/timestamp-query");
    let mut status = "200 OK";
    let mut reply = b"out of order".to_vec();
    if mode == FAILS {
        status = "503 Service Unavailable";
    } else {
        if mode == ANSWERS || !folder.join("reply.tsr").exists() {
            std::fs::write(folder.join("query.tsq"), &query)?;
            let output = run(
                folder,
                &[
                    "ts",
                    "-reply",
                    "-queryfile",
                    "query.tsq",
                    "-config",
                    "tsa.cnf",
                    "-section",
                    "test",
                    "-signer",
                    "tsa.pem",
                    "-inkey",
                    "tsa.key",
                    "-out",
                    "reply.tsr",
                ],
            );
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        reply = std::fs::read(folder.join("reply.tsr"))?;
    }
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/timestamp-reply\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    )?;
    stream.write_all(&reply)
}
