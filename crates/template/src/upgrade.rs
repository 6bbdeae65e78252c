//! A legacy template as HCL2: the same builds, with the expressions that HCL2 has for what stood in `{{ }}`.
//!
//! Nothing is lost on the way: builders keep their names, provisioners their `override`, and texts that components
//! render themselves stay as they are.

mod arguments;
mod component;
mod overlooked;
mod plugins;
mod source;
mod text;
mod vagrant;
mod variables;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::template::Template;
pub use arguments::{Kinds, Part};
pub use overlooked::is_overlooked;
use source::Sources;
use variables::Variables;

/// How to write it.
pub struct Options<'a> {
    /// Say in comments what the parts are.
    pub annotations: bool,
    /// The types of arguments: HCL2 wants them, where JSON takes anything.
    pub kinds: &'a dyn Kinds,
}

/// Writes a legacy template that is sound as HCL2, not formatted yet. What has no counterpart goes to the diagnostics.
pub fn upgrade(template: &Template, options: &Options<'_>, diagnostics: &mut Diagnostics) -> String {
    let document = &template.document;
    let mut upgrade = Upgrade {
        template,
        kinds: options.kinds,
        variables: Variables::of(template, diagnostics),
        sources: Sources::of(template, diagnostics),
        diagnostics,
    };
    // What they use is declared before them.
    let sources: Vec<String> = document.sources.iter().map(|source| upgrade.source(source)).collect();
    let builds: Vec<String> = document.builds.iter().map(|build| upgrade.build(build)).collect();
    let locals = upgrade.locals();
    let sections = [
        ("What this template needs.", vec![plugins::packer_block(document, options.kinds)]),
        ("Values from outside: by `-var`, a var file, or `PKR_VAR_name` in the environment.", upgrade.variables()),
        ("Values made of others.", locals),
        ("Where images come from. Each of them is built as the `build` block says.", sources),
        ("What is done with a machine, and with what comes of it.", builds),
    ];
    let mut text = String::new();
    for (what, blocks) in sections {
        let mut blocks = blocks.into_iter().filter(|block| !block.is_empty()).peekable();
        if options.annotations && blocks.peek().is_some() {
            text.push_str(&format!("# {what}\n"));
        }
        for block in blocks {
            text.push_str(&block);
            text.push('\n');
        }
    }
    while text.ends_with("\n\n") {
        text.pop();
    }
    text
}

struct Upgrade<'a> {
    template: &'a Template,
    kinds: &'a dyn Kinds,
    variables: Variables,
    sources: Sources,
    diagnostics: &'a mut Diagnostics,
}

impl Upgrade<'_> {
    fn not_translated(&mut self, place: crate::source::Span) {
        self.diagnostics.push(
            Diagnostic::warning("not-translated", "this has no counterpart in HCL2 and is left as it is")
                .at(place)
                .help("write what it stands for into the new template"),
        );
    }
}
