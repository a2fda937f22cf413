//! `init` and `schema`: a manifest to begin with, and what an editor knows of one.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, complain, print_json, say};
use crate::fs::write_new;
use crate::job::manifest::schema::schema;

/// Every key with its explanation; those that are optional are commented out.
const STARTER: &str = include_str!("../../config/manifest.example.toml");

/// What stands above it. Editors look for the schema where the first line says.
const HEAD: &str = "\
#:schema ./exportd.schema.json
# A manifest for exportd. The lines that begin with \"# key =\" are optional: take the \"#\" away. Editors
# help with the keys when `exportd schema > exportd.schema.json` was run beside this file.
";

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The manifest to write; it must not exist
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Writes a commented manifest.
pub(super) fn init(args: &InitArgs) -> Result<Exit, Exit> {
    let (_, keys) = STARTER.split_once("\n\n").unwrap_or(("", STARTER));
    let text = format!("{HEAD}\n{}", keys.replace("\n#= ", "\n# "));
    write_new(&args.file, text.as_bytes(), 0o644).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "there is such a file already".to_owned(),
            std::io::ErrorKind::NotFound => "there is no such folder".to_owned(),
            _ => error.to_string(),
        };
        complain(&format!("{}: {why}", args.file.display()));
        Exit::NoOutput
    })?;
    say(&format!("{0}: fill it in, then exportd check {0}", args.file.display()));
    Ok(Exit::Well)
}

/// Prints the schema.
pub(super) fn print_schema() -> Exit {
    print_json(&schema());
    Exit::Well
}
