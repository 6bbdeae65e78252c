//! `googlecompute-secretsmanager`: a secret of Google's Secret Manager.

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
    /// What `googlecompute-secretsmanager` takes.
    pub struct SecretArguments {
        /// The project that has the secret.
        project_id: Spanned<String>,
        /// Its name.
        name: Spanned<String>,
        /// Which version of it: a number, an alias, or `latest`.
        version: String = "latest",
        /// The member of a secret in JSON that `value` is; all of it if not set.
        key: Option<String>,
    }
}

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component {
        name: "googlecompute-secretsmanager",
        arguments: &[SecretArguments::TABLE, GoogleArguments::TABLE],
        new: |body, diagnostics| Box::new(Secret::new(body, diagnostics)),
    },
    outputs: || object([("payload", Type::String), ("value", Type::String), ("checksum", Type::Number)]),
};

struct Secret {
    arguments: SecretArguments,
    google: GoogleArguments,
}

impl Secret {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: SecretArguments = body.read(diagnostics);
        let google: GoogleArguments = body.read(diagnostics);
        let needed = [("project_id", &arguments.project_id), ("name", &arguments.name)];
        require(&needed, &arguments.given, diagnostics);
        google.check(body, diagnostics);
        body.finish("the data source `googlecompute-secretsmanager`", diagnostics);
        Self { arguments, google }
    }

    async fn fetch(&self, context: &ReadContext) -> Result<Value> {
        let SecretArguments { project_id, name, version, key, .. } = &self.arguments;
        let google = connect(&self.google, &context.clients).await?;
        let what = format!("read the secret {} of {}", name.value, project_id.value);
        let secret = google.secret(project_id, name, version).await.explain(&what)?;
        let checksum = Value::number(i64::from(secret.checksum));
        let payload = Payload::read(secret.payload, &what)?;
        payload.outputs(key.as_deref(), &what, [("checksum", checksum)])
    }
}

#[async_trait]
impl DataSource for Secret {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.fetch(context)).await
    }
}
