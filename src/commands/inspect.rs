//! `imgforge inspect`: what a template holds. The layout is Packer's, since scripts read it.

use super::loaded::look;
use super::session::Session;
use crate::cli::TemplateOptions;
use crate::event::{Event, Events};
use crate::exit::Exit;
use crate::host::LocalHost;
use crate::reports::Audience;
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

pub(crate) fn run(arguments: &InspectArguments, audience: Audience) -> Exit {
    let session = Session::terminal(audience, None);
    let host: Arc<dyn Host> = match LocalHost::new() {
        Ok(host) => Arc::new(host),
        Err(error) => return session.fail(&anyhow::Error::new(error).context("find the working directory")),
    };
    let Some(looked) = look(arguments.template.as_deref(), &arguments.options, &host, &session) else {
        return Exit::Failed;
    };
    let events = &session.events;
    match looked.template.document.language {
        Language::Hcl2 => hcl2(&looked.template, events),
        Language::Legacy => legacy(&looked.template, events),
    }
    Exit::Success
}

fn hcl2(template: &Template, events: &Events) {
    events.say("Packer Inspect: HCL2 mode\n");
    events.say(values(template).join("\n"));
    let builds = template.document.builds.iter().enumerate();
    let builds = builds.flat_map(|(index, build)| one_build(build, index, template));
    events.say(["> builds:".to_owned(), String::new()].into_iter().chain(builds).collect::<Vec<_>>().join("\n"));
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

/// What programs read of an entry, as type and values, and its line for people.
struct Entry<'a> {
    kind: &'static str,
    values: Vec<&'a str>,
    line: String,
}

fn legacy(template: &Template, events: &Events) {
    let document = &template.document;
    events.say("Packer Inspect: JSON mode");
    if let Some(description) = document.description.as_ref().filter(|text| !text.is_empty()) {
        events.say(format!("Description:\n\n{description}\n"));
    }
    let titled = |title: &str, entries: Vec<Entry<'_>>, none: &str| {
        events.say(format!("{title}\n"));
        if entries.is_empty() && !none.is_empty() {
            events.say(none);
        }
        for Entry { kind, values, line } in entries {
            let values = values.into_iter().map(str::to_owned).collect();
            events.emit(Event::Fact { build: String::new(), kind, values });
            events.say(line);
        }
        events.say("");
    };
    let mut variables: Vec<&Variable> = document.variables.iter().collect();
    variables.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let width = variables.iter().map(|variable| variable.name.value.chars().count()).max().unwrap_or_default();
    let (optional, required): (Vec<_>, Vec<_>) = variables.into_iter().partition(|variable| variable.default.is_some());
    if optional.is_empty() && required.is_empty() {
        titled("Variables:", Vec::new(), "  <No variables>");
    } else {
        if !required.is_empty() {
            titled("Required variables:", required.iter().map(|variable| required_variable(variable)).collect(), "");
        }
        let optional = optional.iter().map(|variable| optional_variable(variable, width));
        titled("Optional variables and their defaults:", optional.collect(), "");
    }
    let mut builders: Vec<_> =
        document.sources.iter().map(|source| (&*source.name.value, &*source.kind.value)).collect();
    builders.sort_unstable();
    let width = builders.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let builders = builders.into_iter().map(|(name, kind)| {
        let shown = if name == kind { String::new() } else { format!(" ({kind})") };
        Entry { kind: "template-builder", values: vec![name, kind], line: format!("  {name:width$}{shown}") }
    });
    titled("Builders:", builders.collect(), "  <No builders>");
    let provisioners = document.builds.iter().flat_map(|build| &build.provisioners).map(|step| {
        let name = step.kind.value.as_str();
        Entry { kind: "template-provisioner", values: vec![name], line: format!("  {name}") }
    });
    titled("Provisioners:", provisioners.collect(), "  <No provisioners>");
    events.say("Note: names of builds are shown as they are written. Variables and functions\nin them get their values when they are built.");
}

fn required_variable(variable: &Variable) -> Entry<'_> {
    let name = variable.name.value.as_str();
    Entry { kind: "template-variable", values: vec![name, "", "1"], line: format!("  {name}") }
}

/// `NAME = DEFAULT`, as it is written; the name is filled up to `width`.
fn optional_variable(variable: &Variable, width: usize) -> Entry<'_> {
    let default = match variable.default.as_ref().map(|default| &default.kind) {
        _ if variable.sensitive => "<sensitive>",
        Some(ExpressionKind::String(text)) => text.value(),
        _ => "",
    };
    let name = variable.name.value.as_str();
    Entry { kind: "template-variable", values: vec![name, default, "0"], line: format!("  {name:width$} = {default}") }
}
