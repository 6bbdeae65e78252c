//! What an expression can refer to.

use crate::diagnostic::Severity;
use crate::eval::TemplateFiles;
use crate::host::Host;
use crate::secret_store::SecretStores;
use crate::source::{Sources, Span};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

/// As many blocks may `dynamic` make of one template: each is evaluated and checked, and a template must not hold up
/// a job for long.
pub(crate) const MAX_REPEATS: usize = 20_000;

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
    pub undeclared: Undeclared,
    /// What functions made of sensitive values, in this scope and those that it was extended to.
    pub derived: Derived,
    pub(crate) template_files: TemplateFiles,
    /// How many blocks `dynamic` has made so far.
    pub(crate) repeated: Arc<AtomicUsize>,
}

/// Variables that stand for some that were never declared, and have no value: to read one is a mistake.
#[derive(Clone, Debug)]
pub struct Undeclared {
    /// With the places of their declarations.
    pub names: Arc<BTreeMap<Arc<str>, Span>>,
    /// How bad it is: an error where another value is made of one, as in legacy JSON.
    pub severity: Severity,
}

impl Default for Undeclared {
    fn default() -> Self {
        Self { names: Arc::default(), severity: Severity::Warning }
    }
}

/// Texts that are as secret as what they were made of: `upper(var.password)` must not be shown either. A handle: clones
/// share one list.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    texts: Arc<Mutex<BTreeSet<Arc<str>>>>,
}

impl Derived {
    /// Shorter texts would be found in what has nothing to do with them, longer ones are whole files.
    const LENGTHS: RangeInclusive<usize> = 4..=4096;
    /// More are no secrets of a template.
    const MOST: usize = 1000;

    /// Adds the text of a sensitive value, if it is one line. Of more lines most are not secret; the others hold what
    /// they were made of.
    pub(crate) fn add(&self, value: &Value) {
        if let Some(text) = value.as_str()
            && value.sensitive
            && Self::LENGTHS.contains(&text.len())
            && !text.contains('\n')
        {
            let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
            if texts.len() < Self::MOST {
                texts.insert(text.into());
            }
        }
    }

    /// All texts so far.
    pub fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).iter().map(ToString::to_string).collect()
    }
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
            undeclared: Undeclared::default(),
            derived: Derived::default(),
            template_files: TemplateFiles::default(),
            repeated: Arc::default(),
        }
    }

    /// Takes from the number of blocks that `dynamic` may make; false once there are too many.
    pub(crate) fn may_repeat(&self, count: usize) -> bool {
        self.repeated.fetch_add(count, Ordering::Relaxed).saturating_add(count) <= MAX_REPEATS
    }

    /// The same scope with one more name, hiding an older one of that name.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.names.insert(name.into(), value);
        self
    }
}
