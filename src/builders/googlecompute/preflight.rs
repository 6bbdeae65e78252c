//! What is looked at before anything is made: all of it at once, and each failure at the argument that asks for it.

use super::Googlecompute;
use super::arguments::set;
use super::checks::NO_SOURCE;
use super::login::OS_LOGIN;
use super::quota;
use super::source::{self, NoSource};
use crate::context::BuildContext;
use crate::google::explained;
use anyhow::Result;
use imgforge_gce::{Gce, Image, Kind, MachineType, Project, Region};
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};

/// What was found out, so that nothing is asked twice.
pub(super) struct Found {
    pub gce: Gce,
    pub source: Image,
    /// The image that has the name already; it is to be replaced.
    pub previous: Option<Image>,
    /// The reserved address of the machine.
    pub address: Option<String>,
    /// Whose OS Login profile gets our key, if OS Login is used.
    pub login_email: Option<String>,
}

/// What a build does in a project, by the permissions that it takes.
const PERMISSIONS: [&str; 8] = [
    "compute.disks.create",
    "compute.instances.create",
    "compute.instances.delete",
    "compute.instances.get",
    "compute.instances.setLabels",
    "compute.instances.setMetadata",
    "compute.instances.stop",
    "compute.zones.get",
];
const IMAGE_PERMISSIONS: [&str; 4] =
    ["compute.images.create", "compute.images.delete", "compute.images.get", "compute.images.setLabels"];

/// One question's answer, as far as the diagnostics don't have it.
type Answer<T> = Result<Option<T>>;

/// What went wrong, gathered while several questions are open.
struct Report<'a> {
    builder: &'a Googlecompute,
    diagnostics: Diagnostics,
}

impl Googlecompute {
    /// Asks Google for all that the build needs. There is something to build with if the diagnostics have no error.
    ///
    /// # Errors
    /// When a question was not answered.
    pub(super) async fn look(&self, context: &BuildContext) -> Result<(Option<Found>, Diagnostics)> {
        context.events.add_secrets(&[self.google.secrets(), self.disk_keys()].concat());
        let mut report = Report { builder: self, diagnostics: Diagnostics::default() };
        let gce = match self.account.connect(&context.clients).await {
            Ok(gce) => gce,
            Err(error) => {
                report.bad_credentials(&format!("{error:#}"), None);
                return Ok((None, report.diagnostics));
            }
        };
        if set(&self.source.source_image).is_none() && set(&self.source.source_image_family).is_none() {
            let (message, help) = NO_SOURCE;
            report.error("missing-argument", "source_image", message.to_owned(), help);
            return Ok((None, report.diagnostics));
        }
        if !self.image.skip_create_image {
            context.say("Checking image does not exist...");
        }
        let (project, zone, region) = (&self.source.project_id, &self.source.zone, self.source.region());
        let (
            apis,
            permissions,
            source,
            previous,
            zone_found,
            machine,
            accelerator,
            network,
            subnetwork,
            regional,
            project_found,
            address,
        ) = tokio::join!(
            self.disabled_apis(&gce),
            self.missing_permissions(&gce),
            source::find(&gce, &self.source),
            self.previous(&gce),
            gce.zone(project, zone),
            self.machine_type(&gce),
            self.accelerator(&gce),
            self.network_found(&gce),
            self.subnetwork_found(&gce),
            gce.region(project, region),
            gce.project(project),
            self.reserved(&gce),
        );
        // Whoever is not let in is told so once.
        if let Err(error) = &zone_found
            && error.is_about_credentials()
        {
            report.bad_credentials(&error.to_string(), error.advice());
            return Ok((None, report.diagnostics));
        }
        if let Some(disabled) = report.answered(apis, "project_id", "whether the APIs are enabled")?
            && !disabled.is_empty()
        {
            report.disabled(&disabled);
            return Ok((None, report.diagnostics));
        }
        for missing in report.answered(permissions, "project_id", "the permissions")?.into_iter().flatten() {
            report.forbidden(&missing);
        }
        let source = report.source(source)?;
        let previous = match previous {
            Err(error) if error.is_not_found() => None,
            previous => report.answered(previous, "image_name", "whether the image exists")?.flatten(),
        };
        if let Some(image) = previous.as_ref().filter(|_| !context.force) {
            report.taken(image);
        }
        let what = format!("the zone `{zone}` in the project `{project}`");
        if let Some(found) = report.there(zone_found, "zone", &what, "`gcloud compute zones list` shows all")?
            && found.status != "UP"
        {
            report.error("not-in-cloud", "zone", format!("the zone `{zone}` is down"), "take another zone");
        }
        let kind = &self.instance.machine_type;
        let help = format!("`gcloud compute machine-types list --zones {zone}` shows all");
        let machine =
            report.there(machine, "machine_type", &format!("the machine type `{kind}` in `{zone}`"), &help)?;
        let kind = set(&self.instance.accelerator_type).unwrap_or_default();
        let help = format!("`gcloud compute accelerator-types list --filter=zone:{zone}` shows all");
        let what = format!("the accelerator `{kind}` in `{zone}`");
        report.there(accelerator.map(Some), "accelerator_type", &what, &help)?;
        let (network_name, subnetwork_name) = self.network_names();
        let what = format!("the network `{}`", network_name.unwrap_or_default());
        report.there(network.map(Some), "network", &what, "`gcloud compute networks list` shows all")?;
        let what = format!("the subnetwork `{}` in the region `{region}`", subnetwork_name.unwrap_or_default());
        report.there(subnetwork.map(Some), "subnetwork", &what, "`gcloud compute networks subnets list` shows all")?;
        let regional = report.there(regional, "region", &format!("the region `{region}`"), "it follows from `zone`")?;
        let owned = report.there(
            project_found,
            "project_id",
            &format!("the project `{project}`"),
            "it is an ID, not a name",
        )?;
        let what = format!("the reserved address `{}` in `{region}`", set(&self.network.address).unwrap_or_default());
        let address = report.there(address, "address", &what, "`gcloud compute addresses list` shows all")?.flatten();
        report.fitting(source.as_ref(), machine.as_ref());
        report.quotas(machine.as_ref(), regional.as_ref(), owned.as_ref());
        let login_email = match self.uses_os_login(owned.as_ref()) {
            true => Some(explained(gce.account().await)?),
            false => None,
        };
        let found = source.map(|source| Found { gce, source, previous, address, login_email });
        Ok((found.filter(|_| !report.diagnostics.has_errors()), report.diagnostics))
    }

