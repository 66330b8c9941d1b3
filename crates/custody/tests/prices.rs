//! Costs from end to end: a call through the binary gets one, and `custody prices` says why.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

mod support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{
    Client, Reply, SOON, Server, Setup, Upstream, chat, custody, outcome_of, post, post_to, until,
};

const OWN: &str = r#"date = "2026-10-31"
[[provider]]
names = ["openai"]
source = "our contract"
model = [{ names = ["gpt-4o"], input = 2, output = 8 }]
"#;

fn answer(model: &str, usage: &Value) -> Reply {
    let body = json!({
        "id": "x", "object": "chat.completion", "model": model, "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "an answer"}}],
    });
    Reply {
        status: 200,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.to_string().into_bytes(),
        chunk: 0,
    }
}

/// The record of a call that is answered so.
fn record(server: &Server, upstream: &Upstream, name: &str, reply: Reply) -> Value {
    upstream.put(name, reply);
    let script = format!("put {name}");
    let got = post(server.proxy, &[("x-script", &script)], chat("hello", false).as_bytes());
    outcome_of(server.data(), &got.head.id())
}

#[test]
fn a_call_gets_its_cost() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start();
    std::fs::write(folder.path().join("prices.toml"), OWN).unwrap();
    let own = "[prices]\ntable = \"prices.toml\"\n".to_owned();
    let server = Server::start(&Setup { more: own, ..Setup::new(folder.path(), upstream.address) });
    let tokens = json!({"prompt_tokens": 25, "completion_tokens": 8, "total_tokens": 33});

    // 25 × 2 + 8 × 8 = 114 µ$, by the own table.
    let priced = record(&server, &upstream, "own", answer("gpt-4o-2024-08-06", &tokens));
    let expected = json!({"micro_usd": 114, "source": "price-table", "table": "2026-10-31"});
    assert_eq!(priced["cost"], expected, "{priced:#}");
    let id = priced["id"].as_str().unwrap();
    let shown = custody(&["show", id, "--data", server.data().to_str().unwrap()]);
    let told = "25 in, 8 out   $0.000114 (price-table of 2026-10-31)";
    assert!(shown.stdout.contains(told), "{}", shown.stdout);

    // 25 × 0.15 + 8 × 0.60 = 8.55 µ$, by the built-in one.
    let priced = record(&server, &upstream, "built-in", answer("gpt-4o-mini", &tokens));
    assert_eq!(priced["cost"]["micro_usd"], 9, "{priced:#}");
    assert_ne!(priced["cost"]["table"], "2026-10-31");

    let mut told = tokens.clone();
    told["cost"] = json!(0.00025);
    let priced = record(&server, &upstream, "told", answer("gpt-4o", &told));
    let expected = json!({"micro_usd": 250, "source": "provider", "table": null});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(priced["cost"].get(member).unwrap_or(&Value::Null), value, "{priced:#}");
    }

    told["cost"] = json!(-1);
    let odd = record(&server, &upstream, "odd", answer("gpt-4o", &told));
    assert_eq!(odd["cost"]["source"], "price-table");
    assert_eq!(odd["oddities"][0]["code"], "cost_unclear", "{odd:#}");

    for (name, reply) in [
        ("unknown", answer("our-own-model", &tokens)),
        ("uncounted", answer("gpt-4o", &Value::Null)),
    ] {
        let unpriced = record(&server, &upstream, name, reply);
        assert_eq!(unpriced["cost"], Value::Null, "{name}: {unpriced:#}");
    }
    server.stop();
}

#[test]
fn a_bad_table_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("prices.toml");
    std::fs::write(&table, OWN.replace("input = 2,", "input = -2,")).unwrap();
    let config = folder.path().join("custody.toml");
    std::fs::write(&config, format!("[prices]\ntable = {:?}\n", table.to_str().unwrap())).unwrap();
    let config = config.to_str().unwrap();
    for command in [["config", "check"].as_slice(), &["prices"], &["serve"]] {
        let run = custody(&[command, &["--config", config]].concat());
        assert_eq!(run.code, 2, "{command:?}: {}", run.stderr);
        assert!(run.stderr.contains("prices.toml, line 5, column"), "{}", run.stderr);
        assert!(run.stderr.contains("dollars per million tokens"), "{}", run.stderr);
    }
}

