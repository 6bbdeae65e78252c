//! The builds of a template as checks read them: arguments with their values where these are known.

use super::walk;
use crate::plan::{Outline, UsedBlock};
use imgforge_template::body::Entry;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::gotemplate::{self, Fields, GoContext, GoTemplate};
use imgforge_template::source::{Span, Spanned, Text};
use imgforge_template::syntax::{Expression, ExpressionKind};
use imgforge_template::value::{Kind, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One build.
pub(super) struct Build<'a> {
    pub(super) outline: &'a Outline,
    pub(super) source: Block<'a>,
    pub(super) provisioners: Vec<Block<'a>>,
    pub(super) post_processors: Vec<Vec<Block<'a>>>,
}

/// The block of a component.
pub(super) struct Block<'a> {
    pub(super) used: &'a UsedBlock,
    pub(super) arguments: BTreeMap<String, Entry>,
    pub(super) context: Arc<GoContext>,
}

impl<'a> Build<'a> {
    pub(super) fn new(outline: &'a Outline) -> Self {
        let context = Arc::new(outline.context());
        let block = |used: &'a UsedBlock| Block { used, arguments: used.arguments(), context: context.clone() };
        let sequence = |sequence: &'a Vec<UsedBlock>| sequence.iter().map(block).collect();
        Self {
            outline,
            source: block(&outline.source),
            provisioners: sequence(&outline.provisioners),
            post_processors: outline.post_processors.iter().map(sequence).collect(),
        }
    }

    /// The type of its builder.
    pub(super) fn builder(&self) -> &str {
        self.source.kind()
    }

    /// All its steps.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Block<'a>> {
        self.provisioners.iter().chain(self.post_processors.iter().flatten())
    }
}

impl Block<'_> {
    pub(super) fn kind(&self) -> &str {
        &self.used.kind.value
    }

    /// An argument that was given and is not null; its value may not be known.
    pub(super) fn given(&self, name: &str) -> Option<&Entry> {
        self.arguments.get(name).filter(|entry| !entry.value.is_null())
    }

    /// The text of an argument as the component sees it. `None` where it is not given or not known.
    pub(super) fn text(&self, name: &str) -> Option<Spanned<String>> {
        let entry = self.given(name)?;
        self.rendered(&entry.value, entry.span)
    }

    /// The texts of an argument that takes several; those that are not known are left out.
    pub(super) fn texts(&self, name: &str) -> Vec<Spanned<String>> {
        let Some(entry) = self.given(name) else { return Vec::new() };
        let elements = elements(&entry.value, entry.expression.as_deref(), entry.span);
        elements.into_iter().filter_map(|(value, _, span)| self.rendered(value, span)).collect()
    }

    /// Whether an argument is true for all that is known.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| text.value == "true")
    }

    /// The strings in its arguments that are written out.
    pub(super) fn literals(&self) -> Vec<Arc<Text>> {
        let mut found = Vec::new();
        for body in self.used.bodies() {
            walk::body(body, &mut |expression| {
                found.extend(walk::literals(expression).into_iter().map(|text| text.value))
            });
        }
        found
    }

    /// A value as text, with its Go templates written out.
    pub(super) fn rendered(&self, value: &Value, span: Span) -> Option<Spanned<String>> {
        let text = match &value.kind {
            Kind::String(text) => text.to_string(),
            Kind::Number(number) => number.to_string(),
            Kind::Bool(value) => value.to_string(),
            _ => return None,
        };
        if !gotemplate::is_template(&text) {
            return Some(Spanned::new(text, span));
        }
        let nobody = &mut Diagnostics::default();
        let template = GoTemplate::parse(Arc::new(Text::opaque(&text, span)), nobody);
        let text = template.render(&self.context, &Fields::Kept, nobody)?;
        // Fields that are kept are not known yet.
        (!gotemplate::is_template(&text)).then(|| Spanned::new(text, span))
    }
}

/// The elements of a list, each with its expression and place; what is no list is its own only element.
pub(super) fn elements<'a>(
    value: &'a Value,
    expression: Option<&'a Expression>,
    span: Span,
) -> Vec<(&'a Value, Option<&'a Expression>, Span)> {
    let Some(values) = value.elements() else { return vec![(value, expression, span)] };
    let written = match expression.map(|expression| &expression.kind) {
        Some(ExpressionKind::Tuple(written)) if written.len() == values.len() => written.as_slice(),
        _ => &[],
    };
    let each = |(index, value)| {
        let expression: Option<&Expression> = written.get(index);
        (value, expression, expression.map_or(span, |expression| expression.span))
    };
    values.iter().enumerate().map(each).collect()
}

/// The place of a member of an object as it was written.
pub(super) fn member_span(expression: Option<&Expression>, name: &str) -> Option<Span> {
    let Some(ExpressionKind::Object(items)) = expression.map(|expression| &expression.kind) else { return None };
    let item = items.iter().find(|item| item.key.literal().is_some_and(|key| key.value == name))?;
    Some(item.value.span)
}
