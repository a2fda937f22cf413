//! What a plan needs beside its source: colour profiles and masks, found by name and opened.
//!
//! A profile is looked for in the map of the asset's image catalogue, in that of the default one,
//! and in `[imaging.profiles]` of the configuration; a name that ends in `.icc` or `.icm` may be
//! the path of a file below an asset root. A mask is what the request names, as any
//! object inside of a request, or what the record of the asset names.
//!
//! Only the first bytes of a profile are read here, to know the type of its pixels; a worker gets
//! the file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::diag::{Fault, Phrase, phrase, shown};
use crate::imaging::PixelType;
use crate::imaging::color::{HEADER, pixel_type_of};
use crate::imaging::plan::{Aux, ColorDefaults};
use crate::library::{Asset, AssetHandle, Library, Scope};

/// Where things that plans name are.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// Catalogues and masks.
    pub library: &'a Library,
    /// Files of the configuration's profiles by name.
    pub profiles: &'a BTreeMap<String, PathBuf>,
}

impl Beside<'_> {
    /// Opens what the plan of an asset names.
    ///
    /// # Errors
    /// Why it is not there, with its name.
    pub fn open(&self, asset: &Asset, aux: &Aux) -> Result<File, Fault> {
        match aux {
            Aux::Profile(name) => match self.catalogued(asset.scope, name) {
                Some(opened) => opened,
                None => self.configured(name),
            },
            Aux::Mask(object) => self.mask(asset, object),
        }
    }

    /// Adds to the profiles of the configuration those that a catalogue has under the names that
    /// could be meant: `asked`, and the defaults of `colors`.
    ///
    /// A default that is of no use is left out: whether it matters is for a plan to say.
    ///
    /// # Errors
    /// A file that is `asked` for and that is not there, or no profile.
    pub fn colors(
        &self,
        scope: Scope,
        mut colors: ColorDefaults,
        asked: Option<&str>,
    ) -> Result<ColorDefaults, Fault> {
        let defaults = colors.output.iter().chain(colors.source.iter()).map(|(_, name)| name);
        let names: Vec<String> = defaults.map(str::to_owned).collect();
        for name in names {
            if let Some(Ok(pixel_type)) = self.type_in(scope, &name) {
                colors.profiles.put(&name, pixel_type);
            }
        }
        if let Some(name) = asked
            && let Some(pixel_type) = self.type_in(scope, name)
        {
            colors.profiles.put(name, pixel_type?);
        }
        Ok(colors)
    }

    /// Reads the type of a profile that a catalogue has.
    fn type_in(&self, scope: Scope, name: &str) -> Option<Result<PixelType, Fault>> {
        let wrong = |what: Phrase| {
            let help = phrase!("step-catalogue", "tell whoever looks after the catalogue");
            Fault::Modifiers { message: of_profile(name, what), help: Some(help) }
        };
        Some(self.catalogued(scope, name)?.and_then(|file| type_of(file).map_err(wrong)))
    }

    /// Opens the profile that a catalogue has under a name, or that lies below an asset root.
    ///
    /// A map of a catalogue may have the paths of a server: `None` when the file is not here.
    fn catalogued(&self, scope: Scope, name: &str) -> Option<Result<File, Fault>> {
        let path = match self.library.images().profile(scope, name) {
            Some(entry) => &entry.path,
            None if is_path(name) && !self.profiles.contains_key(name) => name,
            None => return None,
        };
        let file = self.library.resolve_object(scope, path).ok()?.file?;
        Some(self.library.open_source(&file).map(|(file, _)| file))
    }

    fn configured(&self, name: &str) -> Result<File, Fault> {
        let path = self
            .profiles
            .get(name)
            .ok_or_else(|| unusable(name, phrase!("profile-not-here", "is not on this machine")))?;
        open_file(path).map_err(|what| unusable(name, what))
    }

    /// Opens the picture a mask is taken from; `$object$` is the asset itself, and as a part of a
    /// name the asset's handle, without the extension if that is a file's.
    fn mask(&self, asset: &Asset, object: &str) -> Result<File, Fault> {
        let itself = asset.file.as_ref().filter(|_| object.eq_ignore_ascii_case("$object$"));
        let own = asset.file.as_ref().and_then(|file| file.path.extension());
        let own = own.and_then(|own| asset.handle.strip_suffix(own)?.strip_suffix('.'));
        let object = &object.replace("$object$", own.unwrap_or(&asset.handle));
        let wrong = |what: Phrase, help: Option<Phrase>| Fault::Modifiers {
            message: phrase!(
                "of-mask",
                "the mask {name}: {what}",
                name = shown(object),
                what = what
            ),
            help,
        };
        let told = |fault: Fault| {
            let near = match &fault {
                Fault::NotFound { nearest: Some(near) } => {
                    Some(phrase!("did-you-mean", "did you mean `{near}`?", near = near))
                }
                _ => None,
            };
            wrong(fault.words(), near)
        };
        let own = asset.mask.as_deref().filter(|mask| mask.path.as_str() == object.as_str());
        if let Some(file) = itself.or(own) {
            return self.library.open_source(file).map(|(file, _)| file).map_err(told);
        }
        let found = match self.library.resolve_object(asset.scope, object) {
            Ok(found) => found,
            // It may be a handle of the library's own catalogue.
            Err(fault) => {
                match AssetHandle::parse(object).map(|handle| self.library.resolve(&handle)) {
                    Ok(Ok(found)) if found.len() == 1 => found.into_iter().next().ok_or(fault)?,
                    Ok(Ok(_) | Err(_)) | Err(_) => return Err(told(fault)),
                }
            }
        };
        let Some(file) = &found.file else {
            let help = phrase!("name-a-picture", "name a picture in a format that is read");
            return Err(wrong(phrase!("no-picture-there", "that is no picture"), Some(help)));
        };
        self.library.open_source(file).map(|(file, _)| file).map_err(told)
    }
}

