//! `imgforge hcl2_upgrade`: a legacy template as HCL2, in a file of its own.

use super::place::{is_hcl2, place};
use super::session::Session;
use crate::cli::TemplateArguments;
use crate::component;
use crate::data_reader::DataReader;
use crate::event::Event;
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::output_file::OutputFile;
use crate::plan::{self, Selection};
use crate::reports::Audience;
use crate::{builders, plugins, post_processors, provisioners, schema};
use anyhow::anyhow;
use clap::Args;
use imgforge_template::arguments::Argument;
use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::host::Host;
use imgforge_template::schema::{Field, Shape};
use imgforge_template::source::{Origin, Sources};
use imgforge_template::template::{self, Depth, Request, Template, World};
use imgforge_template::upgrade::{Kinds, Options, Part, is_overlooked, upgrade};
use imgforge_template::{fix, hcl};
use std::path::PathBuf;
use std::sync::Arc;

/// Write a legacy JSON template as HCL2
#[derive(Args, Debug)]
pub struct Hcl2UpgradeArguments {
    #[command(flatten)]
    pub template: TemplateArguments,
    /// Where to write it [default: the template's name with `.pkr.hcl` behind it]
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Say in comments what the parts are
    #[arg(long, value_name = "BOOL")]
    pub with_annotations: bool,
}

/// Mistakes that a template in HCL2 has in the same way: what a component demands, and what is not there yet. All
/// others keep a template from being upgraded.
const KEPT: [&str; 6] =
    ["conflicting-arguments", "invalid-value", "missing-argument", "missing-file", "nothing-to-do", "unset-variable"];

/// Mistakes of variables that Packer may get over; then the template is in use, and has them in HCL2 too.
const OVERLOOKED: [&str; 2] = ["reference-cycle", "undefined-variable"];

pub(crate) fn run(arguments: &Hcl2UpgradeArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let path = &arguments.template.template;
    if is_hcl2(path, host.as_ref()) {
        return session.fail(&anyhow!("`{}` is HCL2 already", path.display()));
    }
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let text = upgraded(arguments, &host, &sources, &mut diagnostics);
    let list = diagnostics.into_sorted();
    if !list.is_empty() {
        session.events.emit(Event::Diagnostics { sources: Arc::new(sources), list });
    }
    let Some(text) = text else { return Exit::Failed };
    let target = arguments.output_file.clone().unwrap_or_else(|| {
        let mut name = path.clone().into_os_string();
        name.push(".pkr.hcl");
        name.into()
    });
    let is_input =
        std::fs::canonicalize(&target).ok().is_some_and(|target| std::fs::canonicalize(path).ok() == Some(target));
    if is_input {
        return session.fail(&anyhow!("`{}` is the template itself: name another file to write", target.display()));
    }
    if let Err(error) = OutputFile::named(&target, &host.working_directory()).write(text.as_bytes()) {
        return session.fail(&error);
    }
    session.events.say(format!("{} is written.", target.display()));
    Exit::Success
}

/// The text in HCL2; `None` where mistakes stand, which are in the diagnostics.
fn upgraded(
    arguments: &Hcl2UpgradeArguments,
    host: &Arc<dyn Host>,
    sources: &Sources,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let options = &arguments.template.options;
    let place = match place(Some(&arguments.template.template), options.config_type, host) {
        Ok(place) => place,
        Err(problem) => {
            diagnostics.push(*problem);
            return None;
        }
    };
    let inputs = options.inputs(false);
    let request = Request { path: &place.path, inputs: &inputs, depth: Depth::Everything, data_first: false };
    let world = World { host: &place.host, sources, data: &DataReader::new(false), secrets: None };
    let template = template::load(&request, &world, diagnostics);
    let text =
        template.as_ref().and_then(|template| of_template(template, arguments.with_annotations, host, diagnostics));
    text.and_then(|text| {
        let file = sources.add("the new template", Origin::Argument, text.clone());
        hcl::format(file, &text, diagnostics)
    })
}

/// Checks a template as `validate` does and, if it is sound, writes it as HCL2. What a component demands besides is left
/// to be found in the new template.
fn of_template(
    template: &Template,
    annotations: bool,
    host: &Arc<dyn Host>,
    diagnostics: &mut Diagnostics,
) -> Option<String> {
    let selection = Selection::new(&[], &[], template.document.language, diagnostics);
    plan::plan(template, &selection, host, diagnostics);
    // An old option is no worse in the new template.
    let old: Vec<_> = fix::old_options(&template.document).into_iter().map(|mended| mended.place).collect();
    let is_overlooked = is_overlooked(template);
    diagnostics.retain(|found| {
        let is_old = found.primary.as_ref().is_some_and(|label| old.contains(&label.span));
        let is_kept = KEPT.contains(&found.code) || is_overlooked && OVERLOOKED.contains(&found.code);
        found.severity == Severity::Error && !is_old && !is_kept
    });
    if diagnostics.has_errors() {
        return None;
    }
    fix::advise(&template.document, diagnostics);
    Some(upgrade(template, &Options { annotations, kinds: &Components }, diagnostics))
}

/// The arguments of all components: those that are ours and those that are only known.
pub struct Components;

impl Kinds for Components {
    fn kind(&self, part: Part, component: &str, path: &[&str]) -> Option<String> {
        let (what, own) = match part {
            Part::Builder => ("builder", own(builders::BUILDERS, component)),
            Part::Provisioner => ("provisioner", own(provisioners::PROVISIONERS, component)),
            Part::PostProcessor => ("post-processor", own(post_processors::POST_PROCESSORS, component)),
        };
        if let Some(tables) = own {
            let [name] = path else { return None };
            let argument = tables.iter().flat_map(|table| table.iter()).find(|argument| argument.name == *name);
            return argument.map(|argument| argument.kind.to_owned());
        }
        let (last, outer) = path.split_last()?;
        let mut fields: Vec<Field> = schema::find(what, component)?.schema.fields;
        for name in outer {
            match fields.into_iter().find(|field| field.name == *name)?.shape {
                Shape::Block { fields: inner, .. } => fields = inner,
                Shape::Argument(_) => return None,
            }
        }
        Some(match fields.into_iter().find(|field| field.name == *last)?.shape {
            Shape::Argument(kind) => kind.to_owned(),
            Shape::Block { is_repeated: true, .. } => "blocks".to_owned(),
            Shape::Block { is_repeated: false, .. } => "block".to_owned(),
        })
    }

    fn plugin(&self, component: &str) -> Option<(&'static str, &'static str)> {
        plugins::of_component(component)
    }
}

fn own<T: ?Sized>(registry: &'static [component::Component<T>], name: &str) -> Option<&'static [&'static [Argument]]> {
    component::find(registry, name).map(|component| component.arguments)
}
