//! Further layers, effects, and text.

use super::arguments::place;
use super::{Binding, Class, Command, Empty, Group, Reader, Support};

const LAYER: Command = Command {
    group: Group::Layer,
    binding: Binding::Layer0,
    class: Class::Layers,
    support: Support::NotYet,
    range: "any",
    ..Command::BASE
};

/// Where a layer stands: layer 0 is the canvas and stands still.
const PLACE: Command = Command {
    support: Support::Ignored,
    range: "numbers; moves nothing on layer 0",
    reader: Reader::Checked(place),
    ..LAYER
};

const TEXT: Command =
    Command { group: Group::Text, empty: Empty::Default, neutral: &[""], ..LAYER };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "layer",
        syntax: "layer=comp|number[,name]|name",
        range: "comp and 0, yet",
        default: "comp",
        page: "r-layer",
        support: Support::Supported,
        reader: Reader::Scope,
        ..LAYER
    },
    Command {
        name: "effect",
        syntax: "effect=number",
        range: "whole number other than 0",
        page: "r-effect",
        reader: Reader::Scope,
        ..LAYER
    },
    Command { name: "pos", syntax: "pos=x,y", page: "r-pos", default: "0,0", ..PLACE },
    Command {
        name: "posN",
        twin: Some("pos"),
        syntax: "posN=x,y",
        page: "r-pos",
        default: "0,0",
        ..PLACE
    },
    Command { name: "origin", syntax: "origin=x,y", page: "r-origin", ..PLACE },
    Command {
        name: "originN",
        twin: Some("origin"),
        syntax: "originN=x,y",
        page: "r-origin",
        ..PLACE
    },
    Command {
        name: "blendMode",
        syntax: "blendMode=norm|dissolve|lighten|darken|mult|screen",
        default: "norm",
        page: "r-blendmode",
        support: Support::Ignored,
        range: "changes nothing on layer 0",
        reader: Reader::Checked(|items| {
            let words = ["norm", "dissolve", "lighten", "darken", "mult", "screen"];
            items.word(&words.map(|word| (word, ()))).map(|_| ())
        }),
        ..LAYER
    },
    Command { name: "text", twin: Some("src"), syntax: "text=rtf", page: "r-text", ..TEXT },
    Command { name: "textPs", twin: Some("src"), syntax: "textPs=rtf", page: "r-textps", ..TEXT },
    Command {
        name: "textAttr",
        syntax: "textAttr=resolution[,antialiasing[,fitting[,wrapping]]]",
        default: "72,norm,fixedRes,wrap",
        page: "r-textattr",
        ..TEXT
    },
    Command {
        name: "textAngle",
        syntax: "textAngle=degrees",
        default: "0",
        page: "r-textangle",
        neutral: &["", "0"],
        ..TEXT
    },
    Command { name: "textFlowPath", syntax: "textFlowPath=path", page: "r-textflowpath", ..TEXT },
    Command {
        name: "textFlowXPath",
        syntax: "textFlowXPath=path",
        page: "r-textflowxpath",
        ..TEXT
    },
    Command { name: "textPath", syntax: "textPath=path", page: "r-textpath", ..TEXT },
    Command {
        name: "pathAttr",
        syntax: "pathAttr=norm|reverse[,start[,end]]",
        default: "norm,0",
        page: "r-pathattr",
        ..TEXT
    },
];
