//! Documents and drawings through the real program: pages become files, workers stay shut in.

use std::time::Duration;

use serde_json::Value;

use crate::support::playground::{Playground, list, picture};

const SOON: Duration = Duration::from_secs(60);

fn manifest(job: &str, handles: &[&str], more: &str) -> String {
    format!(
        "jobName = \"{job}\"\nassetHandleArray = {handles:?}\nfmt = \"convert\"\n\
         emailSetting = \"None\"\n{more}\n"
    )
}

/// Writes a PDF of pages of 48 × 24 points with this content.
fn pdf(pages: &[String]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 3 + 2 * n)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!("<< /Type /Pages /Kids [{}] /Count {} >>", kids.join(" "), pages.len()),
    ];
    for (n, content) in pages.iter().enumerate() {
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 48 24] /Contents {} 0 R >>",
            4 + 2 * n
        ));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (n, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
    }
    let (start, size) = (file.len(), objects.len() + 1);
    file.extend(table.bytes());
    let trailer = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.extend(trailer.bytes());
    file
}

/// A page all of one colour.
fn paint(red: f32, green: f32, blue: f32) -> String {
    format!("{red} {green} {blue} rg 0 0 48 24 re f")
}

/// A page with a picture that nobody can decode.
fn broken() -> String {
    "48 0 0 24 0 0 cm BI /W 2 /H 2 /BPC 8 /CS /RGB /F /DCT ID nothing EI".into()
}

fn middle(bytes: &[u8]) -> (u32, u32, [u8; 3]) {
    let image = image::load_from_memory(bytes).unwrap().to_rgb8();
    (image.width(), image.height(), image.get_pixel(image.width() / 2, image.height() / 2).0)
}

/// The log lines of a kind: handle and message.
fn lines<'r>(report: &'r Value, kind: &str) -> Vec<(&'r str, &'r str)> {
    let text = |detail: &'r Value, key: &str| detail[key].as_str().unwrap_or_default();
    let details = report["details"].as_array().unwrap().iter();
    details
        .filter(|detail| detail["logType"] == kind)
        .map(|detail| (text(detail, "assetHandle"), text(detail, "logMessage")))
        .collect()
}

#[test]
fn a_document_of_three_pages_is_one_file_in_the_counts_and_three_in_the_folder() {
    let mut play = Playground::new();
    let pages = [paint(1.0, 0.0, 0.0), paint(0.0, 1.0, 0.0), paint(0.0, 0.0, 1.0)];
    play.write("assets/docs/leaflet.pdf", &pdf(&pages));
    // Drawing programs keep a PDF under a name of their own.
    play.write("assets/docs/card.ai", &pdf(&pages[..1]));
    play.start();
    let more = "is_modifier = \"fmt=png\"";
    play.drop_manifest(
        "pages.toml",
        &manifest("pages", &["docs/leaflet.pdf", "docs/card.ai"], more),
    );
    let (run, report) = play.report_of("pages", SOON);
    assert_eq!(report["verdict"], "clean", "{report:#}");
    assert_eq!((&report["totalFileCount"], &report["fileSuccessCount"]), (&2.into(), &2.into()));
    let names = ["card-1.png", "leaflet-1.png", "leaflet-2.png", "leaflet-3.png"];
    assert_eq!(list(&play.path(&format!("out/{run}/docs"))), names);
    for (number, color) in (1..).zip([[255, 0, 0], [0, 255, 0], [0, 0, 255]]) {
        let path = play.path(&format!("out/{run}/docs/leaflet-{number}.png"));
        assert_eq!(middle(&std::fs::read(path).unwrap()), (100, 50, color));
    }
    let outputs: Vec<&str> = report["details"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|detail| detail["output"].as_str())
        .collect();
    assert_eq!(outputs.len(), 4, "{outputs:?}");
    let sums = std::fs::read_to_string(play.path(&format!("out/{run}/SHA256SUMS"))).unwrap();
    assert_eq!(sums.lines().count(), 4);
}

