//! Options of legacy JSON that are called otherwise now, or have gone: found and mended, one small function each.
//!
//! What they do and in which order was found out by running `packer fix` of Packer 1.6.6.

mod builders;
mod component;
mod steps;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::document::{Document, Language, Sequence, Step};
use crate::source::{Span, Spanned, Text};
use crate::syntax::{Attribute, Body, Expression, ExpressionKind, ObjectItem, ObjectKey};
use component::Parts;
use std::sync::Arc;

/// One that mends one thing.
pub struct Fixer {
    /// Packer's name for it.
    pub name: &'static str,
    fix: fn(&mut Parts<'_>),
}

/// Something that a fixer mends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    pub fixer: &'static str,
    /// Where it stands: the name of an argument, or the value that is old.
    pub place: Span,
    pub name: String,
    /// What goes behind the name or "it" in a message: `is called … now`.
    pub now: String,
    /// What to do where nobody mends it: `write …`.
    pub instead: String,
}

const fn fixer(name: &'static str, fix: fn(&mut Parts<'_>)) -> Fixer {
    Fixer { name, fix }
}

/// All of them, in the order in which they see what the ones before have left.
pub const FIXERS: &[Fixer] = &[
    fixer("iso-md5", builders::iso_md5),
    fixer("createtime", builders::create_time),
    fixer("virtualbox-gaattach", builders::guest_additions_attach),
    fixer("pp-vagrant-override", steps::vagrant_override),
    fixer("virtualbox-rename", |parts| parts.rename_builders("virtualbox", "virtualbox-iso")),
    fixer("vmware-rename", |parts| parts.rename_builders("vmware", "vmware-iso")),
    fixer("parallels-headless", builders::parallels_headless),
    fixer("parallels-deprecations", builders::parallels_deprecations),
    fixer("sshkeypath", |parts| parts.builders(|builder| builder.rename("ssh_key_path", "ssh_private_key_file"))),
    fixer("sshdisableagent", |parts| {
        parts.builders(|builder| builder.rename("ssh_disable_agent", "ssh_disable_agent_forwarding"));
    }),
    fixer("scaleway-access-key", builders::scaleway_access_key),
    fixer("manifest-filename", steps::manifest_filename),
    fixer("amazon-shutdown_behavior", builders::amazon_shutdown_behavior),
    fixer("amazon-enhanced-networking", builders::amazon_enhanced_networking),
    fixer("amazon-private-ip", builders::amazon_private_ip),
    fixer("amazon-temp-sec-cidrs", builders::amazon_temporary_cidrs),
    fixer("docker-email", steps::docker_email),
    fixer("docker-tag-tags", steps::docker_tag),
    fixer("powershell-escapes", steps::powershell_escapes),
    fixer("vmware-compaction", builders::vmware_compaction),
    fixer("hyperv-deprecations", builders::hyperv_deprecations),
    fixer("hyperv-vmxc-typo", builders::hyperv_typo),
    fixer("hyperv-cpu-and-ram", builders::hyperv_cpu_and_ram),
    fixer("clean-image-name", builders::clean_image_name),
    fixer("spot-price-auto-product", builders::spot_price_product),
    fixer("qemu-disk-size", builders::qemu_disk_size),
    fixer("galaxy-command", steps::galaxy_command),
    fixer("comm-config", builders::host_ports_of_virtualbox),
    fixer("ssh-wait-timeout", |parts| parts.builders(|builder| builder.rename("ssh_wait_timeout", "ssh_timeout"))),
    fixer("vsphere-iso-net-disk", builders::vsphere_network_and_disk),
    fixer("iso-checksum-type-and-url", builders::iso_checksum),
    fixer("qemu-host-port", builders::host_ports_of_qemu),
    fixer("azure-exclude_from_latest", builders::azure_exclude_from_latest),
    fixer("proxmox-type", |parts| parts.rename_builders("proxmox", "proxmox-iso")),
];

