//! A real S3 server, and a relay before it that can fail.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How to reach the server: `CUSTODY_TEST_S3` holds what its start script prints.
pub(crate) struct S3 {
    endpoint: String,
    key: String,
    secret: String,
}

/// What the relay does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Passes it on.
    Fair,
    /// Closes it at once.
    Gone,
    /// Passes it on after two seconds.
    Slow,
    /// Answers 500.
    Error,
    /// Answers 403.
    Forbidden,
    /// Answers 507, as a full server does.
    Full,
    /// Takes the request and never answers.
    Hangs,
}

/// A relay to the server.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    weather: Arc<Mutex<Weather>>,
}

impl S3 {
    /// The server of `CUSTODY_TEST_S3`; `None`, said so, when there is none.
    pub(crate) fn find() -> Option<Self> {
        let Ok(words) = std::env::var("CUSTODY_TEST_S3") else {
            // Past the test harness, which keeps back what passing tests print.
            drop(writeln!(std::io::stderr(), "LEFT OUT: CUSTODY_TEST_S3 names no S3 server"));
            return None;
        };
        let word = |name: &str| {
            let found = words.split_whitespace().find_map(|word| word.strip_prefix(name));
            found.unwrap_or_else(|| panic!("{name} in CUSTODY_TEST_S3")).to_owned()
        };
        let (endpoint, key) = (word("endpoint="), word("access_key="));
        Some(Self { endpoint, key, secret: word("secret_key=") })
    }

    /// A fresh prefix in the bucket with Object Lock, or the one without.
    pub(crate) fn place(&self, locked: bool) -> String {
        static NEXT: AtomicU8 = AtomicU8::new(0);
        let bucket = if locked { "custody-test-locked" } else { "custody-test-plain" };
        let lock: &[&str] =
            if locked { &["-H", "x-amz-bucket-object-lock-enabled: true"] } else { &[] };
        let status = self.curl(&["-X", "PUT"], lock, bucket);
        assert!(status == 200 || status == 409, "making {bucket}: {status}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!("s3://{bucket}/e2e/{}-{number}-{}", std::process::id(), now.as_nanos())
    }

    /// Sends a signed request; gives the status.
    pub(crate) fn curl(&self, method: &[&str], more: &[&str], path: &str) -> u16 {
        let user = format!("{}:{}", self.key, self.secret);
        let output = Command::new("curl")
            .args(["-s", "-o", "/dev/null", "-w", "%{http_code}"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &user])
            .args(method)
            .args(more)
            .arg(format!("{}/{}", self.endpoint, path.replace('=', "%3D")))
            .output()
            .expect("curl is installed");
        String::from_utf8_lossy(&output.stdout).parse().unwrap()
    }

    /// The environment of a process that uses it, directly or through a relay.
    pub(crate) fn environment(&self, relay: Option<&Relay>) -> Vec<(String, String)> {
        let endpoint =
            relay.map_or(self.endpoint.clone(), |relay| format!("http://{}", relay.address));
        [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", &self.key),
            ("AWS_SECRET_ACCESS_KEY", &self.secret),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Starts a relay before it.
    pub(crate) fn relay(&self) -> Relay {
        let server = self.endpoint.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let weather = Arc::new(Mutex::new(Weather::Fair));
        let now = Arc::clone(&weather);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, now) = (server.clone(), Arc::clone(&now));
                std::thread::spawn(move || serve(&client, &server, &now));
            }
        });
        Relay { address, weather }
    }
}

impl Relay {
    pub(crate) fn set(&self, weather: Weather) {
        *self.weather.lock().unwrap() = weather;
    }
}

/// Passes one connection on, while the weather is what it was when it came.
fn serve(client: &TcpStream, server: &str, weather: &Arc<Mutex<Weather>>) {
    let then = *weather.lock().unwrap();
    let answer = |status: &str| {
        let mut client = client.try_clone().unwrap();
        let _request = client.read(&mut vec![0; 65_536]);
        let body = "<Error><Code>Injected</Code><Message>by the test</Message></Error>";
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _gone = client.write_all(text.as_bytes());
    };
    match then {
        Weather::Gone => return,
        Weather::Slow => std::thread::sleep(Duration::from_secs(2)),
        Weather::Error => return answer("500 Internal Server Error"),
        Weather::Forbidden => return answer("403 Forbidden"),
        Weather::Full => return answer("507 Insufficient Storage"),
        Weather::Hangs => std::thread::sleep(Duration::from_mins(5)),
        Weather::Fair => {}
    }
    let Ok(server) = TcpStream::connect(server) else { return };
    let pass = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let weather = Arc::clone(weather);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(n) = from.read(&mut buffer) {
                // A connection that is kept alive does not outlive a change of the weather.
                if n == 0 || *weather.lock().unwrap() != then || to.write_all(&buffer[..n]).is_err()
                {
                    break;
                }
            }
            drop(to.shutdown(Shutdown::Both));
            drop(from.shutdown(Shutdown::Both));
        })
    };
    let (up, down) = (pass(client, &server), pass(&server, client));
    drop((up.join(), down.join()));
}
