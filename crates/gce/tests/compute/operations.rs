//! Waiting for operations.

use crate::server::{Answer, Server};
use imgforge_gce::{Kind, Operation, Scope};
use serde_json::json;
use std::time::{Duration, Instant};

fn operation(scope: Scope) -> Operation {
    Operation {
        call: "instances.insert",
        resource: "instance web in us-east1-b".to_owned(),
        project: "p".to_owned(),
        name: "operation-1".to_owned(),
        scope,
    }
}

fn zone() -> Operation {
    operation(Scope::Zone("us-east1-b".to_owned()))
}

fn state(status: &str) -> Answer {
    Answer::Json(200, json!({"name": "operation-1", "status": status}))
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn each_kind_is_waited_for_where_it_lives() {
    for (scope, line) in [
        (Scope::Zone("us-east1-b".to_owned()), "POST projects/p/zones/us-east1-b/operations/operation-1/wait"),
        (Scope::Region("us-east1".to_owned()), "POST projects/p/regions/us-east1/operations/operation-1/wait"),
        (Scope::Global, "POST projects/p/global/operations/operation-1/wait"),
    ] {
        let server = Server::new(vec![state("DONE")]).await;
        server.gce.wait(&operation(scope), LONG).await.unwrap();
        assert_eq!(server.lines(), [line]);
    }
}

#[tokio::test]
async fn trouble_on_the_way_is_borne_and_early_answers_are_not_hammered() {
    let server = Server::new(vec![
        Answer::Json(404, json!({"error": {"code": 404, "message": "not yet there"}})),
        state("PENDING"),
        Answer::Cut,
        Answer::Json(503, json!({"error": {"code": 503, "message": "busy"}})),
        state("RUNNING"),
        state("DONE"),
    ])
    .await;
    let begun = Instant::now();
    server.gce.wait(&zone(), LONG).await.unwrap();
    let waited = begun.elapsed().as_millis();
    assert_eq!(server.asked().len(), 6);
    // Pauses of 100, 200, … ms, of which chance may take away a half.
    assert!(waited >= 1_000, "{waited} ms");
}

#[tokio::test]
async fn who_may_not_look_is_told_at_once() {
    let refusal = json!({"error": {
        "code": 403,
        "message": "Required 'compute.zoneOperations.get' permission for 'projects/p/zones/us-east1-b/operations/operation-1'",
        "errors": [{"reason": "forbidden"}],
    }});
    let server = Server::new(vec![Answer::Json(403, refusal)]).await;
    let error = server.gce.wait(&zone(), LONG).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "zoneOperations.wait of the operation of instances.insert of instance web in us-east1-b failed with \
         403 forbidden: Required 'compute.zoneOperations.get' permission for \
         'projects/p/zones/us-east1-b/operations/operation-1'"
    );
    assert_eq!(
        error.advice().unwrap(),
        "grant the permission `compute.zoneOperations.get` in project p to the account of these credentials"
    );
}

#[tokio::test]
async fn the_deadline_is_ours() {
    let server = Server::new(vec![Answer::Silence]).await;
    let begun = Instant::now();
    let error = server.gce.wait(&zone(), Duration::from_secs(1)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind, Kind::TimedOut);
    assert_eq!(
        error.to_string(),
        "instances.insert of instance web in us-east1-b: it did not come to its end within 1 s, and goes on"
    );

    let busy = || Answer::Json(503, json!({"error": {"code": 503, "message": "the backend is busy"}}));
    let server = Server::new(vec![busy(), busy(), busy(), busy(), busy(), busy(), busy()]).await;
    let error = server.gce.wait(&zone(), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(
        error.message,
        "it did not come to its end within 1 s, and goes on; the last look at it: the backend is busy"
    );
}

#[tokio::test]
async fn an_operation_that_never_was_is_not_waited_for_for_ever() {
    let missing = || Answer::Json(404, json!({"error": {"code": 404, "message": "no such operation"}}));
    let server = Server::new(vec![missing(), missing(), missing(), missing(), missing(), missing()]).await;
    let error = server.gce.wait(&zone(), LONG).await.unwrap_err();
    // Of the thing itself it says nothing.
    assert_eq!((error.kind, server.asked().len()), (Kind::Lost, 6));
    assert_eq!(
        error.to_string(),
        "instances.insert of instance web in us-east1-b: Google does not know the operation that it has begun"
    );
}

#[tokio::test]
async fn waiting_can_be_done_by_a_task_of_its_own() {
    let server = Server::new(vec![state("DONE")]).await;
    let gce = server.gce.clone();
    tokio::spawn(async move { gce.wait(&zone(), LONG).await }).await.unwrap().unwrap();
}
