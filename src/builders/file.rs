//! Makes a file; there is no machine. Of use to try a template out.

use super::{Builder, Machine};
use crate::artifact::Artifact;
use crate::communicators::Communicator;
use crate::communicators::none::NoCommunicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::missing_file;
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_ledger::Resource;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::source::Spanned;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

pub(super) const BUILDER: Component<dyn Builder> = Component {
    name: "file",
    arguments: &[FileArguments::TABLE],
    new: |body, diagnostics| Box::new(FileBuilder::new(body, diagnostics)),
};

arguments! {
    /// What a `file` source takes.
    pub struct FileArguments {
        /// The text of the file.
        #[excludes(source)]
        content: Option<String>,
        /// A file to copy.
        source: Option<Spanned<PathBuf>>,
        /// The file to make.
        target: Spanned<PathBuf>,
    }
}

struct FileBuilder {
    arguments: FileArguments,
    directory: PathBuf,
}

impl FileBuilder {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: FileArguments = body.read(diagnostics);
        arguments.check(body, diagnostics);
        body.finish("the builder `file`", diagnostics);
        Self { arguments, directory: body.context().host.working_directory() }
    }

    /// Writes the target. Returns what was claimed for it: nothing where a file was there before.
    fn write(&self, context: &BuildContext) -> Result<Vec<Resource>> {
        let target = self.directory.join(&self.arguments.target.value);
        let mut source = match &self.arguments.source {
            Some(source) => {
                let path = self.directory.join(&source.value);
                let same =
                    fs::canonicalize(&path).ok().filter(|path| fs::canonicalize(&target).is_ok_and(|t| t == *path));
                anyhow::ensure!(same.is_none(), "{} is both source and target", source.display());
                Some(fs::File::open(&path).with_context(|| format!("open {}", source.display()))?)
            }
            None => None,
        };
        let mut claims = Vec::new();
        if fs::symlink_metadata(&target).is_err() {
            let claim = context.ledger.claim_path("file", &target).context("note the file in the journal")?;
            claims.push(claim.resource().clone());
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("make the folder {}", parent.display()))?;
        }
        // What stands in the template may be a secret; what is copied is as public as any new file.
        let mode = if source.is_some() { 0o666 } else { 0o600 };
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&target)?;
        match &mut source {
            Some(source) => drop(io::copy(source, &mut file)?),
            None => file.write_all(self.arguments.content.as_deref().unwrap_or_default().as_bytes())?,
        }
        Ok(claims)
    }
}

impl FileArguments {
    fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if !self.given.has("source") && !self.given.has("content") {
            diagnostics.push(
                Diagnostic::warning("nothing-to-do", "there is no `source` or `content`: the file will be empty")
                    .at(body.header())
                    .help("add one of the two"),
            );
        }
        if self.target.value.as_os_str().is_empty() && self.given.span("target") == Some(self.target.span) {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`target` is empty")
                    .at(self.target.span)
                    .help("write the path of the file to make"),
            );
        }
        if let Some(source) = &self.source
            && let Err(error) = body.context().host.status(source)
        {
            diagnostics.push(missing_file("source", source, source.span, &error, body, Severity::Warning));
        }
    }
}

#[async_trait]
impl Builder for FileBuilder {
    async fn launch(&self, context: &BuildContext) -> Result<Box<dyn Machine>> {
        let target = self.arguments.target.value.clone();
        let claims = self.write(context).with_context(|| format!("make {}", target.display()))?;
        // A script that seems to have run on a machine that does not exist is worse than an error.
        let communicator = NoCommunicator { reason: "the file builder has no machine to run on" };
        Ok(Box::new(FileMachine { target, claims, communicator }))
    }
}

struct FileMachine {
    target: PathBuf,
    claims: Vec<Resource>,
    communicator: NoCommunicator,
}

#[async_trait]
impl Machine for FileMachine {
    fn communicator(&self) -> &dyn Communicator {
        &self.communicator
    }

