//! What has changed since a revision: which files, and which lines of them, as git knows it.

use crate::git::Git;
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The difference between the working tree, with all that is not committed, and the commit where it left a revision.
pub struct Changes {
    git: Git,
    runtime: tokio::runtime::Runtime,
    /// The top of the working tree, without symbolic links.
    root: PathBuf,
    /// Where HEAD and the revision parted.
    base: String,
    /// The files that are not as they were, by their path from the root.
    files: BTreeMap<PathBuf, Change>,
    /// Those that somebody has asked for.
    lines: BTreeMap<PathBuf, Lines>,
}

/// How a file has changed.
#[derive(Debug, PartialEq)]
enum Change {
    /// It is new, or was no file before.
    Whole,
    /// Some lines; it had this name.
    Lines(PathBuf),
}

/// The lines of a file that have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lines {
    All,
    /// Counted from 1. Where lines were taken away, those before and after them count.
    These(Vec<RangeInclusive<usize>>),
}

impl Lines {
    /// Whether some of these lines are among them.
    pub fn touch(&self, lines: &RangeInclusive<usize>) -> bool {
        match self {
            Self::All => true,
            Self::These(ranges) => {
                ranges.iter().any(|range| range.start() <= lines.end() && lines.start() <= range.end())
            }
        }
    }
}

impl Changes {
    /// Finds out what has changed in the repository that a folder is in.
    ///
    /// # Errors
    /// When there is no such repository or revision, or the two have no commit in common, as in a shallow checkout.
    pub fn since(revision: &str, folder: &Path) -> Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
        // Git would take it for an option.
        ensure!(!revision.starts_with('-'), "`{revision}` is no revision: none begins with a dash");
        let git = Git::new(folder);
        let (root, base, status) = runtime.block_on(async {
            let root = git.run(&["rev-parse", "--show-toplevel"]).await?;
            let base = base(revision, &git).await?;
            let status = git.read(&["diff-index", "-z", "--name-status", "-M", &base]).await?;
            anyhow::Ok((root, base, status))
        })?;
        let root = Path::new(&root).canonicalize().with_context(|| format!("find {root}"))?;
        let git = Git::new(&root);
        Ok(Self { git, runtime, root, base, files: changes(&status), lines: BTreeMap::new() })
    }

    /// The lines of a file that have changed; all of one that git does not keep.
    ///
    /// # Errors
    /// When git fails.
    pub fn lines(&mut self, file: &Path) -> Result<Lines> {
        // What is not there has no lines that could be as they were.
        let Ok(file) = file.canonicalize() else { return Ok(Lines::All) };
        let Ok(file) = file.strip_prefix(&self.root) else { return Ok(Lines::All) };
        if let Some(lines) = self.lines.get(file) {
            return Ok(lines.clone());
        }
        let lines = self.runtime.block_on(self.compare(file))?;
        self.lines.insert(file.to_owned(), lines.clone());
        Ok(lines)
    }

    async fn compare(&self, file: &Path) -> Result<Lines> {
        let now = pattern(file);
        match self.files.get(file) {
            Some(Change::Whole) => Ok(Lines::All),
            Some(Change::Lines(before)) => {
                let before = pattern(before);
                // Neither the user's nor the repository's settings may put another program's output in place.
                let plain = ["diff-index", "-p", "-U0", "-M", "--text", "--no-ext-diff", "--no-textconv", "--no-color"];
                let difference = self.git.read(&[&plain[..], &[&self.base, "--", &now, &before]].concat()).await?;
                Ok(Lines::These(hunks(&difference)))
            }
            None => {
                let kept = self.git.read(&["ls-files", "-z", "--", &now]).await?;
                Ok(if kept.is_empty() { Lines::All } else { Lines::These(Vec::new()) })
            }
        }
    }
}

/// The commit where HEAD and the revision parted.
async fn base(revision: &str, git: &Git) -> Result<String> {
    let commit = format!("{revision}^{{commit}}");
    let Some(commit) = git.try_run(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).await else {
        bail!("there is no revision `{revision}` here; a shallow checkout has to fetch it");
    };
    let Some(base) = git.try_run(&["merge-base", &commit, "HEAD"]).await else {
        bail!("`{revision}` and HEAD have no commit in common here; a shallow checkout has to fetch more");
    };
    Ok(base)
}

/// A path that is meant to the letter.
fn pattern(path: &Path) -> String {
    format!(":(literal){}", path.display())
}

/// Reads `STATUS NUL PATH NUL`, with a second path after what was renamed or copied.
fn changes(status: &[u8]) -> BTreeMap<PathBuf, Change> {
    let mut files = BTreeMap::new();
    let mut fields = status.split(|byte| *byte == 0);
    let path = |field: &[u8]| PathBuf::from(OsStr::from_bytes(field));
    while let (Some(kind), Some(name)) = (fields.next(), fields.next()) {
        match kind.first() {
            Some(b'M') => drop(files.insert(path(name), Change::Lines(path(name)))),
            Some(b'R' | b'C') => {
                if let Some(new) = fields.next() {
                    files.insert(path(new), Change::Lines(path(name)));
                }
            }
            _ => drop(files.insert(path(name), Change::Whole)),
        }
    }
    files
}

/// The new lines of each `@@ -START[,COUNT] +START[,COUNT] @@`.
fn hunks(difference: &[u8]) -> Vec<RangeInclusive<usize>> {
    let hunk = |line: &[u8]| {
        let header = std::str::from_utf8(line.strip_prefix(b"@@ -")?).ok();
        // After the second `@@` stands a line of the file, of any bytes.
        let header = header.or_else(|| std::str::from_utf8(line.split(|byte| *byte == b'@').nth(2)?).ok())?;
        let new = header.split_once('+')?.1.split(' ').next()?;
        let (start, count) = new.split_once(',').unwrap_or((new, "1"));
        let (start, count): (usize, usize) = (start.parse().ok()?, count.parse().ok()?);
        // Nothing is new: the lines on both sides of what is gone.
        Some(if count == 0 { start.max(1)..=start + 1 } else { start..=start + count - 1 })
    };
    difference.split(|byte| *byte == b'\n').filter_map(hunk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_lists_is_read() {
        let whole = |name: &str| (PathBuf::from(name), Change::Whole);
        let lines = |name: &str, before: &str| (PathBuf::from(name), Change::Lines(before.into()));
        let status = b"A\0new\nline\0D\0gone\0M\0a b\0R087\0old\0\"new\"\0T\0was a link\0";
        let expected = [whole("new\nline"), whole("gone"), lines("a b", "a b"), lines("\"new\"", "old")];
        assert_eq!(changes(status), expected.into_iter().chain([whole("was a link")]).collect());
        assert_eq!(changes(b""), BTreeMap::new());
        assert_eq!(changes(b"R1\0old"), BTreeMap::new());
    }

    #[test]
    fn the_lines_of_a_difference_are_read() {
        let difference =
            b"diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+@@ -9 +9 @@\n@@ -3,0 +4,2 @@ f\xffg\n\
            +b\n+c\n@@ -7,2 +9,0 @@\n-d\n-e\n@@ -1,2 +0,0 @@\n";
        assert_eq!(hunks(difference), [1..=1, 4..=5, 9..=10, 1..=1]);
        let lines = Lines::These(vec![4..=5, 9..=10]);
        assert!(lines.touch(&(5..=8)) && lines.touch(&(1..=20)) && lines.touch(&(9..=9)));
        assert!(!lines.touch(&(1..=3)) && !lines.touch(&(6..=8)) && !lines.touch(&(11..=12)));
        assert!(Lines::All.touch(&(1..=1)));
    }
}
