//! Go text/template as it stands inside strings.

use crate::diagnostic::{Diagnostics, Severity};
use crate::host::Host;
use crate::source::Text;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct GoTemplate {
    text: Arc<Text>,
}

#[derive(Clone)]
pub struct GoContext {
    pub host: Arc<dyn Host>,
    pub user: User,
    pub environment_allowed: bool,
    pub build_name: Option<String>,
    pub build_type: Option<String>,
    pub template_dir: Option<PathBuf>,
    pub build_values: BuildValues,
    pub resource_names: Option<()>,
}

#[derive(Clone, Debug)]
pub enum User {
    Forbidden,
    Variables { values: BTreeMap<String, Option<String>>, undeclared: Severity },
}

#[derive(Clone, Debug)]
pub enum BuildValues {
    Forbidden,
    Later(Vec<String>),
    Known(BTreeMap<String, String>),
}

#[derive(Clone, Debug)]
pub enum Fields<'a> {
    None,
    Names(&'a [&'a str]),
    Values(BTreeMap<String, String>),
}

pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

impl GoTemplate {
    pub fn parse(text: Arc<Text>, _diagnostics: &mut Diagnostics) -> Option<Self> {
        Some(Self { text })
    }

    pub fn render(&self, _context: &GoContext, _fields: &Fields<'_>, _diagnostics: &mut Diagnostics) -> Option<String> {
        Some(self.text.value().to_owned())
    }
}
