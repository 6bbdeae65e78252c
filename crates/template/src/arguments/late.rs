//! `Late`: a string of a component that is rendered when its step runs.

use super::{Context, FromArgument};
use crate::body::Located;
use crate::diagnostic::Diagnostics;
use crate::gotemplate::{self, Fields, GoContext, GoTemplate, User};
use crate::source::{Span, Text};
use crate::value::Kind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A string whose Go template actions are rendered when the step runs, with values (`{{ .Vars }}`) that only that
/// step knows. Its syntax is checked when it is read; [`Late::check`] checks the names.
#[derive(Clone, Debug)]
pub struct Late {
    text: Arc<Text>,
    template: Option<Arc<GoTemplate>>,
}

impl Late {
    /// A text without a place: a default.
    pub fn from_text(text: &str) -> Self {
        let text = Arc::new(Text::opaque(text, Span::nowhere()));
        let template = GoTemplate::parse(text.clone(), &mut Diagnostics::default());
        Self { text, template: Some(Arc::new(template)) }
    }

    /// The text as written, cooked but not rendered.
    pub fn text(&self) -> &str {
        self.text.value()
    }

    /// Where the text stands.
    pub fn span(&self) -> Span {
        self.text.span(0..self.text.value().len())
    }

    /// Says which names after a dot don't exist where this text is used, and which functions fail.
    pub fn check(&self, context: &GoContext, names: &[&str], diagnostics: &mut Diagnostics) {
        if let Some(template) = &self.template {
            // Only the check is wanted: the values are not there yet.
            drop(template.render(context, &Fields::Names(names), diagnostics));
        }
    }

    /// Renders the text.
    ///
    /// # Errors
    /// What `diagnostics` then hold.
    pub fn render(
        &self,
        context: &GoContext,
        values: &BTreeMap<String, String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<String> {
        match &self.template {
            Some(template) => {
                let fields = Fields::Values(values.clone());
                let text = template.render(context, &fields, diagnostics)?;
                if !brings_fields(template, context) {
                    return Some(text);
                }
                let text = Arc::new(Text::opaque(&text, self.span()));
                GoTemplate::parse(text, diagnostics).render(context, &fields, diagnostics)
            }
            None => Some(self.text.value().to_owned()),
        }
    }
}

/// Whether a variable that the template reads holds fields of the step itself: legacy variables keep them.
fn brings_fields(template: &GoTemplate, context: &GoContext) -> bool {
    let User::Variables { values, .. } = &context.user else { return false };
    let mut read = template.user_variables().filter_map(|name| values.get(name.value)?.as_deref());
    read.any(gotemplate::is_template)
}

impl FromArgument for Late {
    const KIND: &'static str = "string";
    const IS_LATE: bool = true;

    fn from_default(text: &'static str) -> Option<Self> {
        Some(Self::from_text(text))
    }

    fn placeholder() -> Self {
        Self::from_text("")
    }

    fn from_value(located: &Located<'_>, context: &mut Context<'_>) -> Option<Self> {
        let text = match &located.value.kind {
            Kind::Unknown(_) => return None,
            Kind::String(text) => located.text(text),
            Kind::Number(number) => located.text(&number.to_string()),
            Kind::Bool(value) => located.text(&value.to_string()),
            _ => {
                context.wrong_type(located, Self::KIND);
                return None;
            }
        };
        if !gotemplate::is_template(text.value()) {
            return Some(Self { text, template: None });
        }
        let template = GoTemplate::parse(text.clone(), context.diagnostics);
        Some(Self { text, template: Some(Arc::new(template)) })
    }
}
