//! Components that exist and that imgforge does not have: a template that uses them can be checked, not built.

use crate::schema;
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::document::{self, Document};
use imgforge_template::source::Spanned;
use imgforge_template::suggest;

/// One kind of component.
pub(crate) struct Known {
    /// What it is called in messages.
    pub(crate) what: &'static str,
    /// The code of "there is none of that name".
    pub(crate) code: &'static str,
    /// What is done with one.
    pub(crate) verb: &'static str,
}

/// Plugins whose components are known by name alone: what the names begin with, and where the plugin is.
pub(crate) const PLUGINS: &[(&str, &str)] = &[
    ("alicloud", "github.com/hashicorp/alicloud"),
    ("anka", "github.com/veertuinc/veertu-anka"),
    ("cloudstack", "github.com/hashicorp/cloudstack"),
    ("cross", "github.com/michalfita/cross"),
    ("exoscale", "github.com/exoscale/exoscale"),
    ("external", "github.com/joomcode/external"),
    ("host-info", "github.com/stromweld/host-info"),
    ("huaweicloud", "github.com/huaweicloud/huaweicloud"),
    ("kubevirt", "github.com/hashicorp/kubevirt"),
    ("linode", "github.com/linode/linode"),
    ("ncloud", "github.com/hashicorp/ncloud"),
    ("nutanix", "github.com/nutanix-cloud-native/nutanix"),
    ("outscale", "github.com/outscale/outscale"),
    ("oxide", "github.com/oxidecomputer/oxide"),
    ("powervs", "github.com/ppc64le-cloud/powervs"),
    ("scaleway", "github.com/scaleway/scaleway"),
    ("sshkey", "github.com/ivoronin/sshkey"),
    ("tart", "github.com/cirruslabs/tart"),
    ("tencentcloud", "github.com/hashicorp/tencentcloud"),
    ("triton", "github.com/hashicorp/triton"),
    ("ucloud", "github.com/hashicorp/ucloud"),
    ("upcloud", "github.com/UpCloudLtd/upcloud"),
    ("utm", "github.com/naveenrajm7/utm"),
    ("veertu-anka", "github.com/veertuinc/veertu-anka"),
    ("volcengine", "github.com/volcengine/volcengine"),
    ("vultr", "github.com/vultr/vultr"),
    ("xenserver", "github.com/ddelnano/xenserver"),
    ("yandex", "github.com/hashicorp/yandex"),
];

/// Components that this binary could have been built with, and the feature that each belongs to.
const LEFT_OUT: &[(&str, &str)] = &[
    #[cfg(not(feature = "gce"))]
    ("googlecompute", "gce"),
    #[cfg(not(feature = "gce"))]
    ("googlecompute-export", "gce"),
    #[cfg(not(feature = "gce"))]
    ("googlecompute-image", "gce"),
    #[cfg(not(feature = "gce"))]
    ("googlecompute-import", "gce"),
    #[cfg(not(feature = "gce"))]
    ("googlecompute-parametermanager", "gce"),
    #[cfg(not(feature = "gce"))]
    ("googlecompute-secretsmanager", "gce"),
    #[cfg(not(feature = "qemu"))]
    ("qemu", "qemu"),
];

impl Known {
    /// A component of this name is not ours: why it can't be run, although nothing is wrong with the template.
    ///
    /// `is_known` says whether its arguments are known, as [`schema::find`] has found.
    ///
    /// # Errors
    /// When there is no component of this name at all; `ours` are those that could have been meant as well.
    pub(crate) fn foreign(
        &self,
        kind: &Spanned<String>,
        is_known: bool,
        document: &Document,
        ours: &[&str],
    ) -> Result<Diagnostic, Box<Diagnostic>> {
        let (what, name, verb) = (self.what, &kind.value, self.verb);
        if let Some((_, feature)) = LEFT_OUT.iter().find(|(left_out, _)| left_out == name) {
            let message = format!("the {what} `{name}` can be checked, but this imgforge was built without it");
            let help = format!("take one that was built with the feature `{feature}`");
            return Ok(Diagnostic::error("not-supported-yet", message).at(kind.span).help(help));
        }
        if is_known {
            let message = format!("the {what} `{name}` can be checked, but not {verb} yet");
            return Ok(Diagnostic::error("not-supported-yet", message).at(kind.span));
        }
        let unchecked = |plugin: &str| {
            let message = format!("the {what} `{name}` comes from a plugin that imgforge does not know{plugin}");
            let help = format!("its arguments are not checked, and it can't be {verb}");
            Diagnostic::error("unchecked-component", message).at(kind.span).help(help)
        };
        if let Some(plugin) = document.plugin_of(name) {
            return Ok(unchecked("").related(plugin.source.span, "the plugin"));
        }
        if let Some((_, source)) = PLUGINS.iter().find(|(plugin, _)| document::is_of_plugin(name, plugin)) {
            return Ok(unchecked(&format!(": {source}")));
        }
        let problem = Diagnostic::error(self.code, format!("there is no {what} `{name}`")).at(kind.span);
        Err(Box::new(
            match suggest::closest(name, ours.iter().copied().chain(schema::names(what).map(|name| name as &str))) {
                Some(close) => problem.help(format!("did you mean `{close}`?")),
                None => problem.help(format!("imgforge has these so far: {}", ours.join(", "))),
            },
        ))
    }
}

pub(crate) const BUILDERS: Known = Known { what: "builder", verb: "run", code: "unknown-builder" };
pub(crate) const PROVISIONERS: Known = Known { what: "provisioner", verb: "run", code: "unknown-provisioner" };
pub(crate) const POST_PROCESSORS: Known = Known { what: "post-processor", verb: "run", code: "unknown-post-processor" };
pub(crate) const DATA_SOURCES: Known = Known { what: "data source", verb: "read", code: "unknown-data-source" };
