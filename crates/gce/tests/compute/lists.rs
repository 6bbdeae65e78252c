//! Lists are whole, or an error.

use crate::server::{Answer, Server};
use serde_json::json;

#[tokio::test]
async fn machines_of_all_pages_and_zones_are_one_list() {
    let server = Server::new(vec![
        Answer::Json(
            200,
            json!({
                "items": {
                    "zones/europe-west1-b": {"instances": [{
                        "name": "web",
                        "zone": "https://www.googleapis.com/compute/v1/projects/p/zones/europe-west1-b",
                        "status": "RUNNING",
                        "labels": {"imgforge-run": "0f"},
                        "metadata": {"items": [{"key": "enable-oslogin", "value": "TRUE"}]},
                        "disks": [{"boot": false, "source": "disks/data"}, {"boot": true, "source": "disks/web"}],
                        "networkInterfaces": [{"networkIP": "10.0.0.2", "accessConfigs": [{"natIP": "203.0.113.9"}]}],
                        "creationTimestamp": "2026-11-25T03:00:00.000-08:00",
                    }]},
                    "zones/us-east1-b": {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "none"}},
                },
                "nextPageToken": "page-2",
            }),
        ),
        Answer::Cut,
        Answer::Json(
            200,
            json!({"items": {"zones/asia-east1-a": {"instances": [{"name": "db", "zone": "zones/asia-east1-a"}]}}}),
        ),
    ])
    .await;
    let instances = server.gce.instances("p", "labels.imgforge-run:*").await.unwrap().whole().unwrap();
    let names: Vec<_> = instances.iter().map(|one| format!("{}/{}", one.zone, one.name)).collect();
    assert_eq!(names, ["asia-east1-a/db", "europe-west1-b/web"]);
    let web = &instances[1];
    assert_eq!(web.external_address.as_deref(), Some("203.0.113.9"));
    assert_eq!(web.internal_address.as_deref(), Some("10.0.0.2"));
    assert_eq!(web.disks, ["disks/web", "disks/data"]);
    assert_eq!(web.metadata["enable-oslogin"], "TRUE");
    assert_eq!(web.labels["imgforge-run"], "0f");

    let asked = server.asked();
    assert_eq!(server.lines(), ["GET projects/p/aggregated/instances"; 3]);
    assert_eq!(asked[0].query, [("filter".to_owned(), "labels.imgforge-run:*".to_owned())]);
    assert_eq!([asked[1].query("pageToken"), asked[2].query("pageToken")], [Some("page-2"); 2]);
}

#[tokio::test]
async fn a_zone_that_can_not_be_looked_into_hides_no_other() {
    let server = Server::new(vec![
        Answer::Json(
            200,
            json!({"items": {
                "zones/us-east1-b": {"warning": {"code": "UNREACHABLE", "message": "zone is down"}},
                "zones/us-east1-c": {"instances": [{"name": "web"}]},
            }}),
        ),
        Answer::Json(
            200,
            json!({"items": {}, "unreachables": ["https://www.googleapis.com/compute/v1/projects/p/zones/us-east1-d"]}),
        ),
    ])
    .await;
    let instances = server.gce.instances("p", "").await.unwrap();
    assert_eq!(instances.items.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["web"]);
    assert_eq!(
        instances.lack.unwrap().to_string(),
        "instances.aggregatedList of project p: Google could not look into us-east1-b"
    );
    assert_eq!(
        server.gce.disks("p", "").await.unwrap().whole().unwrap_err().to_string(),
        "disks.aggregatedList of project p: Google could not look into us-east1-d"
    );
}

#[tokio::test]
async fn disks_of_zones_and_of_regions_are_told_apart() {
    let server = Server::new(vec![Answer::Json(
        200,
        json!({"items": {
            "zones/us-east1-b": {"disks": [{"name": "a", "zone": "projects/p/zones/us-east1-b", "sizeGb": "20", "users": ["instances/web"]}]},
            "regions/us-east1": {"disks": [{"name": "b", "region": "projects/p/regions/us-east1", "sizeGb": "200"}]},
        }}),
    )])
    .await;
    let disks = server.gce.disks("p", "").await.unwrap().whole().unwrap();
    let seen: Vec<_> =
        disks.iter().map(|disk| (disk.place.as_str(), disk.is_regional, disk.size_gb, disk.users.len())).collect();
    assert_eq!(seen, [("us-east1", true, 200, 0), ("us-east1-b", false, 20, 1)]);
}

#[tokio::test]
async fn a_machine_was_preempted_if_google_says_so_of_this_very_one() {
    let preempted = |id: &str| {
        let link = "https://www.googleapis.com/compute/v1/projects/p/zones/z-a/instances/web";
        json!({"items": [{"name": "systemevent-1", "targetLink": link, "targetId": id}]})
    };
    let server = Server::new(vec![
        Answer::Json(200, json!({})),
        // An earlier machine of that name.
        Answer::Json(200, preempted("1")),
        Answer::Json(200, json!({"name": "web", "id": "2"})),
        Answer::Json(200, preempted("2")),
        Answer::Json(200, json!({"name": "web", "id": "2"})),
        // It is gone.
        Answer::Json(200, preempted("2")),
        Answer::Json(404, json!({"error": {"code": 404, "message": "not found"}})),
    ])
    .await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(server.gce.was_preempted("p", "z-a", "web").await.unwrap());
    }
    assert_eq!(told, [false, false, true, true]);
    assert_eq!(server.asked()[0].query("filter"), Some("operationType=\"compute.instances.preempted\""));
}
