//! Git-tagged image versions: annotated tags, made once and never moved. The create-only push decides who gets a number.

use crate::git::Git;
use anyhow::{Context as _, Result};
use std::fmt;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A released version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
}

impl Version {
    /// Three numbers without leading zeros; pre-releases are no releases.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|part| {
            let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let plain = plain && (part == "0" || !part.starts_with('0'));
            plain.then(|| part.parse().ok()).flatten()
        });
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }

    fn next_patch(self) -> Self {
        Self { patch: self.patch.saturating_add(1), ..self }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// How a tag is named: text around `{image}` and `{version}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTemplate {
    text: String,
}

impl Default for TagTemplate {
    fn default() -> Self {
        Self { text: "images/{image}/v{version}".to_owned() }
    }
}

impl TagTemplate {
    /// Checks a template. One for a single image may leave `{image}` out.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, for_one_image: bool) -> Result<Self, String> {
        if !text.contains("{version}") {
            return Err("a tag needs `{version}`, as in `images/{image}/v{version}`".to_owned());
        }
        if !for_one_image && !text.contains("{image}") {
            return Err("a tag for several images needs `{image}`, as in `images/{image}/v{version}`".to_owned());
        }
        let sample = text.replacen("{version}", "1.2.3", 1).replacen("{image}", "web", 1);
        // The rules of git-check-ref-format, and no field but ours.
        let legal = |character: char| character.is_ascii_alphanumeric() || "-_./+@".contains(character);
        let parts_legal = sample.split('/').all(|part| {
            !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && !part.ends_with(".lock")
        });
        if !sample.chars().all(legal) || sample.contains("..") || sample.contains("@{") || !parts_legal {
            return Err(format!("`{text}` does not make the name of a git tag"));
        }
        Ok(Self { text: text.to_owned() })
    }

    /// The template with only `{version}` left open: images for which it is the same share their tags.
    pub fn of_image(&self, image: &str) -> String {
        self.text.replace("{image}", image)
    }

    pub fn render(&self, image: &str, version: Version) -> String {
        self.text.replace("{image}", image).replace("{version}", &version.to_string())
    }

    /// The version that a tag of this image stands for.
    pub fn version(&self, image: &str, tag: &str) -> Option<Version> {
        let (head, tail) = self.text.split_once("{version}")?;
        let tag = tag.strip_prefix(&head.replace("{image}", image))?;
        Version::parse(tag.strip_suffix(&tail.replace("{image}", image))?)
    }
}

/// A tag that was made.
#[derive(Clone, Debug)]
pub struct Tagged {
    pub version: Version,
    pub tag: String,
    /// It was pushed to `origin`; else it is in this repository alone.
    pub pushed: bool,
}

/// Why there is no tag, although there is an image.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// Others kept taking the number.
    #[error("every number was taken meanwhile, for {} s", LIMIT.as_secs())]
    Taken,
    /// The forge refused the tag or could not be reached.
    #[error("the tag could not be pushed: {0}")]
    Push(String),
    /// Refs are files and folders: `a/b` can't be beside `a`.
    #[error("`{tag}` can't be made beside the tag `{other}`: one is a folder of the other")]
    InTheWay { tag: String, other: String },
    /// The job was told to stop before the tag was pushed.
    #[error("the run was interrupted")]
    Interrupted,
    #[error(transparent)]
    Git(#[from] anyhow::Error),
}

/// How long to try for a free number.
const LIMIT: Duration = Duration::from_secs(60);

/// What is to be tagged.
pub struct Release<'a> {
    pub image: &'a str,
    pub initial: Version,
    pub template: &'a TagTemplate,
    /// The commit the image was built from.
    pub commit: &'a str,
    /// Trailers of the tag's message, `Imgforge-Manifest: …`.
    pub trailers: &'a [String],
}

/// Tags a release with the next free number and pushes it to `origin`, if there is one, unless that is cancelled before. A
/// push that is under way is waited for: ending git takes nothing back of what the server has got, and nobody would know
/// whether there is such a version. It has git's own limit of time.
///
/// # Errors
/// See [`TagError`]. No tag of ours is left then, neither here nor there.
pub async fn tag(git: &Git, release: &Release<'_>, cancel: &CancellationToken) -> Result<Tagged, TagError> {
    let deadline = Instant::now() + LIMIT;
    let mut least = release.initial;
    loop {
        let Prepared { version, tag, object, has_origin } = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(TagError::Interrupted),
            prepared = prepare(git, release, least) => prepared?,
        };
        match publish(git, &tag, &object, has_origin).await? {
            Publish::Done => return Ok(Tagged { version, tag, pushed: has_origin }),
            Publish::Failed(why) => return Err(TagError::Push(why)),
            Publish::Taken if Instant::now() >= deadline => return Err(TagError::Taken),
            Publish::Taken => {
                // It may be that the winner's tag can't be listed yet.
                least = version.next_patch();
                let jitter = rand::random_range(10..200);
                tokio::time::sleep(Duration::from_millis(jitter)).await;
            }
        }
    }
}

/// A tag that is made and that nobody can see yet.
struct Prepared {
    version: Version,
    tag: String,
    object: String,
    has_origin: bool,
}

/// Makes the tag of the next free number that is at least this one.
async fn prepare(git: &Git, release: &Release<'_>, least: Version) -> Result<Prepared, TagError> {
    let has_origin = git.try_run(&["remote", "get-url", "origin"]).await.is_some();
    let tags = existing(git, has_origin).await?;
    let versions = tags.iter().filter_map(|tag| release.template.version(release.image, tag));
    let version = versions.max().map_or(release.initial, Version::next_patch).max(least);
    let tag = release.template.render(release.image, version);
    if let Some(other) = tags.iter().find(|other| is_inside(&tag, other) || is_inside(other, &tag)) {
        return Err(TagError::InTheWay { tag, other: other.clone() });
    }
    let object = object(git, release, version, &tag).await?;
    Ok(Prepared { version, tag, object, has_origin })
}

