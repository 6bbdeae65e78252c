//! Copies files to the machine, or from it.

use super::Provisioner;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::{Known, missing_file, unless_cancelled, value_names};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::Spanned;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) const PROVISIONER: Component<dyn Provisioner> = Component {
    name: "file",
    arguments: &[FileArguments::TABLE],
    new: |body, diagnostics| Box::new(FileProvisioner::new(body, diagnostics)),
};

/// Content that is written in the template often is a password or a key.
const CONTENT_MODE: u32 = 0o600;

arguments! {
    /// What `file` takes.
    pub struct FileArguments {
        /// The text of the file, in place of a source.
        #[excludes(source, sources)]
        content: Option<Late>,
        /// Where the copy goes; with a slash at the end, below it.
        destination: Spanned<String>,
        /// `upload` to the machine, or `download` from it.
        direction: Option<Spanned<String>>,
        /// The sources come to be while the build runs, so they need not be there before.
        generated: bool = "false",
        /// A file or folder. A folder with a slash at the end gives its contents, one without itself.
        source: Option<Spanned<String>>,
        /// Several files or folders.
        sources: Option<Vec<Spanned<String>>>,
    }
}

struct FileProvisioner {
    arguments: FileArguments,
    context: Arc<GoContext>,
}

impl FileProvisioner {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: FileArguments = body.read(diagnostics);
        arguments.check(body, diagnostics);
        body.finish("the provisioner `file`", diagnostics);
        Self { arguments, context: body.context().clone() }
    }

    async fn upload(&self, build: &BuildContext, machine: &dyn Communicator, source: &str) -> Result<()> {
        let from = self.context.host.working_directory().join(source);
        let destination = self.arguments.destination.as_str();
        let is_folder = tokio::fs::metadata(&from).await.with_context(|| format!("read {source}"))?.is_dir();
        let to = if is_folder { destination.to_owned() } else { below(destination, source) };
        build.say(format!("Uploading {source} => {to}"));
        let report = |done, total| build.progress(source, done, total);
        // `join` keeps the slash at the end, which says whether the folder itself is meant.
        let copied = unless_cancelled(build, machine.upload(&from, &to, &report)).await;
        copied.with_context(|| format!("upload {source} to {to}"))
    }

    async fn download(&self, build: &BuildContext, machine: &dyn Communicator, source: &str) -> Result<()> {
        let destination = self.arguments.destination.as_str();
        let many = source.ends_with('/') || source.contains(['*', '?', '[']);
        let directory = self.context.host.working_directory();
        let to = if many || !directory.join(destination).is_dir() || destination.ends_with('/') {
            if many { destination.to_owned() } else { below(destination, source) }
        } else {
            below(&format!("{destination}/"), source)
        };
        build.say(format!("Downloading {source} => {to}"));
        let local = directory.join(&to);
        let folder = if many { Some(local.as_path()) } else { local.parent() };
        if let Some(folder) = folder {
            tokio::fs::create_dir_all(folder).await.with_context(|| format!("make the folder {}", folder.display()))?;
        }
        let report = |done, total| build.progress(source, done, total);
        let copied = if many {
            unless_cancelled(build, machine.download_folder(source, &local)).await
        } else {
            unless_cancelled(build, machine.download(source, &local, &report)).await
        };
        copied.with_context(|| format!("download {source} to {to}"))
    }
}

#[async_trait]
impl Provisioner for FileProvisioner {
    async fn provision(&self, build: &BuildContext, machine: &dyn Communicator) -> Result<()> {
        if let Some(content) = &self.arguments.content {
            let text = Known::new(&self.context, build, machine.values()).render(content)?;
            let to = self.arguments.destination.as_str();
            build.say(format!("Uploading content => {to}"));
            let copied = unless_cancelled(build, machine.upload_bytes(text.as_bytes(), to, CONTENT_MODE)).await;
            return copied.with_context(|| format!("upload the content to {to}"));
        }
        let download = self.arguments.direction.as_ref().is_some_and(|direction| direction.value == "download");
        let given = ["content", "source", "sources"].iter().any(|name| self.arguments.given.has(name));
        anyhow::ensure!(!given || self.arguments.sources().next().is_some(), "what to copy is not known");
        for source in self.arguments.sources() {
            if download {
                self.download(build, machine, source).await?;
            } else {
                self.upload(build, machine, source).await?;
            }
        }
        Ok(())
    }
}

