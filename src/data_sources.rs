//! Data sources: what a template reads from the world before anything is built, as `data.TYPE.NAME`.

mod git_commit;
mod git_repository;
mod git_tree;
mod http;
mod null;
mod repository;

use crate::clients::Clients;
use crate::component::Component;
use anyhow::{Result, bail};
use async_trait::async_trait;
use imgforge_template::types::Type;
use imgforge_template::value::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Every data source. Adding one is its file and its line here.
pub const DATA_SOURCES: &[DataComponent] = &[
    git_commit::DATA_SOURCE,
    git_repository::DATA_SOURCE,
    git_tree::DATA_SOURCE,
    http::DATA_SOURCE,
    null::DATA_SOURCE,
];

/// A registry entry: how a data source is made of its block, and what it will give.
pub struct DataComponent {
    pub component: Component<dyn DataSource>,
    /// The type of what [`DataSource::read`] gives, an object. What is not read is unknown and of this type.
    pub outputs: fn() -> Type,
}

/// The entry of this name.
pub fn find(name: &str) -> Option<&'static DataComponent> {
    DATA_SOURCES.iter().find(|source| source.component.name == name)
}

/// Something that can be read. Reading changes nothing that we know of; a request of `http` may.
#[async_trait]
pub trait DataSource: Send + Sync {
    /// Reads it. The value is an object of the type that its entry names.
    ///
    /// # Errors
    /// When it could not be read, with one sentence about what was.
    async fn read(&self, context: &ReadContext) -> Result<Value>;
}

/// What a data source may use while it is read.
#[derive(Clone, Debug, Default)]
pub struct ReadContext {
    /// Cancelled when the run is to stop.
    pub cancel: CancellationToken,
    /// Connections to clouds.
    pub clients: Clients,
}

impl ReadContext {
    /// What the work gives, unless the run is cancelled first.
    ///
    /// # Errors
    /// What the work returns, or that it was cancelled.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => bail!("cancelled"),
            result = work => result,
        }
    }
}

/// The type of an object whose members have these names and types.
fn object<const N: usize>(members: [(&str, Type); N]) -> Type {
    Type::object(members)
}

/// A list of strings as a value.
fn texts<T: Into<Arc<str>>>(texts: impl IntoIterator<Item = T>) -> Value {
    Value::list(Type::String, texts.into_iter().map(Value::string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    /// Names and types in the words of HCL2.
    fn ours(source: &DataComponent) -> BTreeSet<String> {
        let name = source.component.name;
        let arguments = source.component.arguments.iter().flat_map(|table| table.iter());
        let arguments = arguments.map(|argument| format!("{name} argument {} {}", argument.name, argument.kind));
        let Type::Object(outputs) = (source.outputs)() else { panic!("{name} gives no object") };
        let outputs = outputs.iter().map(|(output, kind)| {
            let kind = match kind {
                Type::List(of) => format!("list({of})"),
                Type::Map(of) => format!("map({of})"),
                kind => kind.to_string(),
            };
            format!("{name} output {output} {kind}")
        });
        arguments.chain(outputs).collect()
    }

    #[test]
    fn arguments_and_outputs_are_those_that_templates_know() {
        let folder = std::env::var_os("IMGFORGE_CORPUS")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
        let Ok(table) = std::fs::read_to_string(folder.join("schemas.tsv")) else {
            println!("not checked: there is no schemas.tsv in {}", folder.display());
            return;
        };
        let theirs = |name: &str| -> BTreeSet<String> {
            let rows = table.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let rows = rows.filter(|row| row.starts_with(&["data-source", name]));
            rows.map(|row| row[1..5].join(" ")).collect()
        };
        for source in DATA_SOURCES {
            assert_eq!(ours(source), theirs(source.component.name));
        }
    }

    #[test]
    fn they_are_found_by_name() {
        assert_eq!(find("git-commit").map(|source| source.component.name), Some("git-commit"));
        assert!(find("amazon-ami").is_none());
    }

    #[tokio::test]
    async fn a_cancelled_run_reads_nothing_more() {
        let context = ReadContext::default();
        assert_eq!(context.unless_cancelled(async { Ok(1) }).await.unwrap(), 1);
        context.cancel.cancel();
        let error = context.unless_cancelled(std::future::pending::<Result<()>>()).await.unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
    }
}
