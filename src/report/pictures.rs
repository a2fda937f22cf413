//! The few thumbnails that go with a mail.

use super::locale::Say;
use super::sheet::{Picture, Sheet};
use super::thumbnails::Thumbnails;
use super::{Report, text};
use crate::fs::sha256;
use crate::imaging::thumbnail::Thumbnail;

/// So many.
const MOST: usize = 6;

/// A picture in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// What its `Content-ID` is.
    pub cid: String,
    /// The picture.
    pub thumbnail: Thumbnail,
}

/// Puts pictures into a sheet, failures first, and returns them. Without thumbnails it stays as it
/// is.
pub(super) fn attach(sheet: &mut Sheet, report: &Report<'_>, host: &str) -> Vec<Attached> {
    let log = report.log;
    let thumbnails = Thumbnails::of(&report.places.report(log));
    if thumbnails.is_empty() {
        return Vec::new();
    }
    let mut attached: Vec<Attached> = Vec::new();
    let run = &sha256(log.run.as_bytes())[..12];
    let language = sheet.language;
    let mut take = |name: Option<String>, alt: Say<'_>| {
        let thumbnail = thumbnails.read(&name.filter(|_| attached.len() < MOST)?)?;
        let cid = format!("picture-{}.{run}@{host}", attached.len() + 1);
        attached.push(Attached { cid: cid.clone(), thumbnail });
        Some(Picture { cid, alt: language.say(alt) })
    };
    for (failure, (asset, _)) in sheet.failures.items.iter_mut().zip(text::failed(log)) {
        failure.picture = take(thumbnails.source(asset), Say::HandedIn { name: &asset.handle });
    }
    let failures = sheet.failures.items.iter().filter(|failure| failure.picture.is_some()).count();
    for asset in log.assets.iter().filter(|asset| !asset.outcome.files().is_empty()) {
        if failures + sheet.pictures.len() == MOST {
            break;
        }
        let name = thumbnails.output(asset).or_else(|| thumbnails.source(asset));
        sheet.pictures.extend(take(name, Say::AsExported { name: &asset.handle }));
    }
    attached
}

/// Takes them out again.
pub(super) fn detach(sheet: &mut Sheet) {
    sheet.pictures.clear();
    for failure in &mut sheet.failures.items {
        failure.picture = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Fault;
    use crate::job::log::{Change, JobLog};
    use crate::job::run::Subject;
    use crate::job::{MailContent, Verdict};
    use crate::report::thumbnails::keep;
    use crate::report::{Address, Letter, Places, samples};

    /// The letter about a run whose thumbnails lie in a folder of their own.
    fn letter(log: &JobLog, keep: impl Fn(&std::path::Path)) -> Letter {
        let dir = tempfile::tempdir().unwrap();
        let places = Places { reports: dir.path().into(), ..samples::places() };
        let run = dir.path().join(&log.run);
        std::fs::create_dir(&run).unwrap();
        keep(&run);
        let to = Address::parse("mia@studio.example").unwrap();
        Report { log, places: &places, retry: None }.letter(&samples::mail(), &to).unwrap()
    }

    fn thumbnail(n: u8) -> Thumbnail {
        Thumbnail::recognise(vec![0xff, 0xd8, 0xff, n]).unwrap()
    }

    #[test]
    fn failures_come_first_and_six_are_enough() {
        let mut log = samples::log(Verdict::Partial);
        log.assets = (0..4)
            .map(|n| samples::converted(&format!("good{n}"), &[]))
            .chain((0..4).map(|n| samples::failed(&format!("bad{n}"), Fault::Unreadable)))
            .collect();
        let letter = letter(&log, |run| {
            for (n, asset) in (0..).zip(&log.assets) {
                let source = asset.source.as_deref().unwrap();
                keep(run, Subject::Source(source), &thumbnail(n)).unwrap();
                for file in asset.outcome.files() {
                    keep(run, Subject::Output(&file.output), &thumbnail(100 + n)).unwrap();
                }
            }
        });
        let shown: Vec<u8> = letter.pictures.iter().map(|p| p.thumbnail.bytes[3]).collect();
        assert_eq!(shown, [4, 5, 6, 7, 100, 101]);
        let page = letter.html.unwrap();
        for picture in &letter.pictures {
            let cid = picture.cid.replace('/', "&#x2f;");
            assert_eq!(page.matches(&format!("<img src=\"cid:{cid}\" alt=\"")).count(), 1, "{cid}");
        }
        assert_eq!(page.matches("<img").count(), 6);
        assert!(page.contains("alt=\"tops&#x2f;bad0.tif as it was handed in\""));
    }

    #[test]
    fn without_thumbnails_nothing_is_left_of_them() {
        let log = samples::log(Verdict::Partial);
        let bare = letter(&log, |_| {});
        let damaged = letter(&log, |run| {
            let file = samples::delivered("front", Change::New);
            keep(run, Subject::Output(&file.output), &thumbnail(1)).unwrap();
            let folder = run.join(crate::report::thumbnails::FOLDER);
            for entry in std::fs::read_dir(folder).unwrap() {
                std::fs::File::create(entry.unwrap().path()).unwrap();
            }
        });
        assert!(bare.pictures.is_empty() && damaged.pictures.is_empty());
        assert!(!bare.html.as_ref().unwrap().contains("<img"));
        assert!(!damaged.html.unwrap().contains("<img"));
        let places = samples::places();
        let report = Report { log: &log, places: &places, retry: None };
        let mut sheet = Sheet::new(&report, MailContent::Lists);
        let before = sheet.clone();
        assert!(attach(&mut sheet, &report, "studio.example").is_empty());
        assert_eq!(sheet, before);
    }
}
