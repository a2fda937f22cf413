use proptest::prelude::*;

use super::*;
use crate::diag::{Rendering, render};
use crate::fs::write_new;
use crate::library::{Asset, AssetHandle, AssetType, Library};

/// A folder with these files; the names of pictures hold nothing.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_new(&path, text.as_bytes(), 0o644).unwrap();
    }
    dir
}

/// Findings about a text as `LINE: message (help)`.
pub(super) fn told(text: &str, findings: &[Diagnostic]) -> Vec<String> {
    let line = |d: &Diagnostic| crate::diag::position(text, d.span.start).0;
    let help = |d: &Diagnostic| d.help.as_ref().map_or(String::new(), |help| format!(" ({help})"));
    findings.iter().map(|d| format!("{}: {}{}", line(d), d.message, help(d))).collect()
}

struct World {
    assets: tempfile::TempDir,
    catalogs: tempfile::TempDir,
}

impl World {
    fn library(&self) -> Library {
        Library::open(&[self.assets.path().to_owned()], Some(self.catalogs.path())).unwrap()
    }

    /// What is wrong, with file and line.
    fn told(&self) -> Vec<String> {
        let folder = self.catalogs.path().display().to_string() + "/";
        let mut told = Vec::new();
        for CatalogFindings { file, text, findings } in self.library().findings() {
            let file = file.replace(&folder, "");
            for Diagnostic { message, span, .. } in findings {
                let line = crate::diag::position(text, span.start).0;
                told.push(format!("{file}:{line}: {message}"));
            }
        }
        told
    }
}

const DEFAULT: &str = "RootPath = all\nDefaultExt = .tif\nCatalogFile = default.dat\n\
                       MacroFile = default.mac\nIccProfileMapFile = icc.dat\n\
                       FontMapFile = fonts.dat\nJpegQuality = 70\nResolution = 100\n";

const ACME: &str = "RootId = acme\nRootPath = acme-co\nCatalogFile = acme.dat, more.dat\n\
                    MacroFile = acme.mac\nJpegQuality = 90,1\n";

const FULL: &str = "RootId = full\nRootPath =\nDefaultExt =\nFullMatch = 1\n";

fn world() -> World {
    let assets = folder(&[
        ("all/shoe.tif", ""),
        ("all/plain.tif", ""),
        ("all/full/deep.tif", ""),
        ("all/acme/both.tif", ""),
        ("acme-co/bag.tif", ""),
        ("acme-co/bag-mask.tif", ""),
        ("acme-co/loose.tif", ""),
        ("acme-co/full/x.jpg", ""),
        ("top.jpg", ""),
    ]);
    let catalogs = folder(&[
        ("default.ini", DEFAULT),
        ("acme.ini", ACME),
        ("full.ini", FULL),
        (
            "default.dat",
            "Id\tPath\tModifier\nshoe\tshoe\tbgc=ff0000\nacme/odd\tplain\nonly\tplain\n",
        ),
        (
            "acme.dat",
            "Id\tPath\tMaskPath\tModifier\tPostModifier\tResolution\tAssetType\n\
             bag\tbag\tbag-mask\t$web$\tqlt=1\t300\n\
             view\tbag\t\tcrop=0,0,5,5\nbag/two\tnone\nset\t\t\t\t\t\tSPINSET\n\
             nomask\tloose\tgone\nt\t\t\tlayer=1&src=bag\n",
        ),
        ("more.dat", "Id\tPath\nview\tloose\nouter\t/etc/passwd\n"),
        ("default.mac", "Name\tDefinition\nweb\twid=100\nbase\thei=5\n"),
        ("acme.mac", "Name\tDefinition\nWeb\t$base$&wid=200\n"),
        ("icc.dat", "Name\tProfilePath\nsRGB\tsrgb.icc\n"),
        ("fonts.dat", "Name\tFontPath\nA\ta.ttf\nA\tb.ttf\n"),
    ]);
    World { assets, catalogs }
}

