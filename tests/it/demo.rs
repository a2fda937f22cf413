//! `exportd demo`: the first thing a newcomer runs.

use std::path::Path;

use crate::support::playground::{exportd, list};

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON")
}

#[test]
fn the_demo_runs_three_manifests_and_shows_what_came_of_them() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("playground");
    let demo = exportd().arg("demo").arg(&root).output().unwrap();
    let said = String::from_utf8(demo.stderr).unwrap();
    assert_eq!(demo.status.code(), Some(0), "{said}");
    let shown = String::from_utf8(demo.stdout).unwrap();

    let runs = list(&root.join("reports"));
    let verdicts: Vec<(String, i64)> = runs
        .iter()
        .map(|run| {
            let report = json(&root.join("reports").join(run).join("report.json"));
            let verdict = report["verdict"].as_str().unwrap().to_owned();
            (verdict, report["fileSuccessCount"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(
        verdicts,
        [("clean".to_owned(), 8), ("partial".to_owned(), 6), ("refused".to_owned(), 0)]
    );

    let mails = list(&root.join("mail/sent"));
    assert_eq!(mails.len(), 3, "{mails:?}");
    assert!(mails.iter().all(|name| name.ends_with(".eml")), "{mails:?}");

    // The tree: every run, every delivered file, every mail.
    for name in runs.iter().chain(&mails) {
        assert!(shown.contains(&format!("── {name}\n")), "{name} is not in\n{shown}");
    }
    for run in &runs[..2] {
        let sums = std::fs::read_to_string(root.join("out").join(run).join("SHA256SUMS")).unwrap();
        for file in sums.lines().filter_map(|line| line.split("  ").nth(1)) {
            let name = file.rsplit('/').next().unwrap();
            assert!(shown.contains(&format!("── {name}\n")), "{name} is not in\n{shown}");
        }
    }
    assert!(shown.contains("── wrong.toml.FAILED.txt\n"), "{shown}");
    // Each run has its page and its list; what could be shown is.
    let page = |run: &str, name: &str| {
        std::fs::read_to_string(root.join("reports").join(run).join(name)).unwrap()
    };
    let pictures = |run: &str| page(run, "report.html").matches("<img src=\"data:image/").count();
    assert_eq!(pictures(&runs[0]), 16);
    assert!(pictures(&runs[1]) >= 12, "{}", pictures(&runs[1]));
    assert_eq!(pictures(&runs[2]), 0);
    assert!(page(&runs[0], "report.html").contains("macro $web$"));
    assert_eq!(page(&runs[1], "report.csv").lines().count(), 1 + 14);
    // The clean run's mail shows six of its files.
    let mail = mails.iter().find(|name| name.starts_with(&runs[0])).unwrap();
    let mail = std::fs::read_to_string(root.join("mail/sent").join(mail)).unwrap();
    assert_eq!(mail.matches("Content-Disposition: inline").count(), 6);
    assert!(mail.contains("multipart/related"));
    // The mails, in the order of the manifests.
    let places: Vec<Option<usize>> = ["done, 8 files", "6 of 14 need you", "NOT exported (line 2"]
        .map(|subject| shown.find(subject))
        .into();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{shown}");

    // It can be gone on with as it says, without further options.
    let config = root.join("exportd.toml");
    let plan = exportd()
        .args(["plan", "--config"])
        .arg(&config)
        .arg(root.join("manifests/clean.toml"))
        .output()
        .unwrap();
    assert_eq!(plan.status.code(), Some(0), "{}", String::from_utf8_lossy(&plan.stderr));
    // And never over what is there.
    let again = exportd().arg("demo").arg(&root).output().unwrap();
    assert_eq!(again.status.code(), Some(73));
}
