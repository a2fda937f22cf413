//! Image operations.

use super::{Arguments, Binding, Class, Command, Group, Reader, Support};
use crate::diag::Diagnostic;
use crate::imaging::modifiers::Value;
use crate::imaging::modifiers::values::{RadiusOf, Usm};

/// Sharpening acts on the finished view when no layer is selected.
const SHARPENING: Command =
    Command { group: Group::Operation, binding: Binding::View, ..Command::BASE };

/// Everything else acts on the composite; 0 is no effect.
const LATER: Command = Command {
    group: Group::Operation,
    binding: Binding::Composite,
    class: Class::Secondary,
    support: Support::NotYet,
    default: "0",
    neutral: &["0"],
    ..Command::BASE
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "op_usm",
        syntax: "op_usm=amount[,radius[,threshold[,0|1]]]",
        range: "amount 0 to 5, radius 0 to 250, threshold 0 to 255, 1 is brightness only",
        page: "r-op-usm",
        reader: Reader::Typed(|items| usm(items, RadiusOf::Source)),
        ..SHARPENING
    },
    Command {
        name: "op_usmR",
        twin: Some("op_usm"),
        syntax: "op_usmR=amount[,radius[,threshold[,0|1]]]",
        range: "as op_usm; the radius is never scaled",
        page: "r-op-usmr",
        class: Class::Secondary,
        reader: Reader::Typed(|items| usm(items, RadiusOf::Present)),
        ..SHARPENING
    },
    Command {
        name: "op_sharpen",
        syntax: "op_sharpen=0|1",
        range: "0 or 1",
        default: "0",
        page: "r-op-sharpen",
        reader: Reader::Typed(|items| Ok(Value::Sharpen(items.flag()?.unwrap_or(false)))),
        ..SHARPENING
    },
    Command {
        name: "op_blur",
        syntax: "op_blur=radius",
        range: "0 to 100",
        page: "r-op-blur",
        ..LATER
    },
    Command {
        name: "op_brightness",
        syntax: "op_brightness=amount",
        range: "-100 to 100",
        page: "r-op-brightness",
        ..LATER
    },
    Command {
        name: "op_contrast",
        syntax: "op_contrast=amount",
        range: "-100 to 100",
        page: "r-op-contrast",
        ..LATER
    },
    Command {
        name: "op_colorbalance",
        syntax: "op_colorbalance=red,green,blue",
        range: "-100 to 100 each",
        default: "0,0,0",
        page: "r-op-colorbalance",
        neutral: &["0,0,0"],
        ..LATER
    },
    Command {
        name: "op_hue",
        syntax: "op_hue=degrees",
        range: "-180 to 180",
        page: "r-op-hue",
        ..LATER
    },
    Command {
        name: "op_saturation",
        syntax: "op_saturation=amount",
        range: "-100 to 100",
        page: "r-op-saturation",
        ..LATER
    },
    Command {
        name: "op_invert",
        syntax: "op_invert=0|1",
        range: "0 or 1",
        page: "r-op-invert",
        ..LATER
    },
    Command {
        name: "op_colorize",
        aliases: &["colorize"],
        syntax: "op_colorize=colour[,off|norm[,contrast]]",
        range: "RGB colour, contrast 0 to 100",
        default: "none",
        page: "r-op-colorize",
        neutral: &[],
        ..LATER
    },
    Command {
        name: "op_grow",
        syntax: "op_grow=radius",
        range: "-100 to 100",
        page: "r-op-grow",
        ..LATER
    },
    Command {
        name: "op_noise",
        syntax: "op_noise=percent[,uniform|gaussian[,mono]]",
        range: "0 to 100",
        page: "r-op-noise",
        ..LATER
    },
];

/// Reads an unsharp mask; what is missing at the end is 0, so that nothing happens without radius.
fn usm(items: &mut Arguments<'_, '_>, radius_of: RadiusOf) -> Result<Value, Diagnostic> {
    Ok(Value::Usm(Usm {
        amount: items.real(0.0, 5.0)?.unwrap_or(0.0),
        radius: items.real(0.0, 250.0)?.unwrap_or(0.0),
        threshold: items.real(0.0, 255.0)?.unwrap_or(0.0),
        mono: items.flag()?.unwrap_or(false),
        radius_of,
    }))
}
