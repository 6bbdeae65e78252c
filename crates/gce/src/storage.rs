//! Cloud Storage: its objects. How large ones get there is `upload.rs`.

use crate::http::address;
use crate::{Gce, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// An object as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    pub bucket: String,
    pub name: String,
    /// Bytes.
    pub size: u64,
    pub metadata: BTreeMap<String, String>,
    pub created: String,
    /// Its address in the API, by which other services of the same cloud find it.
    pub self_link: String,
}

/// An object as Google writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    bucket: String,
    name: String,
    size: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    time_created: String,
    #[serde(default)]
    self_link: String,
    /// In base64, the highest byte first.
    pub(crate) crc32c: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    items: Vec<Answer>,
    next_page_token: Option<String>,
}

impl From<Answer> for Object {
    fn from(answer: Answer) -> Self {
        let Answer { bucket, name, size, metadata, time_created: created, self_link, crc32c: _ } = answer;
        Self { bucket, name, size: size.parse().unwrap_or_default(), metadata, created, self_link }
    }
}

impl Gce {
    /// # Errors
    /// Google's.
    pub async fn object(&self, bucket: &str, name: &str) -> Result<Object> {
        let request = self.request("objects.get", &resource(bucket, name), Method::GET, &self.object_url(bucket, name));
        Ok(request.json::<Answer>().await?.into())
    }

    /// All objects of a bucket whose names begin so.
    ///
    /// # Errors
    /// Google's.
    pub async fn objects(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>> {
        let url = address(&self.inner.endpoints.url("storage"), &["b", bucket, "o"]);
        let mut objects = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let request =
                self.request("objects.list", &format!("bucket {bucket}"), Method::GET, &url).with(|request| {
                    let request = request.query(&[("prefix", prefix)]);
                    token.iter().fold(request, |request, token| request.query(&[("pageToken", token)]))
                });
            let page: Page = request.json().await?;
            objects.extend(page.items.into_iter().map(Object::from));
            token = page.next_page_token;
            if token.is_none() {
                return Ok(objects);
            }
        }
    }

    /// # Errors
    /// Google's; `NotFound` also when it was deleted, but the answer got lost.
    pub async fn delete_object(&self, bucket: &str, name: &str) -> Result<()> {
        let url = self.object_url(bucket, name);
        self.request("objects.delete", &resource(bucket, name), Method::DELETE, &url).send().await?;
        Ok(())
    }

    /// Sets metadata (`None` takes one away) and leaves the rest.
    ///
    /// # Errors
    /// Google's.
    pub async fn set_object_metadata(
        &self,
        bucket: &str,
        name: &str,
        metadata: &BTreeMap<String, Option<String>>,
    ) -> Result<()> {
        let url = self.object_url(bucket, name);
        let request = self.request("objects.patch", &resource(bucket, name), Method::PATCH, &url);
        request.with(|request| request.json(&json!({"metadata": metadata}))).send().await?;
        Ok(())
    }

    fn object_url(&self, bucket: &str, name: &str) -> String {
        address(&self.inner.endpoints.url("storage"), &["b", bucket, "o", name])
    }
}

/// An object as messages call it.
pub(crate) fn resource(bucket: &str, name: &str) -> String {
    format!("object gs://{bucket}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Reply, Server, ok, refused};

    #[tokio::test]
    async fn objects_are_seen_changed_and_deleted_by_their_whole_name() {
        let object = |name: &str| {
            json!({
                "bucket": "b", "name": name, "size": "12", "timeCreated": "2026-01-01T00:00:00Z", "crc32c": "AAAAAA==",
                "selfLink": "https://www.googleapis.com/storage/v1/b/b/o/a",
                "metadata": {"imgforge-run": "r"},
            })
        };
        let server = Server::start([
            ok(object("a/b c")),
            ok(json!({"items": [object("a/1"), object("a/2")], "nextPageToken": "more"})),
            ok(json!({"items": [object("a/3")]})),
            ok("{}"),
            Reply::Answer(204, String::new(), String::new()),
            refused(404, "notFound", "No such object: b/a/b c"),
        ])
        .await;
        let gce = server.gce().await;
        let seen = gce.object("b", "a/b c").await.unwrap();
        assert_eq!(
            seen,
            Object {
                bucket: "b".to_owned(),
                name: "a/b c".to_owned(),
                size: 12,
                metadata: BTreeMap::from([("imgforge-run".to_owned(), "r".to_owned())]),
                created: "2026-01-01T00:00:00Z".to_owned(),
                self_link: "https://www.googleapis.com/storage/v1/b/b/o/a".to_owned(),
            }
        );
        let names: Vec<String> = gce.objects("b", "a/").await.unwrap().into_iter().map(|object| object.name).collect();
        assert_eq!(names, ["a/1", "a/2", "a/3"]);
        let metadata = BTreeMap::from([("x".to_owned(), Some("1".to_owned())), ("y".to_owned(), None)]);
        gce.set_object_metadata("b", "a/b c", &metadata).await.unwrap();
        gce.delete_object("b", "a/b c").await.unwrap();
        let error = gce.delete_object("b", "a/b c").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "objects.delete of object gs://b/a/b c failed with 404 notFound: No such object: b/a/b c"
        );
        let object = "/storage/v1/b/b/o/a%2Fb%20c\nauthorization: Bearer token-1";
        assert_eq!(
            server.requests(),
            [
                format!("GET {object}"),
                "GET /storage/v1/b/b/o?prefix=a%2F\nauthorization: Bearer token-1".to_owned(),
                "GET /storage/v1/b/b/o?prefix=a%2F&pageToken=more\nauthorization: Bearer token-1".to_owned(),
                format!("PATCH {object}\n{{\"metadata\":{{\"x\":\"1\",\"y\":null}}}}"),
                format!("DELETE {object}"),
                format!("DELETE {object}"),
            ]
        );
    }
}