    async fn disabled_apis(&self, gce: &Gce) -> imgforge_gce::Result<Vec<String>> {
        let mut apis = vec!["compute.googleapis.com"];
        if self.network.use_iap {
            apis.push("iap.googleapis.com");
        }
        if self.network.use_os_login == Some(true) {
            apis.push("oslogin.googleapis.com");
        }
        gce.disabled_apis(&self.source.project_id, &apis).await
    }

    /// The permissions that we don't have, each with the project where it is missing.
    async fn missing_permissions(&self, gce: &Gce) -> imgforge_gce::Result<Vec<Missing>> {
        let (project, image_project) = (self.source.project_id.as_str(), self.image_project());
        let mut own: Vec<&str> = PERMISSIONS.to_vec();
        let mut images: Vec<&str> = if self.image.skip_create_image { Vec::new() } else { IMAGE_PERMISSIONS.to_vec() };
        if self.image.deprecation().is_some() {
            images.push("compute.images.deprecate");
        }
        let elsewhere = if project == image_project {
            own.append(&mut images);
            Vec::new()
        } else {
            images
        };
        let ask = async |project: &str, permissions: Vec<&str>| {
            let answer =
                if permissions.is_empty() { Vec::new() } else { gce.permissions(project, &permissions).await? };
            let missing: Vec<String> =
                answer.into_iter().filter(|permission| !permission.granted).map(|permission| permission.name).collect();
            let project = project.to_owned();
            imgforge_gce::Result::Ok((!missing.is_empty()).then_some(Missing { project, permissions: missing }))
        };
        let (own, elsewhere) = tokio::try_join!(ask(project, own), ask(image_project, elsewhere))?;
        Ok([own, elsewhere].into_iter().flatten().collect())
    }

    async fn previous(&self, gce: &Gce) -> imgforge_gce::Result<Option<Image>> {
        if self.image.skip_create_image {
            return Ok(None);
        }
        gce.image(self.image_project(), &self.image_name).await.map(Some)
    }

    async fn machine_type(&self, gce: &Gce) -> imgforge_gce::Result<MachineType> {
        let name = self.instance.machine_type.rsplit('/').next().unwrap_or_default();
        gce.machine_type(&self.source.project_id, &self.source.zone, name).await
    }

    async fn accelerator(&self, gce: &Gce) -> imgforge_gce::Result<()> {
        let Some(name) = set(&self.instance.accelerator_type) else { return Ok(()) };
        let name = name.rsplit('/').next().unwrap_or_default();
        gce.accelerator_type(&self.source.project_id, &self.source.zone, name).await.map(drop)
    }

