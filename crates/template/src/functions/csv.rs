//! Values from CSV, as Go's decoder reads it: by RFC 4180, with empty lines passed over.

use super::{Context, Failure, MAX_ELEMENTS, line_and_column, text};
use crate::types::Type;
use crate::value::{Kind, Value, normalised};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A list of objects of strings, one for each line after the first, which has their names.
pub(super) fn decode(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    let mut reader = Reader { text, at: 0 };
    let failed = |at: usize, problem: &str| {
        let (line, column) = line_and_column(text, at);
        Failure::at(0, format!("this is not CSV, at line {line}, column {column}: {problem}"))
    };
    let mut names: Vec<Arc<str>> = Vec::new();
    let mut rows = Vec::new();
    let mut fields = 0;
    while let Some((start, row)) = reader.row().map_err(|(at, problem)| failed(at, problem))? {
        fields += row.len();
        if fields > MAX_ELEMENTS {
            return Err(Failure::at(0, "there are too many fields"));
        }
        if names.is_empty() {
            if row.iter().collect::<BTreeSet<_>>().len() < row.len() {
                return Err(failed(start, "two columns have the same name"));
            }
            names = row;
            continue;
        }
        if row.len() != names.len() {
            let problem = format!("this row has {} fields, and the first line has {}", row.len(), names.len());
            return Err(failed(start, &problem));
        }
        let members: BTreeMap<_, Value> =
            names.iter().cloned().zip(row.into_iter().map(|field| Kind::String(field).into())).collect();
        rows.push(Kind::Object(Arc::new(members)).into());
    }
    if names.is_empty() {
        return Err(Failure::at(0, "there is no line with the names of the columns"));
    }
    Ok(Value::list(Type::object(names.into_iter().map(|name| (name, Type::String))), rows))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

/// Where a row begins, and its fields.
type Row = (usize, Vec<Arc<str>>);

/// Where the mistake is, and what.
type Problem = (usize, &'static str);

impl<'t> Reader<'t> {
    /// The next row that is not empty, and where it begins.
    fn row(&mut self) -> Result<Option<Row>, Problem> {
        loop {
            let start = self.at;
            match self.line() {
                "" => return Ok(None),
                "\n" | "\r\n" => {}
                line => return self.fields(line).map(|fields| Some((start, fields))),
            }
        }
    }

    /// The rest of the line with its end; empty at the end of the text.
    fn line(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let line = rest.find('\n').and_then(|end| rest.get(..=end)).unwrap_or(rest);
        self.at += line.len();
        line
    }

    fn fields(&mut self, line: &'t str) -> Result<Vec<Arc<str>>, Problem> {
        let mut fields = Vec::new();
        let mut line = line;
        loop {
            let start = self.at - line.len();
            let rest = if let Some(quoted) = line.strip_prefix('"') {
                let (field, rest) = self.quoted(quoted)?;
                fields.push(normalised(field.into()));
                rest
            } else {
                let content = without_end(line);
                let field = content.split(',').next().unwrap_or_default();
                if let Some(quote) = field.find('"') {
                    return Err((start + quote, "a field with a `\"` inside has to stand in double quotes"));
                }
                fields.push(normalised(field.into()));
                content.get(field.len()..).filter(|rest| !rest.is_empty()).and(line.get(field.len()..))
            };
            match rest.and_then(|rest| rest.strip_prefix(',')) {
                Some(rest) => line = rest,
                None => return Ok(fields),
            }
        }
    }

    /// After an opening quote: the field, which may go over lines, and the rest of its last line.
    fn quoted(&mut self, line: &'t str) -> Result<(String, Option<&'t str>), Problem> {
        let mut field = String::new();
        let mut line = line;
        loop {
            let Some((before, after)) = line.split_once('"') else {
                field.push_str(without_end(line));
                field.push_str(if line.ends_with('\n') { "\n" } else { "" });
                line = self.line();
                if line.is_empty() {
                    return Err((self.at, "a double quote is not closed"));
                }
                continue;
            };
            field.push_str(before);
            if let Some(after) = after.strip_prefix('"') {
                field.push('"');
                line = after;
            } else if after.starts_with(',') || without_end(after).is_empty() {
                return Ok((field, Some(after)));
            } else {
                let problem = "a `\"` inside double quotes has to be written twice";
                return Err((self.at - after.len() - 1, problem));
            }
        }
    }
}

/// Without the end of line, which at the end of the text may be a lone `\r`.
fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}
