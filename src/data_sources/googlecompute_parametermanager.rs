//! `googlecompute-parametermanager`: a parameter of Google's Parameter Manager, with the secrets that it refers to put in.

use super::payload::{Payload, require};
use super::{DataComponent, DataSource, ReadContext, object};
use crate::component::Component;
use crate::google::{Explain as _, GoogleArguments, connect};
use anyhow::Result;
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::Spanned;
use imgforge_template::types::Type;
use imgforge_template::value::Value;

arguments! {
    /// What `googlecompute-parametermanager` takes.
    pub struct ParameterArguments {
        /// The project that has the parameter.
        project_id: Spanned<String>,
        /// Where it is stored: `global`, or a region.
        location: String = "global",
        /// Its name.
        name: Spanned<String>,
        /// Which version of it.
        version: Spanned<String>,
        /// The member of a parameter in JSON that `value` is; all of it if not set.
        key: Option<String>,
    }
}

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component {
        name: "googlecompute-parametermanager",
        arguments: &[ParameterArguments::TABLE, GoogleArguments::TABLE],
        new: |body, diagnostics| Box::new(Parameter::new(body, diagnostics)),
    },
    outputs: || object([("payload", Type::String), ("value", Type::String)]),
};

struct Parameter {
    arguments: ParameterArguments,
    google: GoogleArguments,
}

impl Parameter {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: ParameterArguments = body.read(diagnostics);
        let google: GoogleArguments = body.read(diagnostics);
        let needed =
            [("project_id", &arguments.project_id), ("name", &arguments.name), ("version", &arguments.version)];
        require(&needed, &arguments.given, diagnostics);
        google.check(body, diagnostics);
        body.finish("the data source `googlecompute-parametermanager`", diagnostics);
        Self { arguments, google }
    }

    async fn fetch(&self, context: &ReadContext) -> Result<Value> {
        let ParameterArguments { project_id, location, name, version, key, .. } = &self.arguments;
        let google = connect(&self.google, &context.clients).await?;
        let what = format!("read the parameter {} of {}", name.value, project_id.value);
        let parameter = google.parameter(project_id, location, name, version).await.explain(&what)?;
        Payload::read(parameter.payload, &what)?.outputs(key.as_deref(), &what, [])
    }
}

#[async_trait]
impl DataSource for Parameter {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.fetch(context)).await
    }
}
