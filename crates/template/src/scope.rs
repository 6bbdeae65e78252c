//! What an expression can refer to.

use crate::eval::TemplateFiles;
use crate::host::Host;
use crate::secret_store::SecretStores;
use crate::source::Sources;
use crate::value::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which functions may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Functions {
    /// The whole table, without `env`.
    All,
    /// The same without `templatefile`: a file that is read by it.
    TemplateFile,
    /// `env` alone: the default of a variable.
    EnvironmentOnly,
    /// None: a value given by `-var`, a var file or the environment.
    None,
}

/// Names, functions and the world an expression is evaluated in. Cheap to clone and extend.
#[derive(Clone)]
pub struct Scope {
    pub names: BTreeMap<Arc<str>, Value>,
    pub functions: Functions,
    pub host: Arc<dyn Host>,
    /// The template's folder, which `file`, `fileset` and `templatefile` are relative to.
    pub root: PathBuf,
    /// Where a file that is read as a template is kept, so that its mistakes are shown in it.
    pub sources: Sources,
    /// Where `vault` and the like read secrets; with none these are unknown.
    pub secrets: Option<Arc<dyn SecretStores>>,
    pub(crate) template_files: TemplateFiles,
}

impl Scope {
    pub fn new(host: Arc<dyn Host>, root: &Path, functions: Functions, sources: &Sources) -> Self {
        Self {
            names: BTreeMap::new(),
            functions,
            host,
            root: root.to_owned(),
            sources: sources.clone(),
            secrets: None,
            template_files: TemplateFiles::default(),
        }
    }

    /// The same scope with one more name, hiding an older one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.names.insert(name.into(), value);
        self
    }
}