/// Tells whether the name of a profile may be that of its file.
fn is_path(name: &str) -> bool {
    let (_, extension) = name.rsplit_once('.').unwrap_or_default();
    ["icc", "icm"].iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Says what is wrong with a profile: what follows its name.
fn of_profile(name: &str, what: Phrase) -> Phrase {
    phrase!("of-profile", "the colour profile {name} {what}", name = shown(name), what = what)
}

fn unusable(name: &str, what: Phrase) -> Fault {
    let help = phrase!(
        "operator-sets-profile",
        "ask whoever runs exportd to set `imaging.profiles.{name}`",
        name = shown(name)
    );
    Fault::Modifiers { message: of_profile(name, what), help: Some(help) }
}

fn unreadable(error: &std::io::Error) -> Phrase {
    phrase!("cannot-be-read", "cannot be read: {error}", error = error.to_string())
}

/// Opens a file that was one when the configuration was read; a pipe would be waited for.
fn open_file(path: &Path) -> Result<File, Phrase> {
    if std::fs::metadata(path).map_err(|error| unreadable(&error))?.is_file() {
        File::open(path).map_err(|error| unreadable(&error))
    } else {
        Err(phrase!("no-file-any-more", "is not a file any more"))
    }
}

/// Reads the type of a profile's pixels; what is wrong follows its name.
fn type_of(file: File) -> Result<PixelType, Phrase> {
    let length = file.metadata().map_err(|error| unreadable(&error))?.len();
    let mut header = Vec::new();
    file.take(HEADER as u64).read_to_end(&mut header).map_err(|error| unreadable(&error))?;
    pixel_type_of(&header, length).map_err(|what| phrase!("is-what", "is {what}", what = what))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::fs::write_new;
    use crate::imaging::color::reply_profile;
    use crate::imaging::plan::SRGB;

    struct World {
        dir: tempfile::TempDir,
        library: Library,
        profiles: BTreeMap<String, PathBuf>,
    }

    fn world() -> World {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("masks")).unwrap();
        let rgb = reply_profile(PixelType::Rgb).unwrap();
        let files: [(&str, &[u8]); 5] = [
            ("bag.jpg", b"bag"),
            ("masks/bag.png", b"a mask"),
            ("house.icc", &rgb),
            ("note.icc", b"buy milk"),
            ("catalog.toml", b"[[asset]]\nhandle = \"a|1|2|3\"\npath = \"masks/bag.png\"\n"),
        ];
        for (name, content) in files {
            write_new(&dir.path().join(name), content, 0o644).unwrap();
        }
        let library = Library::open(&[dir.path().to_owned()], None).unwrap();
        let profiles = [("House", "house.icc"), ("Gone", "gone.icc")];
        let profiles = profiles.map(|(name, file)| (name.to_owned(), dir.path().join(file))).into();
        World { dir, library, profiles }
    }

    impl World {
        fn open(&self, aux: &Aux) -> Result<String, Fault> {
            let beside = Beside { library: &self.library, profiles: &self.profiles };
            let asset = self.library.resolve(&AssetHandle::parse("bag.jpg").unwrap()).unwrap();
            let mut content = Vec::new();
            beside.open(&asset[0], aux)?.read_to_end(&mut content).unwrap();
            Ok(String::from_utf8_lossy(&content).into_owned())
        }
    }

    #[test]
    fn masks_are_found_as_any_object_and_as_handles() {
        let world = world();
        for object in ["masks/bag.png", "masks/bag", "a|1|2|3", "masks/$object$"] {
            assert_eq!(world.open(&Aux::Mask(object.into())), Ok("a mask".into()), "{object}");
        }
        let fault = world.open(&Aux::Mask("masks/bga.png".into())).unwrap_err();
        let Fault::Modifiers { message, help } = fault else { panic!("{fault}") };
        assert!(message.starts_with("the mask masks/bga.png: "), "{message}");
        assert_eq!(help.as_deref(), Some("did you mean `masks/bag.png`?"));
        for outside in ["../x.png", "/etc/passwd", "no such\u{202e}thing"] {
            assert!(world.open(&Aux::Mask(outside.into())).is_err(), "{outside}");
        }
    }

    #[test]
    fn profiles_of_the_configuration_are_opened_by_name() {
        let world = world();
        assert!(world.open(&Aux::Profile("House".into())).unwrap().contains("acsp"));
        for (name, words) in [("Gone", "cannot be read"), ("Nobody", "is not on this machine")] {
            let message = world.open(&Aux::Profile(name.into())).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains(name), "{message}");
        }
    }

    #[test]
    fn profiles_of_a_catalogue_come_first() {
        let world = world();
        let write = |name: &str, text: &str| {
            write_new(&world.dir.path().join(name), text.as_bytes(), 0o644).unwrap();
        };
        std::fs::create_dir(world.dir.path().join("conf")).unwrap();
        write("conf/default.ini", "IccProfileMapFile = icc.dat\n");
        write("conf/icc.dat", "Name\tProfilePath\nHouse\thouse.icc\nNote\tnote.icc\nNo\tno.icc\n");
        let images =
            Library::open(&[world.dir.path().to_owned()], Some(&world.dir.path().join("conf")));
        let library = images.unwrap();
        let beside = Beside { library: &library, profiles: &BTreeMap::new() };
        let colors =
            |name: &str| beside.colors(Scope::DEFAULT, ColorDefaults::default(), Some(name));
        let found = colors("House").unwrap().profiles;
        assert_eq!(found.find("house"), Ok(("House", PixelType::Rgb)));
        assert!(colors("Note").unwrap_err().to_string().contains("Note is not a colour profile"));
        // What lies on a server only may be in the configuration.
        assert_eq!(colors("No").unwrap(), ColorDefaults::default());
        // A path below the asset root is a name too, and one that leads out is not.
        assert_eq!(
            colors("house.icc").unwrap().profiles.find("house.icc").unwrap().1,
            PixelType::Rgb
        );
        assert!(colors("note.icc").is_err());
        assert_eq!(colors("../house.icc").unwrap(), ColorDefaults::default());
        // Defaults that are of no use do not fail what does not need them.
        let mut odd = ColorDefaults::default();
        odd.output.cmyk = Some("Note".into());
        assert!(beside.colors(Scope::DEFAULT, odd, None).is_ok());
        assert_eq!(colors(SRGB).unwrap(), ColorDefaults::default());
        let asset = library.resolve(&AssetHandle::parse("bag.jpg").unwrap()).unwrap();
        assert!(beside.open(&asset[0], &Aux::Profile("House".into())).is_ok());
    }
}
