//! Image operations.

use super::{Arguments, Binding, Class, Command, Group, Reader};
use crate::diag::{Diagnostic, phrase};
use crate::imaging::PixelType;
use crate::imaging::modifiers::Value;
use crate::imaging::modifiers::values::{
    Colorize, Distribution, Levels, Noise, Operation, PaintSpace, RadiusOf, Usm,
};

/// Sharpening acts on the finished view when no layer is selected.
const SHARPENING: Command =
    Command { group: Group::Operation, binding: Binding::View, ..Command::BASE };

/// Everything else acts on the composite; 0 is no effect.
const OPERATION: Command = Command {
    group: Group::Operation,
    binding: Binding::Composite,
    class: Class::Secondary,
    default: "0",
    ..Command::BASE
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "op_usm",
        syntax: "op_usm=amount[,radius[,threshold[,0|1]]]",
        range: "amount 0 to 5, radius 0 to 250, threshold 0 to 255, 1 is brightness only",
        page: "r-op-usm",
        differs: "the radius counts pixels of the reply unless usm_scaling is \"reference\"",
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
        differs: "after scaling, the radius scaled; a Gaussian of that standard deviation",
        reader: Reader::Typed(|items| {
            Ok(Value::Operation(Operation::Blur(items.real(0.0, 100.0)?.unwrap_or(0.0))))
        }),
        ..OPERATION
    },
    Command {
        name: "op_brightness",
        syntax: "op_brightness=amount",
        range: "-100 to 100",
        page: "r-op-brightness",
        differs: "adds 2.55 levels each",
        reader: Reader::Typed(|items| {
            percent(items).map(Operation::Brightness).map(Value::Operation)
        }),
        ..OPERATION
    },
    Command {
        name: "op_contrast",
        syntax: "op_contrast=amount",
        range: "-100 to 100",
        page: "r-op-contrast",
        differs: "around 127.5; 100 leaves black and white",
        reader: Reader::Typed(|items| {
            percent(items).map(Operation::Contrast).map(Value::Operation)
        }),
        ..OPERATION
    },
    Command {
        name: "op_colorbalance",
        syntax: "op_colorbalance=red,green,blue",
        range: "-100 to 100 each",
        default: "0,0,0",
        page: "r-op-colorbalance",
        reader: Reader::Typed(|items| {
            let parts = [percent(items)?, percent(items)?, percent(items)?];
            Ok(Value::Operation(Operation::ColorBalance(parts)))
        }),
        ..OPERATION
    },
    Command {
        name: "op_hue",
        syntax: "op_hue=degrees",
        range: "-180 to 180",
        page: "r-op-hue",
        differs: "as in HSL and HSV, which are one here: the largest and the smallest component stay",
        reader: Reader::Typed(|items| whole(items, 180).map(Operation::Hue).map(Value::Operation)),
        ..OPERATION
    },
    Command {
        name: "op_saturation",
        syntax: "op_saturation=amount",
        range: "-100 to 100",
        page: "r-op-saturation",
        differs: "from the Rec. 601 luma",
        reader: Reader::Typed(|items| {
            percent(items).map(Operation::Saturation).map(Value::Operation)
        }),
        ..OPERATION
    },
    Command {
        name: "op_invert",
        syntax: "op_invert=0|1",
        range: "0 or 1",
        page: "r-op-invert",
        reader: Reader::Typed(|items| {
            Ok(Value::Operation(Operation::Invert(items.flag()?.unwrap_or(false))))
        }),
        ..OPERATION
    },
    Command {
        name: "op_colorize",
        aliases: &["colorize"],
        syntax: "op_colorize=colour[,off|norm[,contrast]]",
        range: "RGB colour, contrast 0 to 100",
        default: "none",
        page: "r-op-colorize",
        differs: "in encoded values, without colour management; contrast 100 leads the darkest and the lightest hundredth to black and white",
        reader: Reader::Typed(colorize),
        ..OPERATION
    },
    Command {
        name: "op_grow",
        syntax: "op_grow=radius",
        range: "-100 to 100",
        page: "r-op-grow",
        differs: "after scaling, the radius scaled; a disk of what is light, in CMYK of less ink; alpha stays",
        reader: Reader::Typed(|items| percent(items).map(Operation::Grow).map(Value::Operation)),
        ..OPERATION
    },
    Command {
        name: "op_noise",
        syntax: "op_noise=percent[,uniform|gaussian[,mono]]",
        range: "0 to 100",
        page: "r-op-noise",
        differs: "after scaling, the same on every run; uniform within that share of the full range either way, or of that standard deviation; alpha stays",
        reader: Reader::Typed(noise),
        ..OPERATION
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

/// Reads a whole number from −100 to 100; nothing is 0.
fn percent(items: &mut Arguments<'_, '_>) -> Result<i32, Diagnostic> {
    whole(items, 100)
}

/// Reads a whole number of at most `most` either way; nothing is 0.
fn whole(items: &mut Arguments<'_, '_>, most: i64) -> Result<i32, Diagnostic> {
    let number = items.int(-most, most)?.unwrap_or(0);
    Ok(i32::try_from(number).unwrap_or(0))
}

/// Reads a colour, then how brightness is treated: the word between them ends the colour.
fn colorize(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let is_word =
        |item: &str| Levels::NAMES.iter().any(|(word, _)| word.eq_ignore_ascii_case(item.trim()));
    let text = items.text;
    let mut ends = text.char_indices().filter(|(_, c)| *c == ',').map(|(at, _)| at);
    let cut = ends.find(|at| text[at + 1..].split(',').next().is_some_and(is_word));
    let (color, rest) = cut.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    let paint = items.part(color).paint()?;
    if paint.color.pixel_type != PixelType::Rgb || paint.space != PaintSpace::Output {
        return Err(items.missing(phrase!("an-rgb-colour", "an RGB colour")));
    }
    let [r, g, b, _] = paint.color.components;
    let mut tail = items.part(rest);
    let levels = tail.word(&Levels::NAMES)?.unwrap_or(Levels::Norm);
    let contrast = tail.int(0, 100)?.unwrap_or(0);
    tail.end()?;
    items.skip();
    let contrast = u8::try_from(contrast).unwrap_or(100);
    Ok(Value::Operation(Operation::Colorize(Colorize { color: [r, g, b], levels, contrast })))
}

fn noise(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    Ok(Value::Operation(Operation::Noise(Noise {
        percent: items.real(0.0, 100.0)?.unwrap_or(0.0),
        distribution: items.word(&Distribution::NAMES)?.unwrap_or(Distribution::Uniform),
        mono: items.word(&[("mono", true)])?.unwrap_or(false),
    })))
}
