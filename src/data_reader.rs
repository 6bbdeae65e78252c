//! Data sources: checked always, read only where a command wants their values.

use crate::data_sources::{self, DATA_SOURCES, DataSource, ReadContext};
use crate::exit::TryAgain;
use crate::known;
use crate::recipe;
use crate::schema;
use anyhow::{Context as _, Result};
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::{Data, Document};
use imgforge_template::gotemplate::{BuildValues, GoContext, User};
use imgforge_template::schema::Written;
use imgforge_template::scope::Scope;
use imgforge_template::template::DataSources;
use imgforge_template::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Reads the data sources of a template, or checks them without asking the world anything.
pub struct DataReader {
    /// Whether they are read, rather than checked alone.
    read: bool,
    /// How many of the mistakes are of the world.
    world: AtomicUsize,
}

impl DataReader {
    /// Whether they are read, rather than checked alone.
    pub fn new(read: bool) -> Self {
        Self { read, world: AtomicUsize::new(0) }
    }

    /// How many of the mistakes so far were none: the same may be read later.
    pub fn may_be_read_later(&self) -> usize {
        self.world.load(Ordering::Relaxed)
    }
}

impl DataSources for DataReader {
    fn outputs(&self, data: &Data, document: &Document, scope: &Scope, diagnostics: &mut Diagnostics) -> Value {
        let Some(found) = data_sources::find(&data.kind.value) else {
            return self.foreign(data, document, scope, diagnostics);
        };
        let mut mistakes = Diagnostics::default();
        let entries = recipe::evaluate(&data.body, &[], scope, &mut mistakes);
        let is_known = entries.values().all(|entry| entry.value.is_wholly_known());
        let sensitive = entries.values().any(|entry| entry.value.is_sensitive_inside());
        let source = (found.component.new)(&body(entries, data, scope), &mut mistakes);
        let is_sound = !mistakes.has_errors();
        diagnostics.append(mistakes);
        let unknown = Value::unknown_of((found.outputs)()).marked(sensitive);
        if !(self.read && is_sound && is_known) {
            return unknown;
        }
        let started = Instant::now();
        let result = read(source.as_ref());
        let (kind, name) = (&data.kind.value, &data.name.value);
        tracing::debug!(kind, name, took = ?started.elapsed(), ok = result.is_ok(), "data source asked");
        match result {
            Ok(value) => value.marked(sensitive),
            Err(error) => {
                if TryAgain::is_in(&error) {
                    self.world.fetch_add(1, Ordering::Relaxed);
                }
                let message = format!("`data.{kind}.{name}` could not be read: {error:#}");
                diagnostics.push(Diagnostic::error("unreadable-data-source", message).at(data.header));
                unknown
            }
        }
    }
}

impl DataReader {
    /// Checks a data source that is not ours; of what it would give, the names and types may be known.
    fn foreign(&self, data: &Data, document: &Document, scope: &Scope, diagnostics: &mut Diagnostics) -> Value {
        let ours: Vec<&str> = DATA_SOURCES.iter().map(|source| source.component.name).collect();
        let known = schema::find(known::DATA_SOURCES.what, &data.kind.value);
        match known::DATA_SOURCES.foreign(&data.kind, known.is_some(), document, &ours) {
            Ok(why) if self.read => diagnostics.push(why),
            Ok(why) => diagnostics.append(Diagnostics::from(vec![why]).as_warnings()),
            Err(problem) => diagnostics.push(*problem),
        }
        let written = Written {
            component: &data.kind.value,
            bodies: std::slice::from_ref(&data.body),
            taken: &[],
            overrides: None,
            header: data.header,
            scope,
            context: &context(scope),
            is_weak: false,
        };
        written.check(known.as_ref().map(|known| &known.schema), diagnostics);
        known.map_or_else(Value::unknown, |known| Value::unknown_of(known.outputs()))
    }
}

fn body(entries: BTreeMap<String, Entry>, data: &Data, scope: &Scope) -> Body {
    Body::new(entries, data.header, Arc::new(context(scope)), false)
}

fn context(scope: &Scope) -> GoContext {
    GoContext {
        host: scope.host.clone(),
        user: User::Forbidden,
        environment_allowed: false,
        secrets: None,
        build_name: None,
        build_type: None,
        template_dir: None,
        build_values: BuildValues::Forbidden,
        resource_names: None,
    }
}

/// Waits for one to be read. On a thread of its own: a template is loaded inside of a runtime and outside of any.
fn read(source: &dyn DataSource) -> Result<Value> {
    let on_thread = || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
        runtime.block_on(source.read(&ReadContext::default()))
    };
    std::thread::scope(|threads| match threads.spawn(on_thread).join() {
        Ok(result) => result,
        Err(_) => anyhow::bail!("reading it ended without an answer"),
    })
}
