//! Filters over a record's metadata: `outcome = error and usage.total > 1000`.
//!
//! ```text
//! filter  = any { "or" any }
//! any     = one { "and" one }
//! one     = "not" one | "(" filter ")" | field op value
//! op      = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"          ("~" is contains)
//! ```

use serde_json::Value;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

/// Where a filter is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter, character {at}: {why}")]
pub struct FilterError {
    /// Position in characters, from 1.
    pub at: usize,
    /// What was expected.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare { path: Vec<String>, op: Op, value: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Contains,
}

/// Short names of fields that people filter by.
const SHORT: [(&str, &str); 21] = [
    ("model", "model.requested"),
    ("provider", "model.provider"),
    ("operation", "model.operation"),
    ("outcome", "response.outcome"),
    ("finish", "response.finish_class"),
    ("status", "response.status"),
    ("error", "response.error.type"),
    ("user", "who.user"),
    ("caller", "who.caller"),
    ("credential", "who.credential"),
    ("identity", "who.identity"),
    ("role", "who.roles"),
    ("environment", "who.environment"),
    ("service", "who.service"),
    ("session", "correlation.session"),
    ("thread", "correlation.thread"),
    ("trace", "correlation.trace_id"),
    ("tokens", "usage.total"),
    ("total_us", "timing.total_us"),
    ("class", "retention.class"),
    ("oddity", "oddities.code"),
];

impl Filter {
    /// Parses a filter.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.chars().count() + 1 };
        let node = parser.any()?;
        match parser.peek() {
            None => Ok(Self(node)),
            Some(token) => Err(FilterError {
                at: token.at,
                why: format!("expected `and`, `or` or the end, found {:?}", token.text),
            }),
        }
    }

    /// Whether a record's JSON fits.
    pub fn matches(&self, record: &Value) -> bool {
        matches(&self.0, record)
    }
}

fn matches(node: &Node, record: &Value) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().all(|node| matches(node, record)),
        Node::Or(nodes) => nodes.iter().any(|node| matches(node, record)),
        Node::Not(node) => !matches(node, record),
        Node::Compare { path, op, value } => {
            let mut found = Vec::new();
            select(record, path, &mut found);
            match op {
                Op::Unequal => !found.iter().any(|v| compare(v, Op::Equal, value)),
                op => found.iter().any(|v| compare(v, *op, value)),
            }
        }
    }
}

/// Values at a path; lists are searched through.
fn select<'a>(value: &'a Value, path: &[String], found: &mut Vec<&'a Value>) {
    match (value, path.split_first()) {
        (Value::Array(items), _) => items.iter().for_each(|item| select(item, path, found)),
        (value, None) => found.push(value),
        (Value::Object(members), Some((name, rest))) => {
            if let Some(member) = members.get(name) {
                select(member, rest, found);
            }
        }
        _ => {}
    }
}

