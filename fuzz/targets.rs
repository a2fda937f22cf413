//! What is run on an input, and what must hold whatever the input is.

use std::io::Cursor;
use std::path::Path;

use exportd::imaging::formats::jpeg_difference;
use exportd::imaging::modifiers::{Presets, Rules, parse};
use exportd::imaging::plan::{Defaults, Plan, plan};
use exportd::imaging::{ConvertError, Inputs, Limits, SourceInfo, Uprighting, convert, probe};
use exportd::library::{AssetHandle, Library};

use super::mutate::Kind;
use super::{jpegs, seeds};

/// One part of the program and what it is fed with.
pub(crate) struct Target {
    /// As the folder of its corpus.
    pub(crate) name: String,
    /// What its inputs are.
    pub(crate) kind: Kind,
    /// What inputs are made of.
    pub(crate) seeds: Vec<Vec<u8>>,
    /// The part; an error says which promise was broken.
    pub(crate) run: fn(&[u8]) -> Result<(), String>,
}

/// Lists all targets; there is one `decode` for each format a seed can be made of.
pub(crate) fn all() -> Vec<Target> {
    let texts: Vec<Vec<u8>> =
        seeds::MODIFIERS.iter().map(|text| text.as_bytes().to_vec()).collect();
    let pictures = seeds::pictures();
    let everything = pictures.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
    let text =
        |name: &str, run| Target { name: name.into(), kind: Kind::Text, seeds: texts.clone(), run };
    let mut targets = vec![
        text("modifiers", modifiers),
        text("plan", plans),
        text("reply", replies),
        Target {
            name: "catalogue".into(),
            kind: Kind::Text,
            seeds: vec![seeds::CATALOGUE.as_bytes().to_vec()],
            run: catalogue,
        },
        Target { name: "probe".into(), kind: Kind::Bytes, seeds: everything, run: probes },
        Target {
            name: "jpeg-decoders".into(),
            kind: Kind::Bytes,
            seeds: (0..100).map(|seed| jpegs::file(&mut jpegs::Numbers(seed << 20))).collect(),
            run: jpeg_decoders,
        },
        Target {
            name: "jpeg-again".into(),
            kind: Kind::Bytes,
            seeds: (0..100).map(|seed| jpegs::file(&mut jpegs::Numbers(seed << 20))).collect(),
            run: jpeg_again,
        },
    ];
    targets.extend(pictures.into_iter().map(|(format, files)| Target {
        name: format!("decode-{format}"),
        kind: if matches!(format, "svg") { Kind::Text } else { Kind::Bytes },
        seeds: files,
        run: decode,
    }));
    targets
}

/// Small limits: 4 megapixels, 64 MB.
fn limits() -> Limits {
    let mut limits = Defaults::default().limits;
    (limits.max_pixels, limits.max_side, limits.max_alloc) = (4_000_000, 20_000, 64 << 20);
    limits
}

fn presets() -> Presets {
    Presets::new([("p", "wid=40&fmt=png"), ("q", "$p$&hei=9"), ("r", "op_usm=1,1,8")])
}

/// The parser: places of findings lie in the text and on its characters.
fn modifiers(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    for (strict, lenient) in [(false, false), (true, false), (false, true)] {
        let parsed = parse(&text, &presets(), Rules { strict, lenient });
        for finding in &parsed.findings {
            if text.get(finding.span.clone()).is_none() {
                return Err(format!("{:?} is no place in the text", finding.span));
            }
            if finding.message.chars().count() > 300 {
                return Err(format!("a finding of {} characters", finding.message.chars().count()));
            }
        }
    }
    Ok(())
}

/// The arithmetic: sizes stay within the limits, whatever is asked of whichever source.
fn plans(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let parsed = parse(&text, &presets(), Rules::default());
    if parsed.error().is_some() {
        return Ok(());
    }
    let limits = limits();
    let defaults = Defaults { limits: limits.clone(), ..Defaults::default() };
    for mut info in seeds::infos() {
        // The text decides about the source as well, so that odd sizes come by.
        let twist = u32::from(input.first().copied().unwrap_or(1)) + 1;
        info.size.width = (info.size.width * twist / 64).max(1);
        if let Ok(planned) = plan(&parsed.modifiers, &info, &defaults) {
            within(&planned.plan, &info, &limits)?;
        }
    }
    Ok(())
}

