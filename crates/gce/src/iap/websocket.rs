//! The websocket under the relay: an HTTP request that becomes one, by the client that all our requests go by, so that
//! proxies and certificates are looked for in the same places.

use super::{CALL, Target};
use crate::credentials::Credentials;
use crate::error::root_cause;
use crate::{Error, Kind, Result};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{StatusCode, Upgraded};
use std::time::Duration;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

pub(super) type WebSocket = WebSocketStream<Upgraded>;

/// Time for the websocket to stand.
const LIMIT: Duration = Duration::from_secs(30);
/// A message has a frame of 16 KiB, or a few.
const LARGEST_MESSAGE: usize = 1024 * 1024;
/// What a server adds to the key to show that it has understood: RFC 6455, section 1.3.
const ACCEPTANCE: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A client for requests that become websockets.
///
/// # Errors
/// When there is no way to check certificates on this machine.
pub(super) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .http1_only()
        .connect_timeout(LIMIT)
        .build()
        .map_err(|error| Error::new(CALL, "Identity-Aware Proxy", Kind::Other, root_cause(&error)))
}

/// What a server answers to a key.
pub(super) fn acceptance(key: &str) -> String {
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{ACCEPTANCE}").as_bytes()))
}

/// Opens one: by the way `connect` for a new connection, `reconnect` for one that broke.
///
/// # Errors
/// The relay's refusal, or a lost connection's.
pub(super) async fn open(target: &Target, way: &str, query: &[(&str, &str)]) -> Result<WebSocket> {
    let opened = tokio::time::timeout(LIMIT, upgrade(target, way, query)).await;
    let late = |_| Error::new(CALL, target.resource(), Kind::Transient, "no answer from Identity-Aware Proxy");
    let upgraded = opened.map_err(late)??;
    let config =
        WebSocketConfig::default().max_message_size(Some(LARGEST_MESSAGE)).max_frame_size(Some(LARGEST_MESSAGE));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await)
}

async fn upgrade(target: &Target, way: &str, query: &[(&str, &str)]) -> Result<Upgraded> {
    let lost = |error: reqwest::Error| Error::from_connection(CALL, target.resource(), &error.without_url());
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| Error::new(CALL, target.resource(), Kind::Other, "this machine has no random numbers"))?;
    let key = STANDARD.encode(random);
    let headers = target.credentials.headers().await?;
    let token = Credentials::bearer(&headers);
    let request = target.http.get(format!("{}/v4/{way}", target.url)).query(query).headers(headers);
    let response = request
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, "relay.tunnel.cloudproxy.app")
        // What the relay wants to see from programs.
        .header(ORIGIN, "bot:iap-tunneler")
        .send()
        .await
        .map_err(lost)?;
    let status = response.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let body = response.bytes().await.unwrap_or_default();
        let mut error = Error::from_answer(CALL, target.resource(), status.as_u16(), &body);
        if let Some(token) = token {
            error.message = error.message.replace(&token, "[hidden]");
        }
        return Err(error);
    }
    let answer = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    if answer.is_none_or(|answer| answer.as_bytes() != acceptance(&key).as_bytes()) {
        return Err(Error::new(CALL, target.resource(), Kind::Other, "the answer is no websocket's"));
    }
    response.upgrade().await.map_err(lost)
}
