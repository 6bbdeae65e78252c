//! HCL2 written as JSON: no panic and every place inside of the text, in what is read and in what it declares.
#![no_main]

#[path = "../../tests/support/places.rs"]
mod places;

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::{document, hcl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    places::check_body(text, hcl::json_body::parse);
    let file = Sources::default().add("t.pkr.json", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let body = hcl::json_body::parse(file, text, &mut diagnostics);
    document::hcl2::document(vec![body], &mut diagnostics);
    for label in diagnostics.iter().flat_map(|found| found.primary.iter().chain(&found.related)) {
        assert!(text.get(label.span.range()).is_some(), "{label:?}");
    }
});
