//! Where builds write on this machine: two into one place, or into one that can't be.

use super::block::{Block, Build};
use super::{Report, Subject};
use imgforge_template::source::{Span, Spanned};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A place that a build writes to.
struct Output {
    path: PathBuf,
    place: Span,
    /// Everything below it belongs to the build.
    is_folder: bool,
}

pub(super) fn overlapping(subject: &Subject<'_>, report: &mut Report<'_>) {
    let mut seen: BTreeMap<PathBuf, (&str, Output)> = BTreeMap::new();
    for build in &subject.builds {
        let name = build.outline.name.as_str();
        for output in of(build) {
            let above =
                output.path.ancestors().skip(1).filter_map(|path| seen.get(path)).find(|(_, other)| other.is_folder);
            let below = || seen.range(output.path.clone()..).next().map(|(_, found)| found);
            let at_or_below = below().filter(|(_, other)| {
                other.path == output.path || output.is_folder && other.path.starts_with(&output.path)
            });
            if let Some((other_name, other)) = above.or(at_or_below).filter(|(other, _)| *other != name) {
                report.say_beside(
                    output.place,
                    format!("this build and `{other_name}` write to one place, `{}`", other.path.display()),
                    "put the source's name into the path: the builds run at the same time",
                    (other.place, "the other one"),
                );
            }
            seen.entry(output.path.clone()).or_insert((name, output));
        }
    }
}

fn of(build: &Build<'_>) -> Vec<Output> {
    let source = &build.source;
    let mut found = Vec::new();
    let mut add = |text: Option<Spanned<String>>, is_folder| {
        found.extend(text.filter(|text| !text.is_empty()).map(|text| Output {
            path: normal(Path::new(&text.value)),
            place: text.span,
            is_folder,
        }));
    };
    match build.builder() {
        "file" => add(source.text("target"), false),
        "qemu" if source.given("output_directory").is_none() => {
            add(Some(Spanned::new(format!("output-{}", build.outline.label), build.outline.place)), true);
        }
        _ => add(source.text("output_directory"), true),
    }
    for step in build.post_processors.iter().flatten().filter(|step| step.kind() == "compress") {
        add(step.text("output"), false);
    }
    found
}

/// The path without `.` and `..`, as far as that can be said without looking.
fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.into_iter().collect()
}

pub(super) fn unwritable(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        let made: Vec<PathBuf> = of(build).into_iter().map(|output| output.path).collect();
        if build.builder() == "file" {
            writable(subject, &build.source, "target", &made, report);
        }
        for step in build.post_processors.iter().flatten() {
            if matches!(step.kind(), "manifest" | "checksum" | "compress") {
                writable(subject, step, "output", &made, report);
            }
        }
    }
}

/// `made` is what there is at the end of the build.
fn writable(subject: &Subject<'_>, block: &Block<'_>, name: &str, made: &[PathBuf], report: &mut Report<'_>) {
    let Some(text) = block.text(name).filter(|text| !text.is_empty()) else { return };
    let path = Path::new(&text.value);
    if subject.host.status(path).is_ok_and(|status| status.is_directory) {
        report.say(text.span, format!("`{}` is a folder", path.display()), "write the path of a file in it");
        return;
    }
    let folders = || path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    let status = |folder: &Path| subject.host.status(folder);
    if let Some(file) = folders().find(|folder| status(folder).is_ok_and(|status| !status.is_directory)) {
        let message = format!("nothing can be written below `{}`, which is a file", file.display());
        report.say(text.span, message, "write the path of a folder, or delete the file");
        return;
    }
    // A file that is there is written to; one that is not is made in its folder.
    let written = match status(path) {
        Ok(_) => Some(path),
        Err(_) => folders().next(),
    };
    if let Some(written) = written.filter(|written| subject.host.is_read_only(written)) {
        let message = format!("`{}` is read-only", written.display());
        report.say(text.span, message, "let it be written, or write the path of another file");
        return;
    }
    let is_missing = |folder: &Path| status(folder).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound);
    if block.kind() == "manifest"
        && let Some(folder) = folders().next().filter(|folder| is_missing(folder))
        && !made.iter().any(|path| path.starts_with(normal(folder)))
    {
        report.say(
            text.span,
            format!("the folder `{}` is not there, and Packer makes none for a manifest", folder.display()),
            "its build fails in the end; imgforge makes the folder",
        );
    }
}
