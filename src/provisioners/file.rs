//! Copies files to the machine, or from it.

use super::Provisioner;
use crate::communicators::Communicator;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::{missing_file, render, unless_cancelled, value_names, with_values};
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
            let mut values = machine.values();
            values.entry("PackerRunUUID".to_owned()).or_insert_with(|| build.run_uuid.clone());
            let text = render(content, &with_values(&self.context, &values), &values)?;
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
        for name in ["source", "sources"] {
            if let Some(span) = self.given.span(name) {
                diagnostics.push(
                    Diagnostic::error("conflicting-arguments", format!("`content` and `{name}` exclude each other"))
                        .at(content)
                        .related(span, format!("`{name}` is given here"))
                        .help("keep one of the two"),
                );
            }
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
