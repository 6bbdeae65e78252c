//! Runs scripts on this machine once an artifact is there, and passes the artifact on.

use super::{InputArtifact, PostProcessor};
use crate::artifact::Artifact;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::shell_local::{ARGUMENTS, ShellLocal};
use anyhow::Result;
use async_trait::async_trait;

pub(super) const POST_PROCESSOR: Component<dyn PostProcessor> = Component {
    name: "shell-local",
    arguments: ARGUMENTS,
    new: |body, diagnostics| {
        Box::new(ShellLocalPostProcessor(ShellLocal::new("the post-processor `shell-local`", body, diagnostics)))
    },
};

struct ShellLocalPostProcessor(ShellLocal);

#[async_trait]
impl PostProcessor for ShellLocalPostProcessor {
    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::MustKeep
    }

    async fn process(&self, build: &BuildContext, artifact: &Artifact) -> Result<Artifact> {
        self.0.run(build, artifact.values.clone()).await?;
        Ok(artifact.clone())
    }
}