fn one(library: &Library, handle: &str) -> Asset {
    let mut found = library.resolve(&AssetHandle::parse(handle).unwrap()).unwrap();
    assert_eq!(found.len(), 1, "{handle}");
    found.remove(0)
}

/// Its file, and the name of the catalogue that holds for it.
fn place(library: &Library, asset: &Asset) -> (String, String) {
    let file = asset.file.as_ref().map_or("-".into(), |file| file.path.to_string());
    (file, library.images().root_id_of(asset.scope).to_owned())
}

#[test]
fn places_of_findings_are_whole_characters() {
    let catalogs = folder(&[
        ("default.ini", "MacroFile = default.mac\né = 1\n"),
        ("default.mac", "Name\tDefinition\n\u{e9}\u{1f4f7}\n\u{e9}\t\u{e9}"),
    ]);
    let library = Library::open(&[], Some(catalogs.path())).unwrap();
    assert!(library.findings().len() > 1);
    for CatalogFindings { file, text, findings } in library.findings() {
        for Diagnostic { span, .. } in findings {
            assert!(text.get(span.clone()).is_some(), "{span:?} of {file}");
        }
    }
}

#[test]
fn a_handle_names_a_record_of_the_default_catalogue_or_of_the_one_it_names() {
    let world = world();
    let library = world.library();
    let is = |handle: &str, file: &str, scope: &str| {
        let asset = one(&library, handle);
        assert_eq!(place(&library, &asset), (file.into(), scope.into()), "{handle}");
        asset
    };
    let shoe = is("shoe", "all/shoe.tif", "");
    assert_eq!(shoe.modifier.as_deref(), Some("bgc=ff0000"));
    is("/shoe", "all/shoe.tif", "");
    let bag = is("acme/bag", "acme-co/bag.tif", "acme");
    assert_eq!(bag.post_modifier.as_deref(), Some("qlt=1"));
    assert_eq!(bag.mask.unwrap().path.as_str(), "acme-co/bag-mask.tif");
    // The default catalogue's records stand in, with the attributes of the named one.
    let only = is("acme/only", "all/plain.tif", "acme");
    assert_eq!(only.attributes.jpeg_quality.as_ref().unwrap().value, (90, true));
    is("acme/odd", "all/plain.tif", "");
    // The later record holds.
    is("acme/view", "acme-co/loose.tif", "acme");
    assert_eq!(one(&library, "acme/set").kind, AssetType::SpinSet);
    assert_eq!(one(&library, "acme/t").kind, AssetType::Template);
    let fault = |handle: &str| library.resolve(&AssetHandle::parse(handle).unwrap()).unwrap_err();
    assert_eq!(fault("acme/outer"), crate::diag::Fault::OutsideRoot);
    assert_eq!(fault("bag"), crate::diag::Fault::NotFound { nearest: Some("acme/bag".into()) });
    assert!(fault("acme/nomask").to_string().contains("acme-co/gone.tif"));
}

#[test]
fn what_is_no_record_is_a_path_below_the_root_path() {
    let world = world();
    let library = world.library();
    for (handle, file, scope) in [
        ("plain", "all/plain.tif", ""),
        ("acme/loose", "acme-co/loose.tif", "acme"),
        ("acme/full/x.jpg", "acme-co/full/x.jpg", "acme"),
        // With FullMatch the name stays in the path, and the default catalogue holds.
        ("full/deep", "all/full/deep.tif", ""),
        ("top", "top.jpg", ""),
        ("all/acme/both.tif", "all/acme/both.tif", ""),
    ] {
        assert_eq!(
            place(&library, &one(&library, handle)),
            (file.into(), scope.into()),
            "{handle}"
        );
    }
}

#[test]
fn a_file_that_one_record_describes_is_that_asset_and_of_several_none() {
    let world = world();
    let library = world.library();
    let named = one(&library, "all/shoe.tif");
    assert_eq!(named.modifier.as_deref(), Some("bgc=ff0000"));
    assert_eq!(named.identity(), one(&library, "shoe").identity());
    // `acme/odd` and `only` both describe it.
    assert_eq!(one(&library, "all/plain.tif").modifier, None);
    // The record that a later one hides does not count.
    assert_eq!(one(&library, "acme-co/bag.tif").modifier.as_deref(), Some("$web$"));
}

