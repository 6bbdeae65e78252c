//! Expressions of HCL2: evaluated among values of all kinds; no panic, and an end within the time of a run.
#![no_main]

#[path = "../../tests/support/memory.rs"]
mod memory;

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::host::Host;
use imgforge_template::scope::{Functions, Scope};
use imgforge_template::source::{Origin, Sources};
use imgforge_template::types::Type;
use imgforge_template::value::Value;
use imgforge_template::{eval, hcl};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::Arc;

fuzz_target!(|text: &str| {
    let files = [("/work/t/a.txt".into(), "${b} text\n".to_owned())].into();
    let host: Arc<dyn Host> = Arc::new(memory::Memory { files });
    let sources = Sources::default();
    let file = sources.add("t", Origin::Argument, text);
    let mut diagnostics = Diagnostics::default();
    let expression = hcl::parse_expression(file, text, &mut diagnostics);
    if diagnostics.has_errors() {
        return;
    }
    let strings = ["a", "b"].map(Value::string);
    let object =
        Value::object([("s", Value::string("x")), ("n", Value::number(7)), ("nul", Value::null(Type::String))]);
    let scope = Scope::new(host, Path::new("/work/t"), Functions::All, &sources)
        .with("var", Value::object([("region", Value::string("eu")), ("size", Value::number(10))]))
        .with("list", Value::list(Type::String, strings.clone()))
        .with("set", Value::set(Type::String, strings))
        .with("map", Value::map(Type::String, [("a", Value::string("b"))]))
        .with("obj", object)
        .with("sec", Value::string("s3cret").marked(true))
        .with("unk", Value::unknown_of(Type::list(Type::String)))
        .with("dyn", Value::unknown());
    eval::evaluate(&expression, &scope, &mut diagnostics);
});
