//! What the builds of a plan consist of, as it was written: for checks that look at whole builds, whether or not their
//! components are ours.

use super::{Planner, Used};
use crate::recipe::{self, View};
use imgforge_template::body::Entry;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::Step;
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::syntax::{self, Attribute, Expression};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One build: the source it starts from, and the steps that are for it.
pub struct Outline {
    /// The full name, as before every line.
    pub name: String,
    /// The source's own name.
    pub label: String,
    /// Where the build names its source; in legacy JSON the source itself.
    pub place: Span,
    pub source: UsedBlock,
    /// The one that runs after a failure is the last of them.
    pub provisioners: Vec<UsedBlock>,
    pub post_processors: Vec<Vec<UsedBlock>>,
}

/// The block of a component, and what it is evaluated with.
pub struct UsedBlock {
    pub kind: Spanned<String>,
    pub header: Span,
    bodies: Vec<Arc<syntax::Body>>,
    taken: &'static [&'static str],
    overrides: Option<Arc<Expression>>,
    view: View,
}

impl UsedBlock {
    pub(super) fn new(
        step: &Step,
        taken: &'static [&'static str],
        overrides: Option<&Arc<Expression>>,
        view: &View,
    ) -> Self {
        let (kind, bodies) = (step.kind.clone(), vec![step.body.clone()]);
        Self { kind, header: step.header, bodies, taken, overrides: overrides.cloned(), view: view.clone() }
    }

    /// The arguments that are the component's, evaluated, and what Go templates in them may use. What is wrong with
    /// them is told elsewhere.
    pub fn arguments(&self) -> (BTreeMap<String, Entry>, GoContext) {
        let (scope, context) = self.view.with_values(None);
        let diagnostics = &mut Diagnostics::default();
        (recipe::entries(&self.bodies, self.taken, self.overrides.as_deref(), &scope, diagnostics), context)
    }

    /// All arguments as they were written, those of the engine too.
    pub fn written(&self) -> impl Iterator<Item = &Attribute> {
        self.bodies.iter().flat_map(|body| &body.attributes)
    }

    /// The bodies as they were written.
    pub fn bodies(&self) -> &[Arc<syntax::Body>] {
        &self.bodies
    }
}

impl Planner<'_> {
    pub(super) fn outline(&mut self, name: &str, label: &str, used: &Used<'_>, view: &View) {
        let source = used.source;
        let source = UsedBlock {
            kind: source.kind.clone(),
            header: source.header,
            bodies: [&source.body].into_iter().chain(used.extra).cloned().collect(),
            taken: &[],
            overrides: None,
            view: view.clone(),
        };
        self.outlines.push(Outline {
            name: name.to_owned(),
            label: label.to_owned(),
            place: used.place,
            source,
            provisioners: Vec::new(),
            post_processors: Vec::new(),
        });
    }

    pub(super) fn outline_provisioner(&mut self, used: &Used<'_>, block: UsedBlock) {
        if let Some(outline) = self.outlines.last_mut().filter(|_| !used.is_stand_in) {
            outline.provisioners.push(block);
        }
    }

    pub(super) fn outline_sequence(&mut self, used: &Used<'_>) {
        if let Some(outline) = self.outlines.last_mut().filter(|_| !used.is_stand_in) {
            outline.post_processors.push(Vec::new());
        }
    }

    pub(super) fn outline_post_processor(&mut self, used: &Used<'_>, block: UsedBlock) {
        let outline = self.outlines.last_mut().filter(|_| !used.is_stand_in);
        if let Some(sequence) = outline.and_then(|outline| outline.post_processors.last_mut()) {
            sequence.push(block);
        }
    }
}
