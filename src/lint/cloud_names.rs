//! Names that clouds refuse when the image is made, which is at the very end.

use super::{Report, Subject};

/// A rule for names, and for whom it is.
struct Rule {
    /// How the types of builders begin.
    builder: &'static str,
    arguments: &'static [&'static str],
    is_right: fn(&str) -> bool,
    help: &'static str,
}

/// As the clouds' own checks have them.
const RULES: &[Rule] = &[
    Rule {
        builder: "amazon-",
        arguments: &["ami_name"],
        is_right: |name| {
            let may_be = |letter: char| letter.is_ascii_alphanumeric() || "()[] ./-'@_".contains(letter);
            (3..=128).contains(&name.chars().count()) && name.chars().all(may_be)
        },
        help: "AMIs have 3 to 128 letters, digits and `()[] ./-'@_`; `clean_resource_name` makes them so",
    },
    Rule {
        builder: "azure-",
        arguments: &["managed_image_name"],
        is_right: |name| {
            let may_be = |letter: char| letter.is_ascii_alphanumeric() || "-._)".contains(letter);
            name.len() <= 80
                && name.starts_with(|first: char| first.is_ascii_alphanumeric())
                && name.chars().all(may_be)
                && !name.ends_with(['-', '.'])
        },
        help: "it begins with a letter or digit and has up to 80 of these, `-`, `.` and `_`; its end is not `-` or `.`",
    },
    Rule {
        builder: "azure-",
        arguments: &["managed_image_os_disk_snapshot_name"],
        is_right: |name| {
            (1..=79).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        },
        help: "it has up to 79 letters, digits and `_`",
    },
];

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for source in subject.builds.iter().map(|build| &build.source) {
        for rule in RULES.iter().filter(|rule| source.kind().starts_with(rule.builder)) {
            for argument in rule.arguments {
                let name = source.text(argument).filter(|name| !name.is_empty());
                if let Some(name) = name.filter(|name| !(rule.is_right)(name)) {
                    let written = name.value.chars().take(100).collect::<String>();
                    let message = match name.value.chars().count() {
                        count if count > 60 => format!("`{argument}` can't have these {count} characters: `{written}`"),
                        _ => format!("`{argument}` can't be `{written}`"),
                    };
                    report.say(name.span, message, rule.help);
                }
            }
        }
    }
}
