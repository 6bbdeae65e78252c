//! The image that a build starts from: by name or family, in several projects at once.

use super::arguments::{SourceArguments, set};
use imgforge_gce::{Error, Gce, Image, Kind};
use tokio::task::JoinSet;

/// Google's projects of public images, in Packer's order.
const PUBLIC: [&str; 23] = [
    "almalinux-cloud",
    "centos-cloud",
    "cloud-hpc-image-public",
    "cos-cloud",
    "coreos-cloud",
    "debian-cloud",
    "fedora-cloud",
    "fedora-coreos-cloud",
    "freebsd-org-cloud-dev",
    "rhel-cloud",
    "rhel-sap-cloud",
    "rocky-linux-cloud",
    "suse-cloud",
    "suse-sap-cloud",
    "suse-byos-cloud",
    "ubuntu-os-cloud",
    "windows-cloud",
    "windows-sql-cloud",
    "gce-nvme",
    "google-containers",
    "opensuse-cloud",
    "ubuntu-os-pro-cloud",
    "ml-images",
];

/// How the names of public images begin that are in one project alone: it is asked before the others, which saves a call
/// for each of them.
const LIKELY: [(&str, &str); 10] = [
    ("almalinux-", "almalinux-cloud"),
    ("centos-", "centos-cloud"),
    ("cos-", "cos-cloud"),
    ("debian-", "debian-cloud"),
    ("fedora-cloud-", "fedora-cloud"),
    ("fedora-coreos-", "fedora-coreos-cloud"),
    ("rhel-", "rhel-cloud"),
    ("rocky-linux-", "rocky-linux-cloud"),
    ("ubuntu-pro-", "ubuntu-os-pro-cloud"),
    ("ubuntu-", "ubuntu-os-cloud"),
];

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Image(String),
    Family(String),
}

/// Why there is no image to start from.
#[derive(Debug)]
pub(super) enum NoSource {
    /// None of these projects has it; to some of them we have no access.
    Nowhere { projects: Vec<String>, forbidden: Vec<String> },
    /// The question was not answered.
    Failed(Error),
}

/// Finds the image.
///
/// # Errors
/// Where it was looked for in vain, or what went wrong with that.
pub(super) async fn find(gce: &Gce, arguments: &SourceArguments) -> Result<Image, NoSource> {
    let (wanted, rounds) = search(arguments);
    let (mut projects, mut forbidden) = (Vec::new(), Vec::new());
    for round in rounds {
        for (project, answer) in round.iter().zip(ask(gce, &round, &wanted).await) {
            match answer {
                Ok(image) => return Ok(image),
                Err(error) if error.kind == Kind::NotFound => projects.push(project.clone()),
                Err(error) if matches!(error.kind, Kind::Forbidden | Kind::Disabled) && round.len() > 1 => {
                    forbidden.push(project.clone());
                    projects.push(project.clone());
                }
                Err(error) => return Err(NoSource::Failed(error)),
            }
        }
    }
    Err(NoSource::Nowhere { projects, forbidden })
}

/// What to look for, and the projects to ask: those of a round at once, the next round when it has none.
fn search(arguments: &SourceArguments) -> (Wanted, Vec<Vec<String>>) {
    let own = &arguments.project_id;
    let wanted = match (set(&arguments.source_image), set(&arguments.source_image_family)) {
        (Some(image), _) => match of_url(image) {
            Some((project, wanted)) => return (wanted, vec![vec![project.unwrap_or_else(|| own.clone())]]),
            None => Wanted::Image(image.to_owned()),
        },
        (None, family) => Wanted::Family(family.unwrap_or_default().to_owned()),
    };
    let given: Vec<String> = arguments.source_image_project_id.iter().map(|project| project.value.clone()).collect();
    let given: Vec<String> = given.into_iter().filter(|project| !project.is_empty()).collect();
    if !given.is_empty() {
        return (wanted, vec![given]);
    }
    let (Wanted::Image(name) | Wanted::Family(name)) = &wanted;
    let likely = LIKELY.iter().find(|(start, _)| name.starts_with(start)).map(|(_, project)| *project);
    let all = || [own.as_str()].into_iter().chain(PUBLIC);
    let rounds = match likely {
        Some(likely) => vec![
            [own.as_str(), likely].map(str::to_owned).to_vec(),
            all().filter(|project| *project != likely && project != own).map(str::to_owned).collect(),
        ],
        None => vec![all().map(str::to_owned).collect()],
    };
    (wanted, rounds)
}

/// Project and image of `[https://…/][projects/P/]global/images/NAME` or `…/images/family/NAME`.
fn of_url(text: &str) -> Option<(Option<String>, Wanted)> {
    let parts: Vec<&str> = text.split('/').collect();
    let at = parts.iter().position(|part| *part == "images")?;
    let wanted = match parts.get(at + 1..)? {
        ["family", family] => Wanted::Family((*family).to_owned()),
        [image] => Wanted::Image((*image).to_owned()),
        _ => return None,
    };
    let project = parts.iter().position(|part| *part == "projects").and_then(|at| parts.get(at + 1));
    Some((project.map(|project| (*project).to_owned()), wanted))
}

/// The answers of projects, in their order.
async fn ask(gce: &Gce, projects: &[String], wanted: &Wanted) -> Vec<imgforge_gce::Result<Image>> {
    let mut questions = JoinSet::new();
    for (index, project) in projects.iter().cloned().enumerate() {
        let (gce, wanted) = (gce.clone(), wanted.clone());
        questions.spawn(async move {
            let answer = match wanted {
                Wanted::Image(name) => gce.image(&project, &name).await,
                Wanted::Family(name) => gce.image_of_family(&project, &name).await,
            };
            (index, answer)
        });
    }
    let mut answers = questions.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::googlecompute::tests::read;

    fn rounds(text: &str) -> String {
        let (wanted, rounds) = search(&read(&format!("project_id = \"mine\"\nzone = \"europe-west1-b\"\n{text}")));
        let rounds: Vec<String> = rounds
            .iter()
            .map(|round| if round.len() > 4 { format!("{} projects", round.len()) } else { round.join(" ") })
            .collect();
        format!("{wanted:?} in {}", rounds.join(", then "))
    }

    #[test]
    fn images_are_looked_for_where_they_are_likely_first() {
        assert_eq!(rounds("source_image = \"base-1\""), "Image(\"base-1\") in 24 projects");
        assert_eq!(
            rounds("source_image_family = \"debian-12\""),
            "Family(\"debian-12\") in mine debian-cloud, then 22 projects"
        );
        assert_eq!(
            rounds("source_image = \"debian-12-v1\"\nsource_image_project_id = [\"a\", \"b\"]"),
            "Image(\"debian-12-v1\") in a b"
        );
    }

    #[test]
    fn a_url_says_where_the_image_is() {
        let url = |rest: &str| {
            rounds(&format!(
                "source_image = \"https://www.googleapis.com/compute/v1/projects/debian-cloud/global/images/{rest}\""
            ))
        };
        assert_eq!(url("debian-12-v1"), "Image(\"debian-12-v1\") in debian-cloud");
        assert_eq!(url("family/debian-12"), "Family(\"debian-12\") in debian-cloud");
        assert_eq!(rounds("source_image = \"global/images/base\""), "Image(\"base\") in mine");
    }
}
