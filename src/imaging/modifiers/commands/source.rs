//! Commands that make a layer of the source picture.

use super::arguments::{above_zero, corner_and_size, place};
use super::{Arguments, Binding, Class, Command, Empty, Group, Reader, Support};
use crate::diag::{Diagnostic, Phrase, phrase};
use crate::imaging::modifiers::Value;
use crate::imaging::modifiers::values::{
    Crop, Extend, Flip, GrowMask, MaskUse, Opacity, RadiusOf, SizeBox, Window,
};

/// What acts on layer 0 when no layer is selected.
const LAYER: Command = Command { group: Group::Source, binding: Binding::Layer0, ..Command::BASE };

/// Not built yet.
const LATER: Command =
    Command { class: Class::Secondary, support: Support::NotYet, range: "any", ..LAYER };

/// What matters less often.
const SECONDARY: Command = Command { class: Class::Secondary, ..LAYER };

/// Paths of the source by name: an empty value means none; they cut the composite.
const EMBEDDED_PATH: Command = Command {
    binding: Binding::Composite,
    empty: Empty::Default,
    range: "names of paths in the source; unknown ones are passed over",
    ..SECONDARY
};

/// Paths: an empty value means none; they cut the composite.
const PATH: Command =
    Command { binding: Binding::Composite, empty: Empty::Default, neutral: &[""], ..LATER };