    async fn capture(self: Box<Self>, _context: &BuildContext) -> Result<Artifact> {
        Ok(Artifact {
            builder_id: "packer.file".to_owned(),
            id: "File".to_owned(),
            description: format!("Stored file: {}", self.target.display()),
            files: vec![self.target],
            claims: self.claims,
            ..Artifact::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioners::PROVISIONERS;
    use crate::scripts::testing::{Block, List, Str, World, Written};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    async fn build(world: &World, block: &Block) -> Result<Artifact> {
        let machine = block.make(FileBuilder::new).launch(&world.context).await?;
        machine.capture(&world.context).await
    }

    #[tokio::test]
    async fn content_becomes_the_target_which_is_the_artifact() {
        let world = World::new();
        let block = world.block(&[("content", Str("hello")), ("target", Str("out/a.txt"))]);
        let artifact = build(&world, &block).await.unwrap();
        assert_eq!(world.read("out/a.txt"), "hello");
        let target = world.path("out/a.txt");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            artifact,
            Artifact {
                builder_id: "packer.file".to_owned(),
                id: "File".to_owned(),
                description: "Stored file: out/a.txt".to_owned(),
                files: vec!["out/a.txt".into()],
                claims: world.ledger.remaining(),
                ..Artifact::default()
            }
        );
        let claims = artifact.claims.iter().map(|resource| Path::new(&resource.name));
        assert_eq!(claims.collect::<Vec<_>>(), [target]);
    }

    #[tokio::test]
    async fn a_target_that_was_there_is_replaced_and_stays_the_user_s() {
        let world = World::new();
        world.write("source", "new");
        world.write("target", "much longer than before");
        let block = world.block(&[("source", Str("source")), ("target", Str("target"))]);
        assert_eq!(build(&world, &block).await.unwrap().claims, []);
        assert_eq!(world.read("target"), "new");
        assert_eq!(world.ledger.remaining(), []);

        let block = world.block(&[("source", Str("source")), ("target", Str("./source"))]);
        let error = build(&world, &block).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "make ./source: source is both source and target");
        assert_eq!(world.read("source"), "new");
    }

    #[tokio::test]
    async fn a_missing_source_leaves_no_target() {
        let world = World::new();
        let block = world.block(&[("source", Str("gone")), ("target", Str("target"))]);
        let error = build(&world, &block).await.unwrap_err();
        assert_eq!(format!("{error:#}"), "make target: open gone: No such file or directory (os error 2)");
        assert_eq!(fs::read_dir(world.directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn provisioners_are_told_at_once_that_there_is_no_machine() {
        let world = World::new();
        let block = world.block(&[("content", Str("")), ("target", Str("target"))]);
        let machine = block.make(FileBuilder::new).launch(&world.context).await.unwrap();
        let blocks: [(&str, Vec<(&str, Written)>); 2] = [
            ("shell", vec![("inline", List(vec!["true"]))]),
            ("file", vec![("content", Str("x")), ("destination", Str("/x"))]),
        ];
        for (name, arguments) in blocks {
            let component = crate::component::find(PROVISIONERS, name).unwrap();
            let provisioner = world.block(&arguments).make(component.new);
            let error = provisioner.provision(&world.context, machine.communicator()).await.unwrap_err();
            assert_eq!(error.root_cause().to_string(), "the file builder has no machine to run on");
        }
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        let mistakes = |arguments: &[_]| -> Vec<String> {
            let mistakes = world.block(arguments).mistakes(FileBuilder::new);
            mistakes.iter().map(|mistake| world.without_folders(mistake)).collect()
        };
        assert_eq!(
            mistakes(&[("source", Str("gone")), ("content", Str("x")), ("target", Str(""))]),
            [
                "missing-file at \"gone\": the source `gone` is not there (the path is relative to the working \
                 directory, `WORK`)",
                "conflicting-arguments at \"x\": `content` and `source` exclude each other (keep one of the two)",
                "invalid-value at \"\": `target` is empty (write the path of the file to make)",
            ]
        );
        assert_eq!(
            mistakes(&[]),
            [
                "missing-argument at block: the argument `target` is required (add `target`, a string)",
                "nothing-to-do at block: there is no `source` or `content`: the file will be empty (add one of the two)",
            ]
        );
    }
}
