//! What the argument TEMPLATE stands for: a file, a folder, standard input, or nothing at all.

use crate::cli::ConfigType;
use crate::host::WithFile;
use imgforge_template::diagnostic::Diagnostic;
use imgforge_template::host::Host;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What messages call a template that comes from standard input.
pub(super) const STANDARD_INPUT: &str = "<stdin>";
/// What there is where no template is named.
const BUILT_IN: [(&str, &str); 2] = [("<built-in>", r#"{"builders": [{"type": "null"}]}"#), ("<built-in>.pkr.hcl", "")];
/// A template of more bytes is none.
const MOST_BYTES: u64 = 64 << 20;

/// Where a template is, in a world that has it.
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) host: Arc<dyn Host>,
}

/// Finds out what the argument means. Standard input is read here, to its end.
pub(super) fn place(
    template: Option<&Path>,
    config_type: ConfigType,
    host: &Arc<dyn Host>,
) -> Result<Place, Box<Diagnostic>> {
    let Some(path) = template else {
        let [json, hcl2] = BUILT_IN;
        let (name, text) = if config_type == ConfigType::Json { json } else { hcl2 };
        return Ok(held(name, text.into(), host));
    };
    if config_type == ConfigType::Hcl2 && !is_hcl2(path, host.as_ref()) {
        let message = format!("`{}` is neither a folder nor named as HCL2 files are", path.display());
        let help = "HCL2 templates are named `*.pkr.hcl`; without `-config-type=hcl2` this is read as JSON";
        return Err(Box::new(Diagnostic::error("no-template", message).help(help)));
    }
    if path == Path::new("-") {
        return Ok(held(STANDARD_INPUT, standard_input()?, host));
    }
    Ok(Place { path: path.to_owned(), host: host.clone() })
}

/// Whether a name is one of HCL2, or that of a folder.
pub(super) fn is_hcl2(path: &Path, host: &dyn Host) -> bool {
    let name = path.to_string_lossy();
    name.ends_with(".pkr.hcl")
        || name.ends_with(".pkr.json")
        || host.status(path).is_ok_and(|status| status.is_directory)
}

fn held(name: &str, text: Vec<u8>, host: &Arc<dyn Host>) -> Place {
    Place { path: name.into(), host: Arc::new(WithFile::new(host.clone(), name, text)) }
}

/// Reads standard input to its end.
pub(super) fn standard_input() -> Result<Vec<u8>, Box<Diagnostic>> {
    let mut text = Vec::new();
    let error = |message: String| Err(Box::new(Diagnostic::error("unreadable-file", message)));
    match std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut text) {
        Err(why) => error(format!("standard input can't be read: {why}")),
        Ok(_) if text.len() as u64 > MOST_BYTES => error("standard input is longer than 64 MiB".to_owned()),
        Ok(_) => Ok(text),
    }
}
