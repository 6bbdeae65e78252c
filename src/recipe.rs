//! How a component is made of its block: once to check it, and again when the values of build time are known.

use crate::component::Component;
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::Language;
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, GoContext};
use imgforge_template::repeat::Dynamic;
use imgforge_template::schema::{Schema, Written};
use imgforge_template::scope::Scope;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::syntax::{self, Attribute, Block, Expression, ExpressionKind, ObjectItem, ObjectKey};
use imgforge_template::types::Type;
use imgforge_template::value::{Kind, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Names that `build.*` and `{{build}}` always have; builders add their own.
const BUILD_VALUES: &[&str] = &[
    "ID",
    "Host",
    "Port",
    "User",
    "Password",
    "ConnType",
    "PackerRunUUID",
    "PackerHTTPIP",
    "PackerHTTPPort",
    "PackerHTTPAddr",
    "SSHPublicKey",
    "SSHPrivateKey",
    "WinRMPassword",
];

/// What a component's block is evaluated with: one build's view of the template.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) language: Language,
    pub(crate) scope: Scope,
    pub(crate) context: GoContext,
    /// `build.name` of HCL2: the name of the build block.
    block_name: String,
    value_names: Vec<&'static str>,
    /// `build.*` before it is known: made once, since all blocks of a build are checked with it.
    later: Arc<OnceLock<Later>>,
    /// What `dynamic` blocks iterate over; these names hide all others.
    pub(crate) iterators: Vec<(Arc<str>, Value)>,
}

/// `build.*` as names without values.
struct Later {
    build: Value,
    names: Arc<[String]>,
}

impl View {
    /// A view without values of a builder's own, and outside of `dynamic` blocks.
    pub(crate) fn new(language: Language, scope: Scope, context: GoContext, block_name: &str) -> Self {
        let (value_names, later, iterators) = Default::default();
        Self { language, scope, context, block_name: block_name.to_owned(), value_names, later, iterators }
    }

    /// The same, with the values that a builder adds to `build.*`.
    pub(crate) fn with_value_names(self, value_names: &[&'static str]) -> Self {
        Self { value_names: value_names.to_vec(), later: Arc::default(), ..self }
    }

    /// The same, where `source` is this.
    pub(crate) fn with_source(mut self, source: Value) -> Self {
        self.scope = self.scope.with("source", source);
        self
    }

    /// The same, inside of these `dynamic` blocks alone.
    pub(crate) fn with_iterators(mut self, iterators: Vec<(Arc<str>, Value)>) -> Self {
        self.iterators = iterators;
        self
    }

    fn later(&self) -> &Later {
        self.later.get_or_init(|| {
            let names: BTreeSet<&str> = self.value_names().collect();
            let members = names.iter().map(|name| ((*name).to_owned(), Kind::Unknown(Type::String).into()));
            let build = Value::object(members.chain([self.block_name_member()]));
            Later { build, names: names.into_iter().map(str::to_owned).collect() }
        })
    }

    fn value_names(&self) -> impl Iterator<Item = &'static str> {
        BUILD_VALUES.iter().chain(&self.value_names).copied()
    }

    fn block_name_member(&self) -> (String, Value) {
        ("name".to_owned(), Value::string(self.block_name.as_str()))
    }

    /// The view with `build.*` known, or with names only while checking.
    fn with_values(&self, values: Option<&BTreeMap<String, String>>) -> (Scope, GoContext) {
        (self.scope_with(values, &self.iterators), self.context_with(values))
    }

    /// What expressions are evaluated with.
    pub(crate) fn scope_with(
        &self,
        values: Option<&BTreeMap<String, String>>,
        iterators: &[(Arc<str>, Value)],
    ) -> Scope {
        let build = match values {
            None => self.later().build.clone(),
            Some(values) => {
                let members = self.known(values).into_iter().map(|(name, value)| (name, Value::string(value)));
                Value::object(members.chain([self.block_name_member()]))
            }
        };
        let scope = self.scope.clone().with("build", build);
        iterators.iter().fold(scope, |scope, (name, value)| scope.with(name, value.clone()))
    }

    /// What Go templates are rendered with.
    pub(crate) fn context_with(&self, values: Option<&BTreeMap<String, String>>) -> GoContext {
        let build_values = match values {
            None => BuildValues::Later(self.later().names.clone()),
            Some(values) => BuildValues::Known(self.known(values)),
        };
        GoContext { build_values, ..self.context.clone() }
    }

