//! `imgforge inspect`: what a template holds. The layout is Packer's, since scripts read it.

use super::loaded::look;
use super::session::Session;
use crate::cli::{TemplateOptions, colour};
use crate::exit::Exit;
use crate::host::LocalHost;
use clap::Args;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::{Build, Language, SourceUse, Step, Variable};
use imgforge_template::eval;
use imgforge_template::host::Host;
use imgforge_template::print::{Made, print, print_line};
use imgforge_template::repeat::Repeat;
use imgforge_template::scope::Scope;
use imgforge_template::syntax::{Expression, ExpressionKind};
use imgforge_template::template::Template;
use imgforge_template::value::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// Show the variables, builds and components of a template
#[derive(Args, Debug)]
pub struct InspectArguments {
    /// The template: a `.pkr.hcl` file, a folder of them, a legacy JSON file, or `-` for JSON on standard input
    pub template: Option<PathBuf>,
    #[command(flatten)]
    pub options: TemplateOptions,
}

pub(crate) fn run(arguments: &InspectArguments) -> Exit {
    let session = Session::terminal(colour(None), false);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let Some(looked) = look(arguments.template.as_deref(), &arguments.options, &host, &session) else {
        return Exit::Failed;
    };
    let lines = match looked.template.document.language {
        Language::Hcl2 => hcl2(&looked.template),
        Language::Legacy => legacy(&looked.template),
    };
    session.events.say(lines.join("\n"));
    Exit::Success
}

fn hcl2(template: &Template) -> Vec<String> {
    let mut lines = vec!["Packer Inspect: HCL2 mode".to_owned(), String::new()];
    lines.extend(values(template));
    lines.extend(["> builds:".to_owned(), String::new()]);
    for (index, build) in template.document.builds.iter().enumerate() {
        lines.extend(one_build(build, index, template));
    }
    lines
}

/// The variables and locals of an HCL2 template with their values, by name.
pub(super) fn values(template: &Template) -> Vec<String> {
    let mut lines = Vec::new();
    let lists = [("input-variables", "var", Made::Declared), ("local-variables", "local", Made::Computed)];
    for (title, root, made) in lists {
        lines.extend([format!("> {title}:"), String::new()]);
        let members = template.scope.names.get(root).and_then(Value::members).into_iter().flatten();
        lines.extend(members.map(|(name, value)| format!("{root}.{name}: {}", print_line(value, made))));
        lines.push(String::new());
    }
    lines
}

fn one_build(build: &Build, index: usize, template: &Template) -> Vec<String> {
    let name = build.name.as_ref().map(|name| text(name, &template.scope)).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| format!("<unnamed build {index}>"));
    let mut lines = vec![format!("  > {name}:"), String::new()];
    if let Some(description) = &build.description {
        lines.extend([format!("  > Description: {}", text(description, &template.scope)), String::new()]);
    }
    let sources = build.sources.iter().flat_map(|used| references(used, template));
    let sources = sources.flat_map(|name| [format!("      {name}"), String::new()]);
    lines.extend(section("sources", sources.collect(), "<no source>"));
    let scope = &template.scope;
    let provisioners = build.provisioners.iter().flat_map(|step| step_names(step, scope));
    let mut provisioners: Vec<_> = provisioners.map(|name| format!("      {name}")).collect();
    if !provisioners.is_empty() {
        provisioners.push(String::new());
    }
    lines.extend(section("provisioners", provisioners, "<no provisioner>"));
    let sequences = build.post_processors.iter().flat_map(|sequence| {
        scopes(sequence.repeat.as_deref(), scope).into_iter().map(move |scope| (&sequence.steps, scope))
    });
    let post_processors = sequences.enumerate().flat_map(|(index, (steps, scope))| {
        let steps = steps.iter().flat_map(|step| step_names(step, &scope)).map(|name| format!("        {name}"));
        std::iter::once(format!("      {index}:")).chain(steps).chain([String::new()]).collect::<Vec<_>>()
    });
    lines.extend(section("post-processors", post_processors.collect(), "<no post-processor>"));
    lines
}

fn section(title: &str, mut lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() {
        lines.extend([format!("      {none}"), String::new()]);
    }
    [format!("    {title}:"), String::new()].into_iter().chain(lines).collect()
}

/// The scope of each element that a `dynamic` block goes through; the scope itself for another block.
fn scopes(repeat: Option<&Repeat>, scope: &Scope) -> Vec<Scope> {
    match repeat {
        None => vec![scope.clone()],
        Some(repeat) => {
            let elements = repeat.elements(scope, &mut Diagnostics::default());
            elements.into_iter().map(|(name, value)| scope.clone().with(&name, value)).collect()
        }
    }
}