fn is_inside(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// The names of all tags, here and at `origin`: a shallow clone has none of its own.
async fn existing(git: &Git, has_origin: bool) -> Result<Vec<String>, TagError> {
    let local = git.run(&["for-each-ref", "--format=%(refname:strip=2)", "refs/tags"]).await?;
    let mut tags: Vec<String> = local.lines().map(str::to_owned).collect();
    if has_origin {
        let answer = git.ask(&["ls-remote", "--tags", "--refs", "origin"]).await?;
        if !answer.success {
            return Err(TagError::Push(answer.stderr));
        }
        let names = answer.stdout.lines().filter_map(|line| line.split_once("refs/tags/"));
        tags.extend(names.map(|(_, name)| name.to_owned()));
    }
    Ok(tags)
}

/// Makes the tag object, which is nothing yet that anyone can see: `git tag` itself writes it, since it knows how to
/// sign, but in a repository of its own that shares configuration and objects with the real one. It lies inside that
/// one, so that what the user configures by folder holds there too.
async fn object(git: &Git, release: &Release<'_>, version: Version, tag: &str) -> Result<String> {
    // Two jobs that tag the same commit in the same second must not make the same object: each would take the
    // other's tag for its own.
    let own = format!("Imgforge-Id: {:016x}", rand::random::<u64>());
    let trailers: Vec<&str> = release.trailers.iter().map(String::as_str).chain([own.as_str()]).collect();
    let message = format!("{} {version}\n\n{}\n", release.image, trailers.join("\n"));
    let common = git.run(&["rev-parse", "--path-format=absolute", "--git-common-dir"]).await?;
    let objects = git.run(&["rev-parse", "--path-format=absolute", "--git-path", "objects"]).await?;
    let format = format!("--object-format={}", git.run(&["rev-parse", "--show-object-format"]).await?);
    let scratch = tempfile::Builder::new().prefix("imgforge-tag-").tempdir_in(&common);
    let scratch = scratch.context("make a temporary folder")?;
    let path = scratch.path().to_str().context("the repository's path is not UTF-8")?;
    let (file, include) = (format!("{path}/message"), format!("include.path={common}/config"));
    tokio::fs::write(&file, message).await.context("write the tag's message")?;
    git.run(&["init", "--quiet", "--bare", "--template=", &format, path]).await?;
    let mut environment = vec![("GIT_DIR", path), ("GIT_OBJECT_DIRECTORY", objects.as_str())];
    // Else git makes up an address from user and host name.
    if git.try_run(&["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]).await.is_none() {
        environment.push(("GIT_COMMITTER_NAME", "imgforge"));
        environment.push(("GIT_COMMITTER_EMAIL", "imgforge@users.noreply.invalid"));
    }
    // Verbatim, or lines that begin with `#` vanish.
    let (commit, file) = (release.commit, format!("--file={file}"));
    let make = ["-c", &include, "tag", "--annotate", "--cleanup=verbatim", &file, "--", tag, commit];
    let made = git.ask_with(&make, &environment).await?;
    anyhow::ensure!(made.success, "git tag: {}", made.stderr);
    let object = git.ask_with(&["rev-parse", "--verify", &format!("refs/tags/{tag}")], &environment).await?;
    anyhow::ensure!(object.success, "git rev-parse: {}", object.stderr);
    Ok(object.stdout)
}

enum Publish {
    Done,
    /// Somebody else has this name.
    Taken,
    Failed(String),
}

/// Whether `origin` has this very tag object under this name.
async fn is_published(git: &Git, tag: &str, object: &str) -> bool {
    let listed = git.try_run(&["ls-remote", "--refs", "origin", &format!("refs/tags/{tag}")]).await;
    listed.is_some_and(|line| line.split_whitespace().next() == Some(object))
}

/// Pushes first, and only then makes the tag here: a lost race leaves no wrong tag behind.
async fn publish(git: &Git, tag: &str, object: &str, has_origin: bool) -> Result<Publish> {
    if has_origin {
        let refspec = format!("{object}:refs/tags/{tag}");
        // An empty lease means "must not exist yet", at the moment the server takes it.
        let lease = format!("--force-with-lease=refs/tags/{tag}:");
        let answer = git.ask(&["push", "--porcelain", "--no-follow-tags", &lease, "origin", &refspec]).await?;
        if !answer.success {
            let said = format!("{}\n{}", answer.stdout, answer.stderr);
            let lost = ["stale info", "already exists", "cannot lock ref", "reference already exists"];
            if is_published(git, tag, object).await {
                // The server took it and the answer was lost on the way.
                return Ok(Publish::Done);
            }
            return Ok(match lost.iter().any(|words| said.contains(words)) {
                true => Publish::Taken,
                false => Publish::Failed(last_words(&said)),
            });
        }
    }
    let zero = "0".repeat(object.len());
    let answer = git.ask(&["update-ref", &format!("refs/tags/{tag}"), object, &zero]).await?;
    Ok(match (answer.success, has_origin) {
        // The tag is published; that this clone could not note it changes nothing.
        (true, _) | (_, true) => Publish::Done,
        (false, false) if answer.stderr.contains("cannot lock ref") => Publish::Taken,
        (false, false) => Publish::Failed(answer.stderr),
    })
}

/// What the server or git said, without the frame of the porcelain format.
fn last_words(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines = lines
        .filter(|line| !["To ", "Done", "hint:", "error: failed to push"].iter().any(|start| line.starts_with(start)));
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests;
