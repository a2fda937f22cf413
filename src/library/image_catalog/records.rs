//! Image data: the records of a catalogue.
//!
//! A record gives an id to a file, with modifiers below and above those of a job and a few fields
//! that stand in for attributes; or it is a set, which lists other assets, or a template, which
//! has no file but layers (reference page *Image Data Reference*).

use std::sync::Arc;

use super::attributes::{Attributes, Given, Origin, ThumbType, positive, thumb_type};
use super::places::{Place, Prefix, Roots};
use super::table::{Columns, Field, Row, Table};
use crate::diag::{Code, Diagnostic, shown};
use crate::library::{AssetHandle, AssetType};

const COLUMNS: Columns = Columns {
    read: &[
        "Id",
        "Path",
        "MaskPath",
        "Modifier",
        "PostModifier",
        "AssetType",
        "ImageSet",
        "Resolution",
        "PrintResolution",
        "ThumbRes",
        "ThumbType",
    ],
    ignored: &[
        "Anchor",
        "DigimarcId",
        "DigimarcInfo",
        "Expiration",
        "IccProfile",
        "Map",
        "Size",
        "Targets",
        "TimeStamp",
        "UserData",
        "UserType",
    ],
};

/// One sound record.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::library) struct Record {
    /// What names it in a handle: its id, with that of a catalogue other than the default one.
    pub(in crate::library) title: String,
    pub(in crate::library) kind: AssetType,
    /// Sets and templates have none.
    pub(in crate::library) path: Option<Place>,
    pub(in crate::library) mask: Option<Place>,
    pub(in crate::library) modifier: Option<String>,
    pub(in crate::library) post_modifier: Option<String>,
    pub(in crate::library) from: Origin,
    resolution: Option<f64>,
    print_resolution: Option<f64>,
    thumb_type: Option<ThumbType>,
    thumb_res: Option<f64>,
}

impl Record {
    /// Lays the fields that stand in for attributes over those of a catalogue.
    pub(in crate::library) fn attributes(&self, catalog: &Arc<Attributes>) -> Arc<Attributes> {
        let Self { resolution, print_resolution, thumb_type, thumb_res, .. } = self;
        if resolution.or(*print_resolution).or(*thumb_res).is_none() && thumb_type.is_none() {
            return catalog.clone();
        }
        let number =
            |value: &Option<f64>| value.map(|n| Given { value: n, from: self.from.clone() });
        let own = Attributes {
            resolution: number(resolution),
            print_resolution: number(print_resolution),
            thumb_type: thumb_type.map(|value| Given { value, from: self.from.clone() }),
            thumb_res: number(thumb_res),
            ..Attributes::default()
        };
        Arc::new(own.over(catalog))
    }
}

/// What a table of records is read with.
pub(super) struct Reading<'r> {
    /// The name of the file.
    pub(super) file: &'r Arc<str>,
    /// What stands before an id in a handle, with its `/`.
    pub(super) title: &'r str,
    pub(super) prefix: &'r Prefix,
    pub(super) default_ext: &'r str,
    pub(super) roots: &'r Roots,
}