/// `TYPE.NAME` of each source that is used.
fn references(used: &SourceUse, template: &Template) -> Vec<String> {
    let short = |reference: &str| reference.strip_prefix("source.").unwrap_or(reference).to_owned();
    match used {
        SourceUse::Block { reference, repeat: None, .. } => vec![short(&reference.value)],
        SourceUse::Block { repeat: Some(repeat), .. } => {
            let labels = scopes(Some(repeat), &template.scope);
            let labels = labels.iter().filter_map(|scope| repeat.label(scope, &mut Diagnostics::default()));
            labels.map(|label| short(&label.value)).collect()
        }
        SourceUse::List(expression) => {
            let value = eval::evaluate(expression, &template.scope, &mut Diagnostics::default());
            match value.elements() {
                Some(elements) => elements.iter().map(|element| short(&print(element))).collect(),
                None => vec![print(&value)],
            }
        }
        SourceUse::All => Vec::new(),
    }
}

/// `TYPE`, or `TYPE.NAME` of a step that has a name; as often as `dynamic` repeats it.
fn step_names(step: &Step, scope: &Scope) -> Vec<String> {
    let name = step.body.attributes.iter().find(|attribute| attribute.name.value == "name");
    let repeat = step.repeat.as_deref();
    let one = |scope: Scope| {
        let label = repeat.and_then(|repeat| repeat.label(&scope, &mut Diagnostics::default()));
        let kind = label.map_or_else(|| step.kind.value.clone(), |label| label.value);
        match name {
            Some(name) => format!("{kind}.{}", text(&name.value, &scope)),
            None => kind,
        }
    };
    scopes(repeat, scope).into_iter().map(one).collect()
}

fn text(expression: &Expression, scope: &Scope) -> String {
    print(&eval::evaluate(expression, scope, &mut Diagnostics::default()))
}

fn legacy(template: &Template) -> Vec<String> {
    let document = &template.document;
    let mut lines = vec!["Packer Inspect: JSON mode".to_owned()];
    let mut titled = |title: &str, entries: Vec<String>| {
        lines.extend([title.to_owned(), String::new()]);
        lines.extend(entries);
        lines.push(String::new());
    };
    if let Some(description) = document.description.as_ref().filter(|text| !text.is_empty()) {
        titled("Description:", vec![description.clone()]);
    }
    let mut variables: Vec<&Variable> = document.variables.iter().collect();
    variables.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let width = variables.iter().map(|variable| variable.name.value.chars().count()).max().unwrap_or_default();
    let (optional, required): (Vec<_>, Vec<_>) = variables.into_iter().partition(|variable| variable.default.is_some());
    if !required.is_empty() {
        titled("Required variables:", required.iter().map(|variable| format!("  {}", *variable.name)).collect());
    }
    if optional.is_empty() && required.is_empty() {
        titled("Variables:", vec!["  <No variables>".to_owned()]);
    } else {
        titled("Optional variables and their defaults:", defaults(&optional, width));
    }
    let mut builders: Vec<_> =
        document.sources.iter().map(|source| (&*source.name.value, &*source.kind.value)).collect();
    builders.sort_unstable();
    let width = builders.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let builders = builders.iter().map(|(name, kind)| {
        let kind = if name == kind { String::new() } else { format!(" ({kind})") };
        format!("  {name:width$}{kind}")
    });
    titled("Builders:", or(builders.collect(), "  <No builders>"));
    let provisioners = document.builds.iter().flat_map(|build| &build.provisioners);
    let provisioners = provisioners.map(|step| format!("  {}", step.kind.value));
    titled("Provisioners:", or(provisioners.collect(), "  <No provisioners>"));
    lines.push("Note: names of builds are shown as they are written. Variables and functions\nin them get their values when they are built.".to_owned());
    lines
}

fn or(mut lines: Vec<String>, none: &str) -> Vec<String> {
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    lines
}

/// `NAME = DEFAULT` of each variable, as it is written; names are filled up to `width`.
fn defaults(variables: &[&Variable], width: usize) -> Vec<String> {
    let lines = variables.iter().map(|variable| {
        let default = match variable.default.as_ref().map(|default| &default.kind) {
            _ if variable.sensitive => "<sensitive>",
            Some(ExpressionKind::String(text)) => text.value(),
            _ => "",
        };
        format!("  {:width$} = {default}", variable.name.value)
    });
    lines.collect()
}
