//! What a plan needs beside its source: colour profiles and masks, found and opened.
//!
//! A plan only names them. A profile has its name in the configuration; a mask is an object as the
//! asset's image catalogue names it, so that a request and a catalogue mean the same by it.

use std::fs::File;

use super::run::Bench;
use crate::diag::{Fault, shown};
use crate::imaging::plan::Aux;
use crate::library::{Asset, Library};

/// Opens something that a plan needs beside its source.
///
/// # Errors
/// Why it cannot be had, as the fault of the asset.
pub(super) fn open_beside(bench: &Bench<'_>, asset: &Asset, aux: &Aux) -> Result<File, Fault> {
    match aux {
        Aux::Profile(name) => open_profile(bench, name),
        Aux::Mask(object) => open_mask(bench.library, asset, object),
    }
}

/// Opens a profile of the configuration.
fn open_profile(bench: &Bench<'_>, name: &str) -> Result<File, Fault> {
    let wrong = |what: String| Fault::Modifiers {
        message: format!("the colour profile {name} {what}"),
        help: Some(format!("the operator sets `imaging.profiles.{name}` in the configuration")),
    };
    let path = bench.profiles.get(name).ok_or_else(|| wrong("is not on this machine".into()))?;
    // It was a file when the configuration was read; a pipe would be waited for.
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() => {}
        Ok(_) => return Err(wrong("is not a file any more".into())),
        Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
    }
    File::open(path).map_err(|error| wrong(format!("cannot be read: {error}")))
}

/// Opens the picture that a mask is taken from, named as in the asset's image catalogue.
fn open_mask(library: &Library, asset: &Asset, object: &str) -> Result<File, Fault> {
    let wrong = |what: String, help: Option<String>| Fault::Modifiers {
        message: format!("the mask {}: {what}", shown(object)),
        help,
    };
    let told = |fault: Fault| {
        let nearest = match &fault {
            Fault::NotFound { nearest: Some(near) } => Some(format!("did you mean `{near}`?")),
            _ => None,
        };
        wrong(fault.to_string(), nearest)
    };
    let file = if object.eq_ignore_ascii_case("$object$") {
        asset.file.clone()
    } else {
        library.resolve_object(asset.scope, object).map_err(told)?.file
    };
    match &file {
        Some(file) => library.open_source(file).map(|(file, _)| file).map_err(told),
        None => Err(wrong("that is no picture".into(), None)),
    }
}
