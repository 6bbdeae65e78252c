//! The relay of Identity-Aware Proxy: a TCP connection to a port of a machine without an external address.

use crate::{Gce, Result};
use std::net::SocketAddr;

/// A local port whose connections go to a port of a machine; closed when dropped.
pub struct Tunnel {
    pub address: SocketAddr,
}

impl Gce {
    /// Opens a local port (0: any). A relay that breaks is taken up again where it stopped, unseen by its users.
    pub async fn tunnel(
        &self,
        _project: &str,
        _zone: &str,
        _instance: &str,
        _port: u16,
        _local_port: u16,
    ) -> Result<Tunnel> {
        todo!()
    }
}
