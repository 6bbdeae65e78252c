//! Versions against real repositories.

use super::*;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A bare origin and a clone with one commit.
fn repository() -> (TempDir, std::path::PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "-q", "--bare", "origin.git"]);
    git(folder.path(), &["clone", "-q", "origin.git", "work"]);
    let work = folder.path().join("work");
    git(&work, &["commit", "-q", "--allow-empty", "-m", "first"]);
    git(&work, &["push", "-q", "origin", "HEAD:main"]);
    let commit = git(&work, &["rev-parse", "HEAD"]);
    (folder, work, commit)
}

async fn release(work: &Path, commit: &str) -> Result<Tagged, TagError> {
    let template = TagTemplate::default();
    let trailers = ["Imgforge-Manifest: sha256:abc size=3".to_owned()];
    let initial = Version { major: 0, minor: 1, patch: 0 };
    let release = Release { image: "web", initial, template: &template, commit, trailers: &trailers };
    tag(&Git::new(work), &release, &CancellationToken::new()).await
}

#[test]
fn versions_and_templates_are_strict() {
    let parse = |text: &str| Version::parse(text).map(|version| version.to_string());
    assert_eq!(parse("1.20.3"), Some("1.20.3".to_owned()));
    for wrong in ["1.2", "1.2.3.4", "01.2.3", "1.2.3-rc1", "v1.2.3", "+1.2.3", ""] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
    let template = TagTemplate::default();
    assert_eq!(template.version("web", "images/web/v1.2.3"), Version::parse("1.2.3"));
    assert_eq!(template.version("web", "images/db/v1.2.3"), None);
    for wrong in ["v{version} x", "{version}..", "-v{version}", "a//{version}", "{x}{version}", "v{version}.lock"] {
        assert!(TagTemplate::parse(wrong, true).is_err(), "{wrong}");
    }
    assert!(TagTemplate::parse("v{version}", true).is_ok());
    assert!(TagTemplate::parse("v{version}", false).is_err());
}

#[tokio::test]
async fn the_first_tag_is_the_initial_version_and_then_the_patch_grows() {
    let (folder, work, commit) = repository();
    let first = release(&work, &commit).await.unwrap();
    assert_eq!((first.tag.as_str(), first.pushed), ("images/web/v0.1.0", true));
    let origin = folder.path().join("origin.git");
    git(&work, &["tag", "-a", "-m", "x", "images/web/v0.3.0"]);
    git(&work, &["tag", "-a", "-m", "x", "images/web/v1.0.0-rc1"]);
    assert_eq!(release(&work, &commit).await.unwrap().tag, "images/web/v0.3.1");
    let shown = git(&origin, &["cat-file", "-p", "images/web/v0.1.0"]);
    let (head, message) = shown.split_once("\n\n").unwrap();
    assert!(head.starts_with(&format!("object {commit}\ntype commit\ntag images/web/v0.1.0\ntagger ")), "{head}");
    let (message, id) = message.rsplit_once("\nImgforge-Id: ").unwrap();
    assert_eq!((message, id.len()), ("web 0.1.0\n\nImgforge-Manifest: sha256:abc size=3", 16));
    assert_eq!(git(&work, &["tag", "-l", "images/web/v0.3.1"]), "images/web/v0.3.1");
    git(&origin, &["fsck", "--strict"]);
}

#[tokio::test]
async fn six_at_once_get_six_numbers() {
    let (folder, _, commit) = repository();
    let mut tasks = Vec::new();
    for index in 0..6 {
        let clone = folder.path().join(format!("clone{index}"));
        git(folder.path(), &["clone", "-q", "origin.git", clone.to_str().unwrap()]);
        let commit = commit.clone();
        tasks.push(tokio::spawn(async move { release(&clone, &commit).await.map(|tagged| tagged.version.patch) }));
    }
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    let tags = git(&folder.path().join("origin.git"), &["tag", "-l"]);
    assert_eq!(tags.lines().count(), 6);
}

#[tokio::test]
async fn a_tag_that_can_never_be_made_is_said_at_once() {
    let (_folder, work, commit) = repository();
    git(&work, &["push", "-q", "origin", "HEAD:refs/tags/images/web"]);
    let error = release(&work, &commit).await.unwrap_err().to_string();
    assert_eq!(error, "`images/web/v0.1.0` can't be made beside the tag `images/web`: one is a folder of the other");
    assert_eq!(git(&work, &["tag", "-l"]), "");
}

#[tokio::test]
async fn tags_are_signed_where_git_is_told_to() {
    let (folder, work, commit) = repository();
    let key = folder.path().join("key");
    let key = key.to_str().unwrap();
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", key]).status();
    assert!(made.expect("ssh-keygen of the package openssh-client").success());
    for (name, value) in [("tag.gpgSign", "true"), ("gpg.format", "ssh"), ("user.signingKey", key)] {
        git(&work, &["config", name, value]);
    }
    release(&work, &commit).await.unwrap();
    let shown = git(&work, &["cat-file", "-p", "images/web/v0.1.0"]);
    let (message, signature) = shown.split_once("\nImgforge-Id: ").unwrap();
    assert!(message.ends_with("Imgforge-Manifest: sha256:abc size=3"), "{shown}");
    assert!(signature.contains("\n-----BEGIN SSH SIGNATURE-----"), "{shown}");
}

#[tokio::test]
async fn without_a_remote_the_tag_is_local() {
    let (_folder, work, commit) = repository();
    git(&work, &["remote", "remove", "origin"]);
    let tagged = release(&work, &commit).await.unwrap();
    assert!(!tagged.pushed);
    assert_eq!(git(&work, &["tag", "-l"]), "images/web/v0.1.0");
}

#[tokio::test]
async fn a_refused_tag_is_an_error_in_the_servers_words_and_leaves_none_here() {
    let (folder, work, commit) = repository();
    let hook = folder.path().join("origin.git/hooks/update");
    std::fs::write(&hook, "#!/bin/sh\necho tags are protected >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = release(&work, &commit).await.unwrap_err().to_string();
    assert!(error.starts_with("the tag could not be pushed: "), "{error}");
    assert!(error.contains("tags are protected"), "{error}");
    assert_eq!(git(&work, &["tag", "-l"]), "");
}
