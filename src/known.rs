//! Components that exist and that imgforge does not have: a template that uses them can be checked, not built.
//!
//! The names are those that the plugins of November 2026 report.

/// The names of one kind of component.
pub(crate) struct Known {
    /// What it is called in messages.
    pub(crate) what: &'static str,
    /// The code of "there is none of that name".
    pub(crate) code: &'static str,
    pub(crate) names: &'static [&'static str],
}

pub(crate) const BUILDERS: Known = Known {
    what: "builder",
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
