//! The tables: ratios first, since those travel from machine to machine; absolute figures after.

use std::time::Duration;

use crate::goals::{self, Judged, Verdict};
use crate::load::Figures;
use crate::plan::Workload;
use crate::proxy::Runs;
use crate::stats::Spread;
use crate::table::Table;
use crate::targets::Target;

/// More than this of a core for other programs is worth a word.
const CROWDED: f64 = 0.1;

/// One line per measurement, as it begins.
pub(crate) fn progress(
    elapsed: Duration,
    round: u32,
    rounds: u32,
    workload: Workload,
    target: Target,
) {
    let (seconds, workload, target) = (elapsed.as_secs(), workload.name(), target.name());
    println!("{seconds:>5} s  round {round}/{rounds}  {workload:<11} {target}");
}

/// Prints everything; `false` when an answer was wrong.
pub(crate) fn print(runs: &Runs, workloads: &[Workload], targets: &[Target]) -> bool {
    println!("\nMedian over rounds (min..max); ratios and differences are within one round.");
    let goals = goals::goals();
    let mut right = true;
    for &workload in workloads {
        let mine = goals.iter().filter(|goal| goal.workload == workload);
        let judged: Vec<_> = mine.filter_map(|goal| goal.judge(runs)).collect();
        let ran = |target: &Target| runs.of(workload, *target).next().is_some();
        let targets: Vec<_> = targets.iter().copied().filter(ran).collect();
        let targets = targets.as_slice();
        println!("\n{}: {}", workload.name(), workload.title());
        if let Some(noise) = goals::noise(runs, workload) {
            println!("  nginx's own spread: {:.0} %", noise * 100.0);
        }
        let others = |core: fn(&Figures) -> f64| {
            let most = targets.iter().filter_map(|&t| runs.spread(workload, t, |f| Some(core(f))));
            most.map(|spread| spread.max).fold(0.0, f64::max)
        };
        let (proxy, load) = (others(|f| f.busy.others), others(|f| f.load_busy.others));
        if proxy.max(load) > CROWDED {
            println!(
                "  other programs took up to {:.0} % of the proxy's core, {:.0} % of the load's",
                proxy * 100.0,
                load * 100.0
            );
        }
        print!("{}", ratios(runs, workload, targets, &judged).render("  "));
        println!("  absolute:");
        print!("{}", absolute(runs, workload, targets).render("    "));
        for goal in &judged {
            let verdict = match &goal.verdict {
                Verdict::Met => "met".to_owned(),
                Verdict::Missed => "MISSED".to_owned(),
                Verdict::NotJudged(why) => format!("not judged: {why}"),
            };
            println!("  goal, {}: {} -> {verdict}", goal.target.name(), goal.text);
        }
        for &target in targets {
            right &= print_errors(runs, workload, target);
            print_recorded(runs, workload, target);
        }
    }
    right
}

/// Next to nginx and to no proxy.
fn ratios(runs: &Runs, workload: Workload, targets: &[Target], judged: &[Judged]) -> Table {
    let streams = workload.streams();
    let mut table = if streams {
        Table::new(&[
            "",
            "CPU/chunk x nginx",
            "first token +us nginx",
            "+us direct",
            "gap p99 x nginx",
            "x direct",
            "verdict",
        ])
    } else {
        Table::new(&[
            "",
            "CPU/request x nginx",
            "p50 x nginx",
            "x direct",
            "p99 x nginx",
            "x direct",
            "max/s x direct",
            "verdict",
        ])
    };
    let ratio = |figure: fn(&Figures) -> Option<f64>| {
        move |own: &Figures, other: &Figures| Some(figure(own)? / figure(other)?)
    };
    for &target in targets {
        let against = |other, figure: fn(&Figures) -> Option<f64>| {
            // Of the yardstick itself every ratio is one.
            let found = runs.paired(workload, target, other, ratio(figure));
            cell(found.filter(|_| target != other), 2)
        };
        let over = |other, figure: fn(&Figures) -> f64| {
            let difference = |own: &Figures, other: &Figures| Some(figure(own) - figure(other));
            let found = runs.paired(workload, target, other, difference);
            cell(found.filter(|_| target != other), 0)
        };
        let mut row = vec![target.name().to_owned(), against(Target::Nginx, goals::cpu)];
        if streams {
            row.push(over(Target::Nginx, |f| f.first_token.p50));
            row.push(over(Target::Direct, |f| f.first_token.p50));
            row.push(against(Target::Nginx, |f| Some(f.gap.p99)));
            row.push(against(Target::Direct, |f| Some(f.gap.p99)));
        } else {
            row.push(against(Target::Nginx, |f| Some(f.latency.p50)));
            row.push(against(Target::Direct, |f| Some(f.latency.p50)));
            row.push(against(Target::Nginx, |f| Some(f.latency.p99)));
            row.push(against(Target::Direct, |f| Some(f.latency.p99)));
            row.push(against(Target::Direct, |f| f.closed_loop));
        }
        row.push(short_verdict(judged, target));
        table.row(row);
    }
    table
}

