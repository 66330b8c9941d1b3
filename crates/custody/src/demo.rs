//! `custody demo`: everything on an empty directory, with no network and no key.

mod client;
mod forge;
mod sandbox;
mod script;
mod tour;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::DemoArgs;
use crate::commands::serve;
use crate::config::{self, Config};
use crate::output::{self, DIM, HEAD, NAME, paint};
use crate::recorder::Recorder;
use crate::{Failure, Outcome};

pub(crate) fn run(args: &DemoArgs) -> Result<Outcome, Failure> {
    serve::start_quiet_log();
    let stop = serve::StopSignal::install()?;
    // Held until the end: the directory goes when the demo does.
    let temporary = match &args.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary directory")?),
    };
    let data = match (&args.data, &temporary) {
        (Some(data), _) => data.clone(),
        (None, Some(folder)) => folder.path().join("custody-data"),
        (None, None) => PathBuf::from("custody-data"),
    };
    let sandbox = sandbox::start().context("the sandbox model did not start")?;
    let config = configuration(args, data, sandbox);
    let recorder = Recorder::start(config.clone())?;
    output::line(format!(
        "{}  a flight recorder for AI. Everything below happens on this machine.\n",
        paint(HEAD, "custody demo")
    ))?;
    output::line(format!("  sandbox model  http://{sandbox}"))?;
    output::line(format!(
        "  proxy          {}",
        paint(NAME, format!("http://{}", recorder.proxy_address))
    ))?;
    output::line(format!(
        "  api            {}",
        paint(NAME, format!("http://{}", recorder.api_address))
    ))?;
    output::line(format!("  data           {}\n", config.data.display()))?;
    tour::run(&recorder, &config)?;
    if args.once {
        recorder.stop()?;
        return Ok(Outcome::Done);
    }
    how_to_go_on(&recorder, &config)?;
    stop.wait();
    recorder.stop()?;
    drop(temporary);
    Ok(Outcome::Done)
}

fn configuration(args: &DemoArgs, data: PathBuf, sandbox: SocketAddr) -> Config {
    let upstream = |name: &str, format: &str| config::UpstreamConfig {
        name: name.to_owned(),
        base_url: format!("http://{sandbox}"),
        format: format.to_owned(),
        mode: None,
        retention: "standard".to_owned(),
        auth: None,
        region: None,
        service: None,
    };
    Config {
        data,
        // The demo's directory is to be thrown away.
        archive_immutable: false,
        proxy: config::ProxyConfig {
            listen: free(args.listen),
            stop_timeout: config::Span::seconds(2),
            ..config::ProxyConfig::default()
        },
        api: config::ApiConfig { listen: free(args.api) },
        // The names that clients know, answered by the sandbox: nothing leaves this machine.
        upstream: vec![
            upstream("sandbox", "auto"),
            upstream("openai", "openai"),
            upstream("anthropic", "anthropic"),
        ],
        ..Config::default()
    }
}

/// The address, or a free port beside it when somebody has it.
fn free(wanted: SocketAddr) -> SocketAddr {
    if TcpListener::bind(wanted).is_ok() {
        return wanted;
    }
    output::remark(&format!("{wanted} is taken; the system chooses another port"));
    SocketAddr::new(wanted.ip(), 0)
}

fn how_to_go_on(recorder: &Recorder, config: &Config) -> anyhow::Result<()> {
    let proxy = recorder.proxy_address;
    let data = config.data.display();
    output::line(paint(HEAD, "Now yours").clone())?;
    output::line("  Point any OpenAI or Anthropic client here; the sandbox model answers:\n")?;
    output::line(format!(
        "    curl -N http://{proxy}/openai/v1/chat/completions -H 'content-type: application/json' \\\n      \
         -d '{{\"model\":\"sandbox-1\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Hello!\"}}]}}'\n"
    ))?;
    output::line(format!(
        "    OpenAI(base_url=\"http://{proxy}/openai/v1\", api_key=\"any\")\n    \
         Anthropic(base_url=\"http://{proxy}/anthropic\", api_key=\"any\")\n"
    ))?;
    output::line("  Then, in another terminal:\n")?;
    for command in ["search hello", "verify", "show ID"] {
        output::line(format!("    custody {command} --data {data}"))?;
    }
    output::line(paint(DIM, "\n  Ctrl-C ends the demo."))
}
