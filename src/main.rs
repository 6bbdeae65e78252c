//! The `imgforge` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    imgforge::run(std::env::args_os().collect())
}
