//! What each argument of googlecompute-export and googlecompute-import changes in what Google is asked: runs that differ in
//! one argument, their recorded requests held against each other.

use super::fake::{Fake, TOKEN};
use super::forge::{Place, builder};
use super::requests::{self, Requests};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each argument, what a template has for it, and what another has that lacks this argument alone.
type Case = (&'static str, Value, Value);

/// Arguments that change no request by themselves, and why.
const SILENT: &[(&str, &str)] = &[
    ("access_token", "who asks: the header `Authorization`"),
    ("custom_endpoints", "whom is asked: every request of these tests"),
    ("universe_domain", "whom is asked: the domain of every address"),
];
/// The same of the import alone, which warns of them.
const IGNORED: &[(&str, &str)] =
    &[("iap", "nothing is connected to"), ("scopes", "credentials are made for all of the cloud platform")];

const ACCOUNT: &str = "builder@fake-project.iam.gserviceaccount.com";

fn with(members: &Value, more: &Value) -> Value {
    let mut all = members.clone();
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// A post-processor with members that a test adds or replaces; `null` takes one away.
fn post_processor(plain: &Value, more: &Value) -> Value {
    let mut all = with(plain, more);
    all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    all
}

/// The arguments that say who asks; each is held against a token.
fn credentials(fake: &Fake) -> Vec<Case> {
    let place = json!({"custom_endpoints": fake.endpoints()});
    let token = || with(&place, &json!({"access_token": TOKEN}));
    let instead = |more: Value| with(&with(&place, &json!({"access_token": null})), &more);
    // What it grants costs a call, so that it is seen in the log whether it was used.
    let user = fake.credentials("authorized_user").to_string();
    vec![
        ("account_file", instead(json!({"account_file": user})), token()),
        ("credentials_file", instead(json!({"credentials_file": "user.json"})), token()),
        ("credentials_json", instead(json!({"credentials_json": user})), token()),
        ("impersonate_service_account", instead(json!({"impersonate_service_account": ACCOUNT})), token()),
        ("vault_gcp_oauth_engine", instead(json!({"vault_gcp_oauth_engine": "gcp/token/images"})), token()),
    ]
}

fn exports() -> Vec<Case> {
    let none = || json!({});
    let account = || json!({"service_account_email": "worker@demo.iam.gserviceaccount.com"});
    let scopes = json!({"scopes": ["https://www.googleapis.com/auth/devstorage.read_write"]});
    vec![
        ("disk_size", json!({"disk_size": 30}), none()),
        ("disk_type", json!({"disk_type": "pd-balanced"}), none()),
        ("machine_type", json!({"machine_type": "n1-standard-1"}), none()),
        ("network", json!({"network": "other"}), none()),
        ("omit_external_ip", json!({"omit_external_ip": true}), none()),
        ("paths", json!({"paths": ["gs://images/other.tar.gz"]}), none()),
        ("scopes", with(&account(), &scopes), account()),
        ("service_account_email", account(), none()),
        ("source_image_family", json!({"source_image_family": "debian-13"}), none()),
        ("subnetwork", json!({"subnetwork": "default"}), none()),
        ("zone", json!({"zone": "europe-west1-c"}), none()),
    ]
}

fn imports() -> Vec<Case> {
    let none = || json!({});
    vec![
        ("bucket", json!({"bucket": "others"}), none()),
        ("gcs_object_name", json!({"gcs_object_name": "other.tar.gz"}), none()),
        ("image_architecture", json!({"image_architecture": "arm64"}), none()),
        ("image_description", json!({"image_description": "mine"}), none()),
        ("image_family", json!({"image_family": "mine"}), none()),
        ("image_forbidden_signatures_db", json!({"image_forbidden_signatures_db": ["key"]}), none()),
        ("image_guest_os_features", json!({"image_guest_os_features": ["GVNIC"]}), none()),
        ("image_key_exchange_key", json!({"image_key_exchange_key": ["key"]}), none()),
        ("image_labels", json!({"image_labels": {"team": "web"}}), none()),
        ("image_name", json!({"image_name": "another"}), none()),
        ("image_platform_key", json!({"image_platform_key": "key"}), none()),
        ("image_signatures_db", json!({"image_signatures_db": ["key"]}), none()),
        ("image_storage_locations", json!({"image_storage_locations": ["eu"]}), none()),
        ("project_id", json!({"project_id": "golden"}), none()),
        ("skip_clean", json!({"skip_clean": true}), none()),
    ]
}

/// The requests of one run of this template.
fn run(fake: &Fake, template: &Value, image: &str) -> Requests {
    let before = fake.log().len();
    let place = Place::new(template);
    place.write("key", "-----BEGIN CERTIFICATE-----\n");
    place.write("user.json", &fake.credentials("authorized_user").to_string());
    place.write("default.json", &fake.credentials("service_account").to_string());
    place.write("disk.raw", "a disk");
    let mut tar = Command::new("tar");
    tar.args(["--format=oldgnu", "--mtime=@0", "-czf", "disk.tar.gz", "disk.raw"]).current_dir(place.path());
    assert!(tar.status().unwrap().success());
    let ended = place
        .command(&["build", "template.json"])
        .env("VAULT_ADDR", format!("{}/vault", fake.url))
        .env("VAULT_TOKEN", "fake-vault-token")
        .env("GOOGLE_APPLICATION_CREDENTIALS", place.path().join("default.json"))
        .output()
        .unwrap();
    let output = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{template:#}\n{output}");
    requests::recorded(fake, before, image)
}

/// An image that is built and exported.
fn export(fake: &Fake, image: &str, more: &Value) -> Requests {
    let export = json!({"type": "googlecompute-export", "paths": ["gs://images/web.tar.gz"]});
    let template = json!({
        "builders": [builder(fake, image, &json!({"communicator": "none"}))],
        "post-processors": [post_processor(&export, more)],
    });
    run(fake, &template, image)
}

/// A file that becomes an image.
fn import(fake: &Fake, image: &str, more: &Value) -> Requests {
    let import = json!({
        "type": "googlecompute-import",
        "project_id": "demo",
        "bucket": "images",
        "gcs_object_name": format!("{image}.tar.gz"),
        "image_name": image,
        "access_token": TOKEN,
        "custom_endpoints": fake.endpoints(),
    });
    let template = json!({
        "builders": [{"type": "file", "source": "disk.tar.gz", "target": "out.tar.gz"}],
        "post-processors": [post_processor(&import, more)],
    });
    run(fake, &template, image)
}

/// The table of a post-processor, whose arguments are all in it or have a reason.
fn table(
    fake: &Fake,
    component: &str,
    cases: &[Case],
    reasons: &[(&str, &str)],
    requests_of: fn(&Fake, &str, &Value) -> Requests,
) -> String {
    let mut known: BTreeMap<String, Requests> = BTreeMap::new();
    let (mut table, mut silent) = (String::new(), Vec::new());
    for (argument, with, without) in cases {
        let mut recorded = |more: &Value| {
            let image = format!("image-{}", known.len());
            known.entry(more.to_string()).or_insert_with(|| requests_of(fake, &image, more)).clone()
        };
        let changed = requests::changes(&recorded(with), &recorded(without));
        table += &requests::row(argument, &changed);
        if changed.is_empty() {
            silent.push(argument);
        }
    }
    for (argument, why) in reasons {
        table += &format!("{argument}: {why}\n");
    }
    println!("{table}");
    assert_eq!(fake.violations(), [""; 0]);
    assert_eq!(silent, [&""; 0], "these change nothing");
    let names = cases.iter().map(|(argument, ..)| *argument).chain(reasons.iter().map(|(argument, _)| *argument));
    let names: BTreeSet<&str> = names.collect();
    let mut missing = requests::arguments("post-processor", component);
    missing.retain(|name| !names.contains(name.as_str()));
    assert_eq!(missing, [""; 0], "arguments that nothing is known of");
    table
}

fn fake() -> Fake {
    let fake = Fake::start(json!({}));
    fake.seed(json!({
        "buckets": {"images": {}, "others": {}},
        "projects/demo/global/networks/other": {"autoCreateSubnetworks": true},
    }));
    fake
}

#[test]
fn every_argument_of_the_export_is_in_a_request_or_has_a_reason() {
    let fake = fake();
    let cases = [exports(), credentials(&fake)].concat();
    let table = table(&fake, "googlecompute-export", &cases, SILENT, export);
    assert_snapshot!(table, @r"
    disk_size -> instances.insert /disks/0/initializeParams/diskSizeGb
    disk_type -> instances.insert /disks/0/initializeParams/diskType, and 1 more
    machine_type -> instances.insert /machineType
    network -> instances.insert /networkInterfaces/0/network
    omit_external_ip -> instances.insert /networkInterfaces/0/accessConfigs
    paths -> storage.objects.get [path], and 3 more
    scopes -> instances.insert /serviceAccounts/0/scopes/0
    service_account_email -> instances.insert /serviceAccounts
    source_image_family -> + images.getFromFamily, and 1 more
    subnetwork -> instances.insert /networkInterfaces/0/network, and 1 more
    zone -> disks.delete [path], and 6 more
    account_file -> + oauth2.token
    credentials_file -> + oauth2.token
    credentials_json -> + oauth2.token
    impersonate_service_account -> + iamcredentials.projects.serviceAccounts.generateAccessToken, and 1 more
    vault_gcp_oauth_engine -> + vault.read
    access_token: who asks: the header `Authorization`
    custom_endpoints: whom is asked: every request of these tests
    universe_domain: whom is asked: the domain of every address
    ");
}

#[test]
fn every_argument_of_the_import_is_in_a_request_or_has_a_reason() {
    let fake = fake();
    let cases = [imports(), credentials(&fake)].concat();
    let table = table(&fake, "googlecompute-import", &cases, &[SILENT, IGNORED].concat(), import);
    assert_snapshot!(table, @r"
    bucket -> images.insert /rawDisk/source, and 4 more
    gcs_object_name -> images.insert /rawDisk/source, and 4 more
    image_architecture -> images.insert /architecture
    image_description -> images.insert /description
    image_family -> images.insert /family
    image_forbidden_signatures_db -> images.insert /shieldedInstanceInitialState/dbxs
    image_guest_os_features -> images.insert /guestOsFeatures
    image_key_exchange_key -> images.insert /shieldedInstanceInitialState/keks
    image_labels -> images.insert /labels/team, and 1 more
    image_name -> images.get [path], and 2 more
    image_platform_key -> images.insert /shieldedInstanceInitialState/pk/content, and 1 more
    image_signatures_db -> images.insert /shieldedInstanceInitialState/dbs
    image_storage_locations -> images.insert /storageLocations
    project_id -> images.get [path], and 2 more
    skip_clean -> - storage.objects.delete, and 3 more
    account_file -> + oauth2.token
    credentials_file -> + oauth2.token
    credentials_json -> + oauth2.token
    impersonate_service_account -> + iamcredentials.projects.serviceAccounts.generateAccessToken, and 1 more
    vault_gcp_oauth_engine -> + vault.read
    access_token: who asks: the header `Authorization`
    custom_endpoints: whom is asked: every request of these tests
    universe_domain: whom is asked: the domain of every address
    iap: nothing is connected to
    scopes: credentials are made for all of the cloud platform
    ");
}