    /// All names of `build.*` with their values.
    fn known(&self, values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let value = |name: &str| {
            let missing = || format!("ERR_{}_NOT_IMPLEMENTED_BY_BUILDER", name.to_uppercase());
            (name.to_owned(), values.get(name).cloned().unwrap_or_else(missing))
        };
        self.value_names().map(value).collect()
    }

    /// What `dynamic` iterates over and computes is evaluated with: neither `source` nor `build` is known then.
    pub(crate) fn repeat_scope(&self) -> Scope {
        let mut scope = self.scope.clone();
        for name in ["source", "build"] {
            if let Some(value) = scope.names.get_mut(name) {
                *value = Value::unknown();
            }
        }
        self.iterators.iter().fold(scope, |scope, (name, value)| scope.with(name, value.clone()))
    }

    pub(crate) fn with_iterator(&self, iterator: (Arc<str>, Value)) -> Self {
        let mut view = self.clone();
        view.iterators.push(iterator);
        view
    }
}

/// Everything needed to make a component.
pub struct Recipe<T: ?Sized + 'static> {
    pub component: &'static Component<T>,
    pub(crate) bodies: Vec<Arc<syntax::Body>>,
    /// Arguments that are not the component's.
    pub(crate) taken: &'static [&'static str],
    /// An object whose members win over the body's.
    pub(crate) overrides: Option<Arc<Expression>>,
    pub(crate) header: Span,
    pub(crate) view: View,
}

impl<T: ?Sized + 'static> Recipe<T> {
    /// Texts made of sensitive values, so far, by the functions that the template calls.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.view.scope.derived.texts()
    }

    /// Makes the component. Without values it is only good for its diagnostics.
    pub fn make(&self, values: Option<&BTreeMap<String, String>>, diagnostics: &mut Diagnostics) -> Box<T> {
        let (scope, context) = self.view.with_values(values);
        let entries = entries(&self.bodies, self.taken, self.overrides.as_deref(), &scope, diagnostics);
        let weak = self.view.language == Language::Legacy;
        let body = Body::new(entries, self.header, Arc::new(context), weak);
        (self.component.new)(&body, diagnostics)
    }
}

/// All arguments of a component, those that win over others in their place.
pub(crate) fn entries(
    bodies: &[Arc<syntax::Body>],
    taken: &[&str],
    overrides: Option<&Expression>,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for body in bodies {
        entries.extend(evaluate(body, taken, scope, diagnostics));
    }
    if let Some(overrides) = overrides {
        entries.extend(members(overrides, scope, diagnostics));
    }
    entries
}

/// The arguments of the engine from the block of a component.
pub(crate) fn engine_body(
    bodies: &[Arc<syntax::Body>],
    taken: &[&str],
    header: Span,
    view: &View,
    diagnostics: &mut Diagnostics,
) -> Body {
    let (scope, context) = view.with_values(None);
    let mut entries = BTreeMap::new();
    for body in bodies {
        let own = body.attributes.iter().filter(|attribute| taken.contains(&attribute.name.value.as_str()));
        entries.extend(attributes(own, &scope, diagnostics));
    }
    Body::new(entries, header, Arc::new(context), view.language == Language::Legacy)
}

/// The block of a component that is not ours.
pub(crate) struct Foreign<'a> {
    pub(crate) name: &'a str,
    /// What may be written in it, where that is known.
    pub(crate) schema: Option<&'a Schema>,
    pub(crate) bodies: &'a [Arc<syntax::Body>],
    pub(crate) taken: &'a [&'a str],
    pub(crate) overrides: Option<&'a Expression>,
    pub(crate) header: Span,
}

impl Foreign<'_> {
    /// Checks what is written as far as it is known what may be. Where nothing is known, the values must make sense.
    pub(crate) fn check(&self, view: &View, diagnostics: &mut Diagnostics) {
        let (scope, context) = view.with_values(None);
        let is_weak = view.language == Language::Legacy;
        let Self { name, bodies, taken, overrides, header, .. } = *self;
        let (scope, context) = (&scope, &context);
        let written = Written { component: name, bodies, taken, overrides, header, scope, context, is_weak };
        written.check(self.schema, diagnostics);
    }
}

