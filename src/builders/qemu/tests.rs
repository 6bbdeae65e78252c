//! Sources as users write them, and what is said about them.

use super::*;
use crate::host::LocalHost;
use imgforge_template::arguments::Arguments;
use imgforge_template::body::Entry;
use imgforge_template::gotemplate::{BuildValues, User};
use imgforge_template::source::{Origin, Sources, Span};
use imgforge_template::value::{Kind, Value};
use std::collections::BTreeMap;

/// A body of `name = value` pairs between semicolons, and where they stand; a value with commas is a list, and one
/// with slashes between commas a list of lists.
fn body(text: &str) -> (Body, Sources) {
    let sources = Sources::default();
    let file = sources.add("t.pkr.hcl", Origin::File, text);
    let (mut entries, mut at) = (BTreeMap::new(), 0);
    for pair in text.split(';') {
        let start = at + pair.len() - pair.trim_start().len();
        at += pair.len() + 1;
        let Some((name, value)) = pair.trim().split_once(" = ") else { continue };
        let key = Span::new(file, start..start + name.len());
        let span = Span::new(file, start + name.len() + 3..start + name.len() + 3 + value.len());
        entries.insert(name.to_owned(), Entry { key, value: parse(value), expression: None, span });
    }
    let context = GoContext {
        host: Arc::new(LocalHost::new().unwrap()),
        user: User::Forbidden,
        environment_allowed: false,
        secrets: None,
        build_name: None,
        build_type: None,
        template_dir: None,
        build_values: BuildValues::Forbidden,
        resource_names: Default::default(),
    };
    (Body::new(entries, Span::new(file, 0..0), Arc::new(context), true), sources)
}

fn parse(value: &str) -> Value {
    let list = |values: Vec<Value>| Kind::Tuple(values.into()).into();
    if value.contains('/') && value.contains(',') {
        list(value.split(", ").map(|inner| list(inner.split('/').map(Value::string).collect())).collect())
    } else if value.contains(", ") {
        list(value.split(", ").map(Value::string).collect())
    } else {
        Value::string(value)
    }
}

/// Reads one table of arguments that hold no mistake.
pub(super) fn read<A: Arguments>(text: &str) -> A {
    let mut diagnostics = Diagnostics::default();
    let arguments = body(text).0.read(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    arguments
}

/// What is said about a source, one message a line, each with the text it points at.
fn check(text: &str) -> String {
    let (body, sources) = body(text);
    let mut diagnostics = Diagnostics::default();
    drop(new(&body, &mut diagnostics));
    let line = |diagnostic: &imgforge_template::diagnostic::Diagnostic| {
        let place = diagnostic.primary.as_ref().map_or("nowhere".to_owned(), |label| sources.slice(label.span));
        format!("{} at [{place}]: {}", diagnostic.code, diagnostic.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

const IMAGE: &str =
    "iso_url = Cargo.toml; iso_checksum = sha1:0000000000000000000000000000000000000000; ssh_username = root";

#[test]
fn a_plain_source_is_in_order() {
    assert_eq!(check(IMAGE), "");
}

#[test]
fn harmless_arguments_of_what_is_not_done_are_taken() {
    let harmless = "disable_vnc = true; headless = true; vnc_bind_address = 0.0.0.0; vnc_use_password = true; boot_wait = -1s; \
        use_default_display = true; floppy_label = x; cd_label = cidata; http_port_min = 8100; boot_key_interval = 10ms; \
        iso_target_path = cache; use_tpm1 = true; tpm_device_type = tpm-tis; run_once = true";
    assert_eq!(check(&format!("{IMAGE}; {harmless}")), "");
}

#[test]
fn what_is_not_done_is_an_error_at_its_place() {
    assert_eq!(
        check(&format!(
            "{IMAGE}; boot_command = <enter>; http_directory = www; cd_files = a, b; floppy_files = c; net_bridge = br0; vtpm = true"
        )),
        "not-supported-yet at [br0]: the qemu builder can't do `net_bridge` yet\n\
         not-supported-yet at [true]: the qemu builder can't do `vtpm` yet\n\
         not-supported-yet at [<enter>]: the qemu builder can't do `boot_command` yet\n\
         not-supported-yet at [www]: the qemu builder can't do `http_directory` yet\n\
         not-supported-yet at [c]: the qemu builder can't do `floppy_files` yet\n\
         not-supported-yet at [a, b]: the qemu builder can't do `cd_files` yet"
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    assert_eq!(
        check(
            "iso_url = https://example.org/a.iso; iso_checksum = sha256:12; disk_size = 8GB; format = vdi; accelerator = fast; \
             use_backing_file = true; skip_resize_disk = true; vm_name = a/b; memory = 4; host_port_min = 9; \
             host_port_max = 8; vnc_port_min = 80; boot_wait = soon; qemuargs = /x, -m/1; disk_sise = 1; ssh_username = root"
        ),
        "invalid-value at [8GB]: `disk_size` is not a size: `8GB`\n\
         invalid-value at [vdi]: `format` can't be `vdi`\n\
         invalid-value at [fast]: `accelerator` can't be `fast`\n\
         not-supported-yet at [https://example.org/a.iso]: the qemu builder can't fetch the image by `https` yet\n\
         invalid-value at [sha256:12]: `sha256:12` is not a checksum\n\
         invalid-value at [true]: `use_backing_file` needs a disk image and qcow2\n\
         invalid-value at [true]: `skip_resize_disk` needs a disk image\n\
         invalid-value at [a/b]: `a/b` can't be the name of a file\n\
         memory-too-small at [4]: 4 MiB of memory are too few: the machine gets 512\n\
         invalid-value at [/x, -m/1]: entry 1 of `qemuargs` has no switch\n\
         invalid-value at [soon]: `boot_wait` is not a duration: a number is missing before `soon`\n\
         invalid-value at [80]: `vnc_port_min` must be at least 5900\n\
         invalid-value at [9]: `host_port_min` is 9, which is more than `host_port_max`, 8\n\
         unknown-argument at [disk_sise]: the builder `qemu` has no argument `disk_sise`"
    );
}

#[test]
fn an_image_and_its_checksum_are_looked_at() {
    let said = |text: &str| check(&format!("{text}; ssh_username = root"));
    assert_eq!(
        said("disk_image = true"),
        "missing-argument at []: one of `iso_url` and `iso_urls` is required\n\
         missing-argument at []: the argument `iso_checksum` is required"
    );
    assert_eq!(
        said("iso_url = a; iso_urls = b; iso_checksum = none"),
        "missing-file at [a]: there is no image `a`\n\
         no-checksum at [none]: the image's checksum is not checked\n\
         conflicting-arguments at [b]: `iso_urls` and `iso_url` exclude each other"
    );
    assert_eq!(
        said("iso_url = file://Cargo.toml; iso_checksum = file:SUMS"),
        "missing-file at [file:SUMS]: there is no file `SUMS`"
    );
    assert_eq!(
        said("iso_url = Cargo.toml; iso_checksum = md5:00"),
        "not-supported-yet at [md5:00]: MD5 checksums can't be checked"
    );
    assert_eq!(said("iso_url = Cargo.toml; iso_skip_cache = true"), "");
}
