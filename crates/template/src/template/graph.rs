//! Locals and data sources: each evaluated after those it refers to.

use super::Evaluation;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::document::{Data, Document, Local};
use crate::eval::{self, Reference, references};
use crate::scope::Scope;
use crate::source::Span;
use crate::syntax::Body;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

/// As many may wait for each other in a row: more is no template that anyone wrote, and each takes some stack.
const MAX_CHAIN: usize = 1000;

/// What can refer to others and be referred to.
#[derive(Clone, Copy)]
enum Node<'a> {
    Local(&'a Local),
    Data(&'a Data),
}

impl Node<'_> {
    /// How references write it.
    fn name(&self) -> String {
        match self {
            Self::Local(local) => format!("local.{}", local.name.value),
            Self::Data(data) => format!("data.{}.{}", data.kind.value, data.name.value),
        }
    }

    /// How messages call it.
    fn short_name(&self) -> String {
        match self {
            Self::Local(local) => local.name.value.clone(),
            Self::Data(_) => self.name(),
        }
    }

    fn span(&self) -> Span {
        match self {
            Self::Local(local) => local.name.span,
            Self::Data(data) => data.header,
        }
    }

    fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        match self {
            Self::Local(local) => references(&local.value, &mut found),
            Self::Data(data) => body_references(&data.body, &mut found),
        }
        found
    }
}

fn body_references(body: &Body, found: &mut Vec<Reference>) {
    for attribute in &body.attributes {
        references(&attribute.value, found);
    }
    for block in &body.blocks {
        body_references(&block.body, found);
    }
}

/// A value that waits for itself, in either language.
pub(super) fn own_value(name: impl Display) -> Diagnostic {
    Diagnostic::error("reference-cycle", format!("`{name}` needs its own value"))
}

impl Evaluation<'_> {
    /// The scope with `local` and `data`.
    pub(super) fn locals_and_data(&mut self, document: &Document, scope: Scope) -> Scope {
        let locals = document.locals.iter().map(Node::Local);
        let data = document.data.iter().map(Node::Data);
        let nodes: BTreeMap<String, Node<'_>> =
            locals.clone().chain(data.clone()).map(|node| (node.name(), node)).collect();
        let mut order = Order {
            nodes: &nodes,
            data_first: self.request.data_first,
            done: BTreeSet::new(),
            path: Vec::new(),
            list: Vec::new(),
            broken: BTreeSet::new(),
        };
        for node in data.chain(locals) {
            order.visit(node, self.diagnostics);
        }
        let (list, broken) = (order.list, order.broken);
        let mut values = Values::default();
        for node in &broken {
            if let Some(node) = nodes.get(node) {
                values.set(*node, Value::unknown());
            }
        }
        for node in list {
            if broken.contains(&node.name()) {
                continue;
            }
            let value = match node {
                Node::Local(local) => self.local(local, values.in_scope(&scope)),
                Node::Data(data) => {
                    let scope = match self.request.data_first {
                        true => scope.clone().with("data", values.data()),
                        false => values.in_scope(&scope),
                    };
                    let outputs = self.world.data.outputs(data, document, &scope, self.diagnostics);
                    self.add_output_secrets(&outputs);
                    outputs
                }
            };
            values.set(node, value);
        }
        values.in_scope(&scope)
    }

    fn local(&mut self, local: &Local, mut scope: Scope) -> Value {
        scope.undeclared.severity = Severity::Error;
        let mut value = eval::evaluate(&local.value, &scope, self.diagnostics);
        if local.sensitive {
            self.add_secrets(&value);
            value.sensitive = true;
        }
        value
    }
}

/// What is evaluated so far.
#[derive(Default)]
struct Values {
    locals: BTreeMap<Arc<str>, Value>,
    /// By type, then name.
    data: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Value>>,
}

impl Values {
    fn set(&mut self, node: Node<'_>, value: Value) {
        match node {
            Node::Local(local) => {
                self.locals.insert(local.name.value.as_str().into(), value);
            }
            Node::Data(data) => {
                let of_type = self.data.entry(data.kind.value.as_str().into()).or_default();
                of_type.insert(data.name.value.as_str().into(), value);
            }
        }
    }

