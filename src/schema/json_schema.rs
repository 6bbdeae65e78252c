//! A JSON Schema (draft 2020-12) of templates in `*.pkr.json`, by which editors complete and check them.
//!
//! It is about names and types. What has to be there is not in it: a source may get arguments where it is built, and
//! `dynamic` makes blocks.

use super::table::{self, KINDS, Row, Table};
use imgforge_template::schema::{Field, Shape};
use serde_json::{Map, Value, json};

/// A string with something in it that is only known when it is evaluated.
const INTERPOLATION: &str = r"[$%]\{";

/// The whole schema.
pub(crate) fn json_schema() -> Value {
    let mut definitions = types();
    let mut kinds: Map<String, Value> = Map::new();
    for kind in KINDS {
        let mut components = Map::new();
        for table in table::tables(kind) {
            let reference = format!("{}.{}", kind.replace(' ', "-"), table.name);
            components.insert(table.name.to_owned(), json!({"$ref": format!("#/$defs/{reference}")}));
            definitions.insert(reference, component(&table));
        }
        kinds.insert(kind.to_owned(), Value::Object(components));
    }
    // A plugin that is not known may bring components of other names.
    let by_name = |kind: &str| {
        let components = kinds.get(kind).and_then(Value::as_object).into_iter().flatten();
        many(object(components.map(|(name, component)| (name.clone(), many(component.clone()))), json!(true)))
    };
    let by_label = |kind: &str| {
        let components = kinds.get(kind).and_then(Value::as_object).into_iter().flatten();
        let labelled = |component: &Value| many(object([], many(component.clone())));
        many(object(components.map(|(name, component)| (name.clone(), labelled(component))), json!(true)))
    };
    let post_processor = ("post-processor".to_owned(), by_name(KINDS[2]));
    let build = named([
        ("name", reference("string")),
        ("description", reference("string")),
        ("sources", reference("list-of-string")),
        ("source", many(json!({"type": "object"}))),
        ("provisioner", by_name(KINDS[1])),
        ("error-cleanup-provisioner", by_name(KINDS[1])),
        ("post-processors", many(object([post_processor.clone(), dynamic()], json!(false)))),
        ("hcp_packer_registry", json!(true)),
        ("from", json!(true)),
    ]);
    let build = build.into_iter().chain([post_processor, dynamic()]);
    let root = named([
        ("packer", many(json!({"type": "object"}))),
        ("variable", many(object([], many(variable())))),
        ("variables", many(json!({"type": "object"}))),
        ("local", many(object([], many(local())))),
        ("locals", many(json!({"type": "object"}))),
        ("data", by_label(KINDS[3])),
        ("source", by_label(KINDS[0])),
        ("build", many(object(build, json!(false)))),
        ("hcp_packer_registry", json!(true)),
        ("communicator", json!(true)),
    ]);
    let mut schema = many(object(root, json!(false)));
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("A Packer template in JSON (*.pkr.json)"));
        members.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

/// The types of arguments, any of which a string with an interpolation may turn out to have.
fn types() -> Map<String, Value> {
    let later = json!({"type": "string", "pattern": INTERPOLATION});
    let or_later = |kind: Value| json!({"anyOf": [kind, later, {"type": "null"}]});
    let scalar = |kinds: Value, pattern: &str| {
        let text = json!({"type": "string", "pattern": format!("{pattern}|{INTERPOLATION}")});
        json!({"anyOf": [{"type": kinds}, text]})
    };
    let types = named([
        ("string", json!({"type": ["string", "number", "boolean", "null"]})),
        ("number", scalar(json!(["number", "null"]), r"^-?[0-9.]+([eE][+-]?[0-9]+)?$")),
        ("bool", scalar(json!(["boolean", "null"]), "^(true|false|1|0)$")),
        ("list-of-string", or_later(json!({"type": "array", "items": reference("string")}))),
        ("list-of-number", or_later(json!({"type": "array", "items": reference("number")}))),
        ("list-of-list-of-string", or_later(json!({"type": "array", "items": reference("list-of-string")}))),
        // By the name of a source.
        ("object", object([], json!({"type": ["object", "null"]}))),
        ("map-of-string", or_later(json!({"type": "object", "additionalProperties": reference("string")}))),
    ]);
    types.into_iter().collect()
}

fn component(table: &Table) -> Value {
    let rows = table.rows.iter().filter(|row| row.field.shape != Shape::Argument(Shape::LEGACY));
    let engine = table::engine(table.kind);
    object(rows.chain(&engine).map(property).chain([dynamic()]), json!(false))
}

fn property(row: &Row) -> (String, Value) {
    let mut value = shape(&row.field.shape);
    if let Some(members) = value.as_object_mut() {
        if !row.help.is_empty() {
            members.insert("description".to_owned(), json!(row.help));
        }
        if !row.words.is_empty() {
            members
                .insert("anyOf".to_owned(), json!([{"enum": row.words}, {"type": "string", "pattern": INTERPOLATION}]));
        }
        if row.renamed.is_some() {
            members.insert("deprecated".to_owned(), json!(true));
        }
        if let Some(default) = row.default {
            members.insert("default".to_owned(), json!(default));
        }
    }
    (row.field.name.to_owned(), value)
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Argument(kind) => {
            let kind = kind.replace(Shape::ANY, "string").replace('(', "-of-").replace(')', "");
            reference(&kind)
        }
        Shape::Block { fields, .. } => {
            let field = |field: &Field| (field.name.to_owned(), self::shape(&field.shape));
            let block = object(fields.iter().map(field).chain([dynamic()]), json!(false));
            json!({"anyOf": [many(block), {"type": "string", "pattern": INTERPOLATION}, {"type": "null"}]})
        }
    }
}

fn variable() -> Value {
    let validation = named([("condition", json!(true)), ("error_message", json!(true))]);
    let variable = named([
        ("type", json!({"type": "string"})),
        ("default", json!(true)),
        ("description", json!({"type": "string"})),
        ("sensitive", json!({"type": ["boolean", "string"]})),
        ("validation", many(object(validation, json!(false)))),
    ]);
    object(variable, json!(false))
}

fn local() -> Value {
    object(named([("expression", json!(true)), ("sensitive", json!({"type": ["boolean", "string"]}))]), json!(false))
}

/// A block is an object, and several are a list of them.
fn many(one: Value) -> Value {
    json!({"if": {"type": "array"}, "then": {"items": one}, "else": one})
}

/// An object of these properties; `//` is a comment anywhere.
fn object(properties: impl IntoIterator<Item = (String, Value)>, others: Value) -> Value {
    let properties: Map<String, Value> = properties.into_iter().chain([("//".to_owned(), json!(true))]).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": others})
}

fn dynamic() -> (String, Value) {
    ("dynamic".to_owned(), many(json!({"type": "object"})))
}

fn reference(definition: &str) -> Value {
    json!({"$ref": format!("#/$defs/{definition}")})
}

fn named<const N: usize>(members: [(&str, Value); N]) -> Vec<(String, Value)> {
    members.map(|(name, value)| (name.to_owned(), value)).into()
}
