//! `imgforge run`: the whole CI job. What it does is decided by the event; what there is to do, by the pipeline.

use super::loaded::{Loaded, Purpose, load};
use super::session::{self, Session};
use super::signals::Signals;
use crate::build::{Options, Outcome};
use crate::ci::{self, CiPlatform, Environment, Job, Outputs, Trigger};
use crate::cli::{LintArguments, ReportArguments, TemplateArguments, TemplateOptions};
use crate::event::{Event, Reporter};
use crate::exit::Exit;
use crate::git::Git;
use crate::host::{ForkHost, LocalHost};
use crate::output_file::OutputFile;
use crate::pipeline::{self, Image, Pipeline};
use crate::post_processors::manifest::{Manifest, ManifestBuild};
use crate::reports::{Audience, Reports};
use crate::version::{self, Release, TagError, Tagged};
use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use clap::Args;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use imgforge_template::inputs;
use imgforge_template::source::Sources;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Do what this CI job is for: validate always, build, publish and tag where the event calls for it
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The pipeline; without the flag `imgforge.yml`, `.imgforge.yml` or `.github/imgforge.yml`
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub reports: ReportArguments,
}

/// Where a pipeline is looked for.
const PLACES: &[&str] = &["imgforge.yml", ".imgforge.yml", ".github/imgforge.yml"];

pub(crate) fn run(arguments: &RunArguments, audience: Audience) -> Exit {
    let environment = Environment::of_process();
    let platform = ci::detect(&environment);
    let reports = match Reports::new(&arguments.reports.reports) {
        // The platform's own reporter tells it by the same commands.
        Ok(reports) => {
            if platform.name() == "github" {
                reports.without_commands()
            } else {
                reports
            }
        }
        Err(error) => return Session::terminal(audience, None).refuse(&error),
    };
    let result = session::runtime().and_then(|runtime| {
        let config = find(arguments)?;
        runtime.block_on(job(&config, platform, &environment, audience, &reports))
    });
    result.unwrap_or_else(|error| {
        let session = open(audience.reporter(reports.lines(), Some(false), false), &reports);
        session.finish(session.fail(&error))
    })
}

fn open(lines: Box<dyn Reporter>, reports: &Reports) -> Session {
    let mut reporters = vec![lines];
    reporters.extend(reports.reporters());
    Session::with(reporters)
}

fn find(arguments: &RunArguments) -> Result<PathBuf> {
    if let Some(config) = &arguments.config {
        return Ok(config.clone());
    }
    let found = PLACES.iter().map(Path::new).find(|path| path.exists());
    found.map(Path::to_owned).with_context(|| format!("there is no pipeline here: looked for {}", PLACES.join(", ")))
}

/// One job from its event to its outputs.
async fn job(
    config: &Path,
    platform: &'static dyn CiPlatform,
    environment: &Environment,
    audience: Audience,
    reports: &Reports,
) -> Result<Exit> {
    let folder = folder_of(config);
    // Paths in the pipeline and its templates are relative to its folder, as Packer's are to where it is started.
    std::env::set_current_dir(&folder).with_context(|| format!("go to {}", folder.display()))?;
    let git = Git::new(&std::env::current_dir().context("find the working directory")?);
    let job = platform.job(environment, &git).await.context("read the CI environment")?;
    tracing::info!(platform = platform.name(), trigger = job.trigger.name(), "job recognised");
    let lines = match audience {
        Audience::People => platform.reporter(&job, reports.lines()),
        Audience::Programs => audience.reporter(reports.lines(), None, false),
    };
    let session = open(lines, reports);
    let mut outputs = Outputs::default();
    // Steps that follow read it whatever becomes of this one.
    outputs.set("images-json", "[]");
    let exit = stages(config, &job, platform, &git, &session, &mut outputs).await;
    let exit = session.finish(exit.unwrap_or_else(|error| session.fail(&error)));
    outputs.set("conclusion", if exit == Exit::Success { "success" } else { "failure" });
    if let Err(error) = platform.outputs(environment, &outputs) {
        session.events.error(format!("the outputs of this step could not be written: {error:#}"));
    }
    Ok(exit)
}

/// The folder that paths start from: of a pipeline in `.github`, the one above.
fn folder_of(config: &Path) -> PathBuf {
    let folder = match config.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if folder.file_name().is_some_and(|name| name == ".github") {
        return match folder.parent() {
            Some(above) if !above.as_os_str().is_empty() => above.to_owned(),
            _ => PathBuf::from("."),
        };
    }
    folder.to_owned()
}

