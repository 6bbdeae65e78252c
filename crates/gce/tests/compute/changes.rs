//! What changes something happens once, however often it has to be sent, and takes nothing back that others changed.

use crate::server::{Answer, Server, claim};
use imgforge_gce::{AttachedDisk, DiskSource, InstanceRequest, Kind};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn request() -> InstanceRequest {
    InstanceRequest {
        project: "p".to_owned(),
        zone: "europe-west1-b".to_owned(),
        machine_type: "e2-standard-2".to_owned(),
        ..InstanceRequest::default()
    }
}

#[tokio::test]
async fn after_a_lost_answer_the_same_request_is_sent_with_the_same_id() {
    let server = Server::new(vec![
        Answer::Cut,
        Answer::Json(503, json!({"error": {"code": 503, "message": "busy"}})),
        Answer::Json(200, json!({"name": "operation-1", "status": "RUNNING"})),
    ])
    .await;
    let (claim, _ledger) = claim();
    let name = claim.name().to_owned();
    let operation = server.gce.insert_instance(claim, &request()).await.unwrap();
    assert_eq!(
        (operation.call, operation.resource.as_str(), operation.name.as_str()),
        ("instances.insert", format!("instance {name} in europe-west1-b").as_str(), "operation-1")
    );

    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[1..].iter().all(|again| *again == asked[0]), "{asked:#?}");
    assert_eq!(asked[0].line, "POST projects/p/zones/europe-west1-b/instances");
    assert_eq!(asked[0].token, "Bearer secret-token");
    assert_eq!(asked[0].query("requestId").unwrap().len(), 36);

    // Another one is another one.
    let server = Server::new(vec![
        Answer::Json(200, json!({"name": "operation-1"})),
        Answer::Json(200, json!({"name": "operation-2"})),
    ])
    .await;
    for _ in 0..2 {
        let operation = server.gce.delete_instance("p", "europe-west1-b", "web").await.unwrap();
        assert_eq!(operation.call, "instances.delete");
    }
    let asked = server.asked();
    assert_eq!(asked[0].line, "DELETE projects/p/zones/europe-west1-b/instances/web");
    assert_ne!(asked[0].query("requestId"), asked[1].query("requestId"));
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_google_asks() {
    let rate =
        json!({"error": {"code": 403, "message": "Rate Limit Exceeded", "errors": [{"reason": "rateLimitExceeded"}]}});
    let server = Server::new(vec![
        Answer::Later(429, 1, json!({"error": {"code": 429, "message": "slow down"}})),
        Answer::Json(403, rate),
        Answer::Json(200, json!({"name": "debian-12", "diskSizeGb": "10", "id": "7", "status": "READY"})),
    ])
    .await;
    let begun = Instant::now();
    let image = server.gce.image("debian-cloud", "debian-12").await.unwrap();
    assert_eq!((image.id.as_str(), image.disk_size_gb, image.status.as_str()), ("7", 10, "READY"));
    assert!(begun.elapsed().as_millis() >= 1_000);
    assert_eq!(server.lines(), ["GET projects/debian-cloud/global/images/debian-12"; 3]);
}

#[tokio::test]
async fn a_refusal_is_not_sent_again() {
    let server = Server::new(vec![Answer::Json(409, json!({"error": {"code": 409, "message": "there is one"}}))]).await;
    let (claim, _ledger) = claim();
    let error = server.gce.insert_instance(claim, &request()).await.unwrap_err();
    assert_eq!(error.kind, Kind::AlreadyExists);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn metadata_that_others_changed_meanwhile_is_kept() {
    let instance = |fingerprint: &str, items: serde_json::Value| {
        Answer::Json(200, json!({"name": "web", "metadata": {"fingerprint": fingerprint, "items": items}}))
    };
    let server = Server::new(vec![
        instance("AAAA", json!([{"key": "ssh-keys", "value": "old"}, {"key": "theirs", "value": "1"}])),
        Answer::Json(
            412,
            json!({"error": {"code": 412, "errors": [{"reason": "conditionNotMet"}], "message": "changed"}}),
        ),
        instance("BB-_", json!([{"key": "ssh-keys", "value": "old"}, {"key": "theirs", "value": "2"}])),
        Answer::Json(200, json!({"name": "operation-1"})),
    ])
    .await;
    let ours = BTreeMap::from([("ssh-keys".to_owned(), "new".to_owned())]);
    let operation = server.gce.set_metadata("p", "z-a", "web", &ours).await.unwrap();
    assert_eq!(operation.call, "instances.setMetadata");

    let asked = server.asked();
    let sets: Vec<_> = asked.iter().filter(|asked| asked.line.ends_with("/setMetadata")).collect();
    assert_eq!(sets.len(), 2);
    assert_eq!(
        sets[1].body,
        json!({
            "fingerprint": "BB-_",
            "items": [{"key": "theirs", "value": "2"}, {"key": "ssh-keys", "value": "new"}],
        })
    );
    assert_ne!(sets[0].query("requestId"), sets[1].query("requestId"));
}

#[tokio::test]
async fn labels_are_set_and_taken_away_and_the_others_stay() {
    let server = Server::new(vec![
        Answer::Json(
            200,
            json!({"name": "web-1", "labelFingerprint": "AAAA", "labels": {"a": "1", "b": "2", "c": "3"}}),
        ),
        // The answer is lost: what was sent again does not fit any more, and is looked at anew.
        Answer::Cut,
        Answer::Json(412, json!({"error": {"code": 412, "message": "changed"}})),
        Answer::Json(200, json!({"name": "web-1", "labelFingerprint": "BBBB", "labels": {"a": "9", "c": "3"}})),
        Answer::Json(200, json!({"name": "operation-1"})),
    ])
    .await;
    let labels = BTreeMap::from([("a".to_owned(), Some("9".to_owned())), ("b".to_owned(), None)]);
    let operation = server.gce.label_image("p", "web-1", &labels).await.unwrap();
    assert_eq!(operation.resource, "image web-1 in project p");
    assert_eq!(
        server.asked().last().unwrap().body,
        json!({"labelFingerprint": "BBBB", "labels": {"a": "9", "c": "3"}})
    );
}

#[tokio::test]
async fn a_change_that_is_always_too_late_is_given_up() {
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(Answer::Json(200, json!({"name": "web-1", "labelFingerprint": "AAAA"})));
        answers.push(Answer::Json(412, json!({"error": {"code": 412, "message": "Labels fingerprint is invalid."}})));
    }
    let server = Server::new(answers).await;
    let error = server.gce.label_image("p", "web-1", &BTreeMap::new()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "images.setLabels of image web-1 in project p failed with 412: Labels fingerprint is invalid"
    );
    assert!(error.is_transient());
    assert_eq!(server.asked().len(), 12);
}

