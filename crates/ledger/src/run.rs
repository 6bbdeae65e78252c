//! A run's ledger while it lives, and the runs that died.

use crate::journal::{Journal, Record, Resource, Which};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The permission to create one thing, already written down. Create calls take it by value: one claim, one creation.
#[derive(Debug)]
#[must_use = "a claim is written down already; create the thing, or the next cleanup looks for it in vain"]
pub struct Claim {
    resource: Resource,
}

impl Claim {
    /// The name that the thing must get, or the absolute path where it must be made.
    pub fn name(&self) -> &str {
        &self.resource.name
    }

    /// The thing that it is about, as it is kept or released later.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }
}

/// How long after its start whatever a run made may be taken for abandoned, unless it became the user's.
pub const HARD_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// The ledger of one run. Its lock is held until it is dropped; [`abandoned`] leaves such runs alone.
pub struct Ledger {
    run: String,
    started: SystemTime,
    folder: PathBuf,
    state: Mutex<State>,
    /// Keeps the lock; the system lets go of it however the process ends.
    _lock: File,
}

struct State {
    journal: Journal,
    next: u32,
    closed: Vec<String>,
}

impl Ledger {
    /// Starts a run under the state folder, which is made if it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(state_folder: &Path) -> io::Result<Arc<Self>> {
        let runs = state_folder.join("runs");
        private_folder(&runs)?;
        let run = format!("{:016x}", rand::random::<u64>());
        // Made and locked under a hidden name first, so that a cleanup never sees a run without its lock.
        let hidden = runs.join(format!(".{run}"));
        private_folder(&hidden.join("scratch"))?;
        let lock = File::create_new(hidden.join("lock"))?;
        lock.try_lock().map_err(io::Error::from)?;
        let journal = Journal::create(&hidden.join("journal.jsonl"))?;
        let folder = runs.join(&run);
        fs::rename(&hidden, &folder)?;
        File::open(&runs)?.sync_all()?;
        let state = Mutex::new(State { journal, next: 0, closed: Vec::new() });
        Ok(Arc::new(Self { run, started: SystemTime::now(), folder, state, _lock: lock }))
    }

    /// The run's identifier: 16 hexadecimal digits.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// A folder for temporary files, readable by the user alone, removed with the run.
    pub fn scratch(&self) -> PathBuf {
        self.folder.join("scratch")
    }

    /// The ledger as one build sees it.
    pub fn build(self: &Arc<Self>, build: &str) -> BuildLedger {
        BuildLedger { ledger: self.clone(), build: build.to_owned() }
    }

    /// What is still there, of all builds, newest first.
    pub fn remaining(&self) -> Vec<Resource> {
        self.lock().journal.open().iter().rev().cloned().collect()
    }

    /// Ends the run. Its folder goes when nothing is left behind; else the journal stays for a later cleanup.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn finish(&self) -> io::Result<()> {
        if self.remaining().is_empty() { fs::remove_dir_all(&self.folder) } else { remove_scratch(&self.folder) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panicking build must not keep the others from being cleaned up.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ledger as one build sees it: claims carry the build's name.
#[derive(Clone)]
pub struct BuildLedger {
    ledger: Arc<Ledger>,
    build: String,
}

impl BuildLedger {
    /// The run's identifier.
    pub fn run(&self) -> &str {
        self.ledger.run()
    }

    /// When the run has reached its [`HARD_LIMIT`], in seconds since 1970: what clouds are told at the creation of a thing.
    pub fn expires(&self) -> u64 {
        let end = self.ledger.started + HARD_LIMIT;
        end.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    /// See [`Ledger::scratch`].
    pub fn scratch(&self) -> PathBuf {
        self.ledger.scratch()
    }

    /// Claims a thing by a name of our choosing: `imgforge-<run>-<number>`, legal wherever letters, digits and dashes are.
    ///
    /// # Errors
    /// When the journal cannot be written, or the build has been cleaned up already.
    pub fn claim(&self, cleaner: &str, kind: &str) -> io::Result<Claim> {
        self.claim_with(cleaner, kind, BTreeMap::new())
    }

    /// The same with details that the cleaner needs.
    ///
    /// # Errors
    /// As [`BuildLedger::claim`].
    pub fn claim_with(&self, cleaner: &str, kind: &str, details: BTreeMap<String, String>) -> io::Result<Claim> {
        let number = {
            let mut state = self.ledger.lock();
            state.next += 1;
            state.next
        };
        self.record(cleaner, kind, format!("imgforge-{}-{number}", self.ledger.run), details)
    }

    /// The same by a name of the user's choosing, such as an image's, which nothing of the user's may have yet.
    ///
    /// # Errors
    /// As [`BuildLedger::claim`].
    pub fn claim_named(
        &self,
        cleaner: &str,
        kind: &str,
        name: &str,
        details: BTreeMap<String, String>,
    ) -> io::Result<Claim> {
        self.record(cleaner, kind, name.to_owned(), details)
    }

    /// Claims a path of the user's choosing, to be made by us. It must be absolute and not exist yet.
    ///
    /// # Errors
    /// As [`BuildLedger::claim`]; `InvalidInput` for a path that is relative or not UTF-8.
    pub fn claim_path(&self, kind: &str, path: &Path) -> io::Result<Claim> {
        let Some(name) = path.to_str().filter(|_| path.is_absolute()) else {
            let message = format!("{} is not an absolute path in UTF-8", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        self.record("path", kind, name.to_owned(), BTreeMap::new())
    }

    fn record(&self, cleaner: &str, kind: &str, name: String, details: BTreeMap<String, String>) -> io::Result<Claim> {
        let mut state = self.ledger.lock();
        if state.closed.contains(&self.build) {
            return Err(io::Error::other(format!("{} is cleaned up already, it can't create a {kind}", self.build)));
        }
        let resource = Resource {
            cleaner: cleaner.to_owned(),
            kind: kind.to_owned(),
            name,
            run: self.ledger.run.clone(),
            build: self.build.clone(),
            details,
        };
        state.journal.append(Record::Claimed(resource.clone()))?;
        tracing::debug!(build = self.build, kind, name = resource.name, "claimed");
        Ok(Claim { resource })
    }

    /// Hands a thing over to the user: no cleanup touches it any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn keep(&self, resource: &Resource) -> io::Result<()> {
        tracing::debug!(build = self.build, kind = resource.kind, name = resource.name, "kept");
        self.ledger.lock().journal.append(Record::Kept(Which::One(resource.clone())))
    }

    /// Notes that a thing is gone.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn released(&self, resource: &Resource) -> io::Result<()> {
        tracing::debug!(build = self.build, kind = resource.kind, name = resource.name, "released");
        self.ledger.lock().journal.append(Record::Released(Which::One(resource.clone())))
    }

    /// What of this build is still there, newest first.
    pub fn remaining(&self) -> Vec<Resource> {
        let mut remaining = self.ledger.remaining();
        remaining.retain(|resource| resource.build == self.build);
        remaining
    }

    /// From now on this build can't claim anything; returns what is still there, newest first.
    pub fn close(&self) -> Vec<Resource> {
        self.ledger.lock().closed.push(self.build.clone());
        self.remaining()
    }
}

/// A run that ended without cleaning up. Holds its lock, so that two cleanups don't meet.
pub struct Abandoned {
    run: String,
    folder: PathBuf,
    journal: Journal,
    _lock: File,
}

impl Abandoned {
    /// The run's identifier.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What is still there, newest first.
    pub fn remaining(&self) -> Vec<Resource> {
        self.journal.open().iter().rev().cloned().collect()
    }

    /// Notes that a thing is gone.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn released(&mut self, resource: &Resource) -> io::Result<()> {
        self.journal.append(Record::Released(Which::One(resource.clone())))
    }

    /// Forgets the run when nothing is left of it; its temporary files go in any case.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn finish(self) -> io::Result<()> {
        if self.journal.open().is_empty() { fs::remove_dir_all(&self.folder) } else { remove_scratch(&self.folder) }
    }
}

