//! Builds that can't be told apart.

use super::{Report, Subject};
use std::collections::BTreeMap;

pub(super) fn builds(subject: &Subject<'_>, report: &mut Report<'_>) {
    // What is declared twice is twice for a reason that is told already.
    if !subject.is_sound {
        return;
    }
    let mut seen = BTreeMap::new();
    for build in &subject.builds {
        let place = build.outline.place;
        let Some(first) = seen.insert(build.outline.name.as_str(), place) else { continue };
        report.say_beside(
            place,
            format!("there are two builds named `{}`", build.outline.name),
            "give one of them a `name` of its own: both run, and the summary shows one",
            (first, "the first one"),
        );
    }
}
