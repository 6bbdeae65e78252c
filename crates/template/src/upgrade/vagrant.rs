//! The `override` of a `vagrant` post-processor, which takes no objects in HCL2: what it says of a provider is written
//! among the arguments, for the sources of that provider.

use super::Upgrade;
use super::source::Named;
use crate::document::Step;
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Attribute, Body, Expression, ExpressionKind, ObjectItem};
use std::sync::Arc;

/// How Vagrant calls what builders make machines for: how the names of builders begin, and its name.
const PROVIDERS: &[(&str, &str)] = &[
    ("amazon-", "aws"),
    ("azure-", "azure"),
    ("digitalocean", "digitalocean"),
    ("docker", "docker"),
    ("googlecompute", "google"),
    ("hyperv-", "hyperv"),
    ("parallels-", "parallels"),
    ("qemu", "libvirt"),
    ("virtualbox-", "virtualbox"),
    ("vmware-", "vmware"),
];

impl Upgrade<'_> {
    /// The post-processor as it is for the sources that it is for: several where these are of providers with
    /// arguments of their own. `is_first` of its sequence, where what it gets is made by the builder.
    pub(super) fn by_provider(&mut self, step: &Step, is_first: bool) -> Vec<Step> {
        let overrides = step.body.attributes.iter().find(|attribute| attribute.name.value == "override");
        let Some(Attribute { value, .. }) = overrides.filter(|_| step.kind.value == "vagrant") else {
            return vec![step.clone()];
        };
        let Some(groups) = groups(self.sources.all(), step, value).filter(|_| is_first) else {
            self.not_translated(value.span);
            return vec![step.clone()];
        };
        let is_one = groups.len() < 2;
        let written = groups.iter().map(|(own, names)| {
            let mut body = with_own(&step.body, own);
            if !is_one {
                body.attributes.retain(|attribute| !matches!(attribute.name.value.as_str(), "only" | "except"));
                body.attributes.push(only(names, value.span));
            }
            Step { body: Arc::new(body), ..step.clone() }
        });
        written.collect()
    }
}

/// What a provider's machines are given besides, and the names of the sources that make them.
type Group<'a> = (&'a [ObjectItem], Vec<&'a str>);

/// The sources that a step is for by what `override` says of them; `None` where that is not known.
fn groups<'a>(sources: &'a [Named], step: &Step, overrides: &'a Expression) -> Option<Vec<Group<'a>>> {
    let ExpressionKind::Object(providers) = &overrides.kind else { return None };
    let mut groups: Vec<Group<'a>> = Vec::new();
    for source in sources.iter().filter(|source| is_for(step, &source.raw)) {
        let (_, provider) = PROVIDERS.iter().find(|(start, _)| source.kind.starts_with(start))?;
        let own = providers.iter().find(|item| item.key.literal().is_some_and(|key| key.value == *provider));
        let own = match own.map(|item| &item.value.kind) {
            Some(ExpressionKind::Object(own)) => own.as_slice(),
            Some(_) => return None,
            None => &[],
        };
        match groups.iter_mut().find(|(known, _)| *known == own) {
            Some((_, names)) => names.push(&source.raw),
            None => groups.push((own, vec![&source.raw])),
        }
    }
    if groups.is_empty() {
        groups.push((&[], Vec::new()));
    }
    Some(groups)
}

/// Whether `only` and `except` let a builder through.
fn is_for(step: &Step, builder: &str) -> bool {
    let names = |what: &str| {
        let attribute = step.body.attributes.iter().find(|attribute| attribute.name.value == what)?;
        let has = |value: &Expression| match &value.kind {
            ExpressionKind::String(names) => names.value().split(',').any(|name| name == builder),
            _ => false,
        };
        match &attribute.value.kind {
            ExpressionKind::Tuple(names) if !names.is_empty() => Some(names.iter().any(has)),
            ExpressionKind::String(_) => Some(has(&attribute.value)),
            _ => None,
        }
    };
    names("only").unwrap_or_else(|| !names("except").unwrap_or_default())
}

/// The arguments without `override`, where those of a provider win.
fn with_own(body: &Body, own: &[ObjectItem]) -> Body {
    let mut body = body.clone();
    body.attributes.retain(|attribute| attribute.name.value != "override");
    for item in own {
        let Some(name) = item.key.literal() else { continue };
        match body.attributes.iter_mut().find(|attribute| attribute.name.value == name.value) {
            Some(attribute) => attribute.value = item.value.clone(),
            None => {
                let name = Spanned::new(name.value.to_owned(), name.span);
                body.attributes.push(Attribute { name, value: item.value.clone() });
            }
        }
    }
    body
}

fn only(names: &[&str], span: Span) -> Attribute {
    let name = |name: &&str| Expression { kind: ExpressionKind::String(Arc::new(Text::opaque(name, span))), span };
    let value = Expression { kind: ExpressionKind::Tuple(names.iter().map(name).collect()), span };
    Attribute { name: Spanned::new("only".to_owned(), span), value }
}
