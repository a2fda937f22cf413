//! `config`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Exit, Places, print, print_json};
use crate::config::{Config, Folders, Origin, Value};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    value: String,
    origin: String,
}

/// Collects what is in force: what was written or built in, and the folders that follow from it.
fn shown(config: &Config) -> BTreeMap<String, Shown> {
    let one = |value: &Value, origin: String| Shown { value: value.to_string(), origin };
    let mut shown: BTreeMap<String, Shown> = config
        .origins
        .iter()
        .map(|(name, (value, origin))| (name.clone(), one(value, origin.to_string())))
        .collect();
    let origin = config.origins.get("root").map_or(Origin::BuiltIn, |(_, origin)| origin.clone());
    let text = |path: &PathBuf| path.display().to_string();
    let Folders { drop, assets, catalogs: _, out, reports, spool, mail } = &config.settings.folders;
    let single =
        [("drop", drop), ("out", out), ("reports", reports), ("spool", spool), ("mail", mail)];
    let folders = single.map(|(name, path)| (name, Value::Text(text(path))));
    let assets = Value::Texts(assets.iter().map(text).collect());
    for (name, value) in folders.into_iter().chain([("assets", assets)]) {
        let entry = shown.entry(format!("folders.{name}"));
        entry.or_insert_with(|| one(&value, origin.to_string()));
    }
    shown
}

pub(super) fn config(places: &Places, args: &ConfigArgs) -> Result<Exit, Exit> {
    let shown = shown(&places.settings()?);
    if args.json {
        print_json(&shown);
    } else {
        for (name, Shown { value, origin }) in &shown {
            print(&format!("{name} = {value}  # {origin}\n"));
        }
    }
    Ok(Exit::Well)
}
