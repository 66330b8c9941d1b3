//! What the recorder may cost, and whether it kept to it.

use crate::load::Figures;
use crate::plan::Workload;
use crate::proxy::Runs;
use crate::stats::Spread;
use crate::targets::Target;

/// With more than this between nginx's own rounds, the machine is too noisy to judge on.
const NOISE: f64 = 0.15;

/// One promise.
pub(crate) struct Goal {
    /// Under which load.
    pub(crate) workload: Workload,
    /// Of which target.
    pub(crate) target: Target,
    measure: Measure,
    limit: f64,
}

#[derive(Clone, Copy)]
enum Measure {
    /// CPU per request (of streams: per chunk), as a multiple of nginx's.
    Cpu,
    /// Median latency above nginx's, µs.
    P50,
    /// 99th percentile above nginx's, µs.
    P99,
    /// Median time to the first token, above or below nginx's, µs.
    FirstToken,
    /// Stalls of streams, over all rounds.
    Stalls,
    /// Peak memory, MiB.
    Memory,
}

/// The outcome for one goal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Kept.
    Met,
    /// Not kept.
    Missed,
    /// Why it cannot be said.
    NotJudged(String),
}

/// A goal with its outcome.
pub(crate) struct Judged {
    /// Of which target.
    pub(crate) target: Target,
    /// What was promised and what was found.
    pub(crate) text: String,
    /// The outcome.
    pub(crate) verdict: Verdict,
}

/// All promises.
pub(crate) fn goals() -> Vec<Goal> {
    use Measure::{Cpu, FirstToken, Memory, P50, P99, Stalls};
    use Target::{Evidence, ObserveDiscard};
    let goal = |workload, target, measure, limit| Goal { workload, target, measure, limit };
    vec![
        goal(Workload::Unary1k, ObserveDiscard, Cpu, 1.25),
        goal(Workload::Unary100k, ObserveDiscard, Cpu, 1.5),
        goal(Workload::Chat, Evidence, Cpu, 4.0),
        goal(Workload::ChatNew, Evidence, Cpu, 8.0),
        goal(Workload::Latency, Evidence, P50, 100.0),
        goal(Workload::Latency, Evidence, P99, 500.0),
        goal(Workload::Stream100, Evidence, FirstToken, 150.0),
        goal(Workload::Stream100, Evidence, Cpu, 1.25),
        goal(Workload::Stream100, Evidence, Stalls, 0.0),
        goal(Workload::Stream1000, Evidence, FirstToken, 150.0),
        goal(Workload::Stream1000, Evidence, Cpu, 1.25),
        goal(Workload::Stream1000, Evidence, Stalls, 0.0),
        goal(Workload::Stream1000, Evidence, Memory, 128.0),
    ]
}

/// The figure that stands for CPU in a workload: per request, of streams per chunk.
pub(crate) fn cpu(figures: &Figures) -> Option<f64> {
    figures.cpu_per_chunk.or(figures.cpu_per_request)
}

/// How far nginx's own rounds lie apart; `None` with fewer than two of them.
pub(crate) fn noise(runs: &Runs, workload: Workload) -> Option<f64> {
    if runs.of(workload, Target::Nginx).count() < 2 {
        return None;
    }
    Some(runs.spread(workload, Target::Nginx, cpu)?.width())
}

impl Goal {
    /// `None` when the target was not run under this load.
    pub(crate) fn judge(&self, runs: &Runs) -> Option<Judged> {
        let over = |figure: fn(&Figures) -> f64| {
            runs.paired(self.workload, self.target, Target::Nginx, |own, nginx| {
                Some(figure(own) - figure(nginx))
            })
        };
        runs.spread(self.workload, self.target, |f| Some(f.latency.p50))?;
        let limit = self.limit;
        let (found, promise) = match self.measure {
            Measure::Cpu => {
                let per = if self.workload.streams() { "chunk" } else { "request" };
                let ratio = |own: &Figures, nginx: &Figures| Some(cpu(own)? / cpu(nginx)?);
                let found = runs.paired(self.workload, self.target, Target::Nginx, ratio);
                (found, format!("CPU per {per} <= {limit} x nginx"))
            }
            Measure::P50 => (over(|f| f.latency.p50), format!("p50 <= nginx + {limit} us")),
            Measure::P99 => (over(|f| f.latency.p99), format!("p99 <= nginx + {limit} us")),
            Measure::FirstToken => {
                let promise = format!("first token, p50: within {limit} us of nginx's");
                (over(|f| f.first_token.p50), promise)
            }
            Measure::Stalls => return Some(self.judge_stalls(runs)),
            Measure::Memory => {
                let found = runs.spread(self.workload, self.target, |f| Some(f.memory.peak));
                (found, format!("peak memory <= {limit} MB"))
            }
        };
        let Some(found) = found else {
            return Some(self.judged(&promise, Verdict::NotJudged("nginx did not run".into())));
        };
        let Spread { median, min, max } = found;
        let text = format!("{promise}: {median:.2} ({min:.2}..{max:.2})");
        let verdict = if matches!(self.measure, Measure::Memory) {
            verdict(max <= limit)
        } else {
            let kept = verdict(median <= limit);
            too_noisy(runs, self.workload).map_or(kept, Verdict::NotJudged)
        };
        Some(self.judged(&text, verdict))
    }

    /// Stalls are the proxy's only where the machine has none without it.
    fn judge_stalls(&self, runs: &Runs) -> Judged {
        let of = |target| runs.total(self.workload, target, |f| f.stalls);
        let (own, nginx, direct) = (of(self.target), of(Target::Nginx), of(Target::Direct));
        let text = format!(
            "no stalls >= 10 ms beyond the upstream's gap: {own} (nginx {nginx}, direct {direct})"
        );
        let verdict = if own == 0 {
            Verdict::Met
        } else if own > 2 * nginx.max(direct) {
            Verdict::Missed
        } else {
            Verdict::NotJudged("streams stall on this machine without Custody too".into())
        };
        self.judged(&text, verdict)
    }

    fn judged(&self, text: &str, verdict: Verdict) -> Judged {
        Judged { target: self.target, text: text.to_owned(), verdict }
    }
}

fn verdict(kept: bool) -> Verdict {
    if kept { Verdict::Met } else { Verdict::Missed }
}

fn too_noisy(runs: &Runs, workload: Workload) -> Option<String> {
    let Some(noise) = noise(runs, workload) else {
        return Some("one round of nginx has no spread".into());
    };
    (noise > NOISE).then(|| format!("nginx's own spread is {:.0} %", noise * 100.0))
}
