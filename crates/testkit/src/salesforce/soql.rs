//! The SOQL that the connector uses: fields and one step of relationships, AND, OR, parentheses, comparisons, IN, ORDER BY, LIMIT.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::org::{ApiError, Org};

/// A query.
#[derive(Debug)]
pub(super) struct Query {
    fields: Vec<String>,
    object: String,
    filter: Option<Filter>,
    order: Vec<(String, bool)>,
    limit: Option<usize>,
}

#[derive(Debug)]
enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Is { path: String, operator: String, values: Vec<Value> },
}

/// Reads and answers a query.
pub(super) fn run(org: &Org, soql: &str) -> Result<Vec<Value>, ApiError> {
    answer(org, soql, false)
}

/// The same, of what is in the recycle bin as well.
pub(super) fn run_all(org: &Org, soql: &str) -> Result<Vec<Value>, ApiError> {
    answer(org, soql, true)
}

fn answer(org: &Org, soql: &str, deleted: bool) -> Result<Vec<Value>, ApiError> {
    let malformed = || ApiError::new(400, "MALFORMED_QUERY", "unexpected token");
    let mut reader = Reader { tokens: tokens(soql).ok_or_else(malformed)?, at: 0 };
    let query = reader.query().filter(|_| reader.at == reader.tokens.len()).ok_or_else(malformed)?;
    org.object(&query.object)?;
    for path in query.paths() {
        check(org, &query.object, path)?;
    }
    let object = org.object(&query.object)?.name;
    let bin = org.deleted(object).filter(|_| deleted);
    let mut found: Vec<&Map<String, Value>> = org
        .all(object)
        .chain(bin)
        .filter(|r| query.filter.as_ref().is_none_or(|f| f.holds(org, r)))
        .collect();
    // A stable sort by the last field first.
    for (path, descending) in query.order.iter().rev() {
        found.sort_by(|a, b| {
            let order = compare(&value(org, a, path), &value(org, b, path)).unwrap_or(Ordering::Equal);
            if *descending { order.reverse() } else { order }
        });
    }
    found.truncate(query.limit.unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|record| query.shown(org, object, record)).collect())
}

impl Query {
    fn paths(&self) -> impl Iterator<Item = &String> {
        let mut filtered = Vec::new();
        let mut open: Vec<&Filter> = self.filter.iter().collect();
        while let Some(filter) = open.pop() {
            match filter {
                Filter::And(a, b) | Filter::Or(a, b) => open.extend([&**a, &**b]),
                Filter::Is { path, .. } => filtered.push(path),
            }
        }
        self.fields.iter().chain(filtered).chain(self.order.iter().map(|(path, _)| path))
    }

    fn shown(&self, org: &Org, object: &str, record: &Map<String, Value>) -> Value {
        let id = record.get("Id").and_then(Value::as_str).unwrap_or_default();
        let mut shown = Map::new();
        shown.insert(
            "attributes".into(),
            json!({"type": object, "url": format!("/services/data/v66.0/sobjects/{object}/{id}")}),
        );
        for path in &self.fields {
            let value = value(org, record, path);
            match path.split_once('.') {
                None => drop(shown.insert(path.clone(), value)),
                Some((relation, field)) => {
                    if let Value::Object(inner) = shown.entry(relation).or_insert_with(|| json!({})) {
                        inner.insert(field.to_owned(), value);
                    }
                }
            }
        }
        Value::Object(shown)
    }
}

/// A path's fields must exist.
fn check(org: &Org, object: &str, path: &str) -> Result<(), ApiError> {
    let missing = |column: &str, entity: &str| {
        ApiError::new(
            400,
            "INVALID_FIELD",
            &format!("\nERROR at Row:1:Column:8\nNo such column '{column}' on entity '{entity}'."),
        )
    };
    match path.split_once('.') {
        None => org.object(object)?.field(path).map(drop).ok_or_else(|| missing(path, object)),
        Some((relation, field)) => {
            org.object(object)?.field(&format!("{relation}Id")).ok_or_else(|| missing(relation, object))?;
            org.object(relation)?.field(field).map(drop).ok_or_else(|| missing(field, relation))
        }
    }
}

fn value(org: &Org, record: &Map<String, Value>, path: &str) -> Value {
    match path.split_once('.') {
        None => record.get(path).cloned().unwrap_or_default(),
        Some((relation, field)) => {
            let id = record.get(&format!("{relation}Id")).and_then(Value::as_str);
            id.and_then(|id| org.find(relation, id)).and_then(|r| r.get(field).cloned()).unwrap_or_default()
        }
    }
}

