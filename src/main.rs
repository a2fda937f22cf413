//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("mailer") => exportd::report::smtp::mailer_main(),
        _ => ExitCode::from(2),
    }
}