fn absolute(runs: &Runs, workload: Workload, targets: &[Target]) -> Table {
    let streams = workload.streams();
    let mut table = if streams {
        Table::new(&[
            "",
            "CPU us/chunk",
            "core",
            "load core",
            "others on them",
            "chunks/s",
            "head +us",
            "first token +us",
            "gap p50/p99 ms",
            "stalls",
            "RSS/peak MB",
            "errors",
        ])
    } else {
        Table::new(&[
            "",
            "CPU us/request",
            "core",
            "load core",
            "others on them",
            "req/s",
            "max/s",
            "added us p50",
            "p99",
            "p99.9",
            "RSS/peak MB",
            "errors",
        ])
    };
    for &target in targets {
        let median = |figure: fn(&Figures) -> f64, digits| {
            let found = runs.spread(workload, target, |f| Some(figure(f)));
            found.map_or_else(String::new, |s| format!("{:.digits$}", s.median))
        };
        // Added by the way through the target: direct of the same round is taken off.
        let added = |figure: fn(&Figures) -> f64| {
            let difference = |own: &Figures, other: &Figures| Some(figure(own) - figure(other));
            let found = runs.paired(workload, target, Target::Direct, difference);
            found
                .filter(|_| target != Target::Direct)
                .map_or_else(|| format!("({})", median(figure, 0)), |s| format!("{:.0}", s.median))
        };
        let errors: u64 = runs.errors(workload, target).iter().map(|(_, count)| count).sum();
        let memory =
            format!("{}/{}", median(|f| f.memory.resident, 0), median(|f| f.memory.peak, 0));
        let mut row = vec![
            target.name().to_owned(),
            cell(runs.spread(workload, target, goals::cpu), 1),
            median(|f| f.busy.own, 2),
            median(|f| f.load_busy.own, 2),
            format!("{}/{}", median(|f| f.busy.others, 2), median(|f| f.load_busy.others, 2)),
        ];
        if streams {
            row.push(median(|f| f.chunk_rate, 0));
            row.push(added(|f| f.first_byte.p50));
            row.push(added(|f| f.first_token.p50));
            let gap = |figure: fn(&Figures) -> f64| median(figure, 2);
            row.push(format!("{}/{}", gap(|f| f.gap.p50 / 1000.0), gap(|f| f.gap.p99 / 1000.0)));
            row.push(runs.total(workload, target, |f| f.stalls).to_string());
        } else {
            row.push(median(|f| f.achieved, 0));
            row.push(median(|f| f.closed_loop.unwrap_or(f64::NAN), 0));
            row.push(added(|f| f.latency.p50));
            row.push(added(|f| f.latency.p99));
            row.push(added(|f| f.latency.p999));
        }
        row.push(memory);
        row.push(errors.to_string());
        table.row(row);
    }
    table
}

/// The verdict column: the worst of a target's goals; the lines below the table tell which.
fn short_verdict(judged: &[Judged], target: Target) -> String {
    let mut own = judged.iter().filter(|goal| goal.target == target).peekable();
    if own.peek().is_none() {
        return String::new();
    }
    let verdicts: Vec<_> = own.map(|goal| &goal.verdict).collect();
    if verdicts.iter().any(|v| **v == Verdict::Missed) {
        "MISSED".into()
    } else if verdicts.iter().all(|v| **v == Verdict::Met) {
        "met".into()
    } else {
        "not judged".into()
    }
}

fn cell(spread: Option<Spread>, digits: usize) -> String {
    let Some(Spread { median, min, max }) = spread else { return "-".into() };
    if min < max {
        format!("{median:.digits$} ({min:.digits$}..{max:.digits$})")
    } else {
        format!("{median:.digits$}")
    }
}

/// `false` when there were any.
fn print_errors(runs: &Runs, workload: Workload, target: Target) -> bool {
    let errors = runs.errors(workload, target);
    for (kind, count) in &errors {
        println!("  ERROR, {}: {count} x {kind}", target.name());
    }
    let unsent = runs.total(workload, target, |f| f.unsent);
    if unsent > 0 {
        let any =
            |full: fn(&Figures) -> bool| runs.total(workload, target, |f| u64::from(full(f))) > 0;
        let why = if any(|f| f.load_busy.full()) {
            "the load generator's core was full"
        } else if any(|f| f.busy.others > CROWDED) {
            "other programs ran on its core"
        } else {
            "it was behind"
        };
        println!("  {}: {unsent} requests were due and never sent: {why}", target.name());
    }
    errors.is_empty()
}

/// How many of the calls are in Custody's log, by its own account.
fn print_recorded(runs: &Runs, workload: Workload, target: Target) {
    if !target.is_custody() || target == Target::ObserveDiscard {
        return;
    }
    let (mut sent, mut admitted, mut gaps, mut told) = (0, 0.0, 0.0, true);
    for recorded in runs.of(workload, target).filter_map(|run| run.recorded) {
        sent += recorded.sent;
        admitted += recorded.admitted.unwrap_or(0.0);
        gaps += recorded.gaps.unwrap_or(0.0);
        told &= recorded.admitted.is_some();
    }
    let name = target.name();
    if told {
        let kept = admitted - gaps;
        let all = (kept - crate::num::float(sent)).abs() < 0.5;
        let remark = if all { "all of them" } else { "NOT all of them" };
        println!("  log, {name}: {kept:.0} recorded of {sent} sent, {gaps:.0} in gaps: {remark}");
    } else {
        println!("  log, {name}: {sent} sent; no custody_admitted_total in its metrics");
    }
    let lives = || runs.of(workload, target).filter_map(|r| Some((r.recorded?, r.round)));
    let nginx = |round: u32| {
        let mut runs = runs.of(workload, Target::Nginx).filter(|run| run.round == round);
        runs.next()?.figures.cpu_per_request
    };
    let ratios = lives().filter_map(|(own, round)| Some(own.cpu_per_call / nginx(round)?));
    println!(
        "  log, {name}: CPU us per call from start to stop, all segments written: {} = {} x nginx",
        cell(Spread::of(lives().map(|(own, _)| own.cpu_per_call)), 1),
        cell(Spread::of(ratios), 2),
    );
}
