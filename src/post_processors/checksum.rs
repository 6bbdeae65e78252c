//! `checksum`: writes down the checksums of an artifact's files.
//!
//! A line is the digits, a tab and the file's name without its folder, as Packer writes it: no list for `sha256sum -c`.
//! Lines are put at the end of a file that is there already.

use super::{InputArtifact, PostProcessor};
use crate::artifact::Artifact;
use crate::component::Component;
use crate::context::BuildContext;
use crate::scripts::{Known, must_be_known, value_names};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use aws_lc_rs::digest as sha;
use imgforge_template::arguments;
use imgforge_template::arguments::{Arguments as _, Late};
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::gotemplate::GoContext;
use imgforge_template::source::Spanned;
use imgforge_template::suggest;
use md5::{Digest as _, Md5};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub(super) const POST_PROCESSOR: Component<dyn PostProcessor> = Component {
    name: "checksum",
    arguments: &[ChecksumArguments::TABLE],
    new: |body, diagnostics| Box::new(Checksum::new(body, diagnostics)),
};

arguments! {
    /// What `checksum` takes.
    pub struct ChecksumArguments {
        /// `md5`, `sha1`, `sha224`, `sha256`, `sha384` or `sha512`; `md5` alone if not given.
        checksum_types: Option<Vec<Spanned<String>>>,
        /// The file to write, relative to the working directory: `{{ .ChecksumType }}`, `{{ .BuildName }}` and
        /// `{{ .BuilderType }}` may be in its name.
        output: Option<Late>,
    }
}

const TYPES: [&str; 6] = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

/// What `output` may use beside the values of the build.
const FIELDS: [&str; 3] = ["BuildName", "BuilderType", "ChecksumType"];

struct Checksum {
    arguments: ChecksumArguments,
    context: Arc<GoContext>,
}

impl Checksum {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: ChecksumArguments = body.read(diagnostics);
        for wanted in arguments.checksum_types.iter().flatten().filter(|wanted| !TYPES.contains(&wanted.as_str())) {
            let message = format!("there is no checksum `{}`", wanted.value);
            let help = suggest::did_you_mean(wanted, TYPES);
            let help = help.unwrap_or_else(|| format!("there are {}", TYPES.join(", ")));
            diagnostics.push(Diagnostic::error("invalid-value", message).at(wanted.span).help(help));
        }
        if let Some(output) = &arguments.output {
            let names: Vec<&str> = value_names(body.context()).into_iter().chain(FIELDS).collect();
            output.check(body.context(), &names, diagnostics);
        }
        body.finish("the post-processor `checksum`", diagnostics);
        Self { arguments, context: body.context().clone() }
    }

    /// Where the checksums of one type go, as the user wrote it.
    fn output(&self, kind: &str, known: &Known, build: &BuildContext) -> Result<PathBuf> {
        let Some(output) = &self.arguments.output else {
            must_be_known("output", &self.arguments.given)?;
            return Ok(format!("packer_{}_{}_{kind}.checksum", build.label, build.builder_type).into());
        };
        let fields = [("BuildName", &*build.label), ("BuilderType", &*build.builder_type), ("ChecksumType", kind)];
        known.with(&fields).render(output).map(PathBuf::from).context("`output`")
    }
}

#[async_trait]
impl PostProcessor for Checksum {
    fn input_artifact(&self) -> InputArtifact {
        InputArtifact::MustKeep
    }

    async fn process(&self, build: &BuildContext, artifact: &Artifact) -> Result<Artifact> {
        let known = Known::new(&self.context, build, artifact.values.clone());
        let folder = self.context.host.working_directory();
        let mut made = Artifact {
            builder_id: "packer.post-processor.checksum".to_owned(),
            files: artifact.files.clone(),
            ..Artifact::default()
        };
        if self.arguments.checksum_types.is_none() {
            must_be_known("checksum_types", &self.arguments.given)?;
        }
        let kinds = self.arguments.checksum_types.iter().flatten().map(|kind| kind.as_str());
        let kinds: Vec<&str> = if self.arguments.checksum_types.is_none() { vec!["md5"] } else { kinds.collect() };
        for kind in kinds.into_iter().filter_map(Kind::named) {
            let output = self.output(kind.name(), &known, build)?;
            let path = folder.join(&output);
            if fs::symlink_metadata(&path).is_err() {
                let claim = build.ledger.claim_path("file", &path).context("note the file in the journal")?;
                made.claims.push(claim.resource().clone());
                made.files.push(output);
            }
            let files: Vec<PathBuf> = artifact.files.iter().map(|file| folder.join(file)).collect();
            let cancel = build.cancel.clone();
            tokio::task::spawn_blocking(move || append(kind, &files, &path, &cancel)).await??;
        }
        let names: Vec<String> = made.files.iter().map(|file| file.display().to_string()).collect();
        made.description = format!("Created artifact from files: {}", names.join(", "));
        Ok(made)
    }
}

/// A kind of checksum.
#[derive(Clone, Copy)]
enum Kind {
    Md5,
    Sha(&'static str, &'static sha::Algorithm),
}

