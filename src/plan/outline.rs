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
    view: Arc<View>,
}

/// The block of a component, and what it is evaluated with.
pub struct UsedBlock {
    pub kind: Spanned<String>,
    pub header: Span,
    bodies: Vec<Arc<syntax::Body>>,
    taken: &'static [&'static str],
    overrides: Option<Arc<Expression>>,
    /// That of the build.
    view: Arc<View>,
    iterators: Vec<super::Iterator>,
}

impl Outline {
    /// What Go templates in the blocks of this build may use.
    pub fn context(&self) -> GoContext {
        self.view.context_with(None)
    }
}

impl UsedBlock {
    /// The arguments that are the component's, evaluated. What is wrong with them is told elsewhere.
    pub fn arguments(&self) -> BTreeMap<String, Entry> {
        let scope = self.view.scope_with(None, &self.iterators);
        let nobody = &mut Diagnostics::default();
        recipe::entries(&self.bodies, self.taken, self.overrides.as_deref(), &scope, nobody)
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

/// A step of a build before it is known which build that is.
pub(super) struct UsedStep<'a> {
    pub(super) step: &'a Step,
    pub(super) taken: &'static [&'static str],
    pub(super) overrides: Option<&'a Arc<Expression>>,
    pub(super) view: &'a View,
}

impl UsedStep<'_> {
    fn of(self, outline: &Outline) -> UsedBlock {
        let Self { step, taken, overrides, view } = self;
        UsedBlock {
            kind: step.kind.clone(),
            header: step.header,
            bodies: vec![step.body.clone()],
            taken,
            overrides: overrides.cloned(),
            view: outline.view.clone(),
            iterators: view.iterators.clone(),
        }
    }
}

impl Planner<'_> {
    /// Begins a build, whose steps see `view`.
    pub(super) fn outline(&mut self, name: &str, label: &str, used: &Used<'_>, view: &View) {
        let (source, view) = (used.source, Arc::new(view.clone()));
        let source = UsedBlock {
            kind: source.kind.clone(),
            header: source.header,
            bodies: [&source.body].into_iter().chain(used.extra).cloned().collect(),
            taken: &[],
            overrides: None,
            view: view.clone(),
            iterators: used.iterator.iter().cloned().collect(),
        };
        self.outlines.push(Outline {
            name: name.to_owned(),
            label: label.to_owned(),
            place: used.place,
            source,
            provisioners: Vec::new(),
            post_processors: Vec::new(),
            view,
        });
    }

    pub(super) fn outline_provisioner(&mut self, used: &Used<'_>, step: UsedStep<'_>) {
        if let Some(outline) = self.outlines.last_mut().filter(|_| !used.is_stand_in) {
            let block = step.of(outline);
            outline.provisioners.push(block);
        }
    }

    pub(super) fn outline_sequence(&mut self, used: &Used<'_>) {
        if let Some(outline) = self.outlines.last_mut().filter(|_| !used.is_stand_in) {
            outline.post_processors.push(Vec::new());
        }
    }

    pub(super) fn outline_post_processor(&mut self, used: &Used<'_>, step: UsedStep<'_>) {
        if let Some(outline) = self.outlines.last_mut().filter(|_| !used.is_stand_in) {
            let block = step.of(outline);
            if let Some(sequence) = outline.post_processors.last_mut() {
                sequence.push(block);
            }
        }
    }
}
