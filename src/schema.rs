//! The components that are known and not built here: their names, and what may be written in their blocks.
//!
//! The facts are in a file of text, of which no more is read than what is asked for.

use imgforge_template::schema::{Field, Need, Schema, Shape};
use imgforge_template::types::Type;
use std::iter::Peekable;
use std::str::Lines;

/// A section a component or group; its first line says which.
const COMPONENTS: &str = include_str!("schema/components.txt");

/// A component as its plugin describes it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) schema: Schema,
    /// What a data source gives.
    outputs: Vec<Field>,
}

impl Known {
    /// The type of what a data source gives.
    pub(crate) fn outputs(&self) -> Type {
        Type::object(self.outputs.iter().map(|output| (output.name, kind(&output.shape))))
    }
}

fn kind(shape: &Shape) -> Type {
    match shape {
        Shape::Argument("string") => Type::String,
        Shape::Argument("number") => Type::Number,
        Shape::Argument("bool") => Type::Bool,
        Shape::Argument("list(string)") => Type::list(Type::String),
        Shape::Argument("map(string)") => Type::map(Type::String),
        Shape::Argument(_) | Shape::Block { .. } => Type::Any,
    }
}

/// The names of a kind: `builder`, `provisioner`, `post-processor`, `data source`.
pub(crate) fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    sections().filter_map(move |section| section.lines().next()?.strip_prefix(kind)?.strip_prefix(' '))
}

/// The component of a kind and name.
pub(crate) fn find(kind: &str, name: &str) -> Option<Known> {
    section(kind, name).map(read)
}

/// Whether there is one, which is quicker to say than what it is.
pub(crate) fn is_known(kind: &str, name: &str) -> bool {
    section(kind, name).is_some()
}

fn sections() -> impl Iterator<Item = &'static str> {
    COMPONENTS.split("\n\n")
}

fn section(kind: &str, name: &str) -> Option<&'static str> {
    let is_it = |section: &&str| {
        let rest = section.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')?.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with('\n'))
    };
    sections().find(is_it)
}

fn read(section: &'static str) -> Known {
    let mut lines = section.lines().peekable();
    lines.next();
    let mut known = Known::default();
    while let Some(line) = lines.next() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("like") => {
                let groups = words.filter_map(|group| self::section("group", group));
                known.schema.fields.extend(groups.flat_map(|group| read(group).schema.fields));
            }
            Some("needs") => {
                let one_of = words.by_ref().take_while(|word| *word != "unless").collect();
                known.schema.needs.push(Need { one_of, unless: words.collect() });
            }
            Some("outputs") => known.outputs = nested(&mut lines, depth(line)),
            _ => field(line, &mut lines, &mut known.schema.fields),
        }
    }
    known
}

/// Reads `TYPE NAME NAME …`, or `block NAME` and the lines that stand deeper.
fn field(line: &'static str, lines: &mut Peekable<Lines<'static>>, fields: &mut Vec<Field>) {
    let mut words = line.split_whitespace();
    let Some(kind) = words.next() else { return };
    for name in words {
        let shape = match kind {
            "block" | "blocks" => Shape::Block { is_repeated: kind == "blocks", fields: nested(lines, depth(line)) },
            _ => Shape::Argument(kind),
        };
        fields.push(Field { name, shape });
    }
}

fn nested(lines: &mut Peekable<Lines<'static>>, outside: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    while let Some(line) = lines.next_if(|line| depth(line) > outside) {
        field(line, lines, &mut fields);
    }
    fields
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