/// One that is being made.
enum Sum {
    Md5(Md5),
    Sha(sha::Context),
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md5" => Self::Md5,
            "sha1" => Self::Sha("sha1", &sha::SHA1_FOR_LEGACY_USE_ONLY),
            "sha224" => Self::Sha("sha224", &sha::SHA224),
            "sha256" => Self::Sha("sha256", &sha::SHA256),
            "sha384" => Self::Sha("sha384", &sha::SHA384),
            "sha512" => Self::Sha("sha512", &sha::SHA512),
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha(name, _) => name,
        }
    }

    /// The digits of a file's checksum.
    fn of(self, path: &Path, cancel: &CancellationToken) -> Result<String> {
        let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut sum = match self {
            Self::Md5 => Sum::Md5(Md5::new()),
            Self::Sha(_, algorithm) => Sum::Sha(sha::Context::new(algorithm)),
        };
        let mut buffer = vec![0; 1 << 20];
        loop {
            anyhow::ensure!(!cancel.is_cancelled(), "cancelled");
            let length = file.read(&mut buffer).with_context(|| format!("read {}", path.display()))?;
            let read = buffer.get(..length).unwrap_or_default();
            if read.is_empty() {
                break;
            }
            match &mut sum {
                Sum::Md5(sum) => sum.update(read),
                Sum::Sha(sum) => sum.update(read),
            }
        }
        let bytes = match sum {
            Sum::Md5(sum) => sum.finalize().to_vec(),
            Sum::Sha(sum) => sum.finish().as_ref().to_vec(),
        };
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Puts a line for each file at the end of another one, which is made with its folders.
fn append(kind: Kind, files: &[PathBuf], path: &Path, cancel: &CancellationToken) -> Result<()> {
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        lines.push_str(&format!("{}\t{name}\n", kind.of(file, cancel)?));
    }
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        let mut output = OpenOptions::new().append(true).create(true).mode(0o644).open(path)?;
        output.write_all(lines.as_bytes())
    });
    written.with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{List, Str, World, Written};

    async fn process(world: &World, arguments: &[(&str, Written)]) -> Result<Artifact> {
        world.write("out/a.txt", "a\n");
        world.write("b.txt", "b\n");
        let artifact = Artifact { files: vec!["out/a.txt".into(), "b.txt".into()], ..Artifact::default() };
        world.block(arguments).make(Checksum::new).process(&world.context, &artifact).await
    }

    #[tokio::test]
    async fn each_type_has_its_file_beside_those_of_the_artifact() {
        let world = World::new();
        let artifact = process(&world, &[("checksum_types", List(vec!["sha1", "md5"]))]).await.unwrap();
        assert_eq!(
            world.read("packer_web_null_md5.checksum"),
            "60b725f10c9c85c70d97880dfe8191b3\ta.txt\n3b5d5c3712955042212316173ccf37be\tb.txt\n"
        );
        assert_eq!(
            world.read("packer_web_null_sha1.checksum"),
            "3f786850e387550fdab836ed7e6dc881de23001b\ta.txt\n89e6c98d92887913cadf06b2adb97f26cde4849b\tb.txt\n"
        );
        assert_eq!(
            artifact.description,
            "Created artifact from files: out/a.txt, b.txt, packer_web_null_sha1.checksum, packer_web_null_md5.checksum"
        );
        assert_eq!((artifact.files.len(), artifact.claims.len()), (4, 2));
    }

    #[tokio::test]
    async fn a_file_that_is_there_gets_more_lines_and_stays_the_users() {
        let world = World::new();
        let arguments = [("output", Str("sums/{{ .BuildName }}-{{ .BuilderType }}"))];
        let first = process(&world, &arguments).await.unwrap();
        let second = process(&world, &arguments).await.unwrap();
        assert_eq!((first.files.len(), second.files.len()), (3, 2));
        assert_eq!(second.claims, []);
        assert_eq!(world.read("sums/web-null").lines().count(), 4);
    }

    #[tokio::test]
    async fn all_types_know_the_empty_text() {
        let world = World::new();
        let path = world.write("empty", "");
        let sums = TYPES.map(|name| Kind::named(name).unwrap().of(&path, &world.context.cancel).unwrap());
        let starts = sums.iter().map(|sum| format!("{} {}", &sum[..8], sum.len())).collect::<Vec<_>>();
        let expected = ["d41d8cd9 32", "da39a3ee 40", "d14a028c 56", "e3b0c442 64", "38b060a7 96", "cf83e135 128"];
        assert_eq!(starts, expected);
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_an_error() {
        let world = World::new();
        let artifact = Artifact { files: vec!["gone".into()], ..Artifact::default() };
        let error = world.block(&[]).make(Checksum::new).process(&world.context, &artifact).await.unwrap_err();
        let error = world.without_folders(&format!("{error:#}"));
        assert_eq!(error, "open WORK/gone: No such file or directory (os error 2)");
    }

    #[test]
    fn mistakes_are_shown_at_their_places() {
        let world = World::new();
        let arguments =
            [("checksum_types", List(vec!["sha257", "crc"])), ("output", Str("{{ .ChecksumTipe }}.{{ .BuildName }}"))];
        assert_eq!(
            world.block(&arguments).mistakes(Checksum::new),
            [
                "invalid-value at \"sha257\": there is no checksum `sha257` (did you mean `sha256`?)",
                "invalid-value at \"crc\": there is no checksum `crc` (there are md5, sha1, sha224, sha256, sha384, sha512)",
                "unknown-field at .ChecksumTipe: `.ChecksumTipe` is not available here (did you mean `.ChecksumType`?)",
            ]
        );
    }
}
