//! AWS KMS as moto gives it: a process that checks signatures and rights as AWS does.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::post;

/// Bounds the wait for a process that starts.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running moto with one key, `alias/custody`, and an account that may use it.
pub(crate) struct Kms {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    /// ARN of the key.
    pub(crate) arn: String,
}

impl Kms {
    /// `None`, and says so, where there is no Python with moto.
    pub(crate) fn start() -> Option<Self> {
        let python = std::env::var_os("CUSTODY_TEST_PYTHON");
        let there = python.as_ref().is_some_and(|python| {
            let import = ["-c", "import moto.server, cryptography"];
            let run = Command::new(python).args(import).stderr(Stdio::null()).status();
            run.is_ok_and(|status| status.success())
        });
        let Some(python) = python.filter(|_| there) else {
            println!("SKIPPED: set CUSTODY_TEST_PYTHON to a Python with moto[server] to test KMS");
            return None;
        };
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let child = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &address.port().to_string()])
            // After so many calls signatures and rights are checked.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "5")
            .env("no_proxy", "*")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut kms = Self {
            child,
            address,
            access_key: String::new(),
            secret_key: String::new(),
            arn: String::new(),
        };
        kms.prepare();
        Some(kms)
    }

    fn prepare(&mut self) {
        let until = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < until, "moto does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        self.iam("Action=CreateUser&UserName=custody");
        let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22\
                      %3A%22Allow%22%2C%22Action%22%3A%22kms%3A%2A%22%2C%22Resource%22%3A%22%2A%22\
                      %7D%5D%7D";
        self.iam(&format!(
            "Action=PutUserPolicy&UserName=custody&PolicyName=kms&PolicyDocument={policy}"
        ));
        let made = self.iam("Action=CreateAccessKey&UserName=custody");
        let field = |name: &str| {
            let start = made.find(&format!("<{name}>")).unwrap() + name.len() + 2;
            let rest = made.get(start..).unwrap();
            rest.split('<').next().unwrap().to_owned()
        };
        (self.access_key, self.secret_key) = (field("AccessKeyId"), field("SecretAccessKey"));
        let made: serde_json::Value = serde_json::from_str(&self.kms("CreateKey", "{}")).unwrap();
        made["KeyMetadata"]["Arn"].as_str().unwrap().clone_into(&mut self.arn);
        let alias = format!(r#"{{"AliasName":"alias/custody","TargetKeyId":"{}"}}"#, self.arn);
        self.kms("CreateAlias", &alias);
    }

    fn iam(&self, form: &str) -> String {
        let form = format!("{form}&Version=2010-05-08");
        self.call("iam", &[("Content-Type", "application/x-www-form-urlencoded")], &form)
    }

    fn kms(&self, action: &str, json: &str) -> String {
        let target = format!("TrentService.{action}");
        let headers =
            [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target.as_str())];
        self.call("kms", &headers, json)
    }

    /// Unsigned: these calls come before signatures are checked.
    fn call(&self, service: &str, headers: &[(&str, &str)], body: &str) -> String {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let mut headers = headers.to_vec();
        headers.push(("Authorization", &scope));
        let (status, answer) = post(self.address, "/", &headers, body).unwrap();
        assert_eq!(status, 200, "{body}: {answer}");
        answer
    }
}

impl Drop for Kms {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}
