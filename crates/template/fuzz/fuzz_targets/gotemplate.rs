//! Go templates: read and rendered with all kinds of fields; no panic, every place inside of the text.
#![no_main]

#[path = "../../tests/support/memory.rs"]
mod memory;

use imgforge_template::diagnostic::{Diagnostics, Severity};
use imgforge_template::gotemplate::{BuildValues, Fields, GoContext, GoTemplate, ResourceNames, User};
use imgforge_template::source::{Origin, Sources, Text};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|source: &str| {
    let file = Sources::default().add("t.json", Origin::File, source);
    let mut text = Text::new(file);
    text.push_verbatim(source, 0);
    let mut diagnostics = Diagnostics::default();
    let template = GoTemplate::parse(Arc::new(text), &mut diagnostics);
    let users = [("a".to_owned(), Some("x".to_owned())), ("b".to_owned(), None)];
    let context = GoContext {
        host: Arc::new(memory::Memory::default()),
        user: User::Variables { values: std::sync::Arc::new(users.into()), undeclared: Severity::Error },
        environment_allowed: true,
        secrets: None,
        build_name: Some("web".to_owned()),
        build_type: Some("qemu".to_owned()),
        template_dir: Some("/work".into()),
        build_values: BuildValues::Known([("ID".to_owned(), "id".to_owned())].into()),
        resource_names: Some(ResourceNames::Amazon),
    };
    let values = [("A".to_owned(), "a".to_owned())].into();
    for fields in [Fields::None, Fields::Names(&["A"]), Fields::Values(values)] {
        template.render(&context, &fields, &mut diagnostics);
    }
    for diagnostic in diagnostics.iter() {
        for label in diagnostic.primary.iter().chain(&diagnostic.related) {
            assert!(source.get(label.span.range()).is_some(), "{:?}", label.span);
        }
    }
});