impl Filter {
    fn holds(&self, org: &Org, record: &Map<String, Value>) -> bool {
        match self {
            Self::And(a, b) => a.holds(org, record) && b.holds(org, record),
            Self::Or(a, b) => a.holds(org, record) || b.holds(org, record),
            Self::Is { path, operator, values } => {
                let own = value(org, record, path);
                let order = |other: &Value| compare(&own, other);
                let any = |test: fn(Ordering) -> bool| values.iter().any(|v| order(v).is_some_and(test));
                match operator.as_str() {
                    "=" | "IN" => any(Ordering::is_eq),
                    "!=" => !any(Ordering::is_eq),
                    "<" => any(Ordering::is_lt),
                    ">" => any(Ordering::is_gt),
                    "<=" => any(Ordering::is_le),
                    ">=" => any(Ordering::is_ge),
                    _ => false,
                }
            }
        }
    }
}

/// Text compares without regard to case; ids by their first 15 characters.
fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::String(a), Value::String(b)) if time(a).is_some() && time(b).is_some() => {
            time(a).partial_cmp(&time(b))
        }
        (Value::String(a), Value::String(b)) => {
            let ids = a.len() == 18 && matches!(b.len(), 15 | 18) || a.len() == 15 && b.len() == 18;
            let same_id = ids && a.get(..15) == b.get(..15);
            Some(if same_id { Ordering::Equal } else { a.to_lowercase().cmp(&b.to_lowercase()) })
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Bool(b)) => Some(false.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        (Value::Null, _) => Some(Ordering::Less),
        (_, Value::Null) => Some(Ordering::Greater),
        _ => None,
    }
}

/// A date and time, as records and as queries spell it.
fn time(text: &str) -> Option<Timestamp> {
    text.replace("+0000", "Z").parse().ok()
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(String),
}

fn tokens(soql: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = soql.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '\'' => {
                let mut text = String::new();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        '\\' => text.push(match chars.next()? {
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            c @ ('\'' | '\\' | '"') => c,
                            _ => return None,
                        }),
                        c => text.push(c),
                    }
                }
                tokens.push(Token::Text(text));
            }
            '(' | ')' | ',' | '=' => tokens.push(Token::Sign(c.into())),
            '<' | '>' | '!' => {
                let with_equals = chars.next_if_eq(&'=').is_some();
                tokens.push(Token::Sign(if with_equals { format!("{c}=") } else { c.into() }));
            }
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => {
                let mut word = String::from(c);
                while let Some(c) =
                    chars.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '+'))
                {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            _ => return None,
        }
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += usize::from(token.is_some());
        token
    }

    fn word(&mut self) -> Option<String> {
        match self.next()? {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let there =
            matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.at += usize::from(there);
        there
    }

    fn sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.tokens.get(self.at), Some(Token::Sign(s)) if s == sign);
        self.at += usize::from(there);
        there
    }

    fn query(&mut self) -> Option<Query> {
        self.keyword("SELECT").then_some(())?;
        let mut fields = vec![self.word()?];
        while self.sign(",") {
            fields.push(self.word()?);
        }
        self.keyword("FROM").then_some(())?;
        let object = self.word()?;
        let filter = if self.keyword("WHERE") { Some(self.either()?) } else { None };
        let mut order = Vec::new();
        if self.keyword("ORDER") {
            self.keyword("BY").then_some(())?;
            loop {
                let path = self.word()?;
                let descending = self.keyword("DESC");
                let _ascending = !descending && self.keyword("ASC");
                order.push((path, descending));
                if !self.sign(",") {
                    break;
                }
            }
        }
        let limit = if self.keyword("LIMIT") { Some(self.word()?.parse().ok()?) } else { None };
        Some(Query { fields, object, filter, order, limit })
    }

    /// SOQL does not say which of AND and OR binds closer: a query that mixes them must have parentheses.
    fn either(&mut self) -> Option<Filter> {
        let mut filter = self.one()?;
        let mut joined = None;
        loop {
            let and = match (self.keyword("AND"), self.keyword("OR")) {
                (true, _) => true,
                (_, true) => false,
                _ => return Some(filter),
            };
            if *joined.get_or_insert(and) != and {
                return None;
            }
            let (left, right) = (Box::new(filter), Box::new(self.one()?));
            filter = if and { Filter::And(left, right) } else { Filter::Or(left, right) };
        }
    }

    fn one(&mut self) -> Option<Filter> {
        if self.sign("(") {
            let filter = self.either()?;
            return self.sign(")").then_some(filter);
        }
        let path = self.word()?;
        if self.keyword("IN") {
            self.sign("(").then_some(())?;
            let mut values = vec![self.literal()?];
            while self.sign(",") {
                values.push(self.literal()?);
            }
            return self.sign(")").then_some(Filter::Is { path, operator: "IN".into(), values });
        }
        let Token::Sign(operator) = self.next()? else { return None };
        let values = vec![self.literal()?];
        Some(Filter::Is { path, operator, values })
    }

    fn literal(&mut self) -> Option<Value> {
        Some(match self.next()? {
            Token::Text(text) => Value::String(text),
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => word.parse::<f64>().map_or(Value::String(word), |number| json!(number)),
            },
            Token::Sign(_) => return None,
        })
    }
}