async fn stages(
    config: &Path,
    job: &Job,
    platform: &dyn CiPlatform,
    git: &Git,
    session: &Session,
    outputs: &mut Outputs,
) -> Result<Exit> {
    let events = &session.events;
    events.say(format!("imgforge {}: {} on {}", env!("CARGO_PKG_VERSION"), job.trigger.name(), platform.name()));
    let host = host(job).context("find the working directory")?;
    let Some(pipeline) = read(config, host.as_ref(), session) else { return Ok(Exit::Failed) };
    let builds_nothing = builds_nothing(job, &pipeline);
    let purpose = if builds_nothing.is_some() { Purpose::Check { read_data: false } } else { Purpose::Build };
    let loaded: Vec<(&Image, Loaded)> = pipeline
        .images
        .iter()
        .map(|image| (image, load(&arguments(image, &pipeline), purpose, true, &host, session)))
        .collect();
    let read = loaded.iter().fold(Exit::Success, |exit, (_, loaded)| exit.and(loaded.exit));
    if read != Exit::Success {
        return Ok(read);
    }
    events.say(format!("{} image(s) validated", loaded.len()));
    if let Some(why) = builds_nothing {
        events.say(format!("Nothing is built: {why}"));
        return Ok(Exit::Success);
    }
    let signals = Signals::watch(events.clone())?;
    let work = Work { pipeline: &pipeline, job, git, session, signals: &signals, uuid: host.uuid() };
    let mut exit = Exit::Success;
    let mut published = Vec::new();
    for (image, loaded) in loaded {
        if signals.cancel.is_cancelled() {
            exit = exit.and(Exit::Interrupted);
            break;
        }
        // What goes wrong with one image keeps none of the others from being built.
        let ended = one(image, loaded, &work, outputs, &mut published).await;
        exit = exit.and(ended.unwrap_or_else(|error| session.fail(&error)));
    }
    outputs.set("images-json", serde_json::to_string(&published).context("write the outputs")?);
    Ok(exit)
}

/// What the images of a job share.
struct Work<'a> {
    pipeline: &'a Pipeline,
    job: &'a Job,
    git: &'a Git,
    session: &'a Session,
    signals: &'a Signals,
    uuid: String,
}

/// A stranger's templates see the repository alone. Events that we don't know (a comment on a pull request, say) have the
/// secrets of the repository, and their jobs often check out what a stranger has proposed.
fn host(job: &Job) -> std::io::Result<Arc<dyn Host>> {
    if !job.is_fork && job.trigger != Trigger::Other {
        return Ok(Arc::new(LocalHost::new()?));
    }
    let root = job.workspace.clone().unwrap_or_else(|| PathBuf::from("."));
    Ok(Arc::new(ForkHost::new(&root)?))
}

/// Through the host: a stranger's pipeline may be a link to anything.
fn read(config: &Path, host: &dyn Host, session: &Session) -> Option<Pipeline> {
    let sources = Sources::default();
    // From now on the working directory is the folder that paths start from.
    let shown = config.strip_prefix(folder_of(config)).unwrap_or(config);
    let mut diagnostics = Diagnostics::default();
    let text = inputs::read(shown, "pipeline", host, &sources, &mut diagnostics);
    let pipeline = text.and_then(|(file, text)| pipeline::parse(file, &text, &mut diagnostics));
    let list = diagnostics.into_sorted();
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: Arc::new(sources), list });
    }
    pipeline
}

fn arguments(image: &Image, pipeline: &Pipeline) -> TemplateArguments {
    TemplateArguments {
        lints: LintArguments { switches: pipeline.lints.clone() },
        template: image.template.value.clone(),
        options: TemplateOptions {
            variables: image.variables.clone(),
            var_files: image.var_files.clone(),
            only: image.only.clone(),
            except: image.except.clone(),
            ..TemplateOptions::default()
        },
    }
}

/// Why this event builds nothing, if it does not.
fn builds_nothing(job: &Job, pipeline: &Pipeline) -> Option<String> {
    if job.is_fork {
        return Some("a pull request from a fork is only validated".to_owned());
    }
    if job.trigger == Trigger::Other {
        return Some("an event of this kind is only validated, as a stranger's pull request is".to_owned());
    }
    if !job.trigger.builds() {
        return Some(format!("a {} is only validated", job.trigger.name()));
    }
    if let (Trigger::Tag, Some(tag)) = (job.trigger, &job.tag) {
        let ours = pipeline.images.iter().find(|image| image.versioning.tag.version(&image.name, tag).is_some());
        return ours.map(|image| format!("{tag} is a version of {} that was built before it was tagged", image.name));
    }
    None
}

