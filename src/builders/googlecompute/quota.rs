//! What a build takes of the quotas of region and project.

use super::Googlecompute;
use super::arguments::set;
use imgforge_gce::{MachineType, Quota};
use std::borrow::Cow;

/// So much of a quota, for the sake of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Need {
    pub metric: Cow<'static, str>,
    pub amount: f64,
    pub argument: &'static str,
    /// What counts where the region has no such quota.
    otherwise: Option<&'static str>,
}

/// A need that there is no room for.
#[derive(Debug, PartialEq)]
pub(super) struct Exceeded {
    pub need: Need,
    pub limit: f64,
    pub usage: f64,
}

/// What an image takes of its project.
pub(super) const IMAGE: [Need; 1] =
    [Need { metric: Cow::Borrowed("IMAGES"), amount: 1.0, argument: "image_name", otherwise: None }];

/// What machine and disks take of their region.
pub(super) fn of_region(builder: &Googlecompute, machine: Option<&MachineType>) -> Vec<Need> {
    let need = |metric: &str, amount: f64, argument: &'static str, otherwise: Option<&'static str>| Need {
        metric: Cow::Owned(metric.to_owned()),
        amount,
        argument,
        otherwise,
    };
    let mut needs = vec![need("INSTANCES", 1.0, "zone", None)];
    if let Some(machine) = machine {
        // `N2_CPUS` for the machines of most families; the older ones share `CPUS`.
        let family = machine.name.split('-').next().unwrap_or_default().to_uppercase();
        let amount = f64::from(machine.cpus);
        needs.push(match builder.scheduling.may_be_taken() {
            true => need("PREEMPTIBLE_CPUS", amount, "machine_type", Some("CPUS")),
            false => need(&format!("{family}_CPUS"), amount, "machine_type", Some("CPUS")),
        });
    }
    if !builder.network.omit_external_ip && set(&builder.network.address).is_none() {
        needs.push(need("IN_USE_ADDRESSES", 1.0, "zone", None));
    }
    let further = builder.disks.disk_attachment.iter().filter_map(|disk| {
        let kind = set(&disk.volume_type).filter(|_| set(&disk.source_volume).is_none())?;
        Some((kind, disk.volume_size?, "disk_attachment"))
    });
    let boot = (builder.disks.disk_type.as_str(), builder.disks.disk_size, "disk_size");
    for (metric, kinds) in
        [("DISKS_TOTAL_GB", &["pd-standard"] as &[&str]), ("SSD_TOTAL_GB", &["pd-ssd", "pd-balanced"])]
    {
        let disks: Vec<(u64, &'static str)> = [boot]
            .into_iter()
            .chain(further.clone())
            .filter(|(kind, ..)| kinds.contains(kind))
            .map(|(_, size, argument)| (size, argument))
            .collect();
        if let Some((_, argument)) = disks.first() {
            let size: u64 = disks.iter().map(|(size, _)| size).sum();
            needs.push(need(metric, size as f64, argument, None));
        }
    }
    needs
}

/// The needs that there is no room for. A quota that is not told is not exceeded.
pub(super) fn exceeded(quotas: &[Quota], needs: &[Need]) -> Vec<Exceeded> {
    let of = |metric: &str| quotas.iter().find(|quota| quota.metric == metric && quota.limit > 0.0);
    let check = |need: &Need| {
        let quota = of(&need.metric).or_else(|| of(need.otherwise?))?;
        let is_exceeded = quota.usage + need.amount > quota.limit;
        let need = Need { metric: Cow::Owned(quota.metric.clone()), ..need.clone() };
        is_exceeded.then_some(Exceeded { need, limit: quota.limit, usage: quota.usage })
    };
    needs.iter().filter_map(check).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::googlecompute::tests::{PLAIN, builder};

    fn needs(text: &str, machine: &str) -> String {
        let machine = MachineType { name: machine.to_owned(), cpus: 4, ..MachineType::default() };
        let needs = of_region(&builder(&format!("{PLAIN}\n{text}")), Some(&machine));
        needs.iter().map(|need| format!("{} {}", need.amount, need.metric)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_build_takes_of_its_region_what_machine_and_disks_are() {
        assert_eq!(needs("", "n2-standard-4"), "1 INSTANCES, 4 N2_CPUS, 1 IN_USE_ADDRESSES, 20 DISKS_TOTAL_GB");
        let disks =
            "disk_type = \"pd-balanced\"\ndisk_attachment {\n  volume_type = \"pd-ssd\"\n  volume_size = 100\n}";
        let network = "preemptible = true\nomit_external_ip = true\nuse_internal_ip = true";
        assert_eq!(
            needs(&format!("{disks}\n{network}"), "e2-standard-4"),
            "1 INSTANCES, 4 PREEMPTIBLE_CPUS, 120 SSD_TOTAL_GB"
        );
    }

    #[test]
    fn a_quota_is_exceeded_when_it_is_told_and_too_small() {
        let quota = |metric: &str, limit: f64, usage: f64| Quota { metric: metric.to_owned(), limit, usage };
        let machine = MachineType { name: "e2-standard-2".to_owned(), cpus: 2, ..MachineType::default() };
        let needs = of_region(&builder(PLAIN), Some(&machine));
        let exceeded = |quotas: &[Quota]| {
            let exceeded = exceeded(quotas, &needs);
            exceeded.iter().map(|found| format!("{} at {}", found.need.metric, found.need.argument)).collect::<Vec<_>>()
        };
        assert_eq!(exceeded(&[quota("CPUS", 24.0, 22.0), quota("INSTANCES", 8.0, 7.0)]), Vec::<String>::new());
        // A limit of 0 is none: Google writes it for quotas that it does not count.
        assert_eq!(exceeded(&[quota("E2_CPUS", 0.0, 0.0), quota("CPUS", 24.0, 23.0)]), ["CPUS at machine_type"]);
        assert_eq!(exceeded(&[quota("DISKS_TOTAL_GB", 100.0, 90.0)]), ["DISKS_TOTAL_GB at disk_size"]);
    }
}