impl FileArguments {
    /// `source` comes last, as Packer has it.
    fn sources(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.sources.iter().flatten().chain(&self.source)
    }

    fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        let download = match &self.direction {
            Some(direction) if !["upload", "download"].contains(&direction.as_str()) => {
                diagnostics.push(
                    Diagnostic::error("invalid-value", format!("`{}` is not a direction", direction.value))
                        .at(direction.span)
                        .help("use `upload` or `download`"),
                );
                return;
            }
            direction => direction.as_ref().is_some_and(|direction| direction.value == "download"),
        };
        if self.destination.is_empty() && self.given.span("destination") == Some(self.destination.span) {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`destination` is empty")
                    .at(self.destination.span)
                    .help("write where the copy goes"),
            );
        }
        if let Some(content) = self.given.span("content") {
            self.check_content(content, download, body, diagnostics);
        } else if !self.given.has("source") && !self.given.has("sources") {
            diagnostics.push(
                Diagnostic::warning("nothing-to-do", "there is no `source`, `sources` or `content`: nothing is copied")
                    .at(body.header())
                    .help("add one of the three"),
            );
        }
        if download || self.generated {
            return;
        }
        for source in self.sources() {
            if let Err(error) = body.context().host.status(Path::new(&source.value)) {
                let (path, span) = (PathBuf::from(&source.value), source.span);
                let missing = missing_file("source", &path, span, &error, body, Severity::Error);
                let help = missing.help.clone();
                diagnostics.push(match help {
                    Some(help) => missing.help(format!("{help}; set `generated = true` if the build makes it")),
                    None => missing,
                });
            }
        }
    }

    fn check_content(
        &self,
        content: imgforge_template::source::Span,
        download: bool,
        body: &Body,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(late) = &self.content {
            late.check(body.context(), &value_names(body.context()), diagnostics);
        }
        if let (true, Some(direction)) = (download, &self.direction) {
            diagnostics.push(
                Diagnostic::error("conflicting-arguments", "`content` cannot be downloaded")
                    .at(content)
                    .related(direction.span, "the direction is given here")
                    .help("remove one of the two"),
            );
        }
        if self.destination.ends_with('/') {
            diagnostics.push(
                Diagnostic::error("invalid-value", "`destination` must name a file when there is `content`")
                    .at(self.destination.span)
                    .help("add the file's name after the last `/`"),
            );
        }
    }
}

