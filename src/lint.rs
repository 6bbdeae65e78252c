//! Checks of what the languages and the components allow, and what is a mistake all the same.
//!
//! [`LINTS`] is the list. Each looks at the whole template, at what its builds consist of and at the files of the host, and
//! changes nothing. Those that warn can be switched: see `docs/lints.md`.

mod artifacts;
mod block;
mod cloud_names;
mod comments;
mod communicators;
mod duplicates;
mod exit_codes;
mod fields;
mod levels;
mod outputs;
mod scripts;
mod secrets;
mod security;
mod shell;
mod times;
mod usage;
mod versions;
mod walk;

pub use levels::{Level, Switch};

use crate::plan::{self, Outline};
use block::Build;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics, Severity};
use imgforge_template::host::Host;
use imgforge_template::source::{Sources, Span};
use imgforge_template::template::Template;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One check.
pub struct Lint {
    pub code: &'static str,
    pub severity: Severity,
    /// What is wrong where it finds something.
    pub about: &'static str,
    /// `None` where the planner, a component or the reader of the language finds it on its way.
    check: Option<fn(&Subject<'_>, &mut Report<'_>)>,
}

const fn warning(code: &'static str, about: &'static str, check: fn(&Subject<'_>, &mut Report<'_>)) -> Lint {
    Lint { code, severity: Severity::Warning, about, check: Some(check) }
}

/// The build would fail: nobody switches it off.
const fn error(code: &'static str, about: &'static str, check: fn(&Subject<'_>, &mut Report<'_>)) -> Lint {
    Lint { code, severity: Severity::Error, about, check: Some(check) }
}

/// A warning that is found elsewhere.
const fn elsewhere(code: &'static str, about: &'static str) -> Lint {
    Lint { code, severity: Severity::Warning, about, check: None }
}

/// All checks.
pub const LINTS: &[Lint] = &[
    elsewhere("ignored-block", "a block that no version of Packer looks at"),
    elsewhere("not-executable", "a script that is to be run is no program"),
    elsewhere("several-registries", "more than one HCP registry, which `packer build` refuses"),
    elsewhere("unmatched-source", "`only`, `except` or `override` names a source that its build does not have"),
    elsewhere("unused-allow", "a comment that allows what is not found, or what there is not"),
    elsewhere("unused-pattern", "`-only` or `-except` matches no build"),
    elsewhere("unused-source", "a source that no build uses"),
    elsewhere("unused-var-file", "a file of values, none of which a variable takes"),
    error("missing-file", "a file that is to be run or copied is not there", scripts::missing_file),
    error(
        "no-machine",
        "a provisioner that runs on the machine, in a build without a connection to one",
        communicators::no_machine,
    ),
    warning("crlf-script", "a script with the line endings of Windows, which no Unix shell reads", scripts::crlf),
    warning("duplicate-build", "two builds of one name", duplicates::builds),
    warning(
        "file-builder-step",
        "a provisioner for a machine that the file builder does not have",
        communicators::file_builder,
    ),
    warning("hidden-in-part", "a sensitive value that can't be kept out of what is shown", secrets::hidden_in_part),
    warning("ignored-communicator", "settings of a communicator that is not used", communicators::ignored),
    warning("ignored-timeout", "`timeout` beside `pause_before`, where Packer drops it", times::ignored_timeout),
    warning("invalid-cloud-name", "the name of an image that its cloud refuses", cloud_names::check),
    warning("lost-build-values", "`build.*` after a post-processor that has none", artifacts::lost_values),
    warning("misspelt-field", "a field of a Go template that is close to one there is", fields::check),
    warning("missing-interpreter", "a local script whose interpreter this machine does not have", scripts::interpreter),
    warning("missing-shebang", "a script that does not say what reads it", scripts::shebang),
    warning("nanoseconds", "a number that is read as nanoseconds", times::nanoseconds),
    warning("needs-later-packer", "a function that an allowed version of Packer does not have", versions::check),
    warning("no-checksum", "an image is taken as it comes", security::no_checksum),
    warning("odd-exit-codes", "exit codes that no script ends with, or none that is a success", exit_codes::codes),
    warning("open-security-group", "a machine that the whole internet may connect to", security::open_group),
    warning("overlapping-output", "two builds that write to one place", outputs::overlapping),
    warning("root-password", "a login as root by a password that stands in the template", security::root_password),
    warning("secret-in-template", "a secret that everyone reads who reads the template", secrets::written),
    warning("shell-over-winrm", "`shell` on a machine that is reached by WinRM", communicators::shell_over_winrm),
    warning("shell-syntax", "commands that no shell can read", shell::check),
    warning("undeclared-environment", "`PKR_VAR_…` of a variable that there is not", usage::environment),
    warning(
        "unexpected-disconnect",
        "a script that ends the connection, which fails the build",
        exit_codes::disconnect,
    ),
    warning("unpinned-image", "a base image that may be another one tomorrow", security::unpinned),
    warning("unused-variable", "a variable that nothing reads", usage::variables),
    warning("unwritable-output", "a file that can't be written where it is to go", outputs::unwritable),
    warning("wrong-artifact", "a post-processor that can do nothing with what it gets", artifacts::wrong),
];