/// Positions that do not move a picture of a single layer.
const POSITION: Command =
    Command { support: Support::Ignored, reader: Reader::Checked(place), ..SECONDARY };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "crop",
        syntax: "crop=x,y,width,height",
        range: "whole numbers, pixels of the source; may reach outside; 0,0,0,0 is all of it",
        default: "all of it",
        page: "r-crop",
        reader: Reader::Typed(crop),
        ..LAYER
    },
    Command {
        name: "cropN",
        twin: Some("crop"),
        syntax: "cropN=x,y,width,height",
        range: "parts of the source's size",
        default: "all of it",
        page: "r-crop",
        reader: Reader::Typed(crop_n),
        ..LAYER
    },
    Command {
        name: "cropPathE",
        syntax: "cropPathE=name[,name...]",
        page: "r-croppath",
        differs: "the box is rounded outwards",
        reader: Reader::Typed(|items| Ok(Value::CropPath(names(items)))),
        ..EMBEDDED_PATH
    },
    Command {
        name: "size",
        syntax: "size=width,height",
        range: "whole numbers, 0 is derived from the other; before scale and res",
        default: "0,0",
        page: "r-size-reference",
        differs: "enlarges unless the configuration says no",
        reader: Reader::Typed(size),
        ..LAYER
    },
    Command {
        name: "sizeN",
        twin: Some("size"),
        syntax: "sizeN=width,height",
        range: "parts of layer 0; for layers above 0",
        page: "r-size-reference",
        class: Class::Layers,
        support: Support::NotYet,
        binding: Binding::UpperLayers,
        ..LAYER
    },
    Command {
        name: "scale",
        syntax: "scale=factor",
        range: "number above 0; before res",
        default: "1",
        page: "r-is-http-scale",
        reader: Reader::Typed(|items| Ok(Value::Scale(factor(items)?))),
        ..LAYER
    },
    Command {
        name: "res",
        syntax: "res=resolution",
        range: "number above 0, in the unit of the source's Resolution",
        page: "r-res",
        differs: "an error where the Resolution is not known",
        class: Class::Secondary,
        reader: Reader::Typed(|items| Ok(Value::Res(factor(items)?))),
        ..LAYER
    },
    Command {
        name: "anchor",
        syntax: "anchor=x,y",
        range: "pixels; moves nothing in a picture of one layer",
        default: "the centre",
        page: "r-anchor",
        ..POSITION
    },
    Command {
        name: "anchorN",
        twin: Some("anchor"),
        syntax: "anchorN=x,y",
        range: "-0.5 to 0.5; moves nothing in a picture of one layer",
        default: "0,0",
        page: "r-anchor",
        ..POSITION
    },
    Command {
        name: "flip",
        syntax: "flip=lr|ud|lrud",
        range: "the composite; with layer=0 before rotate",
        page: "r-flip",
        binding: Binding::Composite,
        empty: Empty::Default,
        reader: Reader::Typed(|items| {
            let words = [("lr", Flip::Lr), ("ud", Flip::Ud), ("lrud", Flip::Lrud)];
            items.word(&words).map(Value::Flip)
        }),
        ..LAYER
    },
    Command {
        name: "rotate",
        syntax: "rotate=degrees",
        range: "number, clockwise",
        default: "0",
        page: "r-rotate",
        reader: Reader::Typed(|items| {
            items
                .any()?
                .map(Value::Rotate)
                .ok_or_else(|| items.missing(phrase!("a-number", "a number")))
        }),
        ..LAYER
    },
    Command {
        name: "extend",
        syntax: "extend=left,top,right,bottom",
        range: "whole numbers, pixels after rotation; negative cuts",
        default: "0,0,0,0",
        page: "r-extend",
        reader: Reader::Typed(|items| {
            Ok(Value::Extend(Extend::Pixels(items.ints(&four_sides())?)))
        }),
        ..LAYER
    },
    Command {
        name: "extendN",
        twin: Some("extend"),
        syntax: "extendN=left,top,right,bottom",
        range: "parts of the layer's size after rotation",
        default: "0,0,0,0",
        page: "r-extend",
        reader: Reader::Typed(|items| {
            Ok(Value::Extend(Extend::Normalised(items.reals(&four_sides())?)))
        }),
        ..LAYER
    },
    Command {
        name: "perspective",
        syntax: "perspective=x,y,x,y,x,y,x,y[,R1|R2|R3|R3Tn]",
        page: "r-perspective",
        class: Class::Layers,
        ..LATER
    },
    Command {
        name: "perspectiveN",
        twin: Some("perspective"),
        syntax: "perspectiveN=x,y,x,y,x,y,x,y[,R1|R2|R3|R3Tn]",
        page: "r-perspective",
        class: Class::Layers,
        ..LATER
    },
    Command {
        name: "color",
        syntax: "color=colour",
        range: "colour with alpha",
        default: "transparent",
        page: "r-color-commandref",
        reader: Reader::Typed(|items| Ok(Value::Color(items.paint()?))),
        ..SECONDARY
    },
    Command {
        name: "bgColor",
        syntax: "bgColor=colour",
        range: "colour with alpha",
        default: "transparent",
        page: "r-bgcolor",
        class: Class::Secondary,
        reader: Reader::Typed(|items| Ok(Value::BgColor(items.paint()?))),
        ..LAYER
    },
    Command {
        name: "opac",
        syntax: "opac=opacity[,fill]",
        range: "0 to 100",
        default: "100,100",
        page: "r-opac",
        binding: Binding::Composite,
        reader: Reader::Typed(|items| {
            Ok(Value::Opac(Opacity { opacity: hundred(items)?, fill: hundred(items)? }))
        }),
        ..SECONDARY
    },
    Command {
        name: "mask",
        syntax: "mask=object",
        range: "a handle; the picture must be as large as the source",
        page: "r-mask",
        differs: "any picture of the library; `$object$` is the asset",
        empty: Empty::Default,
        reader: Reader::Typed(|items| {
            let object = items.text.trim().to_owned();
            items.skip();
            Ok(Value::Mask(object))
        }),
        ..SECONDARY
    },
    Command {
        name: "maskUse",
        syntax: "maskUse=norm|invert|off",
        range: "what shows: the foreground, the background, or all of the rectangle",
        default: "norm",
        page: "r-maskuse",
        reader: Reader::Typed(|items| {
            Ok(Value::MaskUse(items.word(&MaskUse::NAMES)?.unwrap_or(MaskUse::Norm)))
        }),
        ..SECONDARY
    },
    Command {
        name: "hide",
        syntax: "hide=0|1",
        default: "0",
        page: "r-hide",
        class: Class::Layers,
        neutral: &["0"],
        ..LATER
    },
    Command {
        name: "clipPath",
        syntax: "clipPath=path",
        page: "r-clippath",
        class: Class::Layers,
        ..PATH
    },
    Command {
        name: "clipXPath",
        syntax: "clipXPath=path",
        page: "r-clipxpath",
        class: Class::Layers,
        ..PATH
    },
    Command {
        name: "clipPathE",
        syntax: "clipPathE=name[,name...]",
        page: "r-clippath",
        reader: Reader::Typed(|items| Ok(Value::ClipPath(names(items)))),
        ..EMBEDDED_PATH
    },
    Command {
        name: "clipXPathE",
        syntax: "clipXPathE=name[,name...]",
        page: "r-clipxpath",
        reader: Reader::Typed(|items| Ok(Value::ClipXPath(names(items)))),
        ..EMBEDDED_PATH
    },
    Command {
        name: "op_growMask",
        syntax: "op_growMask=radius",
        range: "-100 to 100, pixels of the source",
        default: "0",
        page: "r-op-growmask",
        differs: "before scaling, which comes to the same and uncovers what was there; a disk",
        reader: Reader::Typed(|items| grow_mask(items, RadiusOf::Source)),
        ..SECONDARY
    },
    Command {
        name: "op_growMaskR",
        twin: Some("op_growMask"),
        syntax: "op_growMaskR=radius",
        range: "-100 to 100, pixels as they are after scaling",
        default: "0",
        page: "r-op-growmaskr",
        reader: Reader::Typed(|items| grow_mask(items, RadiusOf::Present)),
        ..SECONDARY
    },
    Command {
        name: "map",
        syntax: "map=areas",
        range: "any",
        page: "r-map",
        class: Class::Server,
        support: Support::IgnoredWithWarning,
        ..LAYER
    },
    Command {
        name: "mapA",
        syntax: "mapA=areas",
        range: "any",
        page: "r-map",
        class: Class::Server,
        support: Support::IgnoredWithWarning,
        ..LAYER
    },
    Command {
        name: "src",
        syntax: "src=object",
        range: "a picture, or a nested request in braces",
        default: "the asset",
        page: "r-src",
        class: Class::Layers,
        ..LATER
    },
];

