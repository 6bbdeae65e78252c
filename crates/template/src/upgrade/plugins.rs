//! The `packer` block: the version that is asked for, and the plugins that components come from.

use super::text::{block, quoted};
use crate::document::Document;
use std::collections::BTreeSet;

/// The local name of a plugin, which its components begin with, and where it is published.
const PLUGINS: &[(&str, &str)] = &[
    ("amazon", "github.com/hashicorp/amazon"),
    ("ansible", "github.com/hashicorp/ansible"),
    ("azure", "github.com/hashicorp/azure"),
    ("chef", "github.com/hashicorp/chef"),
    ("converge", "github.com/hashicorp/converge"),
    ("digitalocean", "github.com/digitalocean/digitalocean"),
    ("docker", "github.com/hashicorp/docker"),
    ("googlecompute", "github.com/hashicorp/googlecompute"),
    ("goss", "github.com/YaleUniversity/goss"),
    ("hcloud", "github.com/hetznercloud/hcloud"),
    ("hyperv", "github.com/hashicorp/hyperv"),
    ("inspec", "github.com/hashicorp/inspec"),
    ("lxc", "github.com/hashicorp/lxc"),
    ("lxd", "github.com/hashicorp/lxd"),
    ("openstack", "github.com/hashicorp/openstack"),
    ("oracle", "github.com/hashicorp/oracle"),
    ("parallels", "github.com/Parallels/parallels"),
    ("proxmox", "github.com/hashicorp/proxmox"),
    ("puppet", "github.com/hashicorp/puppet"),
    ("qemu", "github.com/hashicorp/qemu"),
    ("salt", "github.com/hashicorp/salt"),
    ("vagrant", "github.com/hashicorp/vagrant"),
    ("virtualbox", "github.com/hashicorp/virtualbox"),
    ("vmware", "github.com/hashicorp/vmware"),
    ("vsphere", "github.com/hashicorp/vsphere"),
    ("windows-update", "github.com/rgl/windows-update"),
];

/// Empty where nothing is asked for.
pub(super) fn packer_block(document: &Document) -> String {
    let mut body = String::new();
    for requirement in &document.requirements {
        body.push_str(&format!("required_version = {}\n", quoted(&requirement.constraint.value)));
    }
    let steps = document.builds.iter().flat_map(|build| {
        let post_processors = build.post_processors.iter().flat_map(|sequence| &sequence.steps);
        build.provisioners.iter().chain(&build.error_cleanup_provisioner).chain(post_processors)
    });
    let kinds = document.sources.iter().map(|source| &source.kind).chain(steps.map(|step| &step.kind));
    let plugins: BTreeSet<(&str, &str)> = kinds.filter_map(|kind| plugin_of(&kind.value)).collect();
    if !plugins.is_empty() {
        let entries = plugins
            .iter()
            .map(|(name, source)| format!("{name} = {{\nsource = {}\nversion = \">= 1.0.0\"\n}}\n", quoted(source)));
        body.push_str(&block("required_plugins", &entries.collect::<String>()));
    }
    if body.is_empty() { body } else { block("packer", &body) }
}

fn plugin_of(component: &str) -> Option<(&'static str, &'static str)> {
    let is_its = |(name, _): &&(&str, &str)| {
        component.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    PLUGINS.iter().find(is_its).copied()
}