#[test]
fn attributes_are_inherited_and_fields_come_before_them() {
    let world = world();
    let library = world.library();
    let told = |handle: &str| {
        let all = one(&library, handle).attributes;
        let quality = all.jpeg_quality.clone().unwrap();
        let resolution = all.resolution.clone().unwrap();
        (
            quality.value,
            quality.from.to_string(),
            resolution.value.to_string(),
            resolution.from.to_string(),
        )
    };
    let is = |quality: (u8, bool), a: &str, resolution: &str, b: &str| {
        (quality, a.to_owned(), resolution.to_owned(), b.to_owned())
    };
    assert_eq!(told("shoe"), is((70, false), "default.ini:7", "100", "default.ini:8"));
    assert_eq!(told("acme/bag"), is((90, true), "acme.ini:5", "300", "acme.dat:2"));
    assert_eq!(told("acme/loose"), is((90, true), "acme.ini:5", "100", "default.ini:8"));
    // What is in no catalogue has the default one's.
    assert_eq!(told("top"), is((70, false), "default.ini:7", "100", "default.ini:8"));
}

#[test]
fn objects_of_a_request_are_looked_up_from_its_catalogue() {
    let world = world();
    let library = world.library();
    let acme = one(&library, "acme/bag").scope;
    let at = |main, object: &str| place(&library, &library.resolve_object(main, object).unwrap()).0;
    assert_eq!(at(acme, "bag"), "acme-co/bag.tif");
    assert_eq!(at(acme, "shoe"), "all/shoe.tif");
    assert_eq!(at(acme, "acme/odd"), "all/plain.tif");
    assert_eq!(at(acme, "acme/loose"), "acme-co/loose.tif");
    assert_eq!(at(Scope::DEFAULT, "acme/bag"), "acme-co/bag.tif");
    assert_eq!(at(acme, "/shoe"), "all/shoe.tif");
    assert_eq!(at(acme, "top.jpg"), "top.jpg");
    assert!(library.resolve_object(acme, "/bag").is_err());
    assert!(library.resolve_object(acme, "../x").is_err());
}

#[test]
fn macros_profiles_and_fonts_are_those_of_their_catalogue() {
    let world = world();
    let library = world.library();
    let images = library.images();
    let acme = one(&library, "acme/bag").scope;
    let text = |scope| -> Vec<String> {
        images
            .macros(scope)
            .map(|m| format!("{}={}", m.name, m.expanded.clone().unwrap()))
            .collect()
    };
    assert_eq!(text(acme), ["Web=hei=5&wid=200"]);
    assert_eq!(text(Scope::DEFAULT), ["base=hei=5", "web=wid=100"]);
    assert_eq!(images.profile(acme, "sRGB").unwrap().path, "srgb.icc");
    assert_eq!(images.font(acme, "A")[0].path, "b.ttf");
    assert!(images.profile(acme, "x").is_none() && images.font(acme, "B").is_empty());
}