    async fn network_found(&self, gce: &Gce) -> imgforge_gce::Result<()> {
        let Some(name) = self.network_names().0 else { return Ok(()) };
        // The one that every project has is the machine's own.
        let project = if name == "default" { &self.source.project_id } else { self.network_project() };
        let (project, name) = of_url(name, project);
        gce.network(project, name).await.map(drop)
    }

    async fn subnetwork_found(&self, gce: &Gce) -> imgforge_gce::Result<()> {
        let Some(name) = self.network_names().1 else { return Ok(()) };
        let (project, name) = of_url(name, self.network_project());
        gce.subnetwork(project, self.source.region(), name).await.map(drop)
    }

    async fn reserved(&self, gce: &Gce) -> imgforge_gce::Result<Option<String>> {
        match set(&self.network.address) {
            Some(name) => gce.reserved_address(&self.source.project_id, self.source.region(), name).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether keys go to OS Login: as the template says, in its argument or its metadata, else as the project does.
    fn uses_os_login(&self, project: Option<&Project>) -> bool {
        if !self.ssh.is_ssh() || self.ssh.key_file().is_some() || self.ssh.uses_agent() {
            return false;
        }
        let is_on = |value: &String| value.eq_ignore_ascii_case("true");
        self.os_login().unwrap_or_else(|| project.and_then(|project| project.metadata.get(OS_LOGIN)).is_some_and(is_on))
    }

    /// What the template says of OS Login.
    pub(super) fn os_login(&self) -> Option<bool> {
        let noted = self.instance.metadata.get(OS_LOGIN).map(|value| value.eq_ignore_ascii_case("true"));
        self.network.use_os_login.or(noted)
    }
}

/// Permissions that we don't have.
struct Missing {
    project: String,
    permissions: Vec<String>,
}

/// Project and name of a network or subnetwork that may be written as a URL.
fn of_url<'a>(text: &'a str, project: &'a str) -> (&'a str, &'a str) {
    let parts: Vec<&str> = text.split('/').collect();
    let named = parts.iter().position(|part| *part == "projects").and_then(|at| parts.get(at + 1).copied());
    (named.unwrap_or(project), parts.last().copied().unwrap_or_default())
}

impl Report<'_> {
    fn error(&mut self, code: &'static str, argument: &str, message: String, help: impl Into<String>) {
        let place = self.builder.place(argument);
        self.diagnostics.push(Diagnostic::error(code, message).at(place).help(help));
    }