fn compare(found: &Value, op: Op, wanted: &str) -> bool {
    let text = match found {
        Value::Null => return op == Op::Equal && wanted == "null",
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let numbers = text.parse::<f64>().ok().zip(wanted.parse::<f64>().ok());
    let order = match numbers {
        Some((found, wanted)) => found.partial_cmp(&wanted),
        None => Some(text.as_str().cmp(wanted)),
    };
    match op {
        Op::Equal => order == Some(std::cmp::Ordering::Equal) || text == wanted,
        Op::Unequal => text != wanted,
        Op::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Op::AtMost => order.is_some_and(std::cmp::Ordering::is_le),
        Op::More => order.is_some_and(std::cmp::Ordering::is_gt),
        Op::AtLeast => order.is_some_and(std::cmp::Ordering::is_ge),
        Op::Contains => text.to_lowercase().contains(&wanted.to_lowercase()),
    }
}

#[derive(Debug, Clone)]
struct Token {
    at: usize,
    text: String,
    quoted: bool,
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    let is_op = |c: char| "=!<>~".contains(c);
    while let Some(&c) = characters.get(i) {
        let at = i + 1;
        let mut take = |quoted: bool, text: String| tokens.push(Token { at, text, quoted });
        if c.is_whitespace() {
            i += 1;
        } else if c == '(' || c == ')' {
            take(false, c.to_string());
            i += 1;
        } else if c == '"' || c == '\'' {
            let rest = characters.get(i + 1..).unwrap_or_default();
            let Some(length) = rest.iter().position(|d| *d == c) else {
                return Err(FilterError { at, why: "the quotation mark is not closed".to_owned() });
            };
            take(true, rest.iter().take(length).collect());
            i += length + 2;
        } else if is_op(c) {
            let op: String =
                characters.get(i..).unwrap_or_default().iter().take_while(|c| is_op(**c)).collect();
            i += op.chars().count();
            take(false, op);
        } else {
            let word: String = characters
                .get(i..)
                .unwrap_or_default()
                .iter()
                .take_while(|c| !c.is_whitespace() && !is_op(**c) && !"()\"'".contains(**c))
                .collect();
            i += word.chars().count();
            take(false, word);
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|t| !t.quoted && t.text.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn next(&mut self, expected: &str) -> Result<Token, FilterError> {
        let token = self.peek().cloned().ok_or_else(|| FilterError {
            at: self.end,
            why: format!("expected {expected}, found the end"),
        })?;
        self.at += 1;
        Ok(token)
    }

    fn any(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all()?];
        while self.word("or") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) })
    }

    fn all(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.one()?];
        while self.word("and") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn one(&mut self) -> Result<Node, FilterError> {
        if self.word("not") {
            return Ok(Node::Not(Box::new(self.one()?)));
        }
        if self.word("(") {
            let inner = self.any()?;
            let close = self.next("a closing parenthesis")?;
            if close.text != ")" {
                let why = format!("expected a closing parenthesis, found {:?}", close.text);
                return Err(FilterError { at: close.at, why });
            }
            return Ok(inner);
        }
        let field = self.next("a field, e.g. outcome or usage.total")?;
        let path = SHORT
            .iter()
            .find(|(short, _)| *short == field.text)
            .map_or(field.text.as_str(), |(_, path)| path);
        let good = path.chars().all(|c| c.is_alphanumeric() || "._-".contains(c));
        if !good || field.quoted {
            let why = format!("expected a field, found {:?}", field.text);
            return Err(FilterError { at: field.at, why });
        }
        let path = path.split('.').map(str::to_owned).collect();
        let op = self.next("one of = != < <= > >= ~")?;
        let known = match op.text.as_str() {
            "=" | "==" => Op::Equal,
            "!=" => Op::Unequal,
            "<" => Op::Less,
            "<=" => Op::AtMost,
            ">" => Op::More,
            ">=" => Op::AtLeast,
            "~" => Op::Contains,
            other => {
                let why = format!("expected one of = != < <= > >= ~, found {other:?}");
                return Err(FilterError { at: op.at, why });
            }
        };
        let value = self.next("a value")?;
        Ok(Node::Compare { path, op: known, value: value.text })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(filter: &str) -> bool {
        let record = json!({
            "kind": "interaction",
            "model": {"requested": "gpt-4o", "provider": "openai"},
            "response": {"outcome": "complete", "status": 200, "error": null},
            "who": {"caller": "t_1", "identity": "token", "roles": ["support", "lead"], "tags": {"team": "red"}},
            "usage": {"total": 33},
            "oddities": [{"code": "json_invalid"}],
        });
        Filter::parse(filter).unwrap().matches(&record)
    }

    #[test]
    fn filters_select() {
        for yes in [
            "model = gpt-4o",
            "outcome = complete and tokens > 30",
            "outcome = error or status < 300",
            "not (outcome = error) and role = lead",
            "who.tags.team = 'red'",
            "tokens >= 33 and tokens <= 33.0",
            "model ~ GPT",
            "caller = t_1 and identity = token",
            "model != gpt-3",
            "oddity = json_invalid",
            "error != rate_limit",
            "response.error = null",
        ] {
            assert!(fits(yes), "{yes}");
        }
        for no in ["tokens > 33", "model = gpt", "role = admin", "none = 1", "outcome != complete"]
        {
            assert!(!fits(no), "{no}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (filter, at) in [
            ("", 1),
            ("model", 6),
            ("model = ", 9),
            ("model gpt", 7),
            ("(model = x", 11),
            ("model = 'x", 9),
            ("model = x tokens = 1", 11),
            ("'model' = x", 1),
            ("model === x", 7),
        ] {
            assert_eq!(Filter::parse(filter).unwrap_err().at, at, "{filter}");
        }
    }
}