/// A run that ended without cleaning up, and whose journal can't be read: it is of another version, or damaged. Nothing of
/// it may be removed, since the line that says what is the user's by now may be the one that can't be read.
#[derive(Debug)]
pub struct Unreadable {
    run: String,
    folder: PathBuf,
    error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the journal of the run {} can't be read: {}", self.run, self.error)
    }
}

impl Unreadable {
    /// The run's identifier.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// All that there is of the run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// The runs under a state folder whose process is gone, oldest first, each with its journal or the reason why that can't be
/// read. Living runs are left out.
///
/// # Errors
/// When the folder cannot be read; a state folder that does not exist has no runs.
pub fn abandoned(state_folder: &Path) -> io::Result<Vec<Result<Abandoned, Unreadable>>> {
    let mut runs = Vec::new();
    for folder in run_folders(state_folder)? {
        let Ok(lock) = File::open(folder.join("lock")) else { continue };
        let run = run_of(&folder);
        let journal = match lock.try_lock() {
            Ok(()) => Journal::reopen(&folder.join("journal.jsonl")),
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => Err(error),
        };
        runs.push(match journal {
            Ok(journal) => Ok(Abandoned { run, folder, journal, _lock: lock }),
            Err(error) => Err(Unreadable { run, folder, error }),
        });
    }
    Ok(runs)
}

/// The identifiers of the runs under a state folder whose process lives.
///
/// # Errors
/// When the folder or a lock cannot be read.
pub fn living(state_folder: &Path) -> io::Result<Vec<String>> {
    let mut runs = Vec::new();
    for folder in run_folders(state_folder)? {
        let Ok(lock) = File::open(folder.join("lock")) else { continue };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => runs.push(run_of(&folder)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(runs)
}

/// A run is made within milliseconds; a hidden folder that is older than this is one of a run that died.
const MAKING: Duration = Duration::from_secs(60);

/// Oldest first, without those that are being made.
fn run_folders(state_folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(state_folder.join("runs")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in entries {
        let entry = entry?;
        match entry.metadata() {
            Ok(status) => {
                let made = status.modified()?;
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if !(is_hidden && made.elapsed().is_ok_and(|age| age < MAKING)) {
                    folders.push((made, entry.path()));
                }
            }
            // The run has just come to its end.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    folders.sort();
    Ok(folders.into_iter().map(|(_, folder)| folder).collect())
}

/// A run that died while it was made has a hidden folder.
fn run_of(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().trim_start_matches('.').to_owned());
    name.unwrap_or_default()
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove_scratch(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join("scratch")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dead runs of a state folder whose journals can be read, which are all of them.
    fn abandoned(state_folder: &Path) -> Vec<Abandoned> {
        super::abandoned(state_folder).unwrap().into_iter().map(Result::unwrap).collect()
    }

    fn names(resources: &[Resource]) -> Vec<&str> {
        resources.iter().map(|resource| resource.name.as_str()).collect()
    }

    #[test]
    fn a_claim_is_on_disk_before_it_is_returned() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let claim = ledger.build("qemu.web").claim("process", "virtual machine").unwrap();
        let journal = state.path().join("runs").join(ledger.run()).join("journal.jsonl");
        let text = fs::read_to_string(journal).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"claimed\":{{\"cleaner\":\"process\",\"kind\":\"virtual machine\",\"name\":\"{}\",\"run\":\"{}\",\"build\":\"qemu.web\"}}}}\n",
                claim.name(),
                ledger.run()
            )
        );
    }

    #[test]
    fn a_living_run_is_not_abandoned_and_a_dead_one_is_found_with_all_it_left() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let build = ledger.build("qemu.web");
        drop(build.claim_path("output folder", Path::new("/tmp/out")).unwrap());
        let machine = build.claim("process", "virtual machine").unwrap();
        let gone = build.claim("process", "command").unwrap();
        build.released(gone.resource()).unwrap();
        assert_eq!(abandoned(state.path()).len(), 0);
        assert_eq!(living(state.path()).unwrap(), [ledger.run()]);

        drop((build, ledger));
        assert_eq!(living(state.path()).unwrap(), [""; 0]);
        let mut runs = abandoned(state.path());
        assert_eq!(runs.len(), 1);
        assert_eq!(names(&runs[0].remaining()), [machine.name(), "/tmp/out"]);

        let mut run = runs.remove(0);
        for resource in run.remaining() {
            run.released(&resource).unwrap();
        }
        run.finish().unwrap();
        assert_eq!(abandoned(state.path()).len(), 0);
        assert_eq!(fs::read_dir(state.path().join("runs")).unwrap().count(), 0);
    }

    #[test]
    fn a_run_that_is_being_made_is_nobodys_to_clean_up() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("runs/.00112233445566aa");
        private_folder(&folder).unwrap();
        fs::write(folder.join("lock"), "").unwrap();
        assert_eq!(abandoned(state.path()).len(), 0);
        File::open(&folder).unwrap().set_modified(SystemTime::now() - MAKING).unwrap();
        assert_eq!(abandoned(state.path())[0].run(), "00112233445566aa");
    }

    #[test]
    fn what_is_kept_is_never_released_and_a_closed_build_creates_nothing() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let (web, db) = (ledger.build("web"), ledger.build("db"));
        let image = web.claim("path", "image").unwrap();
        let key = web.claim("path", "key").unwrap();
        let other = db.claim("path", "image").unwrap();
        web.keep(image.resource()).unwrap();
        assert_eq!(names(&web.close()), [key.name()]);
        assert_eq!(
            web.claim("path", "disk").unwrap_err().to_string(),
            "web is cleaned up already, it can't create a disk"
        );
        assert_eq!(names(&db.close()), [other.name()]);
    }

