//! `completions`: what a shell needs to complete commands, options and values.

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::generate;

use super::{Cli, Exit, print};

/// The shells that are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn completions(args: &CompletionsArgs) -> Exit {
    print(&script(args.shell));
    Exit::Well
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(clap_complete::Shell::from(shell), &mut visible(), "exportd", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Returns the command line as people see it: writers of scripts and pages do not leave out by
/// themselves what is hidden.
pub(super) fn visible() -> clap::Command {
    let whole = Cli::command();
    clap::Command::new("exportd")
        .about(whole.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .args(whole.get_arguments().cloned())
        .subcommands(whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_what_people_may_type() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for command in visible().get_subcommands() {
                let name = command.get_name();
                assert!(script.contains(name), "{shell:?}: {name}");
                for option in command.get_arguments().filter_map(clap::Arg::get_long) {
                    assert!(script.contains(option), "{shell:?}: {name} --{option}");
                }
            }
            for hidden in ["worker", "mailer", "caller"] {
                assert!(!script.contains(&format!("{hidden} ")), "{shell:?}: {hidden}");
                assert!(!script.contains(&format!("__{hidden}")), "{shell:?}: {hidden}");
            }
        }
    }
}