impl Reading<'_> {
    /// Reads a table and hands each record over with its id; records that cannot be used are named
    /// and left out.
    pub(super) fn each(
        &self,
        text: &str,
        findings: &mut Vec<Diagnostic>,
        mut take: impl FnMut(String, Record),
    ) {
        let mut table = Table::new(text, &COLUMNS, findings);
        while let Some(row) = table.next(findings) {
            if let Some((id, record)) = self.record(row, findings) {
                take(id, record);
            }
        }
    }

    fn record(&self, mut row: Row, findings: &mut Vec<Diagnostic>) -> Option<(String, Record)> {
        let id = read_id(&mut row, findings)?;
        let path = self.place("Path", row.take(1), findings);
        let mask = self.place("MaskPath", row.take(2), findings);
        let (modifier, post_modifier) = (row.take(3), row.take(4));
        let set = set_of(row.take(5), row.take(6), findings);
        let kind = match (set, &path, &modifier) {
            (Some(set), _, _) => set,
            (None, Some(Place::Below(file) | Place::In(_, file)), _) => {
                AssetType::from_extension(file.extension())
            }
            // Nobody gets to see it: its place is told first.
            (None, Some(Place::Outside), _) => AssetType::Image,
            (None, None, Some(_)) => AssetType::Template,
            (None, None, None) => {
                let message = format!("`{}` has neither path nor modifiers", shown(&id.value));
                findings.push(Diagnostic::error(Code::Missing, id.span, message));
                return None;
            }
        };
        let mut number = |name: &str, column| {
            // 0 is as good as nothing.
            let field = row.take(column).filter(|field| field.value.trim() != "0")?;
            put(name, &field, positive, findings)
        };
        let (resolution, print_resolution) =
            (number("Resolution", 7), number("PrintResolution", 8));
        let thumb_res = number("ThumbRes", 9);
        let thumb_type =
            row.take(10).and_then(|field| put("ThumbType", &field, thumb_type, findings));
        let record = Record {
            title: format!("{}{}", self.title, id.value),
            kind,
            path: path.filter(|_| set.is_none()),
            mask,
            modifier: modifier.map(|field| field.value),
            post_modifier: post_modifier.map(|field| field.value),
            from: Origin { file: self.file.clone(), line: row.line },
            resolution,
            print_resolution,
            thumb_type,
            thumb_res,
        };
        Some((id.value, record))
    }

    /// Finds where a path of a record leads.
    fn place(
        &self,
        name: &str,
        field: Option<Field>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Place> {
        let Field { value, span } = field?;
        let place = self.prefix.place(&value, self.default_ext, self.roots);
        // A `RootPath` that leads out was told where it stands.
        if place == Place::Outside && (*self.prefix != Prefix::Outside || value.starts_with('/')) {
            let message =
                format!("`{name}`: `{}` does not lie below an asset folder", shown(&value));
            findings.push(
                Diagnostic::error(Code::Value, span, message)
                    .help("an absolute path is only usable below one of `folders.assets`"),
            );
        }
        Some(place)
    }
}

/// Takes the id of a record.
fn read_id(row: &mut Row, findings: &mut Vec<Diagnostic>) -> Option<Field> {
    let Some(id) = row.take(0) else {
        findings.push(Diagnostic::error(Code::Missing, row.place(), "this record has no id"));
        return None;
    };
    let problem = match AssetHandle::parse(&id.value) {
        Err(error) => error.words().to_string(),
        Ok(_) if id.value.contains(',') => {
            format!("`{}`: an id has no comma", shown(&id.value))
        }
        Ok(_) => return Some(id),
    };
    findings.push(Diagnostic::error(Code::Value, id.span, problem));
    None
}

/// Reads the value of a field that has to be of a kind.
fn put<T>(
    name: &str,
    field: &Field,
    read: fn(&str) -> Result<T, String>,
    findings: &mut Vec<Diagnostic>,
) -> Option<T> {
    let problem = match read(&field.value) {
        Ok(value) => return Some(value),
        Err(problem) => problem,
    };
    let message = format!("`{name}`: {problem}, not `{}`", shown(&field.value));
    findings.push(Diagnostic::error(Code::Value, field.span.clone(), message));
    None
}

/// Tells which set a record is, if it is one: every `AssetType` is that of a set.
fn set_of(
    asset_type: Option<Field>,
    image_set: Option<Field>,
    findings: &mut Vec<Diagnostic>,
) -> Option<AssetType> {
    let Some(Field { value, span }) = asset_type else {
        return image_set.map(|set| set_of_items(&set.value));
    };
    let kind = AssetType::from_word(&value).filter(|kind| kind.is_set());
    if kind.is_none() {
        let message =
            format!("`AssetType`: `{}` is no kind of set; taken as an image set", shown(&value));
        findings.push(
            Diagnostic::warning(Code::Value, span, message)
                .help("leave the field empty for a picture or a template"),
        );
    }
    Some(kind.unwrap_or(AssetType::ImageSet))
}

