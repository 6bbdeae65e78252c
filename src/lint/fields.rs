//! Fields of Go templates in components that are not ours: which there are is not known for sure, but one that is close
//! to a field that Packer's plugins have is a slip.

use super::{Report, Subject};
use crate::builders::BUILDERS;
use crate::component;
use crate::post_processors::POST_PROCESSORS;
use crate::provisioners::PROVISIONERS;
use crate::scripts;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::gotemplate::{self, Fields, GoTemplate};

/// What plugins put after a dot, besides the values of a build.
const FIELDS: &[&str] = &[
    "Architecture",
    "ArtifactId",
    "Args",
    "BoxName",
    "BuildName",
    "BuildRegion",
    "BuilderType",
    "ChecksumType",
    "Command",
    "Device",
    "EnvVarFile",
    "ExecuteCommand",
    "Extra",
    "FacterVars",
    "HTTPContent",
    "HTTPDir",
    "HTTPIP",
    "HTTPPort",
    "HasHieraConfigPath",
    "Hash",
    "HieraConfigPath",
    "Image",
    "InventoryFile",
    "ManifestDir",
    "ManifestFile",
    "ModulePath",
    "Name",
    "NodeName",
    "OutputDir",
    "Output",
    "Path",
    "PlaybookFile",
    "Provider",
    "Region",
    "SSHHostPort",
    "ScanPath",
    "Script",
    "SourceAMI",
    "SourceAMICreationDate",
    "SourceAMIName",
    "SourceAMIOwner",
    "SourceAMIOwnerName",
    "SourceAMITags",
    "SourceOMI",
    "SourceOMIName",
    "SourceOMITags",
    "StagingDir",
    "Sudo",
    "Vars",
    "Version",
    "WorkingDir",
];

pub(super) fn check(subject: &Subject<'_>, report: &mut Report<'_>) {
    for build in &subject.builds {
        let ours = |kind: &str| {
            component::find(BUILDERS, kind).is_some()
                || component::find(PROVISIONERS, kind).is_some()
                || component::find(POST_PROCESSORS, kind).is_some()
        };
        for block in [&build.source].into_iter().chain(build.steps()).filter(|block| !ours(block.kind())) {
            let names: Vec<&str> =
                scripts::value_names(&block.context).into_iter().chain(FIELDS.iter().copied()).collect();
            for text in block.literals().into_iter().filter(|text| gotemplate::is_template(text.value())) {
                let mut found = Diagnostics::default();
                let template = GoTemplate::parse(text, &mut Diagnostics::default());
                // Only what it says of names is wanted.
                drop(template.render(&block.context, &Fields::Names(&names), &mut found));
                for slip in found.iter().filter(|slip| slip.code == "unknown-field") {
                    let help = slip.help.as_deref().filter(|help| help.starts_with("did you mean"));
                    if let (Some(place), Some(help)) = (&slip.primary, help) {
                        report.say(place.span, slip.message.clone(), help);
                    }
                }
            }
        }
    }
}