/// Reads `crop`: no width and no height mean all of the source.
fn crop(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let [x, y, width, height] = items.ints(&corner_and_size())?;
    if width == 0 && height == 0 {
        return Ok(Value::Crop(Crop::Whole));
    }
    match (u32::try_from(width), u32::try_from(height)) {
        (Ok(width @ 1..), Ok(height @ 1..)) => {
            Ok(Value::Crop(Crop::Pixels(Window { x, y, width, height })))
        }
        _ => Err(items.error(size_above_zero("crop"))),
    }
}

fn crop_n(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let parts @ [_, _, width, height] = items.reals(&corner_and_size())?;
    if width == 0.0 && height == 0.0 {
        return Ok(Value::Crop(Crop::Whole));
    }
    if width > 0.0 && height > 0.0 {
        return Ok(Value::Crop(Crop::Normalised(parts)));
    }
    Err(items.error(size_above_zero("cropN")))
}

fn four_sides() -> Phrase {
    phrase!("four-sides", "left, top, right and bottom")
}

fn size_above_zero(command: &'static str) -> Phrase {
    phrase!(
        "size-above-zero",
        "`{command}` must have a width and a height above 0",
        command = command
    )
}

fn size(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let width = items.length(0)?.unwrap_or(0);
    let height = items.length(0)?.unwrap_or(0);
    Ok(Value::Size(SizeBox { width, height }))
}

fn factor(items: &mut Arguments<'_, '_>) -> Result<f64, Diagnostic> {
    items.positive()?.ok_or_else(|| items.missing(above_zero()))
}

/// Takes everything that is left as names of paths.
fn names(items: &mut Arguments<'_, '_>) -> Vec<String> {
    std::iter::from_fn(|| items.item()).map(str::to_owned).collect()
}

/// Reads a percentage; nothing is all of it.
fn hundred(items: &mut Arguments<'_, '_>) -> Result<u8, Diagnostic> {
    Ok(items.int(0, 100)?.map_or(100, |n| u8::try_from(n).unwrap_or(100)))
}

fn grow_mask(items: &mut Arguments<'_, '_>, radius_of: RadiusOf) -> Result<Value, Diagnostic> {
    let radius = items.int(-100, 100)?.unwrap_or(0);
    Ok(Value::GrowMask(GrowMask { radius: i32::try_from(radius).unwrap_or(0), radius_of }))
}
