//! The manifest as a JSON Schema (draft-07), for editors: written out of the table of keys.

use serde_json::{Map, Value, json};

use super::keys::{Key, Kind, Place, TABLE};

/// Where the schema says what it is.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Names begin with a letter or digit and hold nothing of ASCII but letters, digits, space, `-`,
/// `_`, `.`; which letters of other scripts there are only the program knows.
const JOB_NAME: &str = "^[^\\u0000-/:-@\\[-`{-\\u00a0][^\\u0000-\\u001f!-,/:-@\\[-^`{-\\u00a0]*$";
/// A date and time with its zone.
const MOMENT: &str =
    "^\\d{4}-\\d\\d-\\d\\d[Tt ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d+)?)?([Zz]|[+-]\\d\\d:\\d\\d)$";

/// Returns the schema of a manifest.
///
/// What it refuses is always wrong; what it lets pass may still be refused for what only the
/// program can look up.
#[must_use]
pub fn schema() -> Value {
    let mut top = properties(|place| place != Place::Rendition);
    let mut tables = properties(|place| place != Place::Top);
    for (_, value) in &mut tables {
        // An editor shows the whole with the key at the top.
        if let Value::Object(property) = value {
            property.remove("examples");
        }
    }
    let either = |key: &str| {
        json!({ "anyOf": [
            { "required": [key] },
            { "properties": { "exportJob": { "items": { "required": [key] } } } },
        ] })
    };
    top.insert(
        "exportJob".into(),
        json!({
            "description": about("exportJob"),
            "type": "array",
            "items": {
                "type": "object",
                "properties": tables,
                "required": ["rendition"],
                "additionalProperties": false,
                "not": { "required": ["macro", "宏"] },
            },
        }),
    );
    json!({
        "$schema": DRAFT,
        "title": "exportd manifest",
        "type": "object",
        "properties": top,
        "required": ["jobName", "emailSetting"],
        "additionalProperties": false,
        "if": { "required": ["exportJob"] },
        "then": { "allOf": [either("assetHandleArray"), either("fmt")] },
        "else": { "required": ["assetHandleArray", "fmt"] },
        "allOf": [
            { "not": { "required": ["execTime", "execSchedule"] } },
            { "not": { "required": ["macro", "宏"] } },
        ],
    })
}

fn about(name: &str) -> &'static str {
    TABLE.iter().find(|key| key.name == name).map_or("", |key| key.about)
}

fn properties(wanted: impl Fn(Place) -> bool) -> Map<String, Value> {
    let keys = TABLE.iter().filter(|key| wanted(key.place) && key.kind != Kind::Tables);
    keys.map(|key| (key.name.to_owned(), property(key))).collect()
}

fn property(key: &Key) -> Value {
    let mut property = match key.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Texts => json!({
            "type": "array",
            "items": { "type": "string", "pattern": "\\S" },
            "minItems": 1,
            "maxItems": super::MOST_HANDLES,
        }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        // Editors hand dates over as strings.
        Kind::Moment => json!({ "type": "string", "pattern": MOMENT }),
        Kind::Tables => json!({ "type": "array", "items": { "type": "object" } }),
    };
    let extra = match key.name {
        "jobName" => json!({ "minLength": 1, "maxLength": 128, "pattern": JOB_NAME }),
        "macro" | "宏" => {
            json!({ "pattern": "^\\s*(\\$[^$&=?%/\\\\\"'\\s]+\\$|[^$&=?%/\\\\\"'\\s]+)\\s*$" })
        }
        "destination" => {
            json!({ "pattern": "^(?!/)(?!\\.exportd)(?!(.*/)?\\.\\.?(/|$)).*[^/]/?$" })
        }
        "outputName" => json!({ "pattern": "^(?!/)(?!(.*/)?\\.\\.?(/|$))(?!.*//).*[^/]$" }),
        "rendition" => json!({ "pattern": "^[^./][^/]*$" }),
        "execSchedule" => json!({ "pattern": "^\\s*\\S+(\\s+\\S+){5,6}\\s*$" }),
        _ => json!({}),
    };
    if let (Value::Object(property), Value::Object(extra)) = (&mut property, extra) {
        property.extend(extra);
        property.insert("description".into(), key.about.into());
        property.insert("examples".into(), examples(key));
    }
    property
}

/// Turns the example, which is TOML, into JSON; all of ours are also that but for a date.
fn examples(key: &Key) -> Value {
    let value = serde_json::from_str(key.example).unwrap_or_else(|_| Value::from(key.example));
    json!([value])
}
