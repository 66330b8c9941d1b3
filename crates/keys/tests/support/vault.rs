//! A stand-in for Vault's transit engine, written from the description of its HTTP API: paths,
//! headers, status codes and the form of errors. No registry that tests install from carries the
//! server itself.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{Request, read};

pub(crate) const TOKEN: &str = "hvs.a-token-that-nobody-may-see";

/// A server with the engine at `transit`, and one with the namespace `team` at `team-transit`.
#[derive(Clone)]
pub(crate) struct Vault {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// By ciphertext: plaintext, key, associated data.
    sealed: Mutex<HashMap<String, (String, String, String)>>,
    /// Answers with this status instead, while it is not 0.
    status: AtomicU16,
    asked: AtomicUsize,
}

impl Vault {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&served);
                std::thread::spawn(move || state.serve(&stream));
            }
        });
        Self { address, state }
    }

    /// From now on every answer has this status; 0 for the right ones again.
    pub(crate) fn answer_with(&self, status: u16) {
        self.state.status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }
}

impl State {
    fn serve(&self, mut stream: &TcpStream) {
        while let Some(request) = read(stream) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let (status, body) = self.answer(&request);
            let body = body.to_string();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Request) -> (u16, Value) {
        let errors = |status, text: &str| (status, json!({ "errors": [text] }));
        match self.status.load(Ordering::Relaxed) {
            0 => {}
            503 => return errors(503, "Vault is sealed"),
            status => return errors(status, ""),
        }
        if request.header("x-vault-token") != Some(TOKEN) {
            return errors(403, "permission denied");
        }
        let path = request.line.split(' ').nth(1).unwrap();
        let mount = match request.header("x-vault-namespace") {
            None => "/v1/transit/",
            Some("team") => "/v1/team-transit/",
            Some(_) => return errors(404, "no handler for route"),
        };
        let Some((action, key)) = path.strip_prefix(mount).and_then(|p| p.split_once('/')) else {
            return errors(404, "no handler for route");
        };
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if BASE64_STANDARD.decode(text("associated_data")).is_err() {
            return errors(400, "failed to base64-decode associated data");
        }
        let mut sealed = self.sealed.lock().unwrap();
        match action {
            "encrypt" => {
                let ciphertext = format!("vault:v1:{:032x}", sealed.len());
                let entry = (text("plaintext"), key.to_owned(), text("associated_data"));
                sealed.insert(ciphertext.clone(), entry);
                (200, json!({"data": {"ciphertext": ciphertext, "key_version": 1}}))
            }
            "decrypt" => match sealed.get(&text("ciphertext")) {
                Some((plaintext, with, data))
                    if with == key && *data == text("associated_data") =>
                {
                    (200, json!({"data": {"plaintext": plaintext}}))
                }
                _ => errors(400, "cipher: message authentication failed"),
            },
            _ => errors(404, "no handler for route"),
        }
    }
}
