//! Sources as users write them: what is said about them.

mod requests;

use super::*;
use crate::host::LocalHost;
use crate::recipe;
use imgforge_template::arguments::Arguments;
use imgforge_template::gotemplate::{BuildValues, GoContext, User};
use imgforge_template::hcl;
use imgforge_template::host::Host;
use imgforge_template::scope::{Functions, Scope};
use imgforge_template::source::{Origin, Sources};
use imgforge_template::value::Value;
use insta::assert_snapshot;
use std::path::Path;

/// The body of a block, and where it stands.
fn body(text: &str) -> (Body, Sources) {
    let sources = Sources::default();
    let file = sources.add("t.pkr.hcl", Origin::File, text);
    let mut diagnostics = Diagnostics::default();
    let parsed = hcl::parse(file, text, &mut diagnostics);
    let host: Arc<dyn Host> = Arc::new(LocalHost::new().unwrap());
    let scope = Scope::new(host.clone(), Path::new("."), Functions::All, &sources).with("later", Value::unknown());
    let entries = recipe::evaluate(&parsed, &[], &scope, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let context = GoContext {
        host,
        user: User::Forbidden,
        environment_allowed: false,
        secrets: None,
        build_name: None,
        build_type: None,
        template_dir: None,
        build_values: BuildValues::Forbidden,
        resource_names: None,
    };
    (Body::new(entries, Span::new(file, 0..0), Arc::new(context), false), sources)
}

/// Reads one table of arguments that hold no mistake.
pub(super) fn read<A: Arguments>(text: &str) -> A {
    let mut diagnostics = Diagnostics::default();
    let arguments = body(text).0.read(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    arguments
}

/// A source without mistakes.
pub(super) fn builder(text: &str) -> Googlecompute {
    let mut diagnostics = Diagnostics::default();
    let builder = Googlecompute::new(&body(text).0, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    builder
}

/// What is said about a source, one message a line, each with the text it points at.
fn check(text: &str) -> String {
    let (body, sources) = body(text);
    let mut diagnostics = Diagnostics::default();
    drop(Googlecompute::new(&body, &mut diagnostics));
    let line = |diagnostic: &imgforge_template::diagnostic::Diagnostic| {
        let place = diagnostic.primary.as_ref().map_or("nowhere".to_owned(), |label| sources.slice(label.span));
        format!("{} at [{place}]: {}", diagnostic.code, diagnostic.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) const PLAIN: &str = r#"
    project_id   = "acme"
    zone         = "europe-west1-b"
    source_image = "debian-12-v1"
    ssh_username = "packer"
"#;

#[test]
fn a_plain_source_is_in_order() {
    assert_eq!(check(PLAIN), "");
}

#[test]
fn every_mistake_is_reported_at_once() {
    assert_snapshot!(
        check(
            r#"
            access_token     = "ya29.a"
            credentials_json = "{}"
            credentials_file = "nowhere.json"
            custom_endpoints = { computer = "http://127.0.0.1/", storage = "127.0.0.1" }

            project_id = ""
            zone       = "europe"
            image_name = "Web_1"
            image_family = "web-"
            image_labels = { Owner = "me", team = "A B", imgforge-run = "1" }
            image_storage_locations = ["eu", "us"]
            image_architecture = "mips"
            image_encryption_key {
              kmsKeyName = "projects/p/k"
              rawKey     = "c2hvcnQ="
            }
            image_platform_key = "pk.der"
            image_signatures_db = ["db.der"]
            deprecate_at = "tomorrow"
            delete_at = "2001-01-01T00:00:00Z"

            disk_attachment {
              volume_size = 10
              source_image = "x"
              valume_type = "pd-ssd"
            }
            disk_attachment {
              volume_type = "pd-fast"
            }
            disk_attachment {
              volume_type = "scratch"
              device_name = "data"
              interface_type = "SATA"
              create_image = true
            }
            disk_attachment {
              source_volume = "projects/p/zones/z/disks/d"
              volume_size = 1
              create_image = true
            }
            disk_attachment {
              volume_type = "pd-extreme"
              volume_size = 100
              iops = 5
              attachment_mode = "WRITE"
            }
            machine_type = ""
            instance_name = "1web"
            metadata_files = { a = "nowhere.txt" }
            startup_script_file = "nowhere.sh"
            service_account_email = "a@b"
            disable_default_service_account = true
            accelerator_count = 1
            enable_integrity_monitoring = true

            preemptible = true
            on_host_maintenance = "MIGRATE"
            max_run_duration_in_seconds = 5
            instance_termination_action = "KEEP"
            node_affinity {
              key = "a"
              operator = "IS"
              values = ["b"]
            }
            reservation_affinity {
              consume_reservation_type = "SPECIFIC_RESERVATION"
            }
            omit_external_ip = true
            address = "web"
            network_ip = "10.0.0"
            communicator = "winrm"
            machine_typ = "x"
            "#
        ),
        @r##"
        unknown-argument at [valume_type]: the block `disk_attachment` has no argument `valume_type`
        conflicting-arguments at ["nowhere.json"]: `credentials_file` and `access_token` exclude each other
        conflicting-arguments at ["{}"]: `credentials_json` and `access_token` exclude each other
        missing-file at ["nowhere.json"]: there is no file `nowhere.json`
        invalid-value at [{ computer = "http://127.0.0.1/", storage = "127.0.0.1" }]: `custom_endpoints` has no key `computer`
        invalid-value at [{ computer = "http://127.0.0.1/", storage = "127.0.0.1" }]: the address of `storage` is not one: `127.0.0.1`
        invalid-value at [""]: `project_id` must not be empty
        missing-argument at []: one of `source_image` and `source_image_family` is required
        invalid-value at ["Web_1"]: `image_name` can't be `Web_1`
        invalid-value at ["web-"]: `image_family` can't be `web-`
        invalid-value at [{ Owner = "me", team = "A B", imgforge-run = "1" }]: a label in `image_labels` can't have the key `Owner`
        invalid-value at [{ Owner = "me", team = "A B", imgforge-run = "1" }]: the label `imgforge-run` in `image_labels` is one that imgforge gives
        invalid-value at [{ Owner = "me", team = "A B", imgforge-run = "1" }]: the label `team` in `image_labels` can't have the value `A B`
        invalid-value at ["us"]: an image is stored in one location alone
        invalid-value at ["mips"]: there is no architecture `mips`
        conflicting-arguments at ["c2hvcnQ="]: `rawKey` and `kmsKeyName` exclude each other
        invalid-value at ["c2hvcnQ="]: `rawKey` is not 256 bits in base64
        missing-file at ["pk.der"]: there is no file `pk.der`
        missing-file at ["db.der"]: there is no file `db.der`
        invalid-value at ["tomorrow"]: `deprecate_at` is not a date
        invalid-value at ["2001-01-01T00:00:00Z"]: `delete_at` is over already
        invalid-value at [true]: the image is made of one disk alone
        missing-argument at [disk_attachment]: a further disk needs a `volume_type`
        invalid-value at ["pd-fast"]: there is no `volume_type` `pd-fast`
        invalid-value at ["data"]: a `scratch` disk has no `device_name`
        invalid-value at [true]: a `scratch` disk has no `create_image`
        invalid-value at ["SATA"]: `interface_type` can't be `SATA`
        conflicting-arguments at [1]: `volume_size` and `source_volume` exclude each other
        invalid-value at ["WRITE"]: `attachment_mode` can't be `WRITE`
        invalid-value at [5]: a `pd-extreme` has 10000 to 120000 `iops`
        invalid-value at ["1web"]: `instance_name` can't be `1web`
        invalid-value at [""]: `machine_type` must not be empty
        missing-file at [{ a = "nowhere.txt" }]: there is no file `nowhere.txt`
        missing-file at ["nowhere.sh"]: there is no file `nowhere.sh`
        conflicting-arguments at ["a@b"]: `service_account_email` and `disable_default_service_account` exclude each other
        invalid-value at [1]: accelerators need an `accelerator_type`
        invalid-value at [true]: `enable_integrity_monitoring` needs a virtual TPM
        invalid-value at ["MIGRATE"]: a machine that Google may take away can't be migrated
        invalid-value at [5]: Google has no such `max_run_duration_in_seconds`
        invalid-value at ["KEEP"]: `instance_termination_action` can't be `KEEP`
        invalid-value at ["IS"]: `operator` can't be `IS`
        invalid-value at ["SPECIFIC_RESERVATION"]: a specific reservation needs a `key` and `values`
        invalid-value at [true]: a machine without an external address is reached by its internal one
        conflicting-arguments at ["web"]: `address` and `omit_external_ip` exclude each other
        invalid-value at ["10.0.0"]: `10.0.0` is not an IPv4 address
        not-supported-yet at ["winrm"]: the communicator `winrm` is not supported yet
        unknown-argument at [machine_typ]: the builder `googlecompute` has no argument `machine_typ`
        "##
    );
}

#[test]
fn what_is_not_known_yet_is_not_judged() {
    let unknown = "project_id = later\nzone = later\nsource_image = later\nssh_username = later\nmachine_type = later\n\
                   image_name = later\naddress = later\nomit_external_ip = true\nuse_internal_ip = later";
    assert_eq!(check(unknown), "");
}

#[test]
fn a_disk_is_a_kind_and_a_size_or_one_that_exists() {
    let said = |block: &str| check(&format!("{PLAIN}\ndisk_attachment {{\n{block}\n}}"));
    assert_eq!(said("volume_type = \"pd-ssd\"\nvolume_size = 10"), "");
    assert_eq!(said("volume_type = \"hyperdisk-balanced\"\nsource_image = \"x\""), "");
    assert_eq!(said("source_volume = \"projects/p/zones/z/disks/d\""), "");
    assert_eq!(said("volume_type = \"scratch\""), "");
    let said = said("volume_type = \"pd-ssd\"");
    assert!(said.ends_with("a new disk needs a `volume_size` in GB"), "{said}");
}

#[test]
fn an_empty_text_is_as_good_as_none() {
    let with = |more: &str| check(&format!("{PLAIN}{more}"));
    assert_eq!(
        with("accelerator_count = 1\naccelerator_type = \"\""),
        "invalid-value at [1]: accelerators need an `accelerator_type`"
    );
    let disk = "disk_attachment {\n volume_type = \"\"\n volume_size = 100\n create_image = true\n}";
    assert!(with(disk).ends_with("a further disk needs a `volume_type`"), "{}", with(disk));
    assert_eq!(with("disk_attachment {\n source_volume = \"\"\n volume_type = \"pd-ssd\"\n volume_size = 10\n}"), "");
    assert_eq!(with("disk_attachment {\n source_volume = \"disks/data\"\n volume_type = \"\"\n}"), "");
}

#[test]
fn the_user_of_os_login_is_known_to_google() {
    let source = "project_id = \"p\"\nzone = \"europe-west1-b\"\nsource_image = \"i\"\n";
    assert_eq!(check(source), "missing-argument at []: the argument `ssh_username` is required to connect by SSH");
    assert_eq!(check(&format!("{source}use_os_login = true")), "");
    assert_eq!(check(&format!("{source}communicator = \"none\"")), "");
}