#[test]
fn the_command_shows_the_tables_and_why_a_model_gets_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("prices.toml"), OWN).unwrap();
    let config = path("custody.toml");
    std::fs::write(&config, format!("[prices]\ntable = {:?}\n", path("prices.toml"))).unwrap();
    let run = |more: &[&str]| custody(&[&["prices", "--config", &config], more].concat());

    let all = run(&["--json"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let lines = all.lines();
    let of = |provider: &str, model: &str| -> Vec<&Value> {
        lines.iter().filter(|l| l["provider"] == provider && l["model"] == model).collect()
    };
    // The own entry alone stands for what both tables name.
    assert_eq!(of("openai", "gpt-4o").len(), 1);
    assert_eq!(of("openai", "gpt-4o")[0]["origin"], "own");
    assert_eq!(of("openai", "gpt-4o")[0]["input"], "2.00");
    assert_eq!(of("openai", "gpt-4o")[0]["source"], "our contract");
    assert_eq!(of("azure", "gpt-4o")[0]["origin"], "built-in");
    assert_eq!(of("azure", "gpt-4o")[0]["cached_input"], "1.25");
    assert_eq!(of("gemini", "gemini-2.5-pro")[0]["above"][0]["input_tokens"], 200_000);
    assert_eq!(of("anthropic", "claude-sonnet-5")[0]["tiers"]["batch"]["output"], "5.00");

    let one = run(&["us.anthropic.claude-3-5-haiku-20241022-v1:0", "--json"]).lines();
    assert_eq!(one.len(), 1);
    assert_eq!(
        (&one[0]["provider"], &one[0]["model"]),
        (&json!("bedrock"), &json!("anthropic.claude-3-5-haiku"))
    );
    let because = one[0]["because"].as_str().unwrap();
    assert!(because.contains("region") && because.contains("version"), "{because}");

    let told = run(&["gpt-4o-2024-08-06", "--provider", "openai"]).stdout;
    assert!(told.contains("without the version after it; own table of 2026-10-31"), "{told}");
    assert!(run(&[]).stdout.contains("https://www.anthropic.com/pricing"));
    let nothing = run(&["no-such-model"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (1, ""));
    assert!(nothing.stderr.contains("no entry for no-such-model"), "{}", nothing.stderr);

    // What is written is a table, and never takes the place of a file.
    let start = path("start.toml");
    let written = custody(&["prices", "--write", &start]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    std::fs::write(&config, format!("[prices]\ntable = {start:?}\nbuilt_in = false\n")).unwrap();
    let lines = run(&["--json"]).lines();
    assert!(lines.len() > 100 && lines.iter().all(|line| line["origin"] == "own"));
    assert_eq!(custody(&["prices", "--write", &start]).code, 2);
}

/// A stand-in that answers with recorded bodies.
struct Replay(Child);

impl Drop for Replay {
    fn drop(&mut self) {
        let _gone = (self.0.kill(), self.0.wait());
    }
}

/// Starts it, where Python and the recordings are; says so where they are not.
fn replay() -> Option<(Replay, std::net::SocketAddr)> {
    let shared = std::env::var_os("CUSTODY_SHARED").map(PathBuf::from);
    let tool = shared.map(|shared| shared.join("tools/replay_upstream.py"));
    let Some(tool) = tool.filter(|tool| tool.exists()) else {
        println!("LEFT OUT: set CUSTODY_SHARED to price recorded answers");
        return None;
    };
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let python = std::env::var_os("CUSTODY_TEST_PYTHON").unwrap_or_else(|| "python3".into());
    let child = Command::new(python)
        .arg(tool)
        .args(["--port", &address.port().to_string()])
        .stdout(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        println!("LEFT OUT: no Python to replay recorded answers");
        return None;
    };
    let replay = Replay(child);
    until("the replay listens", SOON, || Client::try_connect(address).ok());
    Some((replay, address))
}

#[test]
fn recorded_answers_get_the_cost_that_was_worked_out_by_hand() {
    let Some((_replay, address)) = replay() else { return };
    let folder = tempfile::tempdir().unwrap();
    let xai = format!(
        "[[upstream]]\nname = \"xai\"\nbase_url = \"http://{address}\"\nformat = \"openai\"\n"
    );
    let server = Server::start(&Setup { more: xai, ..Setup::new(folder.path(), address) });
    for (path, recording, micro_usd, source) in [
        // 1144 × 2.50 + 38 × 10 = 2860 + 380.
        ("/openai/v1/responses", "5b4375185fbabe835df9d274", 3240, "price-table"),
        // 2 × 2 + 77 × 2.50 + 3522 × 0.20 + 43 × 10 = 4 + 192.5 + 704.4 + 430 = 1330.9.
        ("/anthropic/v1/messages", "c01513eeb0dd6df65055b311", 1331, "price-table"),
        // 2,279,400 ticks of 10⁻¹⁰ dollars are 227.94.
        ("/xai/v1/chat/completions", "99f29893417c2b7ac485ab6b", 228, "provider"),
    ] {
        let headers = [("x-replay-id", recording)];
        let sent = chat("hello", false);
        let got = post_to(server.proxy, path, &headers, sent.as_bytes()).unwrap();
        let record = outcome_of(server.data(), &got.head.id());
        assert_eq!(record["cost"]["micro_usd"], micro_usd, "{path}: {record:#}");
        assert_eq!(record["cost"]["source"], source, "{path}");
    }
    server.stop();
}
