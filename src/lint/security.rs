//! What lets in more than it has to, or trusts what may change.

use super::block::{Block, elements, member_span};
use super::{Report, Subject};
use crate::builders::BUILDERS;
use crate::component;
use imgforge_template::source::{Span, Spanned};
use imgforge_template::syntax::ExpressionKind;
use imgforge_template::value::Value;

/// What our own builders say of it, they say themselves.
pub(super) fn no_checksum(subject: &Subject<'_>, report: &mut Report<'_>) {
    let sources = subject.builds.iter().map(|build| &build.source);
    for source in sources.filter(|source| component::find(BUILDERS, source.kind()).is_none()) {
        if let Some(none) = source.text("iso_checksum").filter(|text| text.value == "none") {
            let help = "with a checksum the build notices an image that was damaged or exchanged";
            report.say(none.span, "the image's checksum is not checked", help);
        }
    }
}

const ANYONE: &[&str] = &["0.0.0.0/0", "::/0"];

pub(super) fn open_group(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        for name in ["temporary_security_group_source_cidrs", "allowed_inbound_ip_addresses"] {
            for range in build.source.texts(name).into_iter().filter(|range| ANYONE.contains(&range.as_str())) {
                report.say(
                    range.span,
                    format!("`{}` lets the whole internet connect to the machine", range.value),
                    "name the addresses that the build comes from",
                );
            }
        }
    }
}

pub(super) fn root_password(subject: &Subject<'_>, report: &mut Report<'_>) {
    for source in subject.builds.iter().map(|build| &build.source) {
        if source.text("ssh_username").is_none_or(|user| user.value != "root") {
            continue;
        }
        let Some(password) = source.given("ssh_password") else { continue };
        let is_written = |text: &str| !text.is_empty() && !text.contains("{{");
        if let Some(ExpressionKind::String(text)) = password.expression.as_ref().map(|expression| &expression.kind)
            && is_written(text.value())
        {
            report.say(
                password.span,
                "everyone who has this template can log in as root, for as long as the image keeps this password",
                "log in by a key, or give the password by a sensitive variable; and lock it in the image",
            );
        }
    }
}

pub(super) fn unpinned(subject: &Subject<'_>, report: &mut Report<'_>) {
    for source in subject.builds.iter().map(|build| &build.source) {
        if source.kind() == "docker"
            && let Some(image) = source.text("image")
        {
            docker(&image, report);
        }
        if source.kind().starts_with("amazon-") {
            amazon(source, report);
        }
    }
}

/// `registry:5000/name:tag@sha256:…`: the tag is in the last part.
fn docker(image: &Spanned<String>, report: &mut Report<'_>) {
    let name = image.rsplit('/').next().unwrap_or_default();
    let help = "name a tag or, better, a digest: `name@sha256:…`";
    if name.is_empty() || name.contains('@') {
        return;
    }
    match name.split_once(':') {
        None => report.say(image.span, format!("`{}` without a tag is the latest image", image.value), help),
        Some((_, "latest")) => report.say(image.span, format!("`{}` is another image tomorrow", image.value), help),
        Some(_) => {}
    }
}

fn amazon(source: &Block<'_>, report: &mut Report<'_>) {
    let Some(filter) = source.given("source_ami_filter") else { return };
    for (value, expression, span) in elements(&filter.value, filter.expression.as_deref(), filter.span) {
        if !value.is_known() || value.members().is_none() {
            continue;
        }
        let is_newest = value
            .get("most_recent")
            .is_some_and(|newest| newest.as_bool() == Some(true) || newest.as_str() == Some("true"));
        let place: Span = member_span(expression, "most_recent").unwrap_or(span);
        if is_newest && value.get("owners").is_none_or(is_nobody) {
            report.say(
                place,
                "the newest image of anyone is taken: whoever names theirs alike decides what is built on",
                "name the accounts that may: `owners = [\"amazon\"]`",
            );
        }
    }
}

fn is_nobody(owners: &Value) -> bool {
    owners.is_null() || owners.elements().is_some_and(<[_]>::is_empty)
}
