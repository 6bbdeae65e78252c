//! Components that exist and that imgforge does not have: a template that uses them can be checked, not built.
//!
//! The names are those that the plugins of November 2026 report.

use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::document::Document;
use imgforge_template::source::Spanned;
use imgforge_template::suggest;

/// The names of one kind of component.
pub(crate) struct Known {
    /// What it is called in messages.
    pub(crate) what: &'static str,
    /// The code of "there is none of that name".
    pub(crate) code: &'static str,
    pub(crate) names: &'static [&'static str],
    /// What is done with one.
    pub(crate) verb: &'static str,
}

impl Known {
    /// A component of this name is not ours: why it can't be run, although nothing is wrong with the template.
    ///
    /// # Errors
    /// When there is no component of this name at all; `ours` are those that could have been meant as well.
    pub(crate) fn foreign(
        &self,
        kind: &Spanned<String>,
        document: &Document,
        ours: &[&str],
    ) -> Result<Diagnostic, Box<Diagnostic>> {
        let (what, name, verb) = (self.what, &kind.value, self.verb);
        if self.names.contains(&name.as_str()) {
            let message = format!("the {what} `{name}` can be checked, but not {verb} yet");
            return Ok(Diagnostic::error("not-supported-yet", message).at(kind.span));
        }
        if let Some(plugin) = document.plugin_of(name) {
            let message = format!("the {what} `{name}` comes from a plugin that imgforge does not know");
            return Ok(Diagnostic::error("unchecked-component", message)
                .at(kind.span)
                .related(plugin.source.span, "the plugin")
                .help(format!("its arguments are not checked, and it can't be {verb}")));
        }
        let problem = Diagnostic::error(self.code, format!("there is no {what} `{name}`")).at(kind.span);
        Err(Box::new(match suggest::closest(name, ours.iter().chain(self.names).copied()) {
            Some(close) => problem.help(format!("did you mean `{close}`?")),
            None => problem.help(format!("imgforge has these so far: {}", ours.join(", "))),
        }))
    }
}

pub(crate) const BUILDERS: Known = Known {
    what: "builder",
    verb: "run",
    code: "unknown-builder",
    names: &[
        "amazon-chroot",
        "amazon-ebs",
        "amazon-ebssurrogate",
        "amazon-ebsvolume",
        "amazon-instance",
        "azure-arm",
        "azure-chroot",
        "azure-dtl",
        "digitalocean",
        "docker",
        "googlecompute",
        "hcloud",
        "hyperv-iso",
        "hyperv-vmcx",
        "lxc",
        "lxd",
        "openstack",
        "oracle-classic",
        "oracle-oci",
        "parallels-ipsw",
        "parallels-iso",
        "parallels-macvm",
        "parallels-pvm",
        "proxmox",
        "proxmox-clone",
        "proxmox-iso",
        "vagrant",
        "virtualbox-iso",
        "virtualbox-ovf",
        "virtualbox-vm",
        "vmware-iso",
        "vmware-vmx",
        "vsphere-clone",
        "vsphere-iso",
        "vsphere-supervisor",
    ],
};

pub(crate) const PROVISIONERS: Known = Known {
    what: "provisioner",
    verb: "run",
    code: "unknown-provisioner",
    names: &[
        "ansible",
        "ansible-local",
        "azure-dtlartifact",
        "breakpoint",
        "chef-client",
        "chef-solo",
        "converge",
        "goss",
        "hcp-sbom",
        "inspec",
        "powershell",
        "puppet-masterless",
        "puppet-server",
        "salt-masterless",
        "sleep",
        "windows-restart",
        "windows-shell",
        "windows-update",
    ],
};

pub(crate) const POST_PROCESSORS: Known = Known {
    what: "post-processor",
    verb: "run",
    code: "unknown-post-processor",
    names: &[
        "amazon-import",
        "artifice",
        "checksum",
        "compress",
        "digitalocean-import",
        "docker-import",
        "docker-push",
        "docker-save",
        "docker-tag",
        "googlecompute-export",
        "googlecompute-import",
        "provenance",
        "vagrant",
        "vagrant-cloud",
        "vagrant-registry",
        "vsphere",
        "vsphere-template",
    ],
};

pub(crate) const DATA_SOURCES: Known = Known {
    what: "data source",
    verb: "read",
    code: "unknown-data-source",
    names: &[
        "amazon-ami",
        "amazon-parameterstore",
        "amazon-secretsmanager",
        "azure-keyvaultsecret",
        "digitalocean-image",
        "googlecompute-image",
        "googlecompute-parametermanager",
        "googlecompute-secretsmanager",
        "hcp-packer-artifact",
        "hcp-packer-image",
        "hcp-packer-iteration",
        "hcp-packer-version",
        "vsphere-virtualmachine",
    ],
};
