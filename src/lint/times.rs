//! Times that are not what they seem.

use super::{Report, Subject};
use imgforge_template::document::Language;
use imgforge_template::syntax::{Attribute, Expression, ExpressionKind};

/// The arguments of Packer's components that are times and don't say so by their names' ends.
const TIMES: &[&str] = &["pause_before", "pause_after", "timeout", "boot_wait", "duration", "pause_before_connecting"];

pub(super) fn ignored_timeout(subject: &Subject<'_>, report: &mut Report<'_>) {
    for step in subject.builds.iter().flat_map(|build| &build.provisioners) {
        let find = |name: &str| step.used.written().find(|attribute| attribute.name.value == name);
        let (Some(pause), Some(timeout)) = (find("pause_before"), find("timeout")) else { continue };
        if is_none(&pause.value) || is_none(&timeout.value) {
            continue;
        }
        report.say_beside(
            timeout.value.span,
            "Packer drops the `timeout` of a provisioner that has `pause_before`",
            "put the pause into a provisioner of its own before it; imgforge keeps both",
            (pause.value.span, "the pause"),
        );
    }
}

fn is_none(value: &Expression) -> bool {
    match &value.kind {
        ExpressionKind::Null | ExpressionKind::Broken => true,
        ExpressionKind::String(text) => matches!(text.value(), "" | "0" | "0s"),
        ExpressionKind::Number(number) => number.to_string() == "0",
        _ => false,
    }
}

/// A number of legacy JSON is nanoseconds, as Go counts.
pub(super) fn nanoseconds(subject: &Subject<'_>, report: &mut Report<'_>) {
    if subject.template.document.language == Language::Hcl2 {
        return;
    }
    for build in &subject.builds {
        for Attribute { name, value } in [&build.source].into_iter().chain(build.steps()).flat_map(|b| b.used.written())
        {
            let is_time = TIMES.contains(&name.value.as_str())
                || ["_timeout", "_interval"].iter().any(|end| name.value.ends_with(end));
            let ExpressionKind::Number(number) = &value.kind else { continue };
            let text = number.to_string();
            // From a second on it was meant.
            if is_time && text != "0" && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
                report.say(
                    value.span,
                    format!("this is {text} nanoseconds"),
                    format!("write a number and a unit in quotes: `\"{text}s\"`"),
                );
            }
        }
    }
}
