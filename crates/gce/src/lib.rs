//! The calls of Google Cloud that imgforge makes, in small types of its own.
//!
//! Knows nothing of templates, builders or reports. Calls that create take a [`Claim`](imgforge_ledger::Claim) by value: nothing comes to be that is
//! not written down. What changes something is sent again after a lost answer: with the same request id where Google takes
//! one, so that it happens once; all else comes to the same when it is done twice. Every wait has a deadline of ours.

mod advice;
mod call;
mod checksum;
mod clients;
mod credentials;
mod disks;
mod endpoints;
mod error;
mod gce;
mod http;
mod iap;
mod images;
mod instances;
mod lookups;
mod made;
mod operation;
mod oslogin;
mod preflight;
mod retry;
mod secrets;
mod storage;
#[cfg(test)]
mod testing;
mod upload;

pub use call::Listed;
pub use credentials::{CredentialOptions, WorkloadIdentity};
pub use disks::{AttachedDisk, Disk, DiskRequest, DiskSource};
pub use endpoints::Endpoints;
pub use error::{Error, Kind, Result};
pub use gce::{Gce, Options};
pub use iap::Tunnel;
pub use images::{Deprecation, EncryptionKey, Image, ImageRequest, ImageSource, ShieldedState};
pub use instances::{
    Accelerator, External, Instance, InstanceRequest, Interface, NodeAffinity, Reservation, Scheduling, ServiceAccount,
    Shielded,
};
pub use lookups::{AcceleratorType, MachineType, Network, Project, Quota, Region, Subnetwork, Zone};
pub use operation::{Operation, Scope};
pub use oslogin::{LoginKey, LoginProfile};
pub use preflight::Permission;
pub use secrets::{ParameterVersion, SecretVersion};
pub use storage::Object;
pub use upload::Upload;