/// The arguments of a body without those `taken` by the engine; blocks become lists of objects.
pub(crate) fn evaluate(
    body: &syntax::Body,
    taken: &[&str],
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let own = body.attributes.iter().filter(|attribute| !taken.contains(&attribute.name.value.as_str()));
    entries.extend(attributes(own, scope, diagnostics));
    for (name, Nested { key, span, values, expressions }) in nested(&body.blocks, scope, diagnostics) {
        let expression = Expression { kind: ExpressionKind::Tuple(expressions), span };
        let value = Value::tuple(values);
        entries.insert(name, Entry { key, value, expression: Some(Arc::new(expression)), span });
    }
    entries
}

fn attributes<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Entry> {
    let read = |attribute: &Attribute| {
        let value = eval::evaluate(&attribute.value, scope, diagnostics);
        let expression = Some(Arc::new(attribute.value.clone()));
        let (key, span) = (attribute.name.span, attribute.value.span);
        (attribute.name.value.clone(), Entry { key, value, expression, span })
    };
    attributes.map(read).collect()
}

/// The blocks of one name inside a body, as the list of objects they could have been written as.
struct Nested {
    key: Span,
    span: Span,
    values: Vec<Value>,
    /// For the places inside; as many as there are values.
    expressions: Vec<Expression>,
}

fn nested(blocks: &[Block], scope: &Scope, diagnostics: &mut Diagnostics) -> BTreeMap<String, Nested> {
    let mut found: BTreeMap<String, Nested> = BTreeMap::new();
    let mut add = |kind: &Spanned<String>, header: Span, (value, expression): (Value, Expression)| {
        let nested = found.entry(kind.value.clone()).or_insert_with(|| Nested {
            key: kind.span,
            span: header,
            values: Vec::new(),
            expressions: Vec::new(),
        });
        nested.values.push(value);
        nested.expressions.push(expression);
    };
    for block in blocks {
        if block.kind.value != "dynamic" {
            add(&block.kind, block.header, object(&block.body, block.header, scope, diagnostics));
            continue;
        }
        let Some(Dynamic { kind, content, header, repeat }) = Dynamic::read(block.clone(), diagnostics) else {
            continue;
        };
        for (name, value) in repeat.elements(scope, diagnostics) {
            let scope = scope.clone().with(&name, value);
            add(&kind, header, object(&content, header, &scope, diagnostics));
        }
    }
    found
}

/// A nested block as the object it could have been written as.
fn object(body: &syntax::Body, header: Span, scope: &Scope, diagnostics: &mut Diagnostics) -> (Value, Expression) {
    let mut members = BTreeMap::new();
    let mut items = Vec::new();
    let mut add = |name: &Spanned<String>, value: Value, expression: Expression| {
        members.insert(name.value.clone(), value);
        let key = ObjectKey::Name(Spanned::new(name.value.as_str().into(), name.span));
        items.push(ObjectItem { key, value: expression });
    };
    for attribute in &body.attributes {
        let value = eval::evaluate(&attribute.value, scope, diagnostics);
        add(&attribute.name, value, attribute.value.clone());
    }
    for (name, Nested { key, span, values, expressions }) in nested(&body.blocks, scope, diagnostics) {
        let expression = Expression { kind: ExpressionKind::Tuple(expressions), span };
        add(&Spanned::new(name, key), Value::tuple(values), expression);
    }
    (Value::object(members), Expression { kind: ExpressionKind::Object(items), span: header })
}

/// The members of an `override` object; anything else was reported when the plan looked at it.
fn members(overrides: &Expression, scope: &Scope, diagnostics: &mut Diagnostics) -> BTreeMap<String, Entry> {
    let ExpressionKind::Object(items) = &overrides.kind else { return BTreeMap::new() };
    let mut entries = BTreeMap::new();
    for item in items {
        let (name, key) = match &item.key {
            ObjectKey::Name(name) => (name.value.to_string(), name.span),
            ObjectKey::Expression(expression) => match eval::evaluate(expression, scope, diagnostics).kind {
                Kind::String(name) => (name.to_string(), expression.span),
                _ => continue,
            },
        };
        let value = eval::evaluate(&item.value, scope, diagnostics);
        let expression = Some(Arc::new(item.value.clone()));
        entries.insert(name, Entry { key, value, expression, span: item.value.span });
    }
    entries
}