/// An answer of "not found".
fn nothing() -> Answer {
    Answer::Json(404, json!({"error": {"code": 404, "message": "The resource was not found"}}))
}

#[tokio::test]
async fn what_was_just_made_is_looked_for_again() {
    let operation = |name: &str| Answer::Json(200, json!({"name": name, "status": "DONE"}));
    let server = Server::new(vec![
        operation("o1"),
        nothing(),
        nothing(),
        Answer::Json(200, json!({"name": "web", "status": "RUNNING"})),
        nothing(),
        operation("o2"),
        // Deleted is deleted.
        nothing(),
        nothing(),
    ])
    .await;
    let (claim, _ledger) = claim();
    let name = claim.name().to_owned();
    let (project, zone) = ("p", "europe-west1-b");
    assert_eq!(server.gce.insert_instance(claim, &request()).await.unwrap().name, "o1");
    assert_eq!(server.gce.instance(project, zone, &name).await.unwrap().status, "RUNNING");
    assert_eq!(server.gce.delete_instance(project, zone, &name).await.unwrap().name, "o2");
    assert!(server.gce.instance(project, zone, &name).await.unwrap_err().is_not_found());
    assert!(server.gce.delete_instance(project, zone, &name).await.unwrap_err().is_not_found());
    assert_eq!(server.asked().len(), 8);
}

#[tokio::test]
async fn a_machine_whose_making_was_given_up_on_is_looked_for_and_its_disk_too() {
    let server = Server::new(vec![
        Answer::Silence,
        nothing(),
        Answer::Json(200, json!({"name": "disk"})),
        nothing(),
        Answer::Json(200, json!({"name": "machine"})),
    ])
    .await;
    let (claim, _ledger) = claim();
    let name = claim.name().to_owned();
    let source = DiskSource::New {
        name: "boot".to_owned(),
        image: None,
        kind: "pd-ssd".to_owned(),
        size_gb: None,
        labels: BTreeMap::new(),
        resource_manager_tags: BTreeMap::new(),
    };
    let request = InstanceRequest { disks: vec![AttachedDisk { source, ..AttachedDisk::default() }], ..request() };
    let insert = server.gce.insert_instance(claim, &request);
    assert!(tokio::time::timeout(Duration::from_secs(1), insert).await.is_err());
    assert_eq!(server.gce.delete_disk("p", "europe-west1-b", false, "boot").await.unwrap().name, "disk");
    assert_eq!(server.gce.delete_instance("p", "europe-west1-b", &name).await.unwrap().name, "machine");
}

#[tokio::test]
async fn what_was_refused_is_not_looked_for() {
    let refused = || Answer::Json(400, json!({"error": {"code": 400, "message": "no such machine type"}}));
    let failed = json!({"name": "o", "status": "DONE", "error": {"errors": [{"code": "STOCKOUT", "message": "none"}]}});
    let server = Server::new(vec![
        refused(),
        nothing(),
        Answer::Json(200, json!({"name": "o"})),
        Answer::Json(200, failed),
        nothing(),
    ])
    .await;
    let (claim, ledger) = claim();
    let name = claim.name().to_owned();
    assert_eq!(server.gce.insert_instance(claim, &request()).await.unwrap_err().kind, Kind::Invalid);
    assert!(server.gce.delete_instance("p", "europe-west1-b", &name).await.unwrap_err().is_not_found());

    let claim = ledger.1.build("web").claim("gce", "instance").unwrap();
    let name = claim.name().to_owned();
    let operation = server.gce.insert_instance(claim, &request()).await.unwrap();
    assert_eq!(server.gce.wait(&operation, Duration::from_secs(9)).await.unwrap_err().kind, Kind::Capacity);
    assert!(server.gce.delete_instance("p", "europe-west1-b", &name).await.unwrap_err().is_not_found());
    assert_eq!(server.asked().len(), 5);
}
