//! What is made of Google's refusals: the sort of failure, one sentence, and what to do about it.

use crate::server::{Answer, Server};
use imgforge_gce::{Error, Kind, Operation, Scope};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// The error of an image that is asked for.
async fn refused(status: u16, body: Value) -> Error {
    let server = Server::new(vec![Answer::Json(status, body)]).await;
    server.gce.image("p", "web-1").await.unwrap_err()
}

/// The error of a machine whose operation ends so.
async fn ended(status: u16, errors: Value) -> Error {
    let state = json!({"name": "o", "status": "DONE", "httpErrorStatusCode": status, "error": {"errors": errors}});
    let server = Server::new(vec![Answer::Json(200, state)]).await;
    let operation = Operation {
        call: "instances.insert",
        resource: "instance web in us-east1-b".to_owned(),
        project: "p".to_owned(),
        name: "o".to_owned(),
        scope: Scope::Zone("us-east1-b".to_owned()),
    };
    server.gce.wait(&operation, Duration::from_secs(9)).await.unwrap_err()
}

fn told(error: &Error) -> String {
    let mut text = format!("{:?}\n  {error}\n", error.kind);
    if let Some(advice) = error.advice() {
        writeln!(text, "  → {advice}").unwrap();
    }
    text
}

#[tokio::test]
async fn answers() {
    let old = |code: u16, reason: &str, message: &str| json!({"error": {"code": code, "message": message, "errors": [{"domain": "global", "reason": reason, "message": message}]}});
    let new = |code: u16, status: &str, message: &str, reason: &str, metadata: Value| {
        let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata});
        json!({"error": {"code": code, "status": status, "message": message, "details": [info]}})
    };
    let mut text = String::new();
    for (status, body) in [
        (404, old(404, "notFound", "The resource 'projects/p/global/images/web-1' was not found")),
        (409, old(409, "alreadyExists", "The resource 'projects/p/global/images/web-1' already exists")),
        (400, old(400, "resourceInUseByAnotherResource", "The disk resource 'd' is already being used by 'web'")),
        (400, old(400, "invalid", "Invalid value for field 'resource.name': 'A'.\nMust be a match of regex")),
        (403, old(403, "forbidden", "Required 'compute.images.get' permission for 'projects/p/global/images/web-1'")),
        (
            403,
            new(
                403,
                "PERMISSION_DENIED",
                "Permission denied",
                "IAM_PERMISSION_DENIED",
                json!({"permission": "compute.images.get"}),
            ),
        ),
        (403, old(403, "insufficientPermissions", "Request had insufficient authentication scopes.")),
        (401, old(401, "authError", "Invalid Credentials")),
        (
            403,
            new(
                403,
                "PERMISSION_DENIED",
                "Compute Engine API has not been used in project 9 before or it is disabled.",
                "SERVICE_DISABLED",
                json!({"service": "compute.googleapis.com"}),
            ),
        ),
        (
            403,
            old(
                403,
                "accessNotConfigured",
                "Access Not Configured. Enable it at https://console.developers.google.com/apis/api/oslogin.googleapis.com/overview?project=9",
            ),
        ),
        (403, old(403, "quotaExceeded", "Quota 'IMAGES' exceeded. Limit: 100.0 globally.")),
        (
            403,
            new(
                403,
                "PERMISSION_DENIED",
                "This API method requires billing to be enabled.",
                "BILLING_DISABLED",
                json!({}),
            ),
        ),
        (501, old(501, "notImplemented", "Not here.")),
        (418, json!("no JSON of Google's")),
    ] {
        text += &told(&refused(status, body).await);
    }
    assert_eq!(text, ANSWERS);
}

