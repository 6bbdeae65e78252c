//! What is mended in builders.

use super::component::{Component, Parts, replace_text, text, truth};
use super::string;
use crate::source::Span;
use crate::syntax::{Expression, ExpressionKind};

pub(super) fn iso_md5(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if let Some((key, value)) = builder.take("iso_md5") {
            builder.note(key, "iso_md5", "is part of `iso_checksum` now", "write `iso_checksum = \"md5:…\"`");
            // `iso-checksum-type-and-url` puts the two together.
            builder.set("iso_checksum_type", string("md5", value.span), key);
            builder.set("iso_checksum", value, key);
        }
    });
}

pub(super) fn create_time(parts: &mut Parts<'_>) {
    const OLD: &str = ".CreateTime";
    parts.builders(|builder| {
        let mut places = Vec::new();
        for (name, value) in builder.values() {
            if matches!(name.as_str(), "ami_name" | "bundle_prefix" | "snapshot_name")
                && replace_text(value, |old| replace_action(old, OLD, "{{timestamp}}"))
            {
                places.push(value.span);
            }
        }
        for place in places {
            builder.note(place, "{{.CreateTime}}", "is written `{{timestamp}}` now", "write `{{timestamp}}`");
        }
    });
}

/// Replaces `{{ inner }}` with or without blanks; `None` where there is none.
fn replace_action(text: &str, inner: &str, new: &str) -> Option<String> {
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let behind = rest[start + 2..].trim_start();
        let end = behind.strip_prefix(inner).and_then(|behind| behind.trim_start().strip_prefix("}}"));
        match end {
            Some(end) => {
                replaced.push_str(&rest[..start]);
                replaced.push_str(new);
                rest = end;
            }
            None => {
                replaced.push_str(&rest[..start + 2]);
                rest = &rest[start + 2..];
            }
        }
    }
    replaced.push_str(rest);
    (replaced != text).then_some(replaced)
}

/// Only of `virtualbox` builders, which were called so when they had it.
pub(super) fn guest_additions_attach(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("virtualbox")
            && let Some(attach) = builder.get("guest_additions_attach").and_then(truth)
            && let Some((key, value)) = builder.take("guest_additions_attach")
        {
            let mode = if attach { "attach" } else { "upload" };
            let instead = format!("write `guest_additions_mode = \"{mode}\"`");
            builder.note(key, "guest_additions_attach", "is a mode of `guest_additions_mode` now", instead);
            builder.set_missing("guest_additions_mode", string(mode, value.span), key);
        }
    });
}

fn is_old_parallels(builder: &Component<'_>) -> bool {
    builder.is("parallels-iso") || builder.is("parallels-pvm")
}

pub(super) fn parallels_headless(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if is_old_parallels(builder) {
            builder.remove("headless");
        }
    });
}

pub(super) fn parallels_deprecations(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if is_old_parallels(builder) {
            builder.remove("parallels_tools_host_path");
            builder.rename("guest_os_distribution", "guest_os_type");
        }
    });
}

pub(super) fn scaleway_access_key(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("scaleway") {
            builder.rename("access_key", "organization_id");
        }
    });
}

pub(super) fn amazon_shutdown_behavior(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("amazon") {
            builder.rename("shutdown_behaviour", "shutdown_behavior");
        }
    });
}

pub(super) fn amazon_enhanced_networking(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("amazon") {
            builder.rename("enhanced_networking", "ena_support");
        }
    });
}

pub(super) fn amazon_private_ip(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("amazon")
            && let Some(private) = builder.get("ssh_private_ip").and_then(truth)
            && let Some((key, value)) = builder.take("ssh_private_ip")
        {
            let interface = if private { "private_ip" } else { "public_ip" };
            let instead = format!("write `ssh_interface = \"{interface}\"`");
            builder.note(key, "ssh_private_ip", "is a value of `ssh_interface` now", instead);
            builder.set_missing("ssh_interface", string(interface, value.span), key);
        }
    });
}

pub(super) fn amazon_temporary_cidrs(parts: &mut Parts<'_>) {
    const OLD: &str = "temporary_security_group_source_cidr";
    parts.builders(|builder| {
        if builder.is_of("amazon")
            && builder.text(OLD).is_some()
            && let Some((key, value)) = builder.take(OLD)
        {
            let now = "is the list `temporary_security_group_source_cidrs` now";
            builder.note(key, OLD, now, "write `temporary_security_group_source_cidrs = […]`");
            let span = value.span;
            let list = Expression { kind: ExpressionKind::Tuple(vec![value]), span };
            builder.set_missing("temporary_security_group_source_cidrs", list, key);
        }
    });
}

/// ESXi can't compact disks of these types.
pub(super) fn vmware_compaction(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if !builder.is("vmware-iso") || builder.text("remote_type") != Some("esx5") {
            return;
        }
        let Some(remote) = builder.key("remote_type") else { return };
        let (place, name) = match builder.get("disk_type_id") {
            None => {
                builder.set("disk_type_id", string("zeroedthick", remote), remote);
                (remote, "remote_type")
            }
            Some(kind) if matches!(text(kind), None | Some("thin")) => return,
            Some(_) => (builder.key("disk_type_id").unwrap_or(remote), "disk_type_id"),
        };
        if builder.get("skip_compaction").and_then(truth) != Some(true) {
            let now = "needs `skip_compaction` to be true with this value";
            builder.note(place, name, now, "write `skip_compaction = true` beside it");
        }
        builder.set("skip_compaction", Expression { kind: ExpressionKind::Bool(true), span: place }, place);
    });
}

