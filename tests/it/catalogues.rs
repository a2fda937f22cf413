//! A server's image catalogues, from their files to the pictures.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const BINARY: &str = env!("CARGO_BIN_EXE_exportd");

/// A folder with pictures, catalogues and a configuration; gone with its value.
struct World {
    dir: tempfile::TempDir,
}

const CONFIG: &str = "[imaging]\njpeg_quality = 60\n[macros]\nweb = \"wid=120\"\n\
                      own = \"wid=110\"\n[folders]\ncatalogs = \"CATALOGS\"\n";

const FILES: &[(&str, &str)] = &[
    (
        "default.ini",
        "RootPath = pictures\nDefaultExt = .png\nCatalogFile = default.dat\n\
         MacroFile = default.mac\nDefaultPix = 50,50\nPrintResolution = 200\n",
    ),
    (
        "shop.ini",
        "RootId = shop\nCatalogFile = shop.dat\nMacroFile = shop.mac\n\
         DefaultPix = 40, \\\n40\nJpegQuality = 90\n",
    ),
    ("press.ini", "RootId = press\nIccProfileRgb = HouseRGB\nIccRenderIntent = 0\n"),
    (
        "default.dat",
        "Id\tPath\tModifier\tPostModifier\tPrintResolution\tMaskPath\n\
         view\ta\twid=100&qlt=50\t\t\t\n\
         preset\ta\t$view$\t\t\t\n\
         last\ta\t\tfmt=png&wid=30\t72\t\n\
         plain\ta\t\t\t\t\n\
         cut\ta\tfmt=png-alpha&scl=1\t\t\tmask\n\
         whole\ta\tfmt=png-alpha&scl=1\t\t\tgone\n",
    ),
    (
        "shop.dat",
        "Id\tPath\tModifier\tImageSet\tAssetType\n\
         bag\tb\t\t\t\nall\t\t\tx;1,y;2\t\nspin\t\t\t\tSPINSET\n\
         tpl\t\tlayer=1&src=bag\t\t\nout\t../a\t\t\t\n",
    ),
    ("default.mac", "Name\tDefinition\nview\twid=240&fmt=jpeg&qlt=85\nweb\twid=1\nonly\twid=25\n"),
    ("shop.mac", "Name\tDefinition\nown\t$only$&hei=20&fit=fit,1\nloop\t$loop$\n"),
];

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["assets/pictures", "catalogs", "out", "reports"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for (name, text) in FILES {
            fs::write(at("catalogs").join(name), text).unwrap();
        }
        // The mask hides the right half.
        let mask: Vec<u8> = (0..200 * 100).map(|n| if n % 200 < 100 { 255 } else { 0 }).collect();
        let picture = vec![90; 200 * 100 * 3];
        for (name, kind, pixels) in [
            ("a", png::ColorType::Rgb, &picture),
            ("b", png::ColorType::Rgb, &picture),
            ("mask", png::ColorType::Grayscale, &mask),
        ] {
            let file = fs::File::create(at("assets/pictures").join(format!("{name}.png"))).unwrap();
            let mut encoder = png::Encoder::new(file, 200, 100);
            encoder.set_color(kind);
            encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        }
        let catalogs = at("catalogs").display().to_string();
        fs::write(at("exportd.toml"), CONFIG.replace("CATALOGS", &catalogs)).unwrap();
        Self { dir }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut run = Command::new(BINARY);
        run.current_dir(self.dir.path()).env("NO_COLOR", "1");
        run.args(["--config", "exportd.toml", "--root", "."]).args(args).output().unwrap()
    }

    /// What `plan` would make: handle, and name and size, or why not.
    fn plan(&self, handles: &[&str], rest: &str) -> Vec<(String, String)> {
        let list: Vec<String> = handles.iter().map(|handle| format!("{handle:?}")).collect();
        let manifest = format!(
            "jobName = \"x\"\nemailSetting = \"All\"\nfmt = \"convert\"\n\
             outputName = \"{{n}}\"\nassetHandleArray = [{}]\n{rest}\n",
            list.join(", ")
        );
        fs::write(self.dir.path().join("job.toml"), manifest).unwrap();
        let out = self.run(&["plan", "job.toml", "--json"]);
        let list: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let told = |line: &serde_json::Value| match (&line["error"], &line["warnings"][0]) {
            (serde_json::Value::String(error), _) => error.clone(),
            (_, serde_json::Value::String(warning)) => warning.clone(),
            _ => {
                let name = line["output"].as_str().unwrap();
                format!("{name} {}x{}", line["width"], line["height"])
            }
        };
        let handle = |line: &serde_json::Value| line["assetHandle"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|line| (handle(line), told(line))).collect()
    }

    /// The lines of `explain` that begin with a word.
    fn explain(&self, source: &str, modifiers: &str, word: &str) -> Vec<String> {
        let out = self.run(&["explain", "--source", source, "--", modifiers]);
        let text = String::from_utf8(out.stdout).unwrap();
        let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        text.lines().filter(|line| line.starts_with(word)).map(squeeze).collect()
    }

    fn out(&self) -> PathBuf {
        let runs: Vec<PathBuf> = fs::read_dir(self.dir.path().join("out"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
            .collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn modifiers_of_a_record_stand_below_and_above_those_of_a_job() {
    let world = World::new();
    // P-4, P-5 of the worked examples, and a PostModifier.
    let handles = ["view", "preset", "last"];
    assert_eq!(
        world.plan(&handles, "is_modifier = \"wid=10\""),
        pairs(&[("view", "1.jpg 10x5"), ("preset", "2.jpg 10x5"), ("last", "3.png 30x15")])
    );
    assert_eq!(
        world.plan(&handles, ""),
        pairs(&[("view", "1.jpg 100x50"), ("preset", "2.jpg 240x100"), ("last", "3.png 30x15")])
    );
}

#[test]
fn attributes_stand_in_for_what_nobody_says() {
    let world = World::new();
    // DefaultPix of the one and of the other catalogue.
    assert_eq!(
        world.plan(&["plain", "shop/bag", "shop/b"], ""),
        pairs(&[("plain", "1.jpg 50x25"), ("shop/bag", "2.jpg 40x20")])
    );
    assert_eq!(
        world.plan(&["plain", "shop/bag"], "is_modifier = \"scl=1\""),
        pairs(&[("plain", "1.jpg 200x100"), ("shop/bag", "2.jpg 200x100")])
    );
}

#[test]
fn presets_are_those_of_the_catalogue_then_the_configuration_then_the_default() {
    let world = World::new();
    let handles = ["plain", "shop/bag"];
    let sizes = |preset: &str| world.plan(&handles, &format!("macro = \"{preset}\""));
    assert_eq!(sizes("own"), pairs(&[("plain", "1.jpg 110x55"), ("shop/bag", "2.jpg 25x20")]));
    assert_eq!(sizes("web"), pairs(&[("plain", "1.jpg 120x60"), ("shop/bag", "2.jpg 120x60")]));
    assert_eq!(sizes("only"), pairs(&[("plain", "1.jpg 25x13"), ("shop/bag", "2.jpg 25x13")]));
    // What only one of them has fails the assets of the other alone.
    let loops =
        "the preset `$loop$` cannot be used: it uses `$loop$`, which is not defined before it";
    assert_eq!(
        sizes("loop"),
        pairs(&[("plain", "there is no preset `$loop$`"), ("shop/bag", loops)])
    );
}

#[test]
fn presets_are_shown_as_their_catalogue_means_them() {
    let world = World::new();
    let shown = |name: &str| {
        let out = world.run(&["presets", "show", name]);
        let told = String::from_utf8(out.stdout).unwrap();
        let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        told.lines().map(squeeze).filter(|line| !line.starts_with("text")).collect::<Vec<_>>()
    };
    assert_eq!(
        shown("shop/OWN"),
        [
            "preset $own$",
            "from shop.mac:2",
            "expanded wid=25&hei=20&fit=fit,1",
            "sets fit=fit,1",
            "sets hei=20",
            "sets wid=25",
        ]
    );
    // One that the catalogue does not have is what its assets get instead.
    assert_eq!(shown("$shop/only$"), ["preset $only$", "from default.mac:4", "sets wid=25"]);
    assert!(shown("shop/web")[1].ends_with("exportd.toml:4"), "{:?}", shown("shop/web"));
    assert_eq!(shown("shop/none"), [""; 0]);
    let out = world.run(&["presets", "list"]);
    let list = String::from_utf8(out.stdout).unwrap();
    for line in [
        "own = wid=110  # ",
        "web = wid=1  # default.mac:3, hidden by the one of the configuration",
        "shop/own = $only$&hei=20&fit=fit,1  # shop.mac:2",
        "shop/loop = $loop$  # shop.mac:3, cannot be used: it uses `$loop$`, which is not defined \
         before it",
    ] {
        assert!(list.contains(line), "{line}\n{list}");
    }
}

#[test]
fn sets_and_templates_are_what_they_are() {
    let world = World::new();
    let set = "a set only lists other assets; list those instead";
    let told = world.plan(&["shop/all", "shop/spin", "shop/tpl", "shop/out"], "");
    assert_eq!(
        told,
        pairs(&[
            ("shop/all", set),
            ("shop/spin", set),
            ("shop/tpl", "a template is made of layers, which are not supported yet"),
            ("shop/out", "the name leads out of the asset folder, or over a symbolic link"),
        ])
    );
}

#[test]
fn explain_says_by_whose_word() {
    let world = World::new();
    // One file with several records is none of them; the other one has its catalogue's.
    let (a, b) = ("assets/pictures/a.png", "assets/pictures/b.png");
    assert_eq!(
        world.explain(a, "$only$&qlt=5", "command"),
        [
            "command qlt=5,0 from the modifiers",
            "command wid=25 from the preset $only$ (default.mac:4)"
        ]
    );
    let config = world.dir.path().join("exportd.toml").canonicalize().unwrap();
    assert_eq!(
        world.explain(a, "", "default")[..2],
        [
            format!("default qlt=60,0 from imaging.jpeg_quality ({}:2)", config.display()),
            "default resMode=sharp2 from imaging.res_mode (built in)".to_owned(),
        ]
    );
    let told = world.explain(b, "", "default");
    for line in [
        "default qlt=90,0 from JpegQuality (shop.ini:6)",
        "default DefaultPix=40,40 from DefaultPix (shop.ini:4)",
        "default printRes=200 from PrintResolution (default.ini:6)",
    ] {
        assert!(told.iter().any(|told| told == line), "{line}\n{told:#?}");
    }
}

#[test]
fn the_pictures_are_made() {
    let world = World::new();
    let manifest = "jobName = \"shop\"\nemailSetting = \"None\"\nfmt = \"convert\"\n\
                    assetHandleArray = [\"last\", \"shop/bag\"]\noutputName = \"{n}\"\n";
    fs::write(world.dir.path().join("job.toml"), manifest).unwrap();
    let out = world.run(&["once", "job.toml"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let made = world.out();
    let file = std::io::BufReader::new(fs::File::open(made.join("1.png")).unwrap());
    let reader = png::Decoder::new(file).read_info().unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (30, 15));
    // 72 dpi in pixels a metre: the record's, not the catalogue's 200.
    assert_eq!(info.pixel_dims.map(|dims| dims.xppu), Some(2835));
    assert!(Path::new(&made.join("2.jpg")).is_file());
}

#[test]
fn the_mask_of_a_record_is_its_alpha() {
    let world = World::new();
    let gone = "its mask \"pictures/gone.png\" is not in the asset folders";
    assert_eq!(
        world.plan(&["cut", "whole"], ""),
        pairs(&[("cut", "1.png 200x100"), ("whole", gone)])
    );
    let manifest = "jobName = \"shop\"\nemailSetting = \"None\"\nfmt = \"convert\"\n\
                    assetHandleArray = [\"cut\"]\noutputName = \"{n}\"\n";
    fs::write(world.dir.path().join("job.toml"), manifest).unwrap();
    let out = world.run(&["once", "job.toml"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    let file = std::io::BufReader::new(fs::File::open(world.out().join("1.png")).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut pixels = vec![0; 200 * 100 * 4];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!((pixels[3], pixels[4 * 199 + 3]), (255, 0));
}

#[test]
fn a_profile_that_is_not_there_is_a_warning_where_it_matters() {
    let world = World::new();
    let told = "the colour profile of its catalogue is not used: there is no profile `HouseRGB`; \
                profiles get their names in `imaging.profiles`; ask whoever runs exportd which there are";
    let sized = "is_modifier = \"wid=10\"";
    assert_eq!(
        world.plan(&["press/mask", "plain"], sized),
        pairs(&[("press/mask", told), ("plain", "2.jpg 10x5")])
    );
    // Gray stays gray.
    let gray = "is_modifier = \"wid=10&fmt=jpeg,gray\"";
    assert_eq!(world.plan(&["press/mask"], gray), pairs(&[("press/mask", "1.jpg 10x5")]));
}

#[test]
fn check_tells_what_is_wrong_in_a_catalogue() {
    let world = World::new();
    let manifest = "jobName = \"x\"\nemailSetting = \"None\"\nfmt = \"orig\"\n\
                    assetHandleArray = [\"plain\"]\n";
    fs::write(world.dir.path().join("job.toml"), manifest).unwrap();
    let out = world.run(&["check", "job.toml"]);
    let told = String::from_utf8(out.stderr).unwrap();
    assert!(told.contains("job.toml: fine, 1 asset"), "{told}");
    for line in [
        "error: `Path`: `../a` does not lie below an asset folder (30001)",
        "/catalogs/shop.dat:6:5",
        "error: the macro `loop` uses `$loop$`, which is not defined before it (30001)",
        "/catalogs/shop.mac:3:6",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}