    fn data(&self) -> Value {
        Value::object(self.data.iter().map(|(kind, named)| (kind.clone(), Value::object(named.clone()))))
    }

    fn in_scope(&self, scope: &Scope) -> Scope {
        scope.clone().with("local", Value::object(self.locals.clone())).with("data", self.data())
    }
}

/// Orders nodes so that each comes after those it refers to.
struct Order<'a> {
    nodes: &'a BTreeMap<String, Node<'a>>,
    data_first: bool,
    done: BTreeSet<String>,
    path: Vec<Node<'a>>,
    list: Vec<Node<'a>>,
    broken: BTreeSet<String>,
}

impl<'a> Order<'a> {
    fn visit(&mut self, node: Node<'a>, diagnostics: &mut Diagnostics) {
        let name = node.name();
        if let Some(start) = self.path.iter().position(|on_path| on_path.name() == name) {
            let cycle = &self.path[start..];
            let names: Vec<String> = cycle.iter().chain([&node]).map(|node| format!("`{}`", node.name())).collect();
            let mut problem = own_value(node.short_name()).at(node.span());
            for (other, next) in cycle.iter().zip(names.iter().skip(1)).skip(1) {
                problem = problem.related(other.span(), format!("this needs {next}"));
            }
            diagnostics.push(problem.help(format!("they wait for each other: {}", names.join(" -> "))));
            self.broken.extend(cycle.iter().map(Node::name));
            return;
        }
        if !self.done.insert(name.clone()) {
            return;
        }
        if self.path.len() == MAX_CHAIN {
            let message = "more than 1000 values wait for each other in a row";
            diagnostics.push(Diagnostic::error("too-deep", message).at(node.span()));
            self.broken.insert(name);
            return;
        }
        self.path.push(node);
        let references = node.references();
        let wanted: Vec<_> = references.iter().filter_map(|reference| self.wanted(reference, node)).collect();
        for other in wanted {
            // Already on the path: a cycle, which the check above reports although it counts as done.
            if self.path.iter().any(|on_path| on_path.name() == other.name()) {
                self.done.remove(&other.name());
            }
            self.visit(other, diagnostics);
        }
        let others: Vec<_> = references.iter().flat_map(|reference| self.may_be_wanted(reference, node)).collect();
        for other in others {
            if !self.waits_for_path(other) {
                self.visit(other, diagnostics);
            }
        }
        self.path.pop();
        self.done.insert(name);
        self.list.push(node);
    }

    /// The node that a reference names.
    fn wanted(&self, reference: &Reference, from: Node<'a>) -> Option<Node<'a>> {
        let (path, is_whole) = self.path_of(reference, from)?;
        if is_whole { self.nodes.get(&path).copied() } else { None }
    }

    /// The nodes that a reference to all of them (`local[var.name]`) may lead to. Which one is not known before it is
    /// evaluated, so that only those count which don't wait for this one themselves.
    fn may_be_wanted(&self, reference: &Reference, from: Node<'a>) -> Vec<Node<'a>> {
        let Some((path, false)) = self.path_of(reference, from) else { return Vec::new() };
        let (own, prefix) = (from.name(), format!("{path}."));
        let all = self.nodes.iter().filter(|(name, _)| name.starts_with(&prefix) && **name != own);
        all.map(|(_, node)| *node).collect()
    }

    /// A reference as nodes are named, and whether it names one.
    fn path_of(&self, reference: &Reference, from: Node<'a>) -> Option<(String, bool)> {
        let steps = match &*reference.root {
            "local" if self.data_first && matches!(from, Node::Data(_)) => return None,
            "local" => 1,
            "data" => 2,
            _ => return None,
        };
        let path = std::iter::once(&*reference.root).chain(reference.path.iter().take(steps).map(|step| &**step));
        Some((path.collect::<Vec<_>>().join("."), reference.path.len() >= steps))
    }

    /// Whether a node, or what it needs, is being visited.
    fn waits_for_path(&self, node: Node<'a>) -> bool {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            if self.path.iter().any(|on_path| on_path.name() == node.name()) {
                return true;
            }
            if seen.insert(node.name()) {
                waiting.extend(node.references().iter().filter_map(|reference| self.wanted(reference, node)));
            }
        }
        false
    }
}