#[test]
fn a_page_that_fails_fails_its_document_and_names_itself() {
    let mut play = Playground::with_config("[imaging]\npdf_resolution = 72\n");
    let mut pages = vec![paint(1.0, 0.0, 0.0); 40];
    pages[22] = broken();
    play.write("assets/bad.pdf", &pdf(&pages));
    play.write("assets/good.pdf", &pdf(&pages[..2]));
    play.start();
    play.drop_manifest(
        "holes.toml",
        &manifest("holes", &["bad.pdf", "good.pdf"], "is_modifier = \"fmt=png\""),
    );
    let (run, report) = play.report_of("holes", SOON);
    assert_eq!(report["verdict"], "partial", "{report:#}");
    assert_eq!((&report["fileErrorCount"], &report["fileSuccessCount"]), (&1.into(), &1.into()));
    let errors = lines(&report, "ExportError");
    assert!(matches!(errors[..], [("bad.pdf", why)] if why.starts_with("page 23: ")), "{errors:?}");
    // Nothing of the other pages is left.
    assert_eq!(list(&play.path(&format!("out/{run}"))), ["SHA256SUMS", "good-1.png", "good-2.png"]);
    let first = std::fs::read(play.path(&format!("out/{run}/good-1.png"))).unwrap();
    let (width, height, _) = middle(&first);
    assert_eq!((width, height), (48, 24));
}

#[test]
fn the_name_of_every_page_is_looked_at_for_collisions() {
    let mut play = Playground::new();
    play.write("assets/a.pdf", &pdf(&[paint(0.0, 0.0, 0.0), paint(0.0, 0.0, 0.0)]));
    play.write("assets/a-2.png", &picture("a.png", 9, 9));
    play.start();
    play.drop_manifest("names.toml", &manifest("names", &["a.pdf", "a-2.png"], ""));
    let (_, report) = play.report_of("names", SOON);
    assert_eq!(report["verdict"], "failed", "{report:#}");
    assert_eq!(report["fileErrorCount"], 2);
    for (_, why) in lines(&report, "ExportError") {
        assert!(why.contains("a-2.jpg"), "{why}");
    }
}

#[test]
fn many_pages_in_renditions_survive_a_kill() {
    let mut play = Playground::new();
    let shade =
        |n: usize| if n.is_multiple_of(2) { paint(1.0, 0.0, 0.0) } else { paint(0.0, 0.0, 1.0) };
    let pages: Vec<String> = (0..50).map(shade).collect();
    play.write("assets/book.pdf", &pdf(&pages));
    play.start();
    let more = "[[exportJob]]\nrendition = \"large\"\nis_modifier = \"fmt=png\"\n\
                [[exportJob]]\nrendition = \"small\"\nis_modifier = \"fmt=png&wid=20\"\n";
    play.drop_manifest("book.toml", &manifest("book", &["book.pdf"], more));
    play.wait("some pages", SOON, || {
        let stage = play.path("out/.exportd-stage");
        let run = list(&stage).pop()?;
        (list(&stage.join(run).join("files/large")).len() > 4).then_some(())
    });
    play.kill();
    play.start();
    let (run, report) = play.report_of("book", SOON);
    assert_eq!(report["verdict"], "clean", "{report:#}");
    assert_eq!((&report["totalFileCount"], &report["fileSuccessCount"]), (&2.into(), &2.into()));
    for (rendition, width) in [("large", 100), ("small", 20)] {
        let folder = play.path(&format!("out/{run}/{rendition}"));
        assert_eq!(list(&folder).len(), 50);
        for n in [1, 2, 31, 50] {
            let bytes = std::fs::read(folder.join(format!("book-{n}.png"))).unwrap();
            let color = if n % 2 == 1 { [255, 0, 0] } else { [0, 0, 255] };
            assert_eq!(middle(&bytes), (width, width / 2, color), "{rendition} {n}");
        }
    }
}

