//! Commands that size and place the reply; they act whatever layer is selected.

use super::arguments::{above_zero, above_zero_whole, corner_and_size};
use super::{Arguments, Class, Command, Group, Reader};
use crate::diag::Diagnostic;
use crate::imaging::modifiers::Value;
use crate::imaging::modifiers::values::{Align, Fit, FitMode, Tile, Window};

const VIEW: Command = Command { group: Group::View, ..Command::BASE };

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "wid",
        syntax: "wid=pixels",
        range: "whole number above 0",
        page: "r-is-http-wid",
        reader: Reader::Typed(|items| Ok(Value::Wid(side(items)?))),
        ..VIEW
    },
    Command {
        name: "hei",
        syntax: "hei=pixels",
        range: "whole number above 0",
        page: "r-is-http-hei",
        reader: Reader::Typed(|items| Ok(Value::Hei(side(items)?))),
        ..VIEW
    },
    Command {
        name: "fit",
        syntax: "fit=fit|constrain|crop|wrap|stretch|hfit|vfit[,0|1]",
        range: "needs wid or hei; 1 allows enlarging",
        default: "fit,0",
        page: "r-fit",
        reader: Reader::Typed(fit),
        ..VIEW
    },
    Command {
        name: "scl",
        syntax: "scl=reduction",
        range: "number above 0; 2 is half size",
        page: "r-scl",
        reader: Reader::Typed(|items| {
            items.positive()?.map(Value::Scl).ok_or_else(|| items.missing(above_zero()))
        }),
        ..VIEW
    },
    Command {
        name: "align",
        syntax: "align=h,v",
        range: "-1 (left, top) to 1 (right, bottom)",
        default: "0,0",
        page: "r-align",
        reader: Reader::Typed(align),
        ..VIEW
    },
    Command {
        name: "bgc",
        syntax: "bgc=colour",
        range: "colour; alpha is ignored",
        default: "the configuration's bkg_color",
        page: "r-bgc",
        reader: Reader::Typed(|items| Ok(Value::Bgc(items.paint()?))),
        ..VIEW
    },
    Command {
        name: "rgn",
        syntax: "rgn=x,y,width,height",
        range: "whole numbers, pixels of the composite; width and height above 0",
        default: "the whole composite",
        page: "r-rgn",
        reader: Reader::Typed(|items| Ok(Value::Rgn(window(items)?))),
        ..VIEW
    },
    Command {
        name: "rect",
        syntax: "rect=x,y,width,height[,scale]",
        range: "whole numbers, pixels of the view after scale; scale above 0",
        default: "the whole view",
        page: "r-rect",
        class: Class::Secondary,
        reader: Reader::Typed(rect),
        ..VIEW
    },
];

fn side(items: &mut Arguments<'_, '_>) -> Result<u32, Diagnostic> {
    items.length(1)?.ok_or_else(|| items.missing(above_zero_whole()))
}

fn fit(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let mode = items.word(&FitMode::NAMES)?.unwrap_or(Fit::DEFAULT.mode);
    let upscale = items.flag()?.unwrap_or(Fit::DEFAULT.upscale);
    Ok(Value::Fit(Fit { mode, upscale }))
}

fn align(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let h = items.real(-1.0, 1.0)?.unwrap_or(0.0);
    let v = items.real(-1.0, 1.0)?.unwrap_or(0.0);
    Ok(Value::Align(Align { h, v }))
}

fn window(items: &mut Arguments<'_, '_>) -> Result<Window, Diagnostic> {
    let wanted = corner_and_size();
    let [x, y] = items.ints(&wanted)?;
    let width = items.length(1)?.ok_or_else(|| items.missing(wanted.clone()))?;
    let height = items.length(1)?.ok_or_else(|| items.missing(wanted.clone()))?;
    Ok(Window { x, y, width, height })
}

fn rect(items: &mut Arguments<'_, '_>) -> Result<Value, Diagnostic> {
    let window = window(items)?;
    Ok(Value::Rect(Tile { window, scale: items.positive()?.unwrap_or(1.0) }))
}
