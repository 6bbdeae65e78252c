//! HCL2: no panic, every place inside of the text, tokens that cover it, and the verdict of another parser.
#![no_main]

#[path = "../../tests/support/places.rs"]
mod places;
#[path = "../../tests/support/printed.rs"]
mod printed;
#[path = "../../tests/support/verdict.rs"]
mod verdict;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    places::check_tokens(text);
    places::check_tree(text);
    printed::check(text);
    if let Err(difference) = verdict::compare(text) {
        panic!("{difference}");
    }
});