    /// The answer; a warning where we may not ask.
    fn answered<T>(&mut self, answer: imgforge_gce::Result<T>, argument: &str, what: &str) -> Answer<T> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if matches!(error.kind, Kind::Forbidden | Kind::Disabled) => {
                let message = format!("{what} could not be checked: {}", error.message);
                let place = self.builder.place(argument);
                let help = "the build goes on without this check; allow the call to get it";
                self.diagnostics.push(Diagnostic::warning("not-checked", message).at(place).help(help));
                Ok(None)
            }
            Err(error) => explained(Err(error)),
        }
    }

    /// The same for a thing that has to be there.
    fn there<T>(&mut self, answer: imgforge_gce::Result<T>, argument: &str, what: &str, help: &str) -> Answer<T> {
        match answer {
            Err(error) if error.is_not_found() => {
                self.error("not-in-cloud", argument, format!("there is no {}", what.trim_start_matches("the ")), help);
                Ok(None)
            }
            answer => self.answered(answer, argument, what),
        }
    }

    fn bad_credentials(&mut self, why: &str, advice: Option<String>) {
        let other = "give `credentials_file` or `access_token`, or run `gcloud auth application-default login`";
        let help = advice.unwrap_or_else(|| other.to_owned());
        let argument = self.builder.credentials_argument();
        self.error("bad-credentials", argument, format!("Google does not take the credentials: {why}"), help);
    }

    fn disabled(&mut self, apis: &[String]) {
        let project = &self.builder.source.project_id;
        let (message, help) = (
            format!("the project `{project}` has not enabled {}", apis.join(", ")),
            format!("`gcloud services enable --project {project} {}`", apis.join(" ")),
        );
        self.error("api-disabled", "project_id", message, help);
    }

    fn forbidden(&mut self, missing: &Missing) {
        let Missing { project, permissions } = missing;
        let argument = if *project == self.builder.source.project_id { "project_id" } else { "image_project_id" };
        let message = format!("these credentials lack {} in the project `{project}`", permissions.join(", "));
        let help = "give the account the role `roles/compute.instanceAdmin.v1` there, or one with these permissions";
        self.error("missing-permission", argument, message, help);
    }

    fn source(&mut self, found: Result<Image, NoSource>) -> Answer<Image> {
        let source = &self.builder.source;
        let (argument, name) = match set(&source.source_image) {
            Some(name) => ("source_image", format!("image `{name}`")),
            None => {
                ("source_image_family", format!("family `{}`", set(&source.source_image_family).unwrap_or_default()))
            }
        };
        match found {
            Ok(image) => Ok(Some(image)),
            Err(NoSource::Nowhere { projects, forbidden }) => {
                let mut message = match projects.as_slice() {
                    [one] => format!("there is no {name} in the project `{one}`"),
                    [own, .., _] if projects.len() > 10 => {
                        format!("there is no {name} in the project `{own}`, nor in Google's public ones")
                    }
                    several => format!("there is no {name} in the projects {}", several.join(", ")),
                };
                if !forbidden.is_empty() && forbidden.len() < 10 {
                    message = format!("{message}; {} could not be looked at", forbidden.join(", "));
                }
                let help = "check the name, or say where it is with `source_image_project_id`";
                self.error("not-in-cloud", argument, message, help);
                Ok(None)
            }
            Err(NoSource::Failed(error)) if error.kind == Kind::Forbidden => {
                let message = format!("the {name} could not be looked at: {}", error.message);
                let help = "give the account the role `roles/compute.imageUser` there";
                self.error("missing-permission", argument, message, help);
                Ok(None)
            }
            Err(NoSource::Failed(error)) => explained(Err(error)),
        }
    }

    fn taken(&mut self, image: &Image) {
        let message = format!("Image {} already exists in project {}", image.name, image.project);
        self.error("name-taken", "image_name", message, "choose another name, or replace it with `-force`");
    }

    /// Whether source, machine and image go together.
    fn fitting(&mut self, source: Option<&Image>, machine: Option<&MachineType>) {
        let wanted = set(&self.builder.image.image_architecture).map(str::to_uppercase);
        let of_source = source.and_then(|source| source.architecture.clone());
        let of_machine = machine.and_then(|machine| machine.architecture.clone());
        // An image of another disk need not run here.
        let is_of_machine = !self.builder.disks.disk_attachment.iter().any(|disk| disk.create_image);
        if let (Some(wanted), Some(is)) = (wanted.filter(|_| is_of_machine).or(of_source), of_machine)
            && wanted != is
        {
            let kind = &self.builder.instance.machine_type;
            let message = format!("a machine of the type `{kind}` is of {is}, the image of {wanted}");
            self.error("invalid-value", "machine_type", message, "take a machine type of the image's architecture");
        }
        let Some(source) = source else { return };
        let size = self.builder.disks.disk_size;
        if size < source.disk_size_gb {
            let message = format!("the image `{}` needs a disk of {} GB, not {size}", source.name, source.disk_size_gb);
            self.error("invalid-value", "disk_size", message, format!("set `disk_size = {}`", source.disk_size_gb));
        }
        let boots_securely = source.guest_os_features.iter().any(|feature| feature == "UEFI_COMPATIBLE");
        if self.builder.instance.enable_secure_boot && !boots_securely {
            let message = format!("the image `{}` can't boot securely: it is not `UEFI_COMPATIBLE`", source.name);
            self.error("invalid-value", "enable_secure_boot", message, "take another image, or remove it");
        }
    }

    fn quotas(&mut self, machine: Option<&MachineType>, region: Option<&Region>, project: Option<&Project>) {
        let name = self.builder.source.region();
        let where_it_is = format!("the region `{name}`");
        let needs = quota::of_region(self.builder, machine);
        let regional = region.into_iter().flat_map(|region| quota::exceeded(&region.quotas, &needs));
        let mut exceeded: Vec<_> = regional.map(|exceeded| (where_it_is.clone(), exceeded)).collect();
        // Images count in their own project, which is not looked at if it is another one.
        if !self.builder.image.skip_create_image && self.builder.image_project() == self.builder.source.project_id {
            let global = project.into_iter().flat_map(|project| quota::exceeded(&project.quotas, &quota::IMAGE));
            let where_it_is = format!("the project `{}`", self.builder.source.project_id);
            exceeded.extend(global.map(|exceeded| (where_it_is.clone(), exceeded)));
        }
        for (place, exceeded) in exceeded {
            let quota::Exceeded { need, limit, usage } = exceeded;
            let message = format!(
                "{place} has {usage} of {limit} `{}` in use, and the build needs {} more",
                need.metric, need.amount
            );
            self.error("quota-exceeded", need.argument, message, "remove what is not needed, or ask Google for more");
        }
    }
}
