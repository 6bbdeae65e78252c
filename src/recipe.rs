//! How a component is made of its block: once to check it, and again when the values of build time are known.

use crate::component::Component;
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::Language;
use imgforge_template::eval;
use imgforge_template::gotemplate::{BuildValues, GoContext};
use imgforge_template::scope::Scope;
use imgforge_template::source::Span;
use imgforge_template::syntax::{self, Block, Expression, ExpressionKind, ObjectItem, ObjectKey};
use imgforge_template::types::Type;
use imgforge_template::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

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
    pub(crate) block_name: String,
    pub(crate) value_names: Vec<&'static str>,
}

impl View {
    /// The view with `build.*` known, or with names only while checking.
    fn with_values(&self, values: Option<&BTreeMap<String, String>>) -> (Scope, GoContext) {
        let names = BUILD_VALUES.iter().chain(&self.value_names);
        let given: BTreeMap<String, Option<String>> = names
            .map(|name| {
                let value = values.map(|values| {
                    let missing = || format!("ERR_{}_NOT_IMPLEMENTED_BY_BUILDER", name.to_uppercase());
                    values.get(*name).cloned().unwrap_or_else(missing)
                });
                ((*name).to_owned(), value)
            })
            .collect();
        let mut context = self.context.clone();
        context.build_values = match values {
            None => BuildValues::Later(given.keys().cloned().collect()),
            Some(_) => BuildValues::Known(
                given.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect(),
            ),
        };
        let members = given.into_iter().map(|(name, value)| {
            let value = value.map_or_else(|| Kind::Unknown(Type::String).into(), Value::string);
            (name, value)
        });
        let name = ("name".to_owned(), Value::string(self.block_name.as_str()));
        (self.scope.clone().with("build", Value::object(members.chain([name]))), context)
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
    /// Makes the component. Without values it is only good for its diagnostics.
    pub fn make(&self, values: Option<&BTreeMap<String, String>>, diagnostics: &mut Diagnostics) -> Box<T> {
        let (scope, context) = self.view.with_values(values);
        let mut entries = BTreeMap::new();
        for body in &self.bodies {
            entries.extend(evaluate(body, self.taken, &scope, diagnostics));
        }
        if let Some(overrides) = &self.overrides {
            entries.extend(members(overrides, &scope, diagnostics));
        }
        let weak = self.view.language == Language::Legacy;
        let body = Body::new(entries, self.header, Arc::new(context), weak);
        (self.component.new)(&body, diagnostics)
    }

    /// Reads arguments of the engine from the same block.
    pub(crate) fn engine_body(&self, diagnostics: &mut Diagnostics) -> Body {
        let (scope, context) = self.view.with_values(None);
        let mut entries = BTreeMap::new();
        for body in &self.bodies {
            let mut own = syntax::Body { blocks: Vec::new(), ..(**body).clone() };
            own.attributes.retain(|attribute| self.taken.contains(&attribute.name.value.as_str()));
            entries.extend(evaluate(&own, &[], &scope, diagnostics));
        }
        Body::new(entries, self.header, Arc::new(context), self.view.language == Language::Legacy)
    }
}

/// The arguments of a body without those `taken` by the engine; blocks become lists of objects.
fn evaluate(
    body: &syntax::Body,
    taken: &[&str],
    scope: &Scope,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    for attribute in body.attributes.iter().filter(|attribute| !taken.contains(&attribute.name.value.as_str())) {
        let value = eval::evaluate(&attribute.value, scope, diagnostics);
        let expression = Some(Arc::new(attribute.value.clone()));
        let (key, span) = (attribute.name.span, attribute.value.span);
        entries.insert(attribute.name.value.clone(), Entry { key, value, expression, span });
    }
    let mut blocks: BTreeMap<&str, Vec<&Block>> = BTreeMap::new();
    for block in &body.blocks {
        blocks.entry(&block.kind.value).or_default().push(block);
    }
    for (name, blocks) in blocks {
        let (Some(first), elements) = (blocks.first(), blocks.iter().map(|block| object(block)).collect()) else {
            continue;
        };
        let (key, span) = (first.kind.span, first.header);
        let expression = Expression { kind: ExpressionKind::Tuple(elements), span };
        let value = eval::evaluate(&expression, scope, diagnostics);
        entries.insert(name.to_owned(), Entry { key, value, expression: Some(Arc::new(expression)), span });
    }
    entries
}

/// A nested block as the object it could have been written as.
fn object(block: &Block) -> Expression {
    let attributes = block.body.attributes.iter().map(|attribute| {
        let name = &attribute.name;
        let key = imgforge_template::source::Spanned::new(name.value.as_str().into(), name.span);
        ObjectItem { key: ObjectKey::Name(key), value: attribute.value.clone() }
    });
    Expression { kind: ExpressionKind::Object(attributes.collect()), span: block.header }
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
