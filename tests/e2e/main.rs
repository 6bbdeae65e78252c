//! Tests with real programs: what is missing makes them fail, with the name of the package.

#[cfg(test)]
mod cleanup;
#[cfg(test)]
#[cfg(feature = "gce")]
mod google;
#[cfg(test)]
#[cfg(feature = "gce")]
mod google_cleanup;
#[cfg(test)]
mod google_fake;
#[cfg(test)]
#[cfg(feature = "gce")]
mod live;
#[cfg(test)]
mod log;
#[cfg(test)]
mod packer;
#[cfg(test)]
mod qemu;
#[cfg(test)]
mod ssh;
#[cfg(test)]
mod sshd;
