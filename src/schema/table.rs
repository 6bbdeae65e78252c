//! One table of arguments for every component: ours from the structs that read them, those that are only known from
//! their file.

use super::Known;
use crate::builders::BUILDERS;
use crate::component::Component;
use crate::data_sources::{self, DATA_SOURCES};
use crate::known;
use crate::plan::{PostProcessorArguments, ProvisionerArguments};
use crate::post_processors::POST_PROCESSORS;
use crate::provisioners::PROVISIONERS;
use imgforge_template::arguments::{Argument, Arguments as _};
use imgforge_template::schema::{Field, Need, Shape};
use imgforge_template::types::Type;

/// The kinds of components, by what they are called in messages.
pub(crate) const KINDS: [&str; 4] =
    [known::BUILDERS.what, known::PROVISIONERS.what, known::POST_PROCESSORS.what, known::DATA_SOURCES.what];

/// What may be written in the block of a component.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) kind: &'static str,
    pub(crate) name: &'static str,
    /// Whether it is built here, so that defaults and helps are known too.
    pub(crate) is_ours: bool,
    /// By name.
    pub(crate) rows: Vec<Row>,
    pub(crate) needs: Vec<Need>,
    /// Names and types of what a data source gives.
    pub(crate) outputs: Vec<(String, String)>,
}

/// One argument, or a block inside of the block.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) field: Field,
    pub(crate) is_required: bool,
    /// All that it can be, where that is a few words and known.
    pub(crate) words: &'static [&'static str],
    /// Whether Go templates in it are rendered only when its step runs, as far as that is known.
    pub(crate) is_late: bool,
    pub(crate) default: Option<&'static str>,
    /// Which others must not be given beside it, as far as that is known.
    pub(crate) excludes: Vec<&'static str>,
    /// What it is called now, if this is known to be an old name.
    pub(crate) renamed: Option<&'static str>,
    /// Empty where there is none.
    pub(crate) help: &'static str,
}

/// All components of a kind, by name.
pub(crate) fn tables(kind: &'static str) -> Vec<Table> {
    let mut tables: Vec<Table> = ours(kind)
        .into_iter()
        .map(|(name, arguments)| Table {
            kind,
            name,
            is_ours: true,
            rows: rows(arguments.iter().flat_map(|table| table.iter())),
            needs: Vec::new(),
            outputs: our_outputs(kind, name),
        })
        .collect();
    // One that this binary was made without is known as those are that nobody builds.
    let others: Vec<&str> = super::names(kind).filter(|name| tables.iter().all(|table| table.name != *name)).collect();
    tables.extend(others.into_iter().filter_map(|name| super::find(kind, name).map(|known| of(kind, name, known))));
    tables.sort_by_key(|table| table.name);
    tables
}

/// What the engine takes from the blocks of a kind for itself.
pub(crate) fn engine(kind: &str) -> Vec<Row> {
    let mut rows = if kind == known::PROVISIONERS.what {
        let field = Field { name: "override", shape: Shape::Argument("object") };
        let help = "Arguments for one source alone, by its name.";
        let mut rows = rows(ProvisionerArguments::TABLE.iter());
        rows.push(Row {
            field,
            is_required: false,
            words: &[],
            is_late: false,
            default: None,
            excludes: Vec::new(),
            renamed: None,
            help,
        });
        rows.sort_by_key(|row| row.field.name);
        rows
    } else if kind == known::POST_PROCESSORS.what {
        rows(PostProcessorArguments::TABLE.iter())
    } else {
        Vec::new()
    };
    // Names of sources are compared as they are written.
    rows.iter_mut().for_each(|row| row.is_late = false);
    rows
}

fn ours(kind: &str) -> Vec<(&'static str, &'static [&'static [Argument]])> {
    fn of<T: ?Sized>(registry: &'static [Component<T>]) -> Vec<(&'static str, &'static [&'static [Argument]])> {
        registry.iter().map(|component| (component.name, component.arguments)).collect()
    }
    if kind == known::BUILDERS.what {
        of(BUILDERS)
    } else if kind == known::PROVISIONERS.what {
        of(PROVISIONERS)
    } else if kind == known::POST_PROCESSORS.what {
        of(POST_PROCESSORS)
    } else {
        DATA_SOURCES.iter().map(|source| (source.component.name, source.component.arguments)).collect()
    }
}

