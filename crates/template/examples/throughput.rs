//! How fast templates are read and evaluated: every one under a folder, each on its own, in one process. Other files
//! that they name are not there.
//!
//! usage: cargo run --release -p imgforge-template --example throughput FOLDER

#[path = "../tests/support/memory.rs"]
mod memory;

use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::hcl;
use imgforge_template::host::Host;
use imgforge_template::inputs::Inputs;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::template::{self, Depth, Request, Unread, World};
use memory::Memory;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const RUNS: usize = 5;
/// MB (a million bytes) a second.
const LEAST_SPEED: f64 = 15.0;
const LONGEST: Duration = Duration::from_millis(50);

struct File {
    path: PathBuf,
    text: String,
    host: Arc<dyn Host>,
}

/// What is read for itself: templates and values in HCL2, and legacy templates.
fn is_template(name: &str, text: &str) -> bool {
    name.ends_with(".pkr.hcl")
        || name.ends_with(".pkrvars.hcl")
        || (name.ends_with(".json") && text.contains("\"builders\""))
}

fn collect(folder: &Path, files: &mut Vec<File>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, files)?;
        } else if let Ok(text) = std::fs::read_to_string(&path)
            && is_template(&path.to_string_lossy(), &text)
        {
            let host = Arc::new(Memory { files: [(path.clone(), text.clone())].into() });
            files.push(File { path, text, host });
        }
    }
    Ok(())
}

fn read(file: &File) -> Duration {
    let start = Instant::now();
    let sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let name = file.path.to_string_lossy();
    if name.ends_with(".pkrvars.hcl") {
        let id = sources.add(&*name, Origin::File, file.text.as_str());
        hcl::parse(id, &file.text, &mut diagnostics);
    } else {
        let inputs = Inputs::default();
        let request = Request { path: &file.path, inputs: &inputs, depth: Depth::Everything, data_first: false };
        template::load(
            &request,
            &World { host: &file.host, sources: &sources, data: &Unread, secrets: None },
            &mut diagnostics,
        );
    }
    start.elapsed()
}

/// The shortest time for all files, with that of the slowest one.
fn measure(files: &[&File]) -> (Duration, Duration) {
    let run = |_| {
        let times: Vec<Duration> = files.iter().map(|file| read(file)).collect();
        (times.iter().sum(), times.iter().copied().max().unwrap_or_default())
    };
    (0..RUNS).map(run).min().unwrap_or_default()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name a folder with templates")?;
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files)?;
    let (json, hcl): (Vec<&File>, Vec<&File>) =
        files.iter().partition(|file| file.path.to_string_lossy().ends_with(".json"));
    let all: Vec<&File> = files.iter().collect();
    let mut out = String::new();
    let mut is_good = !files.is_empty();
    for (name, files) in [("hcl2", hcl), ("legacy json", json), ("all", all)] {
        let bytes: usize = files.iter().map(|file| file.text.len()).sum();
        let (total, slowest) = measure(&files);
        #[expect(clippy::cast_precision_loss, reason = "megabytes are shown with one digit")]
        let speed = bytes as f64 / 1e6 / total.as_secs_f64();
        writeln!(
            out,
            "{name:12} {:5} files {:6.2} MB {:7.1} MB/s, slowest file {:.2} ms",
            files.len(),
            bytes as f64 / 1e6,
            speed,
            slowest.as_secs_f64() * 1e3
        )?;
        is_good &= files.is_empty() || (speed >= LEAST_SPEED && slowest <= LONGEST);
    }
    writeln!(
        out,
        "wanted: {LEAST_SPEED} MB/s, {} ms: {}",
        LONGEST.as_millis(),
        if is_good { "held" } else { "MISSED" }
    )?;
    std::io::stdout().write_all(out.as_bytes())?;
    if is_good { Ok(()) } else { Err("too slow".into()) }
}