pub(super) fn hyperv_deprecations(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("hyperv-iso") {
            builder.remove("vhd_temp_path");
        }
    });
}

pub(super) fn hyperv_typo(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("hyperv-vmcx") {
            builder.rename("clone_from_vmxc_path", "clone_from_vmcx_path");
        }
    });
}

pub(super) fn hyperv_cpu_and_ram(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("hyperv") {
            builder.rename("cpu", "cpus");
            builder.rename("ram_size", "memory");
        }
    });
}

pub(super) fn clean_image_name(parts: &mut Parts<'_>) {
    fn clean(value: &mut Expression, places: &mut Vec<Span>) {
        match &mut value.kind {
            ExpressionKind::Tuple(elements) => elements.iter_mut().for_each(|element| clean(element, places)),
            ExpressionKind::Object(items) => items.iter_mut().for_each(|item| clean(&mut item.value, places)),
            _ => {
                let new = |old: &str| {
                    let names = ["clean_ami_name", "clean_image_name"];
                    let new = names.iter().fold(old.to_owned(), |text, name| text.replace(name, "clean_resource_name"));
                    (new != old).then_some(new)
                };
                if replace_text(value, new) {
                    places.push(value.span);
                }
            }
        }
    }
    parts.builders(|builder| {
        let mut places = Vec::new();
        builder.values().for_each(|(_, value)| clean(value, &mut places));
        for place in places {
            let now = "and `clean_ami_name` are called `clean_resource_name` now";
            builder.note(place, "clean_image_name", now, "write `clean_resource_name`");
        }
    });
}

pub(super) fn spot_price_product(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("amazon") {
            builder.remove("spot_price_auto_product");
        }
    });
}

pub(super) fn qemu_disk_size(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("qemu")
            && let Some(Expression { kind: ExpressionKind::Number(size), span }) = builder.get("disk_size")
        {
            let (size, place) = (size.truncate(), *span);
            builder.note(place, "disk_size", "is a string with a unit now", format!("write `\"{size}M\"`"));
            builder.set("disk_size", string(&format!("{size}M"), place), place);
        }
    });
}

fn host_ports(builder: &mut Component<'_>) {
    builder.rename("ssh_host_port_min", "host_port_min");
    builder.rename("ssh_host_port_max", "host_port_max");
}

pub(super) fn host_ports_of_virtualbox(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is_of("virtualbox") {
            host_ports(builder);
            builder.rename("ssh_skip_nat_mapping", "skip_nat_mapping");
        }
    });
}

pub(super) fn host_ports_of_qemu(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("qemu") {
            host_ports(builder);
        }
    });
}

pub(super) fn vsphere_network_and_disk(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        if builder.is("vsphere-iso") {
            builder.move_into(&["network", "network_card"], "network_adapters");
            builder.move_into(&["disk_size", "disk_thin_provisioned", "disk_eagerly_scrub"], "storage");
        }
    });
}

pub(super) fn iso_checksum(parts: &mut Parts<'_>) {
    parts.builders(|builder| {
        let url = builder.take("iso_checksum_url");
        let kind = builder.take("iso_checksum_type");
        let parts = [
            ("iso_checksum_url", &url, "write `iso_checksum = \"file:…\"` with the address behind the colon"),
            ("iso_checksum_type", &kind, "write it before the sum: `iso_checksum = \"TYPE:…\"`"),
        ];
        for (name, taken, instead) in parts {
            if let Some((key, _)) = taken {
                builder.note(*key, name, "is part of `iso_checksum` now", instead);
            }
        }
        let written = |taken: &Option<(Span, Expression)>| match taken {
            Some((key, value)) => text(value).filter(|text| !text.is_empty()).map(|text| (*key, text.to_owned())),
            None => None,
        };
        if let Some((key, url)) = written(&url) {
            builder.set("iso_checksum", string(&format!("file:{url}"), key), key);
        } else if let Some((key, kind)) = written(&kind) {
            let checksum = builder.text("iso_checksum").unwrap_or_default();
            if kind.eq_ignore_ascii_case("none") {
                builder.set("iso_checksum", string("none", key), key);
            } else if !checksum.is_empty() {
                let checksum = format!("{kind}:{checksum}");
                builder.set("iso_checksum", string(&checksum, key), key);
            }
        }
    });
}

pub(super) fn azure_exclude_from_latest(parts: &mut Parts<'_>) {
    const OLD: &str = "exlude_from_latest";
    parts.builders(|builder| {
        if !builder.is("azure-chroot") {
            return;
        }
        let mut place = None;
        for (name, value) in builder.values() {
            if name == "shared_image_destination"
                && let ExpressionKind::Object(items) = &mut value.kind
                && let Some(item) = items.iter_mut().find(|item| item.key.literal().is_some_and(|key| *key == OLD))
                && let Some(key) = item.key.literal().map(|key| key.span)
            {
                place = Some(key);
                item.key = super::item("exclude_from_latest", item.value.clone(), key).key;
            }
        }
        if let Some(place) = place {
            builder.note(place, OLD, "is called `exclude_from_latest` now", "write `exclude_from_latest`");
        }
    });
}