fn within(plan: &Plan, info: &SourceInfo, limits: &Limits) -> Result<(), String> {
    for (name, size) in [("composite", plan.composite), ("reply", plan.reply)] {
        if size.width == 0 || size.height == 0 {
            return Err(format!("the {name} has {} x {} pixels", size.width, size.height));
        }
        if size.pixels() > limits.max_pixels {
            return Err(format!("the {name} of {} pixels is over the limit", size.pixels()));
        }
    }
    if plan.peak_memory(info) == 0 {
        return Err("a reply that needs no memory".into());
    }
    Ok(())
}

/// Everything a plan can ask for, done to a small picture: the reply has the planned size.
fn replies(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    let parsed = parse(&text, &presets(), Rules::default());
    if parsed.error().is_some() {
        return Ok(());
    }
    let source = seeds::small_png();
    let limits = Limits { max_pixels: 40_000, ..limits() };
    let info =
        probe(Cursor::new(&source), &limits, Uprighting::Apply).map_err(|e| e.to_string())?;
    let defaults = Defaults { limits: limits.clone(), ..Defaults::default() };
    let Ok(planned) = plan(&parsed.modifiers, &info, &defaults) else { return Ok(()) };
    if !planned.plan.aux.is_empty() {
        return Ok(());
    }
    match made(&source, &planned.plan, &limits) {
        Ok(Some(reply)) => same_size(&reply, &planned.plan),
        // A reply that a format cannot hold is refused in words.
        Ok(None) | Err(ConvertError::Unwritable { .. }) => Ok(()),
        Err(error) => Err(format!("the reply failed: {error}")),
    }
}

/// Image catalogues and the handles that are looked up in them. The input is the files of
/// [`seeds::CATALOGUE_FILES`], in their order, with a form feed between them.
fn catalogue(input: &[u8]) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let assets = tempfile::tempdir().map_err(|error| error.to_string())?;
    let parts = input.split(|&byte| byte == b'\x0c');
    for (name, part) in seeds::CATALOGUE_FILES.iter().zip(parts) {
        write(&folder.path().join(name), part)?;
    }
    let roots = [assets.path().to_owned()];
    let library = Library::open(&roots, Some(folder.path())).map_err(|error| error.to_string())?;
    for file in library.findings() {
        for finding in &file.findings {
            if file.text.get(finding.span.clone()).is_none() {
                return Err(format!("{:?} is no place in {}", finding.span, file.file));
            }
        }
    }
    let images = library.images();
    for scope in images.scopes() {
        let _ = (images.attributes(scope), images.root_id_of(scope), images.macros(scope).count());
        let _ = (images.profile(scope, "sRGB"), images.font(scope, "A"));
    }
    let text = String::from_utf8_lossy(input);
    for word in text.split(['\t', '\n', '\x0c']).take(40).chain(["a/b", "acme/bag", "*"]) {
        if let Ok(handle) = AssetHandle::parse(word) {
            // No picture is there: whatever is found has no file.
            if let Ok(found) = library.resolve(&handle)
                && found.iter().any(|asset| asset.file.is_some())
            {
                return Err(format!("{word:?} is a file that nobody made"));
            }
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "nothing that has to outlive a crash of the machine")]
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    std::fs::write(path, bytes).map_err(|error| error.to_string())
}

/// The headers: what is accepted is within the limits.
fn probes(input: &[u8]) -> Result<(), String> {
    let limits = limits();
    for uprighting in [Uprighting::Apply, Uprighting::Ignore] {
        if let Ok(info) = probe(Cursor::new(input), &limits, uprighting)
            && limits.allow(info.size, 0).is_err()
        {
            return Err(format!("{} x {} pixels pass", info.size.width, info.size.height));
        }
    }
    Ok(())
}

