//! What is mended in provisioners and post-processors.

use super::component::{Parts, replace_text};
use super::{item, string};
use crate::syntax::{Expression, ExpressionKind, ObjectItem};

pub(super) fn vagrant_override(parts: &mut Parts<'_>) {
    parts.post_processors(|step| {
        if !step.is("vagrant") {
            return;
        }
        let mut moved: Vec<ObjectItem> = Vec::new();
        for provider in ["aws", "digitalocean", "virtualbox", "vmware"] {
            if let Some((key, value)) = step.take(provider) {
                let instead = "write its arguments beside the others, in a post-processor with `only` for its sources";
                step.note(key, provider, "is part of `override` now", instead);
                moved.push(item(provider, value, key));
            }
        }
        let Some(place) = moved.first().and_then(|item| item.key.literal()).map(|key| key.span) else { return };
        if let Some(Expression { kind: ExpressionKind::Object(items), .. }) = step.get("override") {
            let is_new = |item: &&ObjectItem| !moved.iter().any(|moved| moved.key.literal() == item.key.literal());
            let others: Vec<ObjectItem> = items.iter().filter(is_new).cloned().collect();
            moved.extend(others);
        }
        step.set("override", Expression { kind: ExpressionKind::Object(moved), span: place }, place);
    });
}

pub(super) fn manifest_filename(parts: &mut Parts<'_>) {
    parts.post_processors(|step| {
        if step.is("manifest") {
            step.rename("filename", "output");
        }
    });
}

/// Of the builder and of the post-processor that logs in.
pub(super) fn docker_email(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("docker") {
            builder.remove("login_email");
        }
    });
    parts.post_processors(|step| {
        if step.is("docker-push") {
            step.remove("login_email");
        }
    });
}

pub(super) fn docker_tag(parts: &mut Parts<'_>) {
    parts.post_processors(|step| {
        if !step.is("docker-tag") {
            return;
        }
        let Some((key, value)) = step.take("tag") else { return };
        step.note(key, "tag", "is the list `tags` now", "write `tags = […]`");
        let mut tags = tags(value);
        if let Some((_, more)) = step.take("tags") {
            tags.extend(self::tags(more));
        }
        step.set("tags", Expression { kind: ExpressionKind::Tuple(tags), span: key }, key);
    });
}

/// A list, or a string of names with commas between them.
fn tags(value: Expression) -> Vec<Expression> {
    match value.kind {
        ExpressionKind::Tuple(tags) => tags,
        ExpressionKind::String(text) => text.value().split(',').map(|tag| string(tag.trim(), value.span)).collect(),
        _ => vec![value],
    }
}

/// The provisioner escapes for PowerShell itself.
pub(super) fn powershell_escapes(parts: &mut Parts<'_>) {
    parts.provisioners(|step| {
        if !step.is("powershell") {
            return;
        }
        let mut places = Vec::new();
        for (name, value) in step.values() {
            let values = match (name.as_str(), &mut value.kind) {
                ("environment_vars", ExpressionKind::Tuple(elements)) => elements.as_mut_slice(),
                ("elevated_user" | "elevated_password", _) => std::slice::from_mut(value),
                _ => continue,
            };
            for value in values {
                if replace_text(value, without_escapes) {
                    places.push((value.span, name.clone()));
                }
            }
        }
        for (place, name) in places {
            step.note(place, name, "needs no backticks for PowerShell any more", "delete them");
        }
    });
}

/// The text without backticks before what they are needed for; `None` where there are none.
fn without_escapes(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = letters.next_if(|next| letter == '`' && matches!(next, '$' | '"' | '`' | '\''));
        plain.push(escaped.unwrap_or(letter));
    }
    (plain != text).then_some(plain)
}

pub(super) fn galaxy_command(parts: &mut Parts<'_>) {
    parts.provisioners(|step| {
        if step.is("ansible-local") {
            step.rename("galaxycommand", "galaxy_command");
        }
    });
}
