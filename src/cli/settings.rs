//! `config`.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use super::{Exit, Places, print, print_json};

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

pub(super) fn config(places: &Places, args: &ConfigArgs) -> Result<Exit, Exit> {
    let config = places.settings()?;
    if args.json {
        let shown: BTreeMap<&str, Shown> = config
            .origins
            .iter()
            .map(|(name, (value, origin))| {
                (name.as_str(), Shown { value: value.to_string(), origin: origin.to_string() })
            })
            .collect();
        print_json(&shown);
    } else {
        print(&config.listing());
    }
    Ok(Exit::Well)
}
