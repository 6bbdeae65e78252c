//! YAML as a tree that knows its places: the pipeline is checked by our own walk, which finds every mistake, not by
//! serde, which stops at the first.

use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::{FileId, Span, Spanned};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, MergeKeyPolicy};
use std::fmt;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub kind: Kind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    /// As it was written: `1.10` stays `1.10`.
    Number(String),
    String(String),
    List(Vec<Node>),
    /// In order, duplicates included.
    Map(Vec<(Spanned<String>, Node)>),
}

/// Reads a document. `None` after a mistake of syntax, which is reported.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<Node> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        legacy_octal_numbers: false,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        budget: serde_saphyr::budget! { max_nodes: 10_000, max_depth: 64, max_aliases: 100, max_documents: 1 },
    };
    match serde_saphyr::from_str_with_options::<serde_saphyr::Spanned<Raw>>(text, options) {
        Ok(root) => Some(node(file, text, root)),
        Err(error) => {
            let span = error.location().map_or(Span::new(file, 0..0), |location| span(file, text, location));
            let message = error.without_snippet().to_string();
            // The place stands beside the message already.
            let message =
                message.split(" at line ").next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            diagnostics.push(Diagnostic::error("yaml-syntax", message).at(span));
            None
        }
    }
}

/// What serde gives, with the library's own places.
#[derive(Clone)]
enum Raw {
    Null,
    Bool(bool),
    Number,
    String(String),
    List(Vec<serde_saphyr::Spanned<Self>>),
    Map(Vec<(serde_saphyr::Spanned<String>, serde_saphyr::Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Raw::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Raw::Map(members))
    }
}

fn node(file: FileId, text: &str, raw: serde_saphyr::Spanned<Raw>) -> Node {
    let own = span(file, text, raw.referenced);
    let kind = match raw.value {
        Raw::Null => Kind::Null,
        Raw::Bool(value) => Kind::Bool(value),
        Raw::Number => Kind::Number(text.get(own.range()).unwrap_or_default().trim().to_owned()),
        Raw::String(value) => Kind::String(value),
        Raw::List(elements) => Kind::List(elements.into_iter().map(|element| node(file, text, element)).collect()),
        Raw::Map(members) => {
            let members = members.into_iter().map(|(key, value)| {
                (Spanned::new(key.value, span(file, text, key.referenced)), node(file, text, value))
            });
            Kind::Map(members.collect())
        }
    };
    Node { kind, span: own }
}

fn span(file: FileId, text: &str, location: Location) -> Span {
    let bytes = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let found = location.span();
    let start = bytes(found.byte_offset()).unwrap_or(0).min(text.len());
    let end = start.saturating_add(bytes(found.byte_len()).unwrap_or(0)).min(text.len());
    // Block scalars claim the next line's indentation too.
    let written = text.get(start..end).unwrap_or_default().trim_end();
    Span::new(file, start..start + written.len())
}

impl Node {
    /// In words, for "takes a list, not …".
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "true or false",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }
}