/// Tells from its items which set an `ImageSet` is (reference page *ImageSet*).
fn set_of_items(items: &str) -> AssetType {
    let (mut depth, mut semicolons, mut most, mut colon, mut nested) = (0_u32, 0, 0, false, false);
    for c in items.chars() {
        match c {
            '{' | '(' => {
                depth += 1;
                nested = true;
            }
            '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => semicolons = 0,
            ';' if depth == 0 => {
                semicolons += 1;
                most = most.max(semicolons);
            }
            ':' if depth == 0 => colon = true,
            _ => {}
        }
    }
    match most {
        _ if colon => AssetType::ECatalog,
        2.. => AssetType::MediaSet,
        1 => AssetType::ImageSet,
        0 if nested => AssetType::SpinSet,
        _ => AssetType::ImageSet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> (Vec<(String, Record)>, Vec<String>) {
        let roots = Roots::new(&["/srv/assets".into()]);
        let reading = Reading {
            file: &Arc::from("images.dat"),
            title: "acme/",
            prefix: &Prefix::new("img", &roots),
            default_ext: ".tif",
            roots: &roots,
        };
        let (mut records, mut findings) = (Vec::new(), Vec::new());
        reading.each(text, &mut findings, |id, record| records.push((id, record)));
        let told = findings
            .into_iter()
            .map(|d| format!("{}: {}", crate::diag::position(text, d.span.start).0, d.message))
            .collect();
        (records, told)
    }

    #[test]
    fn a_record_is_a_picture_a_set_or_a_template() {
        let (records, told) = records(
            "Id\tPath\tModifier\tAssetType\tImageSet\n\
             a/b\tx/a\tbgc=ff0000\n\
             film\tx.mp4\n\
             t\t\tlayer=1&src=a/b\n\
             s1\t\t\tSPINSET2D\n\
             s2\tx.tif\t\tmediaset\tx\n\
             s3\t\t\tSomething\n\
             i1\t\t\t\ta;;1,b;;2\n\
             i2\t\t\t\ta;1,b\n\
             i3\t\t\t\ta:b,c\n\
             i4\t\t\t\t{a,b},{c,d}\n\
             i5\t\t\t\ta,b,is{x?y:z;}\n\
             i6\t\t\t\ta,b\n",
        );
        use AssetType::{ECatalog, Image, ImageSet, MediaSet, SpinSet, Template, Video};
        let kinds: Vec<AssetType> = records.iter().map(|(_, record)| record.kind).collect();
        assert_eq!(
            kinds,
            [
                Image, Video, Template, SpinSet, MediaSet, ImageSet, MediaSet, ImageSet, ECatalog,
                SpinSet, SpinSet, ImageSet
            ]
        );
        assert_eq!(told, ["7: `AssetType`: `Something` is no kind of set; taken as an image set"]);
        let (id, first) = &records[0];
        assert_eq!((id.as_str(), first.title.as_str()), ("a/b", "acme/a/b"));
        let Some(Place::Below(path)) = &first.path else { panic!("{:?}", first.path) };
        assert_eq!(path.as_str(), "img/x/a.tif");
        assert_eq!(first.modifier.as_deref(), Some("bgc=ff0000"));
        assert_eq!(records[4].1.path, None);
    }

    #[test]
    fn fields_stand_in_for_attributes_and_0_for_nothing() {
        let (records, told) = records(
            "Id\tPath\tResolution\tPrintResolution\tThumbType\tThumbRes\n\
             a\ta\t0\t300\t3\t\nb\tb\t72.5\nc\tc\t-1\t\t9\n",
        );
        assert_eq!(
            told,
            [
                "4: `Resolution`: expected a number above 0, not `-1`",
                "4: `ThumbType`: expected 1 (crop), 2 (fit) or 3 (texture), not `9`",
            ]
        );
        let from = Origin { file: Arc::from("a.ini"), line: 9 };
        let catalog = Arc::new(Attributes {
            resolution: Some(Given { value: 100.0, from: from.clone() }),
            jpeg_quality: Some(Given { value: (70, false), from }),
            ..Attributes::default()
        });
        let told = |at: usize| {
            let all = records[at].1.attributes(&catalog);
            let resolution = all.resolution.clone().unwrap();
            assert!(all.jpeg_quality.is_some());
            (resolution.value, resolution.from.to_string())
        };
        assert_eq!(told(0), (100.0, "a.ini:9".into()));
        assert_eq!(told(1), (72.5, "images.dat:3".into()));
        let first = records[0].1.attributes(&catalog);
        assert_eq!(first.print_resolution.as_ref().unwrap().value, 300.0);
        assert_eq!(first.thumb_type.as_ref().unwrap().value, ThumbType::Texture);
        assert!(Arc::ptr_eq(&records[2].1.attributes(&catalog), &catalog));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let (records, told) = records(
            "Id\tPath\tMaskPath\n\tx.tif\na,b\tx.tif\nc\n\
             d\t../x.tif\te\x07\nf\t/srv/assets/f.tif\nb\u{202e}\tx\n",
        );
        assert_eq!(
            told,
            [
                "2: this record has no id",
                "3: `a,b`: an id has no comma",
                "4: `c` has neither path nor modifiers",
                "5: `Path`: `../x.tif` does not lie below an asset folder",
                "5: `MaskPath`: `e\u{fffd}` does not lie below an asset folder",
                "7: the handle has an invisible character (U+202E)",
            ]
        );
        let ids: Vec<&str> = records.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["d", "f"]);
    }
}