/// Builds, publishes and tags one image, which joins those that are published when it has its manifest.
async fn one<'a>(
    image: &'a Image,
    loaded: Loaded,
    work: &Work<'_>,
    outputs: &mut Outputs,
    published: &mut Vec<&'a str>,
) -> Result<Exit> {
    let Work { pipeline, session, signals, uuid, .. } = work;
    let events = &session.events;
    if loaded.plan.builds.is_empty() {
        events.fail(format!("no builds of {} are selected", image.name));
        return Ok(Exit::Failed);
    }
    let options = Options { on_failure: image.on_failure, ..Options::default() };
    let built = session::build(loaded.plan, options, loaded.sources, uuid.clone(), session, signals).await;
    let (exit, outcomes) = built.with_context(|| format!("{} is not built", image.name))?;
    if exit != Exit::Success {
        return Ok(exit);
    }
    let path = PathBuf::from(pipeline.manifest.replace("{image}", &image.name));
    let manifest = publish(&outcomes, uuid, &path)
        .with_context(|| format!("{} is built, but it has no manifest and no tag", image.name))?;
    events.say(format!("The manifest of {} is {}", image.name, path.display()));
    published.push(image.name.as_str());
    let is_only = pipeline.images.len() == 1;
    if is_only {
        outputs.set("manifest", path.display().to_string());
    }
    match tag(image, &outcomes, &manifest, work).await {
        Ok(Some(tagged)) => {
            let place = if tagged.pushed { "pushed to origin" } else { "in this repository alone: there is no origin" };
            events.say(format!("{} is {}, {place}", image.name, tagged.tag));
            if is_only {
                outputs.set("version", tagged.version.to_string());
                outputs.set("tag", tagged.tag);
            }
            Ok(Exit::Success)
        }
        Ok(None) => Ok(Exit::Success),
        Err(error) => {
            events.fail(format!("{} is built and its manifest written, but it has no tag: {error:#}", image.name));
            Ok(if matches!(error, TagError::Interrupted) { Exit::Interrupted } else { Exit::NotTagged })
        }
    }
}

/// Writes the manifest of this run alone and returns its text.
fn publish(outcomes: &[Outcome], uuid: &str, path: &Path) -> Result<String> {
    let mut manifest = Manifest { builds: Vec::new(), last_run_uuid: uuid.to_owned() };
    for outcome in outcomes {
        let build = (outcome.label.as_str(), outcome.builder_type.as_str(), uuid);
        for artifact in outcome.artifacts() {
            let mut entry = ManifestBuild::of(build, artifact, Path::new("."), false);
            entry.build_time = jiff::Timestamp::now().as_second();
            manifest.builds.push(entry);
        }
    }
    let file = OutputFile::named(path, &std::env::current_dir().context("find the working directory")?);
    let text = manifest.to_json()?;
    file.make_folder()?;
    file.write(text.as_bytes())?;
    Ok(text)
}

/// Tags the image if this job is one that may. `None` where it is not, which is said.
async fn tag(image: &Image, outcomes: &[Outcome], manifest: &str, work: &Work<'_>) -> Result<Option<Tagged>, TagError> {
    let Work { pipeline, job, git, session, signals, .. } = work;
    let events = &session.events;
    let default = pipeline.default_branch.as_ref().or(job.default_branch.as_ref());
    if job.branch.is_none() || job.branch.as_ref() != default {
        let branch = job.branch.as_deref().unwrap_or("no branch");
        let default = default.map_or("unknown (set `default_branch` in imgforge.yml)", String::as_str);
        events.say(format!("{} is not tagged: this is {branch}, the default branch is {default}", image.name));
        return Ok(None);
    }
    let commit = git.run(&["rev-parse", "--verify", "HEAD^{commit}"]).await?;
    let changed = git.run(&["status", "--porcelain", "--untracked-files=no"]).await?;
    if !changed.is_empty() {
        events.say(format!("{} is not tagged: it was built from changes that are not committed", image.name));
        return Ok(None);
    }
    let digest: String =
        digest(&SHA256, manifest.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut trailers = vec![format!("Imgforge-Manifest: sha256:{digest} size={}", manifest.len())];
    trailers.extend(job.url.as_ref().map(|url| format!("Imgforge-Run: {}", one_line(url))));
    for outcome in outcomes {
        for artifact in outcome.artifacts() {
            trailers
                .push(format!("Imgforge-Image: {}", one_line(&format!("{} {}", outcome.build, artifact.description))));
        }
    }
    let versioning = &image.versioning;
    let release = Release {
        image: &image.name,
        initial: versioning.initial,
        template: &versioning.tag,
        commit: &commit,
        trailers: &trailers,
    };
    version::tag(git, &release, &signals.cancel).await.map(Some)
}

/// A trailer ends at the end of its line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
