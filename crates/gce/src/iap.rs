//! The relay of Identity-Aware Proxy: a TCP connection to a port of a machine without an external address.

mod frame;
mod relay;
#[cfg(test)]
mod tests;
mod websocket;

use crate::credentials::Credentials;
use crate::{Error, Gce, Kind, Result};
use relay::Relay;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

const CALL: &str = "iap.connect";

/// A local port whose connections go to a port of a machine; closed when dropped, with all its connections.
pub struct Tunnel {
    pub address: SocketAddr,
    last_refusal: LastRefusal,
    task: JoinHandle<()>,
}

type LastRefusal = watch::Sender<Option<Error>>;

/// The port of a machine, and how its relay is reached.
struct Target {
    /// A client that speaks HTTP/1.1: a websocket starts as such a request.
    http: reqwest::Client,
    credentials: Credentials,
    /// `https://…` without a slash at its end.
    url: String,
    project: String,
    zone: String,
    instance: String,
    port: u16,
}

impl Gce {
    /// Opens a local port (0: any). A relay that breaks is taken up again where it stopped, unseen by its users.
    ///
    /// A connection that the relay refuses is closed, as it happens while a machine starts: whoever knocks has to knock
    /// again, and [`Tunnel::last_refusal`] says why it was closed.
    ///
    /// # Errors
    /// When the local port is taken.
    pub async fn tunnel(
        &self,
        project: &str,
        zone: &str,
        instance: &str,
        port: u16,
        local_port: u16,
    ) -> Result<Tunnel> {
        let url = self.inner.endpoints.url("iap");
        let target = Target {
            http: websocket::client()?,
            credentials: self.inner.credentials.clone(),
            // A websocket's scheme by the name of what carries it.
            url: url.strip_prefix("ws").map_or_else(|| url.clone(), |rest| format!("http{rest}")),
            project: project.to_owned(),
            zone: zone.to_owned(),
            instance: instance.to_owned(),
            port,
        };
        let local = |error: std::io::Error| {
            let kind = if local_port == 0 { Kind::Other } else { Kind::Invalid };
            Error::new(CALL, format!("local port {local_port}"), kind, error.to_string())
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, local_port)).await.map_err(local)?;
        let address = listener.local_addr().map_err(local)?;
        let last_refusal = LastRefusal::default();
        let task = tokio::spawn(accept(listener, Arc::new(target), last_refusal.clone()));
        Ok(Tunnel { address, last_refusal, task })
    }
}

impl Tunnel {
    /// Why the relay let the latest connection down that it did; `Forbidden` will not change by waiting.
    pub fn last_refusal(&self) -> Option<Error> {
        self.last_refusal.borrow().clone()
    }

    /// Returns when the relay has said that we may not, which no waiting changes.
    pub async fn forbidden(&self) -> Error {
        let is_forbidden =
            |refusal: &Option<Error>| refusal.as_ref().is_some_and(|error| error.kind == Kind::Forbidden);
        let mut refusals = self.last_refusal.subscribe();
        match refusals.wait_for(is_forbidden).await.map(|refusal| refusal.clone()) {
            Ok(Some(refusal)) => refusal,
            _ => std::future::pending().await,
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Gives each connection a relay of its own; they end with this task.
async fn accept(listener: TcpListener, target: Arc<Target>, last_refusal: LastRefusal) {
    let mut relays = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = relays.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // Too many open files, or the client is gone already.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            continue;
        };
        let (target, last_refusal) = (target.clone(), last_refusal.clone());
        relays.spawn(async move {
            if let Err(error) = Relay::new(&target, stream).run().await {
                tracing::debug!("a connection through Identity-Aware Proxy ends: {error}");
                last_refusal.send_replace(Some(error));
            }
        });
    }
}

impl Target {
    fn resource(&self) -> String {
        format!("port {} of instance {} in {}", self.port, self.instance, self.zone)
    }
}