/// A destination with a slash at the end gets the source's own name.
fn below(destination: &str, source: &str) -> String {
    match (destination.ends_with('/'), Path::new(source).file_name()) {
        (true, Some(name)) => format!("{destination}{}", name.to_string_lossy()),
        _ => destination.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::communicators::local::Local;
    use crate::scripts::testing::{Block, Bool, List, Str, Unknown, World};
    use std::os::unix::fs::PermissionsExt as _;

    /// The machine is the folder `machine` of the working directory.
    async fn provision(world: &World, block: &Block) -> Result<()> {
        std::fs::create_dir_all(world.path("machine")).unwrap();
        let machine = Local::new(&world.context, &world.path("machine"));
        block.make(FileProvisioner::new).provision(&world.context, &machine).await
    }

    #[tokio::test]
    async fn all_sources_go_to_their_destination() {
        let world = World::new();
        for name in ["a", "b", "folder/c"] {
            world.write(name, name);
        }
        world.write("machine/etc/x", "");
        let block =
            world.block(&[("source", Str("b")), ("sources", List(vec!["a", "folder"])), ("destination", Str("etc/"))]);
        provision(&world, &block).await.unwrap();
        assert_eq!(world.lines(), ["Uploading a => etc/a", "Uploading folder => etc/", "Uploading b => etc/b"]);
        assert_eq!([world.read("machine/etc/a"), world.read("machine/etc/folder/c")], ["a", "folder/c"]);
        let block = world.block(&[("source", Str("folder/")), ("destination", Str("etc/b.d"))]);
        provision(&world, &block).await.unwrap();
        assert_eq!(world.read("machine/etc/b.d/c"), "folder/c");
    }

    #[tokio::test]
    async fn content_becomes_a_file_that_only_its_owner_can_read() {
        let world = World::new();
        provision(&world, &world.block(&[("content", Str("key")), ("destination", Str("id"))])).await.unwrap();
        assert_eq!(world.read("machine/id"), "key");
        let mode = std::fs::metadata(world.path("machine/id")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(world.lines(), ["Uploading content => id"]);
    }

    #[tokio::test]
    async fn every_source_is_downloaded_and_folders_are_made_for_it() {
        let world = World::new();
        for name in ["log/a.log", "log/b.log", "log/b.txt", "one"] {
            world.write(&format!("machine/{name}"), name);
        }
        let block = world.block(&[
            ("direction", Str("download")),
            ("sources", List(vec!["log/*.log", "log/b.txt"])),
            ("source", Str("one")),
            ("destination", Str("deep/er/")),
        ]);
        provision(&world, &block).await.unwrap();
        assert_eq!(
            world.lines(),
            [
                "Downloading log/*.log => deep/er/",
                "Downloading log/b.txt => deep/er/b.txt",
                "Downloading one => deep/er/one"
            ]
        );
        for (copy, content) in [("a.log", "log/a.log"), ("b.log", "log/b.log"), ("b.txt", "log/b.txt"), ("one", "one")]
        {
            assert_eq!(world.read(&format!("deep/er/{copy}")), content);
        }
        let block =
            world.block(&[("direction", Str("download")), ("source", Str("one")), ("destination", Str("x/two"))]);
        provision(&world, &block).await.unwrap();
        assert_eq!(world.read("x/two"), "one");
        let block = world.block(&[("direction", Str("download")), ("source", Str("none")), ("destination", Str("x"))]);
        let error = provision(&world, &block).await.unwrap_err();
        assert!(format!("{error:#}").starts_with("download none to x/none: "), "{error:#}");
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        world.write("there", "");
        let mistakes = |arguments: &[_]| -> Vec<String> {
            let mistakes = world.block(arguments).mistakes(FileProvisioner::new);
            mistakes.iter().map(|mistake| world.without_folders(mistake)).collect()
        };
        let help =
            "the path is relative to the working directory, `WORK`; set `generated = true` if the build makes it";
        assert_eq!(
            mistakes(&[("sources", List(vec!["there", "gone"])), ("destination", Str(""))]),
            [
                format!("missing-file at \"gone\": the source `gone` is not there ({help})"),
                "invalid-value at \"\": `destination` is empty (write where the copy goes)".to_owned(),
            ]
        );
        assert_eq!(
            mistakes(&[
                ("content", Str("x")),
                ("source", Str("there")),
                ("destination", Str("/etc/")),
                ("direction", Str("download"))
            ]),
            [
                "conflicting-arguments at \"x\": `content` cannot be downloaded (remove one of the two)",
                "conflicting-arguments at \"x\": `content` and `source` exclude each other (keep one of the two)",
                "invalid-value at \"/etc/\": `destination` must name a file when there is `content` (add the file's \
                 name after the last `/`)",
            ]
        );
        assert_eq!(
            mistakes(&[("direction", Str("sideways")), ("generated", Bool(true))]),
            [
                "missing-argument at block: the argument `destination` is required (add `destination`, a string)",
                "invalid-value at \"sideways\": `sideways` is not a direction (use `upload` or `download`)",
            ]
        );
        assert_eq!(
            mistakes(&[("destination", Str("/x"))]),
            [
                "nothing-to-do at block: there is no `source`, `sources` or `content`: nothing is copied (add one of the \
              three)"
            ]
        );
        let fine: [&[_]; 3] = [
            &[("source", Str("gone")), ("destination", Str("x")), ("generated", Bool(true))],
            &[("source", Str("gone")), ("destination", Str("x")), ("direction", Str("download"))],
            &[("source", Unknown), ("destination", Unknown)],
        ];
        for arguments in fine {
            assert_eq!(mistakes(arguments), [""; 0]);
        }
    }
}
