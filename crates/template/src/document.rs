//! What a template says, whichever language it is written in: variables, locals, sources and builds, not yet evaluated.

pub mod hcl2;
pub mod legacy;

use crate::repeat::Repeat;
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Body, Expression};
use std::sync::Arc;

/// The two languages differ in what names mean and how values are read, not in what a template consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// JSON with `builders`, `{{user}}` and weak types.
    Legacy,
    Hcl2,
}

/// All files of one template together. Duplicates and unknown blocks are reported already; the first one stays.
#[derive(Clone, Debug)]
pub struct Document {
    pub language: Language,
    /// What the template says of itself; legacy JSON only.
    pub description: Option<String>,
    pub requirements: Vec<Requirement>,
    pub variables: Vec<Variable>,
    /// The plugins that the template asks for: `required_plugins` of HCL2.
    pub plugins: Vec<Plugin>,
    pub locals: Vec<Local>,
    pub data: Vec<Data>,
    pub sources: Vec<Source>,
    pub builds: Vec<Build>,
    /// The `hcp_packer_registry` blocks; nothing is done with them, but their arguments are checked.
    pub registries: Vec<Registry>,
    /// What `_imgforge` says, which is a comment of legacy JSON: `allow CODE`.
    pub allowances: Vec<Spanned<String>>,
    /// Some block that would have declared more is wrong: what is not declared may have been meant there.
    pub is_open: bool,
}

impl Document {
    pub fn new(language: Language) -> Self {
        Self {
            language,
            description: None,
            requirements: Vec::new(),
            variables: Vec::new(),
            plugins: Vec::new(),
            locals: Vec::new(),
            data: Vec::new(),
            sources: Vec::new(),
            builds: Vec::new(),
            registries: Vec::new(),
            allowances: Vec::new(),
            is_open: false,
        }
    }

    /// The plugin of `required_plugins` that a component of this name would come from.
    pub fn plugin_of(&self, component: &str) -> Option<&Plugin> {
        self.plugins.iter().find(|plugin| is_of_plugin(component, &plugin.name.value))
    }
}

/// Whether a component comes from a plugin, by their names alone: `tart-cli` from `tart`.
pub fn is_of_plugin(component: &str, plugin: &str) -> bool {
    component.strip_prefix(plugin).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// A version of Packer that the template asks for: constraints as in `>= 1.7, < 2`.
#[derive(Clone, Debug)]
pub struct Requirement {
    pub constraint: Spanned<String>,
}

/// An entry of `required_plugins`: components named `NAME` or `NAME-…` come from it.
#[derive(Clone, Debug)]
pub struct Plugin {
    pub name: Spanned<String>,
    /// Where it is published: `github.com/hashicorp/amazon`.
    pub source: Spanned<String>,
    /// The constraint, as in `~> 1.1`; `None` where it is missing or wrong.
    pub version: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Variable {
    pub name: Spanned<String>,
    /// A type expression; HCL2 only.
    pub kind: Option<Expression>,
    /// In legacy JSON `null` means that a value must be given; here it is `None` then.
    pub default: Option<Expression>,
    pub sensitive: bool,
    pub validations: Vec<Validation>,
    /// It stands for one that a template read and never declared, as `# imgforge: undeclared` says, and its default is
    /// empty: to read it is a mistake until it has a value.
    pub is_undeclared: bool,
}

#[derive(Clone, Debug)]
pub struct Validation {
    pub condition: Expression,
    pub error_message: Spanned<String>,
}

#[derive(Clone, Debug)]
pub struct Local {
    pub name: Spanned<String>,
    pub value: Expression,
    pub sensitive: bool,
}

/// A `data` block.
#[derive(Clone, Debug)]
pub struct Data {
    pub kind: Spanned<String>,
    pub name: Spanned<String>,
    pub body: Arc<Body>,
    pub header: Span,
}

/// An `hcp_packer_registry` block.
#[derive(Clone, Debug)]
pub struct Registry {
    pub body: Body,
    pub header: Span,
    pub repeat: Option<Arc<Repeat>>,
}

/// A `source` block, or an element of `builders`.
#[derive(Clone, Debug)]
pub struct Source {
    pub kind: Spanned<String>,
    /// As written; the flags `-only` and `-except` of legacy JSON see it rendered.
    pub name: Spanned<String>,
    /// In legacy JSON the name may hold Go template actions.
    pub name_text: Option<Arc<Text>>,
    pub body: Arc<Body>,
    pub header: Span,
}

/// A `build` block; legacy JSON has exactly one.
#[derive(Clone, Debug)]
pub struct Build {
    pub name: Option<Expression>,
    /// Shown by `inspect` alone.
    pub description: Option<Expression>,
    pub sources: Vec<SourceUse>,
    pub provisioners: Vec<Step>,
    pub error_cleanup_provisioner: Option<Step>,
    pub post_processors: Vec<Sequence>,
    pub header: Span,
}

/// How a build names what it builds.
#[derive(Clone, Debug)]
pub enum SourceUse {
    /// `sources = ["source.type.name"]`; evaluates to a list of references.
    List(Expression),
    /// `source "type.name" { … }` with a name and arguments of its own.
    Block { reference: Spanned<String>, name: Option<Expression>, body: Arc<Body>, repeat: Option<Arc<Repeat>> },
    /// All sources: legacy JSON.
    All,
}

/// Post-processors, each of which gets what the one before made.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub steps: Vec<Step>,
    /// Of a `dynamic "post-processors"` block.
    pub repeat: Option<Arc<Repeat>>,
}

/// A provisioner or post-processor. Its body still has the arguments that the engine takes for itself.
#[derive(Clone, Debug)]
pub struct Step {
    /// Empty where `dynamic` computes it.
    pub kind: Spanned<String>,
    pub body: Arc<Body>,
    pub header: Span,
    pub repeat: Option<Arc<Repeat>>,
}