#[test]
fn mistakes_have_their_file_and_line_and_the_rest_holds() {
    let world = World {
        assets: folder(&[("x.tif", "")]),
        catalogs: folder(&[
            ("default.ini", "RootId = x\nCatalogFile = gone.dat, a.dat\nMaxPx = 1,1\n"),
            ("a.ini", "RootId = a\nRootPath = /elsewhere\nCatalogFile = a.dat\n"),
            ("b.ini", "RootId = a\n"),
            ("c.ini", "MacroFile = c.mac\n"),
            ("d.ini", "RootId = d\nMacroFile = ../d.mac\nFontMapFile = /etc/passwd\n"),
            ("a.dat", "Id\tPath\tColour\nx\tx.tif\ny\t\n"),
        ]),
    };
    assert_eq!(
        world.told(),
        [
            "a.dat:1: unknown column `Colour` is ignored",
            "a.dat:3: `y` has neither path nor modifiers",
            "a.ini:2: `RootPath`: `/elsewhere` does not lie below an asset folder",
            "b.ini:1: another catalogue is called `a` too",
            "c.ini:1: this catalogue has no `RootId`",
            "d.ini:2: `../d.mac`: it does not lie in the folder of the catalogues",
            "d.ini:3: `/etc/passwd`: it does not lie in the folder of the catalogues",
            "default.ini:1: the default catalogue has no `RootId`; it is ignored",
            "default.ini:2: `gone.dat`: there is no such file in the folder of the catalogues",
            "default.ini:3: unknown attribute `MaxPx` is ignored",
        ]
    );
    let library = world.library();
    assert_eq!(place(&library, &one(&library, "x")).0, "x.tif");
    let outside = library.resolve(&AssetHandle::parse("a/x").unwrap());
    assert_eq!(outside.unwrap_err(), crate::diag::Fault::OutsideRoot);
}

#[test]
fn a_root_path_may_be_absolute_below_an_asset_root() {
    let assets = folder(&[("deep/x.tif", "")]);
    let path = assets.path().join("deep").display().to_string();
    let ini = format!("RootId = a\nRootPath = {path}\nCatalogFile = a.dat\n");
    let catalogs =
        folder(&[("A.INI", &ini), ("a.dat", "Id\tPath\n1\tx.tif\n"), ("notes.txt", "x")]);
    let world = World { assets, catalogs };
    assert_eq!(world.told(), [""; 0]);
    let library = world.library();
    assert_eq!(place(&library, &one(&library, "a/1")), ("deep/x.tif".into(), "a".into()));
    assert_eq!(place(&library, &one(&library, "a/x.tif")), ("deep/x.tif".into(), "a".into()));
}

#[test]
fn a_link_is_not_followed_and_is_told() {
    let world = World { assets: folder(&[]), catalogs: folder(&[("real.txt", "RootId = a\n")]) };
    std::os::unix::fs::symlink("real.txt", world.catalogs.path().join("a.ini")).unwrap();
    assert_eq!(world.told(), ["a.ini:1: the path leads out of its folder"]);
}

#[test]
fn a_folder_that_is_not_there_is_no_library() {
    let assets = folder(&[("x.tif", "")]);
    let absent = assets.path().join("absent");
    let error = Library::open(&[assets.path().to_owned()], Some(&absent)).unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a file holds, it is read to its end, and what is told can be shown.
    #[test]
    fn no_bytes_panic(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "(Id|Name|Path|Definition|RootId|MaxPix|[\\t\\r\\n\"'=,$&{}\\\\#. /é;:])*"
                .prop_map(String::into_bytes),
        ],
        head in prop_oneof![
            Just(""),
            Just("\u{feff}"),
            Just("Id\tPath\tImageSet\tResolution\n"),
            Just("Name\tDefinition\n"),
            Just("Name\tProfilePath\tFontPath\n"),
        ],
    ) {
        let bytes = [head.as_bytes(), &bytes].concat();
        let (text, mut told) = text::decode(&bytes);
        let file: Arc<str> = Arc::from("a");
        let roots = Roots::new(&["/srv".into()]);
        let prefix = Prefix::new("", &roots);
        attributes::read(&text, &file, &mut told);
        macros::read(&text, &file, &Macros::new(), &mut told);
        maps::profiles(&text, &file, &mut told);
        maps::fonts(&text, &file, &mut told);
        let reading =
            Reading { file: &file, title: "", prefix: &prefix, default_ext: ".x", roots: &roots };
        reading.each(&text, &mut told, |_, _| {});
        for finding in &told {
            prop_assert!(finding.span.start <= text.len(), "{finding:?}");
        }
        let shown = render("a", &text, &told, Rendering::Plain);
        prop_assert_eq!(shown.is_empty(), told.is_empty());
    }
}