fn our_outputs(kind: &str, name: &str) -> Vec<(String, String)> {
    let source = data_sources::find(name).filter(|_| kind == known::DATA_SOURCES.what);
    source.map_or_else(Vec::new, |source| outputs(&(source.outputs)()))
}

fn rows(arguments: impl Iterator<Item = &'static Argument>) -> Vec<Row> {
    let mut rows: Vec<Row> = arguments
        .map(|argument| Row {
            field: field(argument),
            is_required: argument.required,
            words: argument.words,
            is_late: argument.is_late,
            default: argument.default,
            excludes: argument.excludes.to_vec(),
            renamed: argument.renamed,
            help: argument.help.trim(),
        })
        .collect();
    // It is said of one of the two alone.
    let pairs: Vec<(&str, &str)> =
        rows.iter().flat_map(|row| row.excludes.iter().map(|other| (*other, row.field.name))).collect();
    for row in &mut rows {
        row.excludes.extend(pairs.iter().filter(|(other, _)| *other == row.field.name).map(|(_, name)| *name));
    }
    rows.sort_by_key(|row| row.field.name);
    rows
}

fn field(argument: &Argument) -> Field {
    let shape = match argument.fields {
        [] => shape(argument.kind),
        fields => {
            let mut fields: Vec<Field> = fields.iter().map(field).collect();
            fields.sort_by_key(|field| field.name);
            Shape::Block { is_repeated: argument.kind == "blocks", fields }
        }
    };
    Field { name: argument.name, shape }
}

/// The shape of an argument of ours: one that takes an object is a block to who writes it.
fn shape(kind: &'static str) -> Shape {
    let Some(members) = kind.strip_prefix("object({ ").and_then(|rest| rest.strip_suffix(" })")) else {
        return Shape::Argument(kind);
    };
    let members = members.split(", ").filter_map(|member| member.split_once(" = "));
    let fields = members.map(|(name, kind)| Field { name, shape: Shape::Argument(kind) }).collect();
    Shape::Block { is_repeated: false, fields }
}

fn of(kind: &'static str, name: &'static str, known: Known) -> Table {
    let outputs = outputs(&known.outputs());
    let mut rows: Vec<Row> = known
        .schema
        .fields
        .into_iter()
        .map(|field| {
            let is_needed = |need: &Need| need.one_of == [field.name] && need.unless.is_empty();
            let is_required = known.schema.needs.iter().any(is_needed);
            Row {
                field,
                is_required,
                words: &[],
                is_late: false,
                default: None,
                excludes: Vec::new(),
                renamed: None,
                help: "",
            }
        })
        .collect();
    sort(rows.iter_mut().map(|row| &mut row.field));
    rows.sort_by_key(|row| row.field.name);
    let mut needs = known.schema.needs;
    needs.retain(|need| need.one_of.len() > 1 || !need.unless.is_empty());
    Table { kind, name, is_ours: false, rows, needs, outputs }
}

/// Sorts what is in blocks by name.
fn sort<'a>(fields: impl Iterator<Item = &'a mut Field>) {
    for field in fields {
        if let Shape::Block { fields, .. } = &mut field.shape {
            fields.sort_by_key(|field| field.name);
            sort(fields.iter_mut());
        }
    }
}

fn outputs(all: &Type) -> Vec<(String, String)> {
    let Type::Object(outputs) = all else { return Vec::new() };
    outputs.iter().map(|(name, kind)| (name.to_string(), hcl(kind))).collect()
}

/// A type as HCL2 writes it.
fn hcl(kind: &Type) -> String {
    match kind {
        Type::List(of) => format!("list({})", hcl(of)),
        Type::Map(of) => format!("map({})", hcl(of)),
        kind => kind.to_string(),
    }
}
