//! The plugins that templates ask for by `required_plugins`, and what each of them is to us. None is ever installed:
//! components are compiled in.

use crate::builders::BUILDERS;
use crate::data_sources::DATA_SOURCES;
use crate::known::PLUGINS;
use crate::post_processors::POST_PROCESSORS;
use crate::provisioners::PROVISIONERS;
use imgforge_template::document::is_of_plugin;
use imgforge_template::suggest;

/// Plugins whose components we know; the last part of an address is what the names of its components begin with. Some
/// have moved: their new address stands first.
const KNOWN: &[&[&str]] = &[
    &["github.com/digitalocean/digitalocean", "github.com/hashicorp/digitalocean"],
    &["github.com/ethanmdavidson/git"],
    &["github.com/hashicorp/amazon"],
    &["github.com/hashicorp/ansible"],
    &["github.com/hashicorp/azure"],
    &["github.com/hashicorp/chef"],
    &["github.com/hashicorp/converge"],
    &["github.com/hashicorp/docker"],
    &["github.com/hashicorp/googlecompute"],
    &["github.com/hashicorp/hyperv"],
    &["github.com/hashicorp/inspec"],
    &["github.com/hashicorp/lxc"],
    &["github.com/hashicorp/lxd"],
    &["github.com/hashicorp/openstack"],
    &["github.com/hashicorp/oracle"],
    &["github.com/hashicorp/proxmox"],
    &["github.com/hashicorp/puppet"],
    &["github.com/hashicorp/qemu"],
    &["github.com/hashicorp/salt"],
    &["github.com/hashicorp/vagrant"],
    &["github.com/hashicorp/virtualbox"],
    &["github.com/hetznercloud/hcloud", "github.com/hashicorp/hcloud"],
    &["github.com/Parallels/parallels", "github.com/hashicorp/parallels"],
    &["github.com/rgl/windows-update"],
    &["github.com/vmware/vmware", "github.com/hashicorp/vmware"],
    &["github.com/vmware/vsphere", "github.com/hashicorp/vsphere"],
    &["github.com/YaleUniversity/goss"],
];

/// What a plugin is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Components of it are compiled in.
    BuiltIn,
    /// Its components are checked, and none is run.
    Known,
    /// It exists, and that is all.
    Named,
}

/// What a plugin is to us by its address, in which case does not count; `None` for one that we don't know.
pub(crate) fn standing(source: &str) -> Option<Standing> {
    if let Some(known) = addresses().find(|known| known.eq_ignore_ascii_case(source)) {
        return Some(if is_built_in(known) { Standing::BuiltIn } else { Standing::Known });
    }
    PLUGINS.iter().any(|(_, named)| named.eq_ignore_ascii_case(source)).then_some(Standing::Named)
}

/// The addresses of the plugins whose components are compiled in, in the order of the table.
pub(crate) fn built_in() -> impl Iterator<Item = &'static str> {
    addresses().filter(|source| is_built_in(source))
}

/// The address that was meant, if one is near enough.
pub(crate) fn closest(source: &str) -> Option<&'static str> {
    suggest::closest(source, addresses().chain(PLUGINS.iter().map(|(_, named)| *named)))
}

/// The plugin that a component comes from: what the names of its components begin with, and its address, the newest of
/// several.
pub(crate) fn of_component(name: &str) -> Option<(&'static str, &'static str)> {
    let known = KNOWN.iter().filter_map(|addresses| addresses.first().map(|source| (last_part(source), *source)));
    known.chain(PLUGINS.iter().copied()).find(|(plugin, _)| is_of_plugin(name, plugin))
}

fn addresses() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().flat_map(|addresses| addresses.iter().copied())
}

fn last_part(source: &str) -> &str {
    source.rsplit('/').next().unwrap_or(source)
}

fn is_built_in(source: &str) -> bool {
    let prefix = last_part(source);
    let names = BUILDERS.iter().map(|builder| builder.name);
    let names = names.chain(PROVISIONERS.iter().map(|provisioner| provisioner.name));
    let names = names.chain(POST_PROCESSORS.iter().map(|post_processor| post_processor.name));
    let mut names = names.chain(DATA_SOURCES.iter().map(|source| source.component.name));
    names.any(|name| is_of_plugin(name, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    #[test]
    fn plugins_are_built_in_or_known_or_named() {
        assert!(KNOWN.is_sorted_by_key(|addresses| addresses[0].to_lowercase()));
        assert_eq!(standing("github.com/hashicorp/qemu"), Some(Standing::BuiltIn));
        assert_eq!(standing("github.com/ethanmdavidson/git"), Some(Standing::BuiltIn));
        assert_eq!(standing("github.com/YaleUniversity/goss"), Some(Standing::Known));
        assert_eq!(standing("github.com/cirruslabs/tart"), Some(Standing::Named));
        assert_eq!(standing("github.com/hashicorp/qemuu"), None);
        assert_eq!(closest("github.com/hashicorp/qemuu"), Some("github.com/hashicorp/qemu"));
        assert_eq!(of_component("amazon-ebs"), Some(("amazon", "github.com/hashicorp/amazon")));
        assert_eq!(of_component("hcloud"), Some(("hcloud", "github.com/hetznercloud/hcloud")));
        assert_eq!(of_component("tart-cli"), Some(("tart", "github.com/cirruslabs/tart")));
        assert_eq!(of_component("shell"), None);
        assert!(built_in().any(|source| source == "github.com/hashicorp/qemu"));
    }

    #[test]
    fn each_known_plugin_has_a_component_with_its_name() {
        let kinds = ["builder", "provisioner", "post-processor", "data source"];
        let names: Vec<&str> = kinds.into_iter().flat_map(schema::names).collect();
        for source in addresses() {
            let prefix = last_part(source);
            let is_known = names.iter().any(|name| name.starts_with(prefix));
            assert!(is_known || is_built_in(source), "{source}");
        }
    }
}
