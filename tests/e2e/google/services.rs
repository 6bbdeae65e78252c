//! The services beside Compute Engine against the fake: who we are, what may be asked, objects, keys, secrets, the relay.

use super::fake::{Fake, TOKEN};
use super::{Life, PROJECT, ZONE, machine};
use imgforge_gce::{CredentialOptions, Endpoints, Gce, Kind, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first account of the fake.
const ACCOUNT: &str = "builder@fake-project.iam.gserviceaccount.com";

async fn as_whom(fake: &Fake, credentials: CredentialOptions) -> Gce {
    let endpoints = Endpoints { universe_domain: String::new(), custom: fake.endpoints() };
    Gce::new(&Options { endpoints, credentials }).await.unwrap()
}

#[tokio::test]
async fn every_kind_of_credentials_gets_in() {
    let fake = Fake::start(json!({"guests": false}));
    fake.seed(json!({"buckets": {"b": {"o": "text"}}}));
    let mut kinds = BTreeMap::new();
    for kind in ["service_account", "authorized_user", "external_account", "impersonated_service_account"] {
        let credentials_json = Some(fake.credentials(kind).to_string());
        kinds.insert(kind, CredentialOptions { credentials_json, ..CredentialOptions::default() });
    }
    let options = CredentialOptions { access_token: Some(TOKEN.to_owned()), ..CredentialOptions::default() };
    let impersonate_service_account = Some(ACCOUNT.to_owned());
    kinds.insert("access_token, impersonating", CredentialOptions { impersonate_service_account, ..options.clone() });
    kinds.insert("access_token", options);
    for (kind, options) in kinds {
        let gce = as_whom(&fake, options).await;
        assert_eq!(gce.object("b", "o").await.map(|object| object.size), Ok(4), "{kind}");
        assert_eq!(gce.account().await.as_deref(), Ok(ACCOUNT), "{kind}");
        assert_eq!(gce.zone(PROJECT, ZONE).await.map(|zone| zone.status), Ok("UP".to_owned()), "{kind}");
    }
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_that_expires_is_renewed_before_it_does() {
    let fake = Fake::start(json!({"guests": false, "token_seconds": 200}));
    fake.seed(json!({"buckets": {"b": {"o": "text"}}}));
    fake.faults(json!([{"method": "oauth2.token", "call": 2, "times": 2, "fault": {"http": 503}}]));
    let credentials_json = Some(fake.credentials("service_account").to_string());
    let gce = as_whom(&fake, CredentialOptions { credentials_json, ..CredentialOptions::default() }).await;
    for _ in 0..2 {
        gce.object("b", "o").await.unwrap();
    }
    let methods = fake.methods();
    let tokens = methods.iter().filter(|method| *method == "oauth2.token").count();
    assert_eq!(tokens, 4, "{methods:?}");
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn what_an_account_lacks_is_known_beforehand() {
    let fake = Fake::start(json!({
        "guests": false,
        "disabled_services": ["oslogin.googleapis.com"],
        "denied_permissions": ["compute.images.create"],
    }));
    let gce = fake.client().await;
    let apis = ["compute.googleapis.com", "oslogin.googleapis.com"];
    assert_eq!(gce.disabled_apis(PROJECT, &apis).await.unwrap(), ["oslogin.googleapis.com"]);
    let permissions = ["compute.instances.create", "compute.images.create"];
    let granted = gce.permissions(PROJECT, &permissions).await.unwrap();
    assert_eq!(granted.iter().map(|permission| permission.granted).collect::<Vec<_>>(), [true, false]);
    let error = gce.permissions(PROJECT, &["nonsense"]).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn an_object_arrives_whole_though_connections_are_lost() {
    let life = Life::new().await;
    life.fake.seed(json!({"buckets": {"b": {}}}));
    life.fake.faults(json!([
        {"method": "storage.objects.insert", "call": 1, "fault": {"http": 503}},
        {"method": "uploads.chunk", "call": 2, "fault": {"cut": true}},
        {"method": "uploads.chunk", "call": 4, "fault": {"lost_answer": true}},
        {"method": "uploads.chunk", "call": 6, "fault": {"http": 429}},
    ]));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("disk.tar.gz");
    let content: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&file, &content).unwrap();
    let metadata = BTreeMap::from([("imgforge-run".to_owned(), "r1".to_owned())]);
    let claim = |name: &str| life.build.claim_named("gce", "object", name, BTreeMap::new()).unwrap();
    let name = "images/a b&c.tar.gz";
    let upload = life.gce.begin_upload(claim(&format!("b/{name}")), "application/gzip", &metadata, true).await.unwrap();
    assert_eq!(life.gce.objects("b", "").await.unwrap(), [], "it is there when all of it is");
    let reported = Mutex::new((0, 0));
    let report = |done, total| *reported.lock().unwrap() = (done, total);
    let object = life.gce.upload_file(&upload, &file, &report).await.unwrap();
    assert_eq!(reported.into_inner().unwrap(), (20_000_000, 20_000_000));
    assert_eq!((object.name.as_str(), object.size, &object.metadata), (name, 20_000_000, &metadata));

    let changes = BTreeMap::from([("imgforge-run".to_owned(), None), ("role".to_owned(), Some("artifact".to_owned()))]);
    life.gce.set_object_metadata("b", name, &changes).await.unwrap();
    let object = life.gce.object("b", name).await.unwrap();
    assert_eq!(object.metadata, BTreeMap::from([("role".to_owned(), "artifact".to_owned())]));
    assert_eq!(life.gce.objects("b", "images/").await.unwrap(), [object]);
    assert_eq!(life.gce.objects("b", "other/").await.unwrap(), []);
    life.gce.delete_object("b", name).await.unwrap();
    assert!(life.gce.delete_object("b", name).await.unwrap_err().is_not_found());

    let given_up = life.gce.begin_upload(claim("b/never"), "application/gzip", &metadata, true).await.unwrap();
    life.gce.cancel_upload(&given_up).await.unwrap();
    life.gce.cancel_upload(&given_up).await.unwrap();
    assert!(life.gce.upload_file(&given_up, &file, &report_nothing).await.unwrap_err().is_not_found());
    assert_eq!(life.fake.state()["buckets"], json!({"b": {}}));
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

fn report_nothing(_done: u64, _total: u64) {}

#[tokio::test]
async fn an_upload_of_which_google_keeps_less_than_was_sent_goes_on_from_there() {
    let fake = Fake::start(json!({"guests": false, "chunk_kept_bytes": 3 << 20}));
    fake.seed(json!({"buckets": {"b": {}}}));
    let life = Life::of(fake).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small");
    std::fs::write(&file, vec![7; 10 << 20]).unwrap();
    let claim = life.build.claim_named("gce", "object", "b/small", BTreeMap::new()).unwrap();
    let upload = life.gce.begin_upload(claim, "application/gzip", &BTreeMap::new(), true).await.unwrap();
    assert_eq!(life.gce.upload_file(&upload, &file, &report_nothing).await.unwrap().size, 10 << 20);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_of_os_login_comes_and_goes() {
    let life = Life::new().await;
    life.fake.faults(json!([{"method": "oslogin.users.importSshPublicKey", "call": 1, "fault": {"http": 409}}]));
    let claim = life.claim("login-key");
    let key = format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9uZUtleU9mQVRlc3RBbmROb01vcmVUaGFuVGhh {}", claim.name());
    let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let profile = life.gce.import_login_key(claim, ACCOUNT, PROJECT, &key, expires).await.unwrap();
    assert_eq!(profile.username, "imgforge-test");
    assert_eq!(profile.keys.iter().map(|own| (&own.text, own.expires)).collect::<Vec<_>>(), [(&key, Some(expires))]);
    assert_eq!(life.gce.login_profile(ACCOUNT, PROJECT).await.unwrap(), profile);
    life.gce.delete_login_key(ACCOUNT, &profile.keys[0].fingerprint).await.unwrap();
    assert_eq!(life.gce.login_profile(ACCOUNT, PROJECT).await.unwrap().keys, []);
    let gone = life.gce.delete_login_key(ACCOUNT, &profile.keys[0].fingerprint).await.unwrap_err();
    assert!(gone.is_not_found());
    let others = life.gce.login_profile("somebody@example.com", PROJECT).await.unwrap_err();
    assert_eq!(others.kind, Kind::Forbidden);
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn secrets_and_parameters_are_read() {
    let fake = Fake::start(json!({"guests": false}));
    fake.seed(json!({
        "secrets": {"projects/imgforge/secrets/db": {
            "1": "old", "2": "n€w", "3": {"text": "off", "state": "DISABLED"},
        }},
        "parameters": {"projects/imgforge/locations/global/parameters/app": {
            "v1": "{\"password\": \"__REF__(\\\"//secretmanager.googleapis.com/projects/imgforge/secrets/db/versions/2\\\")\"}",
        }},
    }));
    let gce = fake.client().await;
    assert_eq!(gce.secret(PROJECT, "db", "2").await.unwrap().payload, "n€w".as_bytes());
    assert_eq!(gce.secret(PROJECT, "db", "latest").await.unwrap_err().kind, Kind::Invalid);
    assert!(gce.secret(PROJECT, "other", "latest").await.unwrap_err().is_not_found());
    let parameter = gce.parameter(PROJECT, "global", "app", "v1").await.unwrap().payload;
    assert_eq!(serde_json::from_slice::<Value>(&parameter).unwrap(), json!({"password": "n€w"}));
    assert!(gce.parameter(PROJECT, "global", "app", "v2").await.unwrap_err().is_not_found());
    assert_eq!(fake.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_machine_is_reached_through_the_relay_though_it_breaks() {
    let life = Life::of(Fake::start(json!({"iap_cut_after_bytes": 10, "iap_cuts": 2}))).await;
    let claim = life.claim("instance");
    let name = claim.name().to_owned();
    let mut knocks = 0;
    let tunnel = life.gce.tunnel(PROJECT, ZONE, &name, 22, 0).await.unwrap();
    let early = hello(&tunnel).await;
    assert_eq!((early.as_str(), tunnel.last_refusal().unwrap().kind), ("", Kind::NotFound));

    let request = machine(&name, "projects/debian-cloud/global/images/family/debian-12");
    life.done(life.gce.insert_instance(claim, &request).await.unwrap()).await;
    let greeting = loop {
        let greeting = hello(&tunnel).await;
        knocks += 1;
        if !greeting.is_empty() || knocks == 50 {
            break greeting;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(greeting.starts_with("SSH-2.0-OpenSSH"), "{greeting} {:?}", tunnel.last_refusal());
    let methods = life.fake.methods();
    assert!(methods.iter().filter(|method| *method == "iap.reconnect").count() >= 2, "{methods:?}");
    assert_eq!(life.fake.violations(), Vec::<String>::new());
}

/// What a server says first to one who says who he is; nothing if the connection is closed.
async fn hello(tunnel: &imgforge_gce::Tunnel) -> String {
    let mut stream = TcpStream::connect(tunnel.address).await.unwrap();
    if stream.write_all(b"SSH-2.0-test\r\n").await.is_err() {
        return String::new();
    }
    let mut text = Vec::new();
    while !text.ends_with(b"\n") {
        match stream.read_u8().await {
            Ok(byte) => text.push(byte),
            Err(_) => return String::new(),
        }
    }
    String::from_utf8(text).unwrap()
}
