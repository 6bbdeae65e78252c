//! Finds in Google Cloud what is ours by its labels, comments and metadata, and what is Packer's by its names.

use super::{Area, BUCKETS, Findings, Found, Sweeper, UNKNOWN, Wanted};
use crate::clients::Clients;
use crate::google::{Account, CLEANER, Role, explained, is_leftover_of_packer, kind};
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use imgforge_gce::{Disk, Gce, Kind, Listed};
use imgforge_ledger::Resource;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

pub(super) struct GceSweeper;

/// How objects of ours begin that nobody has given a name of his own.
const PREFIX: &str = "packer-import-";

#[async_trait]
impl Sweeper for GceSweeper {
    fn name(&self) -> &'static str {
        CLEANER
    }

    async fn find(&self, wanted: &Wanted, area: &Area, clients: &Clients) -> Findings {
        match Search::new(wanted, area, clients).await {
            Ok(search) => search.run().await,
            Err(error) => Findings { found: Vec::new(), errors: vec![error] },
        }
    }
}

/// Google's clock, or ours where it does not tell.
async fn now_at(gce: &Gce, project: &str) -> Timestamp {
    let told = gce.date(project).await.inspect_err(|error| tracing::debug!("Google does not tell the time: {error}"));
    let read = |date: String| rfc2822::parse(&date).map(|date| date.timestamp()).ok();
    told.ok().and_then(read).unwrap_or_else(Timestamp::now)
}

/// Why there may be more than a list has: the rest of it is good all the same.
fn lacking(lack: Option<imgforge_gce::Error>) -> Vec<anyhow::Error> {
    explained(lack.map_or(Ok(()), Err)).err().into_iter().collect()
}

/// One search through one project.
struct Search<'a> {
    gce: Gce,
    project: &'a str,
    wanted: &'a Wanted,
    area: &'a Area,
    now: Timestamp,
}

/// A thing before it is known whether it is wanted.
struct Candidate<'a> {
    kind: &'a str,
    name: String,
    description: &'a str,
    /// Its zone or region, and by which of the two words a claim calls that.
    place: Option<(&'a str, String)>,
    marks: &'a BTreeMap<String, String>,
    created: Option<Timestamp>,
}

impl<'a> Search<'a> {
    async fn new(wanted: &'a Wanted, area: &'a Area, clients: &Clients) -> Result<Self> {
        if let Some(why) = area.details.get(UNKNOWN) {
            bail!("{why}");
        }
        let project = area.details.get("project").context("the area has no project")?;
        let gce = Account::connect_noted(&area.details, clients).await?;
        let now = match wanted {
            Wanted::Run(_) => Timestamp::now(),
            Wanted::Expired { .. } | Wanted::PackerLeftovers { .. } => now_at(&gce, project).await,
        };
        Ok(Self { gce, project, wanted, area, now })
    }

    /// Machines first: what they use can be removed after them.
    async fn run(&self) -> Findings {
        let mut findings = Findings::default();
        findings.extend(self.instances().await);
        findings.extend(self.disks().await);
        if !matches!(self.wanted, Wanted::PackerLeftovers { .. }) {
            findings.add(self.images().await);
            findings.add(self.login_keys().await);
            findings.add(self.objects().await);
        }
        findings
    }

    /// What Google is asked for. It finds too much rather than too little.
    fn filter(&self) -> String {
        match self.wanted {
            // The identifier may look like a number, which it is not.
            Wanted::Run(run) => format!("labels.imgforge-run=\"{run}\""),
            Wanted::Expired { .. } => "labels.imgforge-expires:*".to_owned(),
            Wanted::PackerLeftovers { .. } => "name:packer-*".to_owned(),
        }
    }

    async fn instances(&self) -> Result<Findings> {
        let Listed { items, lack } = explained(self.gce.instances(self.project, &self.filter()).await)?;
        let found = items.iter().filter_map(|instance| {
            self.wanted(Candidate {
                kind: kind::INSTANCE,
                name: instance.name.clone(),
                description: &instance.description,
                place: Some(("zone", instance.zone.clone())),
                marks: &instance.labels,
                created: instance.created.parse().ok(),
            })
        });
        Ok(Findings { found: found.collect(), errors: lacking(lack) })
    }

    async fn disks(&self) -> Result<Findings> {
        let Listed { mut items, lack } = explained(self.gce.disks(self.project, &self.filter()).await)?;
        if matches!(self.wanted, Wanted::PackerLeftovers { .. }) {
            // One of a machine goes with it, if that is a leftover too, or stays.
            items.retain(|disk| disk.users.is_empty());
        }
        let found =
            items.iter().filter_map(|Disk { name, description, place, is_regional, labels, created, .. }| {
                self.wanted(Candidate {
                    kind: kind::DISK,
                    name: name.clone(),
                    description,
                    place: Some((if *is_regional { "region" } else { "zone" }, place.clone())),
                    marks: labels,
                    created: created.parse().ok(),
                })
            });
        Ok(Findings { found: found.collect(), errors: lacking(lack) })
    }