/// The check with this code.
pub fn find(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code)
}

/// What is looked at.
pub struct Subject<'a> {
    template: &'a Template,
    host: &'a Arc<dyn Host>,
    builds: Vec<Build<'a>>,
    /// The script files that were looked at.
    scripts: scripts::Files,
    /// What seems not to be used is not: no mistake may hide it.
    is_sound: bool,
}

/// Where a check says what it finds.
struct Report<'a> {
    lint: &'static Lint,
    diagnostics: &'a mut Diagnostics,
    /// The places of errors.
    wrong: &'a BTreeSet<Span>,
    secrets: &'a mut Vec<String>,
}

impl Report<'_> {
    fn say(&mut self, place: Span, message: impl Into<String>, help: impl Into<String>) {
        let diagnostic = self.diagnostic(message).at(place).help(help);
        self.add(place, diagnostic);
    }

    /// The same with another place that explains it.
    fn say_beside(
        &mut self,
        place: Span,
        message: impl Into<String>,
        help: impl Into<String>,
        related: (Span, &'static str),
    ) {
        let diagnostic = self.diagnostic(message).at(place).related(related.0, related.1).help(help);
        self.add(place, diagnostic);
    }

    fn add(&mut self, place: Span, diagnostic: Diagnostic) {
        // What has to be mended anyway may be right then.
        if !self.wrong.contains(&place) {
            self.diagnostics.push(diagnostic);
        }
    }

    fn diagnostic(&self, message: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::warning(self.lint.code, message);
        Diagnostic { severity: self.lint.severity, ..diagnostic }
    }
}

/// What a template is read with, for [`check`].
pub struct Checked<'a> {
    pub template: &'a Template,
    pub outlines: &'a [Outline],
    pub host: &'a Arc<dyn Host>,
    pub sources: &'a Sources,
    pub switches: &'a [Switch],
    /// No builds were left out by flags.
    pub is_whole: bool,
}

/// Runs all checks, and sets the levels of what they and others found by the switches and the comments of the template.
/// Returns the secrets that stand in the template: nobody should be shown them once more.
pub fn check(checked: &Checked<'_>, diagnostics: &mut Diagnostics) -> Vec<String> {
    let Checked { template, outlines, host, .. } = *checked;
    let is_sound = !plan::hides_uses(diagnostics);
    let builds = outlines.iter().map(Build::new).collect();
    let subject = Subject { template, host, builds, scripts: scripts::Files::default(), is_sound };
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error);
    let wrong: BTreeSet<Span> = errors.filter_map(|error| error.primary.as_ref()).map(|label| label.span).collect();
    let mut secrets = Vec::new();
    for lint in LINTS {
        if let Some(check) = lint.check {
            check(&subject, &mut Report { lint, diagnostics, wrong: &wrong, secrets: &mut secrets });
        }
    }
    // Who reads one may have been left out.
    if checked.is_whole {
        usage::undeclared(template, diagnostics);
    }
    comments::apply(&template.document, checked.sources, is_sound && checked.is_whole, diagnostics);
    levels::apply(checked.switches, diagnostics);
    secrets
}