/// The pixels: what is decoded has the size the header said, in full and reduced.
fn decode(input: &[u8]) -> Result<(), String> {
    let limits = limits();
    let Ok(info) = probe(Cursor::new(input), &limits, Uprighting::Apply) else { return Ok(()) };
    let defaults = Defaults { limits: limits.clone(), ..Defaults::default() };
    for text in ["scl=1&fmt=tif-alpha", "scl=9&fmt=png-alpha"] {
        let parsed = parse(text, &Presets::default(), Rules::default());
        let planned = plan(&parsed.modifiers, &info, &defaults).map_err(|f| f.message)?.plan;
        match made(input, &planned, &limits) {
            Ok(Some(reply)) => same_size(&reply, &planned)?,
            Ok(None) => return Err("nothing was made, and no error".into()),
            Err(ConvertError::Internal { detail }) => return Err(format!("a mistake: {detail}")),
            Err(ConvertError::Changed) => return Err("the header was read in two ways".into()),
            Err(_) => {}
        }
    }
    Ok(())
}

/// Our decoder of JPEG and libjpeg: the same verdict and the same pixels, whatever the damage.
fn jpeg_decoders(input: &[u8]) -> Result<(), String> {
    // Not more pixels than memory, and not more than a moment holds.
    match probe(Cursor::new(input), &limits(), Uprighting::Apply) {
        Ok(_) => jpeg_difference(input).map_or(Ok(()), Err),
        Err(_) => Ok(()),
    }
}

/// A JPEG coded again, from pixels or from coefficients: the reply is a whole JPEG, and libjpeg makes
/// the same pixels of it.
fn jpeg_again(input: &[u8]) -> Result<(), String> {
    let limits = limits();
    let Ok(info) = probe(Cursor::new(input), &limits, Uprighting::Apply) else { return Ok(()) };
    let defaults = Defaults { limits: limits.clone(), ..Defaults::default() };
    for text in ["scl=1&fmt=jpeg&qlt=85", "scl=1&fmt=jpeg&qlt=100,1", "scl=1&fmt=jpeg&qlt=30"] {
        let parsed = parse(text, &Presets::default(), Rules::default());
        let planned = plan(&parsed.modifiers, &info, &defaults).map_err(|f| f.message)?.plan;
        if let Ok(Some(reply)) = made(input, &planned, &limits) {
            same_size(&reply, &planned)?;
            jpeg_difference(&reply).map_or(Ok(()), Err)?;
            let info = probe(Cursor::new(&reply), &limits, Uprighting::Apply);
            let info = info.map_err(|error| error.to_string())?;
            let again = plan(&parsed.modifiers, &info, &defaults).map_err(|f| f.message)?.plan;
            made(&reply, &again, &limits).map_err(|error| format!("the reply: {error}"))?;
        }
    }
    Ok(())
}

fn made(source: &[u8], plan: &Plan, limits: &Limits) -> Result<Option<Vec<u8>>, ConvertError> {
    let mut reply = Ok(None);
    let plans = std::slice::from_ref(plan);
    convert(Inputs::of(source), plans, limits, Uprighting::Apply, &mut |_, made| {
        reply = made.map(Some);
    })?;
    reply
}

/// Reads a reply as a source; one in a format that is written only counts as right.
fn same_size(reply: &[u8], plan: &Plan) -> Result<(), String> {
    let limits = Limits { max_pixels: u64::MAX, max_alloc: u64::MAX, ..limits() };
    let Ok(info) = probe(Cursor::new(reply), &limits, Uprighting::Ignore) else { return Ok(()) };
    if info.size == plan.reply || plan.extension == "pdf" || plan.extension == "eps" {
        return Ok(());
    }
    let (is, planned) = (info.size, plan.reply);
    Err(format!(
        "{}x{} pixels instead of {}x{}",
        is.width, is.height, planned.width, planned.height
    ))
}
