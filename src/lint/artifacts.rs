//! What builders and post-processors hand on, and who can do nothing with it.

use super::block::{Block, Build};
use super::{Report, Subject, walk};
use imgforge_template::eval;
use imgforge_template::source::Span;

/// What an artifact is, as far as others care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Artifact {
    /// Nothing on this machine: `null`, and images that stay in a cloud.
    NoFiles,
    Files,
    /// The same, and what can be exported to a bucket.
    GoogleImage,
    /// An image that the local Docker knows by its name.
    DockerImage,
    Unknown,
}

/// Builders whose artifact is an image in a cloud.
const CLOUDS: &[&str] =
    &["amazon-", "azure-", "cloudstack", "digitalocean", "hcloud", "linode", "openstack", "oracle-", "proxmox"];
/// Builders that leave files on this machine.
const LOCAL: &[&str] = &["file", "hyperv-", "parallels-", "qemu", "virtualbox-"];

fn made_by(build: &Build<'_>) -> Artifact {
    let kind = build.builder();
    let starts = |list: &[&str]| list.iter().any(|start| kind.starts_with(start));
    match kind {
        "null" => Artifact::NoFiles,
        "googlecompute" => Artifact::GoogleImage,
        "docker" if build.source.is_true("commit") => Artifact::DockerImage,
        "docker" if build.source.given("export_path").is_some() => Artifact::Files,
        _ if starts(CLOUDS) => Artifact::NoFiles,
        _ if starts(LOCAL) => Artifact::Files,
        _ => Artifact::Unknown,
    }
}

/// What a post-processor hands on.
fn handed_on(step: &Block<'_>, input: Artifact) -> Artifact {
    match step.kind() {
        "checksum" | "manifest" | "shell-local" | "provenance" => input,
        "artifice" | "compress" | "vagrant" => Artifact::Files,
        "docker-import" | "docker-tag" | "docker-push" => Artifact::DockerImage,
        _ => Artifact::Unknown,
    }
}

/// Why a post-processor can do nothing with what it gets.
fn refusal(kind: &str, input: Artifact) -> Option<&'static str> {
    let has_no_files = matches!(input, Artifact::NoFiles | Artifact::GoogleImage);
    match (kind, input) {
        ("googlecompute" | "googlecompute-export", Artifact::NoFiles | Artifact::Files | Artifact::DockerImage) => {
            Some("only an image of the builder `googlecompute` can be exported")
        }
        ("checksum", _) if has_no_files => Some("there are no files here to sum up"),
        ("compress", _) if has_no_files => Some("there are no files here to put into the archive, which is empty then"),
        ("amazon-import" | "googlecompute-import" | "docker-import" | "vsphere", _) if has_no_files => {
            Some("there is no file here to import")
        }
        ("docker-push" | "docker-tag" | "docker-save", Artifact::Files) => Some("this is no image of Docker's"),
        ("docker-push" | "docker-tag" | "docker-save", _) if has_no_files => Some("this is no image of Docker's"),
        _ => None,
    }
}

pub(super) fn wrong(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        for sequence in &build.post_processors {
            let (mut artifact, mut maker) = (made_by(build), &build.source);
            for step in sequence {
                if let Some(why) = refusal(step.kind(), artifact) {
                    let message = format!("`{}` can do nothing with what `{}` makes: {why}", step.kind(), maker.kind());
                    let help = match step.kind() {
                        "docker-push" | "docker-tag" | "docker-save" => {
                            "set `commit = true`, or put `docker-import` before it"
                        }
                        "googlecompute" | "googlecompute-export" => "leave it out for this source by `except`",
                        _ => {
                            "put `artifice` with a list of files before it, or leave it out for this source by `except`"
                        }
                    };
                    report.say_beside(step.used.kind.span, message, help, (maker.used.kind.span, "made by this"));
                }
                let next = handed_on(step, artifact);
                if next != artifact {
                    maker = step;
                }
                artifact = next;
            }
        }
    }
}

/// Post-processors whose artifact has no values of the build.
const WITHOUT_VALUES: &[&str] = &["artifice", "checksum", "compress"];

pub(super) fn lost_values(subject: &Subject<'_>, report: &mut Report<'_>) {
    for sequence in subject.builds.iter().flat_map(|build| &build.post_processors) {
        let Some(at) = sequence.iter().position(|step| WITHOUT_VALUES.contains(&step.kind())) else { continue };
        let Some((maker, rest)) = sequence.get(at..).and_then(<[_]>::split_first) else { continue };
        for (name, place) in rest.iter().flat_map(build_values) {
            report.say_beside(
                place,
                format!("after `{}` Packer does not know `build.{name}`: it writes `<unknown>` here", maker.kind()),
                "put this post-processor before it, or into a sequence of its own",
                (maker.used.kind.span, "values are lost here"),
            );
        }
    }
}

/// What a step reads of `build`, and where.
fn build_values(step: &Block<'_>) -> Vec<(String, Span)> {
    let mut references = Vec::new();
    for body in step.used.bodies() {
        walk::body(body, &mut |expression| eval::references(expression, &mut references));
    }
    let values = references.into_iter().filter(|reference| &*reference.root == "build");
    let named = values.filter_map(|reference| Some((reference.path.first()?.to_string(), reference.span)));
    named.filter(|(name, _)| name != "name").collect()
}
