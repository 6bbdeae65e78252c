//! `imgforge schema`: what components there are and what may be written in their blocks, for people and for editors.

use super::session::Session;
use crate::exit::Exit;
use crate::reports::Audience;
use crate::schema::json_schema::json_schema;
use crate::schema::table::{self, KINDS, Row, Table};
use clap::{Args, Subcommand};
use imgforge_template::schema::{Field, Shape};
use imgforge_template::suggest;

/// Show the components and their arguments
#[derive(Args, Debug)]
pub struct SchemaArguments {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The arguments of a component: name, type, what it is without, and what it does
    Component {
        /// The component's name; of several kinds that have it, all are shown
        name: String,
    },
    /// A JSON Schema of templates in `*.pkr.json`, for editors
    Json,
}

pub(crate) fn run(arguments: &SchemaArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, Some(false));
    let text = match &arguments.what {
        None => list(),
        Some(What::Json) => json_schema().to_string(),
        Some(What::Component { name }) => {
            let all: Vec<Table> = KINDS.into_iter().flat_map(table::tables).collect();
            let found: Vec<String> = all.iter().filter(|table| table.name == *name).map(component).collect();
            if found.is_empty() {
                let help = suggest::did_you_mean(name, all.iter().map(|table| table.name));
                let help = help.unwrap_or_else(|| "`imgforge schema` lists all".to_owned());
                return session.fail(&anyhow::anyhow!("there is no component `{name}`: {help}"));
            }
            found.join("\n\n")
        }
    };
    session.events.say(text);
    Exit::Success
}

/// The names of all components by kind.
fn list() -> String {
    let mut lines = Vec::new();
    for kind in KINDS {
        lines.push(format!("{kind}s"));
        lines.extend(table::tables(kind).iter().map(|table| match table.is_ours {
            true => format!("  {}", table.name),
            false => format!("  {} (checked, not {} here)", table.name, verb(kind)),
        }));
    }
    lines.join("\n")
}

fn verb(kind: &str) -> &'static str {
    match kind {
        "builder" => "built",
        "data source" => "read",
        _ => "run",
    }
}

fn component(table: &Table) -> String {
    let Table { kind, name, .. } = table;
    let mut lines = vec![match table.is_ours {
        true => format!("{kind} {name}"),
        false => format!("{kind} {name} (checked, not {} here)", verb(kind)),
    }];
    let mut cells = Vec::new();
    for row in &table.rows {
        cells.push(argument(row));
        if let Shape::Block { fields, .. } = &row.field.shape {
            inside(fields, "  ", &mut cells);
        }
    }
    lines.extend(aligned(&cells));
    for need in &table.needs {
        let unless = if need.unless.is_empty() {
            String::new()
        } else {
            format!(", unless there is {}", need.unless.join(" or "))
        };
        lines.push(format!("  needed: {}{unless}", need.one_of.join(" or ")));
    }
    let engine = table::engine(kind);
    if !engine.is_empty() {
        lines.push(format!("  as every {kind}:"));
        lines.extend(aligned(&engine.iter().map(argument).collect::<Vec<_>>()).iter().map(|line| format!("  {line}")));
    }
    if !table.outputs.is_empty() {
        lines.push("  gives:".to_owned());
        let cells: Vec<_> =
            table.outputs.iter().map(|(name, kind)| [format!("  {name}"), kind.clone(), String::new()]).collect();
        lines.extend(aligned(&cells));
    }
    lines.join("\n")
}

fn argument(row: &Row) -> [String; 3] {
    let mut rest = Vec::new();
    match row.default {
        Some(default) => rest.push(format!("[{default}]")),
        None if row.is_required => rest.push("required".to_owned()),
        None => {}
    }
    if !row.help.is_empty() {
        rest.push(row.help.to_owned());
    }
    if !row.words.is_empty() {
        rest.push(format!("One of {}.", row.words.join(", ")));
    }
    if !row.excludes.is_empty() {
        rest.push(format!("Not beside {}.", row.excludes.join(", ")));
    }
    if let Some(new) = row.renamed {
        rest.push(format!("The old name of {new}."));
    }
    if row.is_late {
        rest.push("Rendered when it runs.".to_owned());
    }
    [row.field.name.to_owned(), kind(&row.field.shape), rest.join(" ")]
}

fn inside(fields: &[Field], indent: &str, cells: &mut Vec<[String; 3]>) {
    for field in fields {
        cells.push([format!("{indent}{}", field.name), kind(&field.shape), String::new()]);
        if let Shape::Block { fields, .. } = &field.shape {
            inside(fields, &format!("{indent}  "), cells);
        }
    }
}

fn kind(shape: &Shape) -> String {
    match shape {
        Shape::Argument(Shape::LEGACY) => "any, in legacy JSON alone".to_owned(),
        Shape::Argument(kind) => kind.replace(Shape::ANY, "string"),
        Shape::Block { is_repeated: true, .. } => "blocks".to_owned(),
        Shape::Block { is_repeated: false, .. } => "block".to_owned(),
    }
}

/// Names and types under each other, what is long last.
fn aligned(cells: &[[String; 3]]) -> Vec<String> {
    let width = |column: usize| cells.iter().map(|cells| cells[column].len()).max().unwrap_or_default();
    let (names, kinds) = (width(0), width(1));
    let line =
        |[name, kind, rest]: &[String; 3]| format!("  {name:names$}  {kind:kinds$}  {rest}").trim_end().to_owned();
    cells.iter().map(line).collect()
}