    async fn images(&self) -> Result<Vec<Found>> {
        let found = explained(self.gce.images(self.project, &self.filter()).await)?;
        let found = found.iter().filter_map(|image| {
            self.wanted(Candidate {
                kind: kind::IMAGE,
                name: image.name.clone(),
                description: &image.description,
                place: None,
                marks: &image.labels,
                created: image.created.parse().ok(),
            })
        });
        Ok(found.collect())
    }

    /// Keys of the account that looks, by their comments. Where there is no OS Login, or no account to ask for, there is none.
    async fn login_keys(&self) -> Result<Vec<Found>> {
        let profile = async {
            let account = self.gce.account().await?;
            let profile = self.gce.login_profile(&account, self.project).await?;
            Ok((account, profile))
        };
        let (account, profile) = match profile.await {
            Ok(found) => found,
            Err(imgforge_gce::Error { kind: Kind::Disabled | Kind::Forbidden | Kind::NotFound, message, .. }) => {
                tracing::info!("keys of OS Login are not looked for, they expire by themselves: {message}");
                return Ok(Vec::new());
            }
            Err(error) => return explained(Err(error)),
        };
        let mut found = Vec::new();
        for key in profile.keys {
            let comment = key.text.split_whitespace().nth(2).unwrap_or_default();
            let Some(run) = run_in_name(comment) else { continue };
            let expires = key.expires.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map(|time| time.as_secs());
            let marks =
                [("imgforge-run", Some(run.to_owned())), ("imgforge-expires", expires.map(|at| at.to_string()))];
            let marks = marks.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
            let candidate = Candidate {
                kind: kind::LOGIN_KEY,
                name: comment.to_owned(),
                description: "",
                place: None,
                marks: &marks.collect(),
                created: None,
            };
            found.extend(self.wanted(candidate).map(|mut found| {
                found.resource.details.insert("account".to_owned(), account.clone());
                found.place = format!("the OS Login profile of {account}");
                found
            }));
        }
        Ok(found)
    }

    async fn objects(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for bucket in self.area.buckets() {
            let (bucket, prefix) = bucket.split_once('/').unwrap_or((bucket, PREFIX));
            let objects = explained(self.gce.objects(bucket, prefix).await)?;
            found.extend(objects.iter().filter_map(|object| {
                let mut found = self.wanted(Candidate {
                    kind: kind::OBJECT,
                    name: format!("{}/{}", object.bucket, object.name),
                    description: "",
                    place: None,
                    marks: &object.metadata,
                    created: object.created.parse().ok(),
                })?;
                // A bucket's name is the only one of all projects.
                found.place = format!("gs://{bucket}");
                Some(found)
            }));
        }
        Ok(found)
    }

    /// What is wanted of the candidates.
    fn wanted(&self, candidate: Candidate<'_>) -> Option<Found> {
        let Candidate { kind, name, description, place, marks, created } = candidate;
        let mark = |name: &str| marks.get(name).cloned();
        let expires = mark("imgforge-expires").and_then(|at| Timestamp::from_second(at.parse().ok()?).ok());
        let is_past = |time: Option<Timestamp>, by: Duration| {
            let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
            time.is_some_and(|time| self.now.duration_since(time) > by)
        };
        let is_wanted = match self.wanted {
            Wanted::Run(run) => mark("imgforge-run").as_ref() == Some(run),
            Wanted::Expired { grace } => is_past(expires, *grace),
            Wanted::PackerLeftovers { older_than } => {
                is_leftover_of_packer(kind, &name, description) && is_past(created, *older_than)
            }
        };
        if !is_wanted || mark("imgforge-role").is_some_and(|role| role == Role::Artifact.text()) {
            return None;
        }
        let mut details = self.area.details.clone();
        details.remove(BUCKETS);
        let mut shown = self.project.to_owned();
        if let Some((word, place)) = place {
            shown = format!("{shown}, {place}");
            details.insert(word.to_owned(), place);
        }
        let run = mark("imgforge-run");
        Some(Found {
            resource: Resource {
                cleaner: CLEANER.to_owned(),
                kind: kind.to_owned(),
                name,
                run: run.clone().unwrap_or_default(),
                build: String::new(),
                details,
            },
            place: shown,
            since: created,
            run,
            owner: mark("imgforge-owner"),
            expires,
        })
    }
}

/// The run in a name that we gave: `imgforge-RUN-NUMBER`.
fn run_in_name(name: &str) -> Option<&str> {
    let (run, _) = name.strip_prefix("imgforge-")?.split_once('-')?;
    let is_run = run.len() == 16 && run.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_run.then_some(run)
}
