//! Where the reference is silent, or says two things: what is done here.
//!
//! `docs/modifiers.md` lists them. A choice that a studio may want otherwise is a configuration key.

/// A question the reference leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// What is not said, or said twice.
    pub question: &'static str,
    /// What is done here.
    pub answer: &'static str,
    /// The configuration key that changes it; empty when there is none.
    pub key: &'static str,
}

const fn choice(question: &'static str, answer: &'static str, key: &'static str) -> Choice {
    Choice { question, answer, key }
}

/// Every choice, in the order of a picture's way from its source to the reply.
pub static CHOICES: [Choice; 34] = [
    choice(
        "What a camera noted about orientation",
        "is applied when a picture is decoded",
        "imaging.exif_orientation",
    ),
    choice("Pages and frames", "the first; of a TIFF pyramid the largest; every page of a PDF", ""),
    choice("Names that are no command", "are ignored with a warning", "job.strict"),
    choice("Numbers out of their range", "are errors", "imaging.lenient"),
    choice("A preset that does not exist", "is an error: a wrong export helps nobody", ""),
    choice(
        "`is_modifier` and `macro` together",
        "are one request, `is_modifier` first, so the macro wins in every command it sets",
        "",
    ),
    choice("`+` in a value", "is a space in texts and variables, itself elsewhere", ""),
    choice("`crop=0,0,0,0`", "is all of the source", ""),
    choice("`cropN`", "is an offset and a size, as on its page, not two corners", ""),
    choice(
        "What a crop uncovers beyond the source, and the corners a turn uncovers",
        "is transparent: `bgColor`, else `bgc` or the configured background shows, never `color`",
        "",
    ),
    choice("Whether `size` enlarges", "it does", "imaging.size_upscale"),
    choice("`res` without a known Resolution", "is an error; nothing is guessed from the dpi", ""),
    choice("The order of `extend`", "left, top, right, bottom", ""),
    choice(
        "Rounding",
        "sizes half up and at least 1, offsets down, rotated boxes and boxes of paths outwards",
        "",
    ),
    choice(
        "The order of the image operations",
        "invert, brightness, contrast, colorbalance, hue, saturation, colorize, grow, blur, noise, \
         then sharpen and usm",
        "",
    ),
    choice(
        "Operations on the composite and scaling",
        "scaling comes first; radii are scaled with it; `op_colorize` with `norm` takes its levels \
         from what the view shows",
        "",
    ),
    choice(
        "Resampling at the border of the picture",
        "what the filter would see beyond it is left out, and the rest weighted up",
        "",
    ),
    choice(
        "The second value of `qlt`",
        "counts for colours; inks and grays keep their resolution",
        "",
    ),
    choice("Operations, clip and opacity of one scope", "in this order", ""),
    choice("Which way `fit` scales", "by reply/composite; the page has it upside down", ""),
    choice(
        "One of `wid` and `hei`, larger than the source",
        "that side is exact and the picture stands between bars; `fit=constrain` has none",
        "",
    ),
    choice(
        "`fit` modes with one side",
        "that side's factor for both; constrain and wrap have no bars",
        "",
    ),
    choice("`fit=wrap,0` and a smaller source", "the reply is the picture, without bars", ""),
    choice("`fit` together with `scl`", "has no effect, with a warning; it still needs a side", ""),
    choice("`rgn`", "comes before fitting; bars show the composite around it", ""),
    choice("`dpr`", "multiplies `wid` and `hei` and nothing else", ""),
    choice("DefaultPix and MaxPix in an export", "none", "imaging.default_pix, imaging.max_pix"),
    choice(
        "The radius of `op_usm`",
        "counts pixels of the reply; the reference's own, which shrinks with the picture, can be had",
        "imaging.usm_scaling",
    ),
    choice("Bytes of a CMYK colour in hexadecimal", "are percentages, at most 100", ""),
    choice("Colours without the suffix `s`", "are in the colour space of the reply", ""),
    choice(
        "`icc` against the pixel type in `fmt`",
        "`icc` wins with a warning, an error if strict; a format that cannot hold it is an error",
        "",
    ),
    choice("`bgc` and formats with alpha", "it is ignored for all of them", ""),
    choice(
        "Damage to the fine part of a progressive JPEG",
        "is not found where the reply is so small that this part is not read; a file that is cut short is",
        "",
    ),
    choice("Thumbnails of smaller sources", "are enlarged", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_says_something() {
        for Choice { question, answer, .. } in CHOICES {
            assert!(!question.is_empty() && !answer.is_empty());
            assert!(!answer.ends_with('.'), "{answer}");
        }
    }
}