/// Mends the root of a legacy file, and says what has been mended, each place once.
///
/// What it adds stands where the old option stood, so that later messages have a place.
pub fn fix(root: &mut Expression) -> Vec<Mended> {
    let mut mended: Vec<Mended> = Vec::new();
    for fixer in FIXERS {
        let mut parts = Parts { fixer: fixer.name, root, mended: Vec::new() };
        (fixer.fix)(&mut parts);
        for new in parts.mended {
            // What one fixer leaves, another may take on.
            if !mended.iter().any(|known| known.place == new.place) {
                mended.push(new);
            }
        }
    }
    mended
}

/// Says in the help of what was found of an old option that it is one, and warns of those that nobody complained of.
/// `fix` mends legacy JSON alone: in HCL2 the help says what to write.
pub fn advise(document: &Document, diagnostics: &mut Diagnostics) {
    let mut found = std::mem::take(diagnostics).into_sorted();
    for Mended { place, name, now, instead, .. } in old_options(document) {
        let (known, help) = match document.language {
            Language::Legacy => (format!("it {now}; `imgforge fix` mends it"), "`imgforge fix` mends it".to_owned()),
            Language::Hcl2 => (format!("it {now}"), instead),
        };
        let is_of_it = |diagnostic: &Diagnostic| diagnostic.primary.as_ref().is_some_and(|label| label.span == place);
        let mut has_place = false;
        for diagnostic in found.iter_mut().filter(|diagnostic| is_of_it(diagnostic)) {
            has_place = true;
            diagnostic.help = Some(known.clone());
        }
        if !has_place {
            found.push(Diagnostic::warning("fixable-argument", format!("`{name}` {now}")).at(place).help(help));
        }
    }
    for diagnostic in found {
        diagnostics.push(diagnostic);
    }
}

/// What a template of either language has that `fix` would mend in legacy JSON.
pub fn old_options(document: &Document) -> Vec<Mended> {
    fix(&mut as_legacy(document))
}

/// The components of a template of either language as they stand in legacy JSON.
fn as_legacy(document: &Document) -> Expression {
    let object = |kind: &Spanned<String>, body: &Body| {
        let mut items = vec![item("type", string(&kind.value, kind.span), kind.span)];
        items.extend(members(body));
        Expression { kind: ExpressionKind::Object(items), span: kind.span }
    };
    let step = |step: &Step| object(&step.kind, &step.body);
    let sequences = |sequence: &Sequence| sequence.steps.iter().map(step).collect::<Vec<_>>();
    let builds = &document.builds;
    let lists = [
        ("builders", document.sources.iter().map(|source| object(&source.kind, &source.body)).collect()),
        ("provisioners", builds.iter().flat_map(|build| &build.provisioners).map(step).collect()),
        ("post-processors", builds.iter().flat_map(|build| &build.post_processors).flat_map(sequences).collect()),
    ];
    let nowhere = Span::nowhere();
    let list = |(name, elements): (&str, Vec<Expression>)| {
        item(name, Expression { kind: ExpressionKind::Tuple(elements), span: nowhere }, nowhere)
    };
    Expression { kind: ExpressionKind::Object(lists.into_iter().map(list).collect()), span: nowhere }
}

/// The arguments of a body, and its blocks as the objects that they are in JSON.
fn members(body: &Body) -> Vec<ObjectItem> {
    let arguments = body.attributes.iter().map(|Attribute { name, value }| {
        let name = Spanned::new(Arc::from(name.value.as_str()), name.span);
        ObjectItem { key: ObjectKey::Name(name), value: value.clone() }
    });
    let blocks = body.blocks.iter().filter(|block| block.kind.value != "dynamic").map(|block| {
        let object = Expression { kind: ExpressionKind::Object(members(&block.body)), span: block.body.span };
        item(&block.kind.value, object, block.kind.span)
    });
    arguments.chain(blocks).collect()
}

fn string(text: &str, span: Span) -> Expression {
    Expression { kind: ExpressionKind::String(Arc::new(Text::opaque(text, span))), span }
}

fn item(name: &str, value: Expression, key: Span) -> ObjectItem {
    ObjectItem { key: ObjectKey::Expression(string(name, key)), value }
}
