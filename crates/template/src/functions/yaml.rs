//! Values from YAML, and values as YAML.
//!
//! The rules are those of the YAML library that Packer uses: of YAML 1.1 with some of 1.2, found out by asking it.

mod encode;
mod scalar;
#[cfg(test)]
mod tests;

use super::Accepts::{Any, String as Str};
use super::{Failure, Function, MAX_DEPTH, MAX_ELEMENTS, Parameter, text};
use crate::value::{Kind, Value, normalised};
use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, Tag};
use scalar::Style;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) const TABLE: &[Function] = &[
    Function::new("yamldecode", &[Parameter::string("string")], Any, |context, arguments| {
        decode(text(arguments, 0), context.hidden)
    }),
    Function::new("yamlencode", &[Parameter::any("value").nullable()], Str, |_, arguments| match arguments.first() {
        Some(value) => encode::encode(value).map(Value::string),
        None => Err(Failure::new("a value is needed")),
    }),
];

/// Text counts as one element for each so many bytes.
const BYTES: usize = 64;

/// The value of the one document in a text: objects and tuples, never maps and lists.
fn decode(text: &str, hidden: bool) -> Result<Value, Failure> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    // As libyaml does it.
    options.block_scalar_eof_without_line_feed = true;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { parser, anchors: HashMap::new(), size: 0, hidden };
    reader.document().map_err(|problem| match problem.place {
        Some((line, column)) => {
            let message = format!("this is not YAML for a value, at line {line}, column {column}: {}", problem.message);
            Failure::at(0, message)
        }
        None => Failure::at(0, problem.message),
    })
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    /// Values so far, those behind aliases counted each time.
    size: usize,
    /// Messages must not show anything of the text.
    hidden: bool,
}

#[derive(Clone)]
struct Node {
    value: Value,
    size: usize,
    /// Levels of values inside it.
    height: usize,
}

struct Problem {
    /// Line and column from 1.
    place: Option<(usize, usize)>,
    message: String,
}

impl Problem {
    fn new(span: Span, message: impl Into<String>) -> Self {
        Self { place: Some((span.start.line(), span.start.col() + 1)), message: message.into() }
    }

    fn bare(message: &str) -> Self {
        Self { place: None, message: message.to_owned() }
    }
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let message = if self.hidden { "the syntax is wrong".to_owned() } else { error.info() };
                Err(Problem { place: Some((error.marker().line(), error.marker().col() + 1)), message })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn document(&mut self) -> Result<Value, Problem> {
        let mut value = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentStart(..) if value.is_some() => {
                    return Err(Problem::new(span, "there is more than one document"));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    value = Some(self.node(event, span, 0)?.value);
                }
                Event::StreamEnd => return value.ok_or_else(|| Problem::bare("there is nothing in this YAML")),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Problem> {
        let before = self.size;
        self.size += 1;
        let (anchor, value, height) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.size += text.len() / BYTES;
                (anchor, scalar::value(&text, style_of(style), tag_name(tag, span)?).map_err(at(span))?, 0)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag, "seq", span)?;
                let (value, height) = self.sequence(span, depth)?;
                (anchor, value, height)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag, "map", span)?;
                let (value, height) = self.mapping(span, depth)?;
                (anchor, value, height)
            }
            Event::Alias(anchor) => {
                let inside = || Problem::new(span, "this stands inside of what it refers to");
                let node = self.anchors.get(&anchor).ok_or_else(inside)?.clone();
                self.size = self.size.saturating_add(node.size);
                (0, node.value, node.height)
            }
            _ => return Err(Problem::new(span, "a value is expected")),
        };
        if depth + height > MAX_DEPTH {
            return Err(Problem::new(span, "the values are nested too deeply"));
        }
        if self.size > MAX_ELEMENTS {
            return Err(Problem::new(span, "there are too many values"));
        }
        let node = Node { value, size: self.size - before, height };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self, start: Span, depth: usize) -> Result<(Value, usize), Problem> {
        deeper(start, depth)?;
        let mut elements = Vec::new();
        let mut height = 0;
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((Value::tuple(elements), height + 1));
            }
            let node = self.node(event, span, depth + 1)?;
            height = height.max(node.height);
            elements.push(node.value);
        }
    }

    fn mapping(&mut self, start: Span, depth: usize) -> Result<(Value, usize), Problem> {
        deeper(start, depth)?;
        let mut members = BTreeMap::new();
        let mut height = 0;
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((Kind::Object(Arc::new(members)).into(), height + 1));
            }
            let key = self.key(event, span)?;
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            height = height.max(node.height);
            match (key, &node.value.kind) {
                (Some(key), _) => {
                    members.insert(key, node.value);
                }
                (None, Kind::Object(merged)) => {
                    members.extend(merged.iter().map(|(name, member)| (Arc::clone(name), member.clone())));
                }
                (None, _) => return Err(Problem::new(span, "only a mapping can be merged by `<<`")),
            }
        }
    }

    /// The key as a string, whatever scalar it is; `None` for the one that merges.
    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Option<Arc<str>>, Problem> {
        let Event::Scalar(text, style, anchor, tag) = event else {
            return Err(Problem::new(span, "a key must be a string"));
        };
        self.size += text.len() / BYTES;
        let tag = tag_name(tag, span)?;
        if tag.is_none() && text == "<<" {
            return Ok(None);
        }
        let value = scalar::value(&text, style_of(style), tag).map_err(at(span))?;
        let key = match &value.kind {
            Kind::String(key) => Arc::clone(key),
            Kind::Bool(known) => known.to_string().into(),
            Kind::Number(number) => number.to_string().into(),
            _ => return Err(Problem::new(span, "a key must not be null")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, Node { value, size: 1, height: 0 });
        }
        Ok(Some(normalised(key)))
    }
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        ScalarStyle::Plain => Style::Plain,
    }
}

fn at(span: Span) -> impl Fn(&'static str) -> Problem {
    move |message| Problem::new(span, message)
}

fn deeper(span: Span, depth: usize) -> Result<(), Problem> {
    if depth < MAX_DEPTH { Ok(()) } else { Err(Problem::new(span, "the values are nested too deeply")) }
}

/// The name of a tag of YAML's own, such as `str`.
fn tag_name(tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Option<String>, Problem> {
    let Some(tag) = tag else { return Ok(None) };
    match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(name) => Ok(Some(name.into_owned())),
        None => Err(Problem::new(span, "this tag means nothing here")),
    }
}

fn check_tag(tag: Option<Cow<'_, Tag>>, wanted: &str, span: Span) -> Result<(), Problem> {
    match tag_name(tag, span)? {
        Some(name) if name != wanted => Err(Problem::new(span, "this tag means nothing here")),
        _ => Ok(()),
    }
}