    #[test]
    fn things_of_one_name_are_told_apart_by_all_else() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let (web, db) = (ledger.build("web"), ledger.build("db"));
        let in_project = |project: &str| BTreeMap::from([("project".to_owned(), project.to_owned())]);
        let image = web.claim_named("gce", "image", "base", in_project("a")).unwrap();
        let disk = web.claim_named("gce", "disk", "base", in_project("a")).unwrap();
        let other = web.claim_named("gce", "image", "base", in_project("b")).unwrap();
        let foreign = db.claim_named("gce", "image", "base", in_project("a")).unwrap();
        assert_eq!(image.name(), "base");
        web.keep(image.resource()).unwrap();
        web.released(disk.resource()).unwrap();
        assert_eq!(ledger.remaining(), [foreign.resource().clone(), other.resource().clone()]);
    }

    #[test]
    fn a_run_expires_six_hours_after_its_start() {
        let state = tempfile::tempdir().unwrap();
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let before = now();
        let expires = Ledger::open(state.path()).unwrap().build("web").expires();
        assert!((before..=now()).contains(&(expires - 21_600)), "{expires}");
    }

    #[test]
    fn a_journal_of_old_names_what_was_kept_or_released() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("runs/00112233445566aa");
        private_folder(&folder).unwrap();
        fs::write(folder.join("lock"), "").unwrap();
        let claimed = |name: &str| {
            format!(
                "{{\"claimed\":{{\"cleaner\":\"path\",\"kind\":\"file\",\"name\":\"{name}\",\"build\":\"web\"}}}}\n"
            )
        };
        let lines = [
            claimed("/a"),
            claimed("/b"),
            claimed("/c"),
            "{\"kept\":\"/a\"}\n".to_owned(),
            "{\"released\":\"/b\"}\n".to_owned(),
        ];
        fs::write(folder.join("journal.jsonl"), lines.concat()).unwrap();
        assert_eq!(names(&abandoned(state.path())[0].remaining()), ["/c"]);
    }

    #[test]
    fn a_torn_last_line_is_forgotten_and_a_broken_one_is_an_error() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(state.path()).unwrap();
        let claim = ledger.build("web").claim("path", "image").unwrap();
        let journal = state.path().join("runs").join(ledger.run()).join("journal.jsonl");
        drop(ledger);
        let whole = fs::read_to_string(&journal).unwrap();
        fs::write(&journal, format!("{whole}{{\"claimed\":{{\"cle")).unwrap();
        let mut runs = abandoned(state.path());
        assert_eq!(names(&runs[0].remaining()), [claim.name()]);
        runs[0].released(claim.resource()).unwrap();
        drop(runs);
        assert_eq!(abandoned(state.path())[0].remaining(), []);

        fs::write(&journal, format!("{{\"cl\n{whole}")).unwrap();
        let unreadable = super::abandoned(state.path()).unwrap().remove(0).err().unwrap();
        assert_eq!(unreadable.folder(), journal.parent().unwrap());
        let error = unreadable.to_string();
        let place = format!("the journal of the run {} can't be read: {} line 1:", unreadable.run(), journal.display());
        assert!(error.starts_with(&place), "{error}");
    }

    #[test]
    fn a_record_of_another_version_hides_no_other_run() {
        let state = tempfile::tempdir().unwrap();
        let dead = || {
            let ledger = Ledger::open(state.path()).unwrap();
            let name = ledger.build("web").claim("path", "image").unwrap().name().to_owned();
            (ledger.run().to_owned(), name)
        };
        let ((newer, _), (run, name)) = (dead(), dead());
        let journal = state.path().join("runs").join(&newer).join("journal.jsonl");
        let text = fs::read_to_string(&journal).unwrap();
        fs::write(&journal, format!("{text}{{\"lent\":\"x\"}}\n")).unwrap();
        let (read, unread): (Vec<_>, Vec<_>) =
            super::abandoned(state.path()).unwrap().into_iter().partition(Result::is_ok);
        let read: Vec<Abandoned> = read.into_iter().map(Result::unwrap).collect();
        assert_eq!((read[0].run(), names(&read[0].remaining())), (run.as_str(), vec![name.as_str()]));
        assert_eq!(unread.into_iter().map(|run| run.err().unwrap().run).collect::<Vec<_>>(), [newer]);
        // It is still there, for whoever can read it.
        assert!(fs::read_to_string(&journal).unwrap().ends_with("{\"lent\":\"x\"}\n"));
    }
}
