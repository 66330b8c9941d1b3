//! The figures: tables for people, a line of JSON each for machines.

use serde_json::{Value, json};

use super::goals::{Goal, Title, goal};
use crate::table::Table;

/// How many digits a figure has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A share of one.
    Share,
    /// A share whose percents matter after the point.
    Percent,
    /// A whole number.
    Count,
    /// A measurement.
    Measure,
}

impl Form {
    fn write(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{:.2} %", value * 100.0),
            Self::Count => format!("{value:.0}"),
            Self::Measure if value >= 10.0 => format!("{value:.1}"),
            Self::Share | Self::Measure => format!("{value:.3}"),
        }
    }
}

struct Figure {
    measure: String,
    of: String,
    value: f64,
    form: Form,
    goal: Option<Goal>,
}

/// A table under way: measures are its rows.
pub(crate) struct Section {
    title: Title,
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Section {
    pub(crate) fn new(title: Title) -> Self {
        Self { title, figures: Vec::new(), notes: Vec::new() }
    }

    /// Adds a figure; its goal is looked up.
    pub(crate) fn put(&mut self, measure: &str, of: &str, form: Form, value: f64) {
        let goal = goal(self.title, measure, of);
        let (measure, of) = (measure.to_owned(), of.to_owned());
        self.figures.push(Figure { measure, of, value, form, goal });
    }

    /// Adds a line below the table.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    fn render(&self) -> String {
        let mut columns: Vec<&str> = Vec::new();
        let mut rows: Vec<&str> = Vec::new();
        for figure in &self.figures {
            if !columns.contains(&figure.of.as_str()) {
                columns.push(&figure.of);
            }
            if !rows.contains(&figure.measure.as_str()) {
                rows.push(&figure.measure);
            }
        }
        let headings: Vec<_> =
            columns.iter().map(|column| column.trim_start_matches("presidio_")).collect();
        let mut table = Table::new(&[&[""], &headings[..], &["goal"]].concat());
        for row in rows {
            let at =
                |column: &&str| self.figures.iter().find(|f| f.measure == row && f.of == *column);
            let mut cells = vec![row.to_owned()];
            cells.extend(columns.iter().map(|column| at(column).map_or_else(String::new, cell)));
            cells.push(limits(columns.iter().filter_map(at)));
            table.row(cells);
        }
        table.render("  ")
    }
}

/// What stands in a table for a figure.
fn cell(figure: &Figure) -> String {
    let value = figure.form.write(figure.value);
    match figure.goal {
        None => value,
        Some(goal) if goal.met(figure.value) => format!("{value} met"),
        Some(_) => format!("{value} MISSED"),
    }
}

/// The goals of a row, each once.
fn limits<'a>(figures: impl Iterator<Item = &'a Figure>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for figure in figures {
        let (sign, limit) = match figure.goal {
            Some(Goal::Least(limit)) => (">=", limit),
            Some(Goal::Most(limit)) => ("<=", limit),
            None => continue,
        };
        let limit = match figure.form {
            Form::Percent => format!("{} %", limit * 100.0),
            _ => limit.to_string(),
        };
        let text = format!("{sign} {limit}");
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(", ")
}

/// All that a run has measured.
pub(crate) struct Report {
    json: bool,
    met: u64,
    missed: Vec<String>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, met: 0, missed: Vec::new() }
    }

    /// A line that is no figure.
    pub(crate) fn say(&self, text: &str) {
        if self.json {
            println!("{}", json!({ "note": text }));
        } else {
            println!("{text}");
        }
    }

    /// Prints a table, and remembers which goals were met. `folder` tells two folders of sets
    /// apart.
    pub(crate) fn print(&mut self, section: &Section, folder: Option<&str>) {
        for figure in &section.figures {
            let met = figure.goal.map(|goal| goal.met(figure.value));
            self.met += u64::from(met == Some(true));
            if met == Some(false) {
                let value = figure.form.write(figure.value);
                let limit = limits([figure].into_iter());
                let (measure, of) = (&figure.measure, &figure.of);
                let folder = folder.map(|f| format!(" ({f})")).unwrap_or_default();
                self.missed.push(format!("{of}: {measure} {value}, goal {limit}{folder}"));
            }
            if self.json {
                println!("{}", line(section.title, figure, folder, met));
            }
        }
        if self.json {
            section.notes.iter().for_each(|note| self.say(note));
            return;
        }
        let folder = folder.map(|f| format!(", {f}")).unwrap_or_default();
        println!("{}{folder}\n{}", section.title.text(), section.render());
        if !section.notes.is_empty() {
            section.notes.iter().for_each(|note| println!("  {note}"));
            println!();
        }
    }

    /// The sum of it.
    pub(crate) fn end(&self) {
        let (met, missed) = (self.met, self.missed.len());
        if self.json {
            println!("{}", json!({ "goals_met": met, "goals_missed": missed }));
            return;
        }
        println!("goals met: {met}, missed: {missed}");
        self.missed.iter().for_each(|text| println!("  missed: {text}"));
    }
}

fn line(title: Title, figure: &Figure, folder: Option<&str>, met: Option<bool>) -> Value {
    let (least, most) = match figure.goal {
        Some(Goal::Least(limit)) => (Some(limit), None),
        Some(Goal::Most(limit)) => (None, Some(limit)),
        None => (None, None),
    };
    json!({
        "table": title.word(),
        "folder": folder,
        "of": figure.of,
        "measure": figure.measure,
        "value": figure.value,
        "least": least,
        "most": most,
        "met": met,
    })
}

#[cfg(test)]
mod tests {
    use super::{Form, Section, Title};

    #[test]
    fn goals_stand_beside_their_figures() {
        let mut section = Section::new(Title::Names);
        section.put("PERSON F1", "presidio_synth_v2", Form::Share, 0.87);
        section.put("PERSON F1", "uner_en_ewt", Form::Share, 0.5);
        section.put("over-masked", "uner_en_ewt", Form::Percent, 0.0149);
        let text = section.render();
        let lines: Vec<_> =
            text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(lines[0], ["synth_v2", "uner_en_ewt", "goal"]);
        assert_eq!(lines[1][2..], ["0.870", "met", "0.500", "MISSED", ">=", "0.86,", ">=", "0.84"]);
        assert_eq!(lines[2][1..], ["1.49", "%", "met", "<=", "1.5", "%"]);
    }
}