#[test]
fn drawings_are_converted_or_delivered_as_they_are_with_the_reason() {
    let mut play = Playground::new();
    let svg = |inside: &str| {
        format!(
            "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='60' height='30'>{inside}</svg>"
        )
    };
    play.write("assets/logo.svg", svg("<rect width='60' height='30' fill='#0a0'/>").as_bytes());
    play.write("assets/words.svg", svg("<text y='20'>Sale</text>").as_bytes());
    play.write("assets/lie.svg", &picture("a.png", 9, 9));
    play.write(
        "assets/lines.eps",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n0 0 moveto\n",
    );
    let mut photo = b"%!PS-Adobe-3.0 EPSF-3.0\r%ImageData: 2 2 8 3 0 1 1 \"beginimage\"\r%%BeginBinary: 23\rbeginimage\r".to_vec();
    photo.extend([200, 100, 50].repeat(4));
    photo.extend(b"\r%%EndBinary\r%%EOF\r");
    play.write("assets/photo.eps", &photo);
    play.start();
    let handles = ["logo.svg", "words.svg", "lie.svg", "lines.eps", "photo.eps"];
    play.drop_manifest(
        "drawings.toml",
        &manifest("drawings", &handles, "is_modifier = \"fmt=png\""),
    );
    let (run, report) = play.report_of("drawings", SOON);
    assert_eq!(report["verdict"], "partial", "{report:#}");
    let names = ["SHA256SUMS", "lines.eps", "logo.png", "photo.png", "words.svg"];
    assert_eq!(list(&play.path(&format!("out/{run}"))), names);
    let logo = std::fs::read(play.path(&format!("out/{run}/logo.png"))).unwrap();
    assert_eq!(middle(&logo), (60, 30, [0, 170, 0]));
    let photo = std::fs::read(play.path(&format!("out/{run}/photo.png"))).unwrap();
    assert_eq!(middle(&photo), (2, 2, [200, 100, 50]));
    let warnings = lines(&report, "ExportWarning");
    assert!(warnings.iter().any(|(what, why)| *what == "words.svg" && why.contains("outlines")));
    assert!(warnings.iter().any(|(what, why)| *what == "lines.eps" && why.contains("PDF")));
    let errors = lines(&report, "ExportError");
    assert!(matches!(errors[..], [("lie.svg", why)] if why.contains("PNG")), "{errors:?}");
}

#[test]
fn small_files_that_ask_for_too_much_fail_alone() {
    let mut play = Playground::with_config("[imaging]\ndeadline = \"5s\"\n");
    let svg = |side: u32, inside: &str| {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{side}' height='{side}'>{inside}</svg>"
        )
    };
    // Each group is a layer as large as the picture.
    let layers = format!(
        "{}<rect width='9000' height='9000'/>{}",
        "<g opacity='0.5'>".repeat(20),
        "</g>".repeat(20)
    );
    play.write("assets/layers.svg", svg(9000, &layers).as_bytes());
    play.write("assets/plain.svg", svg(90, "<rect width='90' height='90'/>").as_bytes());
    // A page that draws itself, and that draws itself.
    let form = "q /F Do Q q /F Do Q";
    let looping = format!(
        "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
         2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R \
         /Resources << /XObject << /F 4 0 R >> >> >>\nendobj\n\
         4 0 obj\n<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length {} \
         /Resources << /XObject << /F 4 0 R >> >> >>\nstream\n{form}\nendstream\nendobj\n\
         trailer\n<< /Size 5 /Root 1 0 R >>\n",
        form.len()
    );
    play.write("assets/looping.pdf", looping.as_bytes());
    play.start();
    let handles = ["layers.svg", "looping.pdf", "plain.svg"];
    play.drop_manifest("hostile.toml", &manifest("hostile", &handles, ""));
    let (run, report) = play.report_of("hostile", SOON);
    assert_eq!(report["verdict"], "partial", "{report:#}");
    assert!(list(&play.path(&format!("out/{run}"))).contains(&"plain.jpg".to_owned()));
    let errors = lines(&report, "ExportError");
    assert!(
        errors.iter().any(|(what, why)| *what == "layers.svg" && why.contains("memory")),
        "{errors:?}"
    );
}
