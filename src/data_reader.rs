//! Data sources: checked always, read only where a command wants their values.

use crate::known;
use crate::recipe;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::document::Data;
use imgforge_template::scope::Scope;
use imgforge_template::suggest;
use imgforge_template::template::DataSources;
use imgforge_template::value::Value;

/// Reads the data sources of a template, or checks them without asking the world anything.
pub struct DataReader {
    /// Whether they are read, rather than checked alone.
    pub read: bool,
}

impl DataSources for DataReader {
    fn outputs(&self, data: &Data, scope: &Scope, diagnostics: &mut Diagnostics) -> Value {
        let name = data.kind.value.as_str();
        let known = known::DATA_SOURCES;
        if !known.names.contains(&name) {
            let diagnostic = Diagnostic::error(known.code, format!("there is no {} `{name}`", known.what));
            let diagnostic = diagnostic.at(data.kind.span);
            diagnostics.push(match suggest::closest(name, known.names.iter().copied()) {
                Some(close) => diagnostic.help(format!("did you mean `{close}`?")),
                None => diagnostic,
            });
        } else if self.read {
            let message = format!("the data source `{name}` can be checked, but not read yet");
            diagnostics.push(Diagnostic::error("not-supported-yet", message).at(data.kind.span));
        }
        recipe::evaluate(&data.body, &[], scope, diagnostics);
        Value::unknown()
    }
}