#[tokio::test]
async fn operations() {
    let quota = json!([{
        "code": "QUOTA_EXCEEDED",
        "message": "Quota 'SSD_TOTAL_GB' exceeded.  Limit: 500.0 in region us-east1.",
        "errorDetails": [{"quotaInfo": {
            "metricName": "compute.googleapis.com/ssd_total_storage",
            "limitName": "SSD-TOTAL-GB-per-project-region",
            "limit": 500.0,
            "dimensions": {"region": "us-east1"},
        }}],
    }]);
    let pool = json!([{
        "code": "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
        "message": "The zone 'projects/p/zones/us-east1-b' does not have enough resources available to fulfill the request.",
        "errorDetails": [{"errorInfo": {"reason": "resource_availability", "domain": "compute.googleapis.com", "metadatas": {"zone": "us-east1-b", "zonesAvailable": "us-east1-c,us-east1-d"}}}],
    }]);
    let one = |code: &str, message: &str| json!([{"code": code, "message": message}]);
    let mut text = String::new();
    for (status, errors) in [
        (403, quota),
        (403, one("QUOTA_EXCEEDED", "Quota 'CPUS' exceeded.  Limit: 8.0 in region us-east1.")),
        (503, pool),
        (503, one("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough resources.")),
        (503, one("STOCKOUT", "None left.")),
        (400, one("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "The disk 'd' is used by 'web'.")),
        (404, one("RESOURCE_NOT_FOUND", "The resource 'networks/n' was not found")),
        (409, one("RESOURCE_ALREADY_EXISTS", "The resource 'instances/web' already exists")),
        (403, one("PERMISSIONS_ERROR", "Required 'compute.subnetworks.use' permission for 'subnetworks/s'")),
        (500, one("INTERNAL_ERROR", "Internal error. Please try again or contact Google Support. (Code: '7')")),
        (
            412,
            one(
                "CONDITION_NOT_MET",
                "Constraint constraints/compute.vmExternalIpAccess violated for project 9. Add instance web to it.",
            ),
        ),
        (429, one("RESOURCE_OPERATION_RATE_EXCEEDED", "Operation rate exceeded for resource 'images/i'.")),
        (400, one("SERVICE_ACCOUNT_ACCESS_DENIED", "The user does not have access to service account 'a'.")),
        (
            400,
            json!([{"code": "INVALID_USAGE", "message": "First."}, {"code": "RESOURCE_NOT_FOUND", "message": "Second."}]),
        ),
        (400, json!([])),
    ] {
        text += &told(&ended(status, errors).await);
    }
    assert_eq!(text, OPERATIONS);
}

#[tokio::test]
async fn an_answer_that_never_comes_says_why_and_no_error_says_the_token() {
    let server =
        Server::new(vec![Answer::Json(401, json!({"error": {"code": 401, "message": "Invalid Credentials"}}))]).await;
    let error = server.gce.image("p", "web-1").await.unwrap_err();
    assert_eq!(error.kind, Kind::Forbidden);
    assert!(!format!("{error:?}").contains("secret-token"), "{error:?}");

    let server = Server::new(vec![Answer::Json(200, json!({"email": "builder@p.iam.gserviceaccount.com"}))]).await;
    assert_eq!(server.gce.account().await.unwrap(), "builder@p.iam.gserviceaccount.com");
}

const ANSWERS: &str = "\
NotFound
  images.get of image web-1 in project p failed with 404 notFound: The resource 'projects/p/global/images/web-1' was not found
AlreadyExists
  images.get of image web-1 in project p failed with 409 alreadyExists: The resource 'projects/p/global/images/web-1' already exists
InUse
  images.get of image web-1 in project p failed with 400 resourceInUseByAnotherResource: The disk resource 'd' is already being used by 'web'
  → detach or delete first what uses it
Invalid
  images.get of image web-1 in project p failed with 400 invalid: Invalid value for field 'resource.name': 'A'. Must be a match of regex
Forbidden
  images.get of image web-1 in project p failed with 403 forbidden: Required 'compute.images.get' permission for 'projects/p/global/images/web-1'
  → grant the permission `compute.images.get` in project p to the account of these credentials
Forbidden
  images.get of image web-1 in project p failed with 403 IAM_PERMISSION_DENIED: Permission denied
  → grant the permission `compute.images.get` in project p to the account of these credentials
Forbidden
  images.get of image web-1 in project p failed with 403 insufficientPermissions: Request had insufficient authentication scopes
  → give the credentials the scope https://www.googleapis.com/auth/cloud-platform
Forbidden
  images.get of image web-1 in project p failed with 401 authError: Invalid Credentials
  → make new credentials, for instance by `gcloud auth application-default login`
Disabled
  images.get of image web-1 in project p failed with 403 SERVICE_DISABLED: Compute Engine API has not been used in project 9 before or it is disabled
  → `gcloud services enable compute.googleapis.com --project=p` enables it within minutes
Disabled
  images.get of image web-1 in project p failed with 403 accessNotConfigured: Access Not Configured. Enable it at https://console.developers.google.com/apis/api/oslogin.googleapis.com/overview?project=9
  → `gcloud services enable oslogin.googleapis.com --project=p` enables it within minutes
Quota
  images.get of image web-1 in project p failed with 403 quotaExceeded: Quota 'IMAGES' exceeded. Limit: 100.0 globally
  → delete what is no longer needed, or have the quota `IMAGES` of 100 raised at https://console.cloud.google.com/iam-admin/quotas?project=p
Forbidden
  images.get of image web-1 in project p failed with 403 BILLING_DISABLED: This API method requires billing to be enabled
  → link a billing account at https://console.cloud.google.com/billing/linkedaccount?project=p
Other
  images.get of image web-1 in project p failed with 501 notImplemented: Not here
Other
  images.get of image web-1 in project p failed with 418: \"no JSON of Google's\"
";

const OPERATIONS: &str = "\
Quota
  instances.insert of instance web in us-east1-b failed with 403 QUOTA_EXCEEDED: Quota 'SSD_TOTAL_GB' exceeded. Limit: 500.0 in region us-east1
  → delete what is no longer needed, or have the quota `SSD-TOTAL-GB-per-project-region` of 500 in us-east1 raised at https://console.cloud.google.com/iam-admin/quotas?project=p
Quota
  instances.insert of instance web in us-east1-b failed with 403 QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 8.0 in region us-east1
  → delete what is no longer needed, or have the quota `CPUS` of 8 in us-east1 raised at https://console.cloud.google.com/iam-admin/quotas?project=p
Capacity
  instances.insert of instance web in us-east1-b failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS: The zone 'projects/p/zones/us-east1-b' does not have enough resources available to fulfill the request
  → try us-east1-c, us-east1-d, another machine type, or the same later
Capacity
  instances.insert of instance web in us-east1-b failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED: The zone does not have enough resources
  → try another zone, another machine type, or the same later
Capacity
  instances.insert of instance web in us-east1-b failed with 503 STOCKOUT: None left
  → try another zone, another machine type, or the same later
InUse
  instances.insert of instance web in us-east1-b failed with 400 RESOURCE_IN_USE_BY_ANOTHER_RESOURCE: The disk 'd' is used by 'web'
  → detach or delete first what uses it
NotFound
  instances.insert of instance web in us-east1-b failed with 404 RESOURCE_NOT_FOUND: The resource 'networks/n' was not found
AlreadyExists
  instances.insert of instance web in us-east1-b failed with 409 RESOURCE_ALREADY_EXISTS: The resource 'instances/web' already exists
Forbidden
  instances.insert of instance web in us-east1-b failed with 403 PERMISSIONS_ERROR: Required 'compute.subnetworks.use' permission for 'subnetworks/s'
  → grant the permission `compute.subnetworks.use` in project p to the account of these credentials
Transient
  instances.insert of instance web in us-east1-b failed with 500 INTERNAL_ERROR: Internal error. Please try again or contact Google Support. (Code: '7')
  → try again later; https://status.cloud.google.com tells of outages
Forbidden
  instances.insert of instance web in us-east1-b failed with 412 CONDITION_NOT_MET: Constraint constraints/compute.vmExternalIpAccess violated for project 9. Add instance web to it
  → keep to the organisation's policy `constraints/compute.vmExternalIpAccess`, or have project p excepted
Transient
  instances.insert of instance web in us-east1-b failed with 429 RESOURCE_OPERATION_RATE_EXCEEDED: Operation rate exceeded for resource 'images/i'
  → try again later; fewer builds at once ask Google less often
Forbidden
  instances.insert of instance web in us-east1-b failed with 400 SERVICE_ACCOUNT_ACCESS_DENIED: The user does not have access to service account 'a'
  → see which roles the account of these credentials has in project p
Invalid
  instances.insert of instance web in us-east1-b failed with 400 INVALID_USAGE: First; Second
Invalid
  instances.insert of instance web in us-east1-b failed with 400: Bad Request
";
