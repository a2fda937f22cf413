use proptest::prelude::*;

use super::*;

fn presets() -> Presets {
    Presets::new([
        ("view", "wid=240&fmt=jpeg&qlt=85"),
        ("test", "fmt=tif"),
        ("large", "$view$&wid=1000"),
        ("selfish", "wid=1&$selfish$"),
        ("ping", "$pong$"),
        ("pong", "$ping$"),
    ])
}

fn parsed(text: &str) -> Parsed {
    parse(text, &presets(), Rules::default())
}

/// Parses what must be without findings and prints it.
fn clean(text: &str) -> String {
    let Parsed { modifiers, findings } = parsed(text);
    assert_eq!(findings, [], "{text}");
    modifiers.to_string()
}

fn errors(text: &str) -> Vec<(String, Range<usize>)> {
    let findings = parsed(text).findings.into_iter();
    findings.filter(Diagnostic::is_error).map(|f| (f.message.into(), f.span)).collect()
}

fn warnings(text: &str) -> Vec<(String, Range<usize>)> {
    let Parsed { findings, .. } = parsed(text);
    assert!(!findings.iter().any(Diagnostic::is_error), "{text}: {findings:?}");
    findings.into_iter().map(|f| (f.message.into(), f.span)).collect()
}

#[test]
fn requests_mean_what_their_printed_form_says() {
    for (text, printed) in [
        ("", ""),
        ("WID=300&Hei=200", "hei=200&wid=300"),
        ("fit=wrap%2C0&wid=768", "fit=wrap,0&wid=768"),
        ("&wid=100&&.v=12&", "wid=100"),
        ("?wid=100", "wid=100"),
        (" wid=100 \n& hei=7\t", "hei=7&wid=100"),
        ("$view$&wid=480", "fmt=jpeg&qlt=85,0&wid=480"),
        ("wid=480&$view$", "fmt=jpeg&qlt=85,0&wid=240"),
        ("%24LARGE%24", "fmt=jpeg&qlt=85,0&wid=1000"),
        ("$w=300&wid=$W$", "wid=300"),
        ("$w=3&wid=$w$$w$0", "wid=330"),
        ("$v=1,1&op_usm=$v$,2", "op_usm=1,1,2,0"),
        ("wid=800&fit=vfit,1&fit=constrain", "fit=constrain,0&wid=800"),
        ("bfc=off&dpr=off&network=off&cache=on,on&id=x&ts=17", "dpr=on,1"),
        ("dpr=on,1.5", "dpr=on,1.5"),
        ("fmt=", "fmt=jpeg"),
        ("fmt=tif,,LZW", "fmt=tif,,lzw"),
        ("fmt=JPG,gray", "fmt=jpeg,gray"),
        ("fmt=web-alpha,,lossless", "fmt=webp-alpha,,lossless"),
        ("op_usm=1.75", "op_usm=1.75,0,0,0"),
        ("op_usm=0.6,0.6,8", "op_usm=0.6,0.6,8,0"),
        ("op_usmR=1,1&op_usm=2,2", "op_usm=2,2,0,0"),
        ("op_usm=2,2&op_usmR=1,1", "op_usmR=1,1,0,0"),
        ("crop=1,2,3,4&cropN=0,0,.5,.5", "cropN=0,0,0.5,0.5"),
        ("crop=0,0,0,0", "crop=0,0,0,0"),
        ("bgc=0xF1F1F1", "bgc=f1f1f1"),
        ("bgColor=255,0,0,128s", "bgColor=ff000080s"),
        ("iccEmbed=true&resMode=BICUB", "iccEmbed=1&resMode=bicub"),
        ("layer=0&flip=lr&wid=5&layer=comp&flip=ud", "wid=5&flip=ud&layer=0&flip=lr"),
        ("layer=0&extend=1,2,3,4", "extend=1,2,3,4"),
        ("layer=0,base&layer=comp&layer=base&rotate=90", "rotate=90"),
        ("anchor=5,5&pos=1,1&blendMode=mult&origin=2,2", ""),
        ("op_blur=0&opac=100&jpegSize=0", "jpegSize=0&op_blur=0&opac=100,100"),
        ("op_colorize=255,0,16", "op_colorize=ff0010,norm,0"),
        ("colorize=0xFF8000,norm,40", "op_colorize=ff8000,norm,40"),
        ("op_colorize=1,2,3,off", "op_colorize=010203,off,0"),
        ("op_noise=12.5,gaussian,mono&op_hue=-180", "op_hue=-180&op_noise=12.5,gaussian,mono"),
        ("op_colorbalance=1,,-3", "op_colorbalance=1,0,-3"),
        (
            "op_growMask=-3&maskUse=invert&mask=a/b%20c.tif",
            "mask=a/b%20c.tif&maskUse=invert&op_growMask=-3",
        ),
        ("op_growMask=4&op_growMaskR=2", "op_growMaskR=2"),
        (
            "cropPathE=Path%201,b&clipPathE=&clipXPathE=c",
            "clipPathE=&clipXPathE=c&cropPathE=Path%201,b",
        ),
        ("color=ff000080&opac=50,50", "opac=50,50&color=ff000080"),
        ("fmt=pjpeg&pscan=4&jpegSize=20", "fmt=pjpeg&jpegSize=20&pscan=4"),
        ("quantize=web,off,16,ff0000,00FF00", "quantize=web,off,16,ff0000,00ff00"),
        ("icc=sRGB,relative,1,0&iccEmbed=1", "icc=sRGB,relative,1,0&iccEmbed=1"),
        ("rect=0,800,2000,600", "rect=0,800,2000,600,1"),
        ("layer=comp&op_usm=1,1,8,0&wid=300", "wid=300&op_usm=1,1,8,0"),
        ("op_usm=0,0,0,0&op_sharpen=0&layer=comp", "op_sharpen=0&op_usm=0,0,0,0"),
        (
            "wid=400&hei=400&fmt=jpeg&qlt=75,0&op_sharpen=0&resMode=bicub\
             &op_usm=0.0,0.0,0,0&iccEmbed=0&printRes=72&layer=comp",
            "fmt=jpeg&hei=400&iccEmbed=0&printRes=72&qlt=75,0&resMode=bicub&wid=400\
             &op_sharpen=0&op_usm=0,0,0,0",
        ),
    ] {
        assert_eq!(clean(text), printed, "{text}");
        assert_eq!(clean(printed), printed);
    }
}

#[test]
fn errors_name_the_cause_and_the_place() {
    for (text, message, span) in [
        ("wid=$a$&$a=300", "`wid` must be a whole number above 0, not `$a$`", 0..7),
        ("$unknown$", "there is no preset `$unknown$`", 0..9),
        ("wid=5&$selfish$", "there is no preset `$selfish$`", 6..15),
        ("$ping$", "there is no preset `$ping$`", 0..6),
        ("hei=1&wid=abc", "`wid` must be a whole number above 0, not `abc`", 6..13),
        ("wid=0", "`wid` must be a whole number above 0, not `0`", 0..5),
        (
            "fit=cover",
            "`fit` must be fit | constrain | crop | wrap | stretch | hfit | vfit, \
          not `cover`",
            0..9,
        ),
        ("qlt=750", "`qlt` must be a whole number from 1 to 100, not `750`", 0..7),
        ("align=2,0", "`align` must be a number from -1 to 1, not `2`", 0..9),
        ("scl=-1", "`scl` must be a number above 0, not `-1`", 0..6),
        ("wid=300,5", "`wid` takes no further value `5`", 0..9),
        ("crop=0,0,10,0", "`crop` must have a width and a height above 0", 0..13),
        ("crop=0,0,10", "`crop` must be x, y, width and height, not `0,0,10`", 0..11),
        ("bgc=red", "`bgc` must be a colour, not `red`", 0..7),
        ("sizeN=0.5,0.5", "`sizeN` is not allowed on layer 0 or the composite", 0..13),
        ("fmt=png,,lzw", "`png` leaves no choice of compression", 0..12),
        ("fmt=webp,cmyk", "`webp` holds rgb only", 0..13),
        ("fmt=tif-alpha,,jpeg", "`tif-alpha` is compressed by none | lzw | zip, not jpeg", 0..19),
        ("fmt=heic", "`fmt=heic` is not supported by this installation", 0..8),
        ("fmt=swf", "`fmt=swf` is Flash and cannot be exported", 0..7),
        ("fmt=m3u8", "`fmt=m3u8` is a playlist of a video server and cannot be exported", 0..8),
        ("fmt=bmp", "there is no format `bmp`", 0..7),
        ("req=set", "`req=set` does not ask for a picture", 0..7),
        ("req=props,json", "`req=props` does not ask for a picture", 0..14),
        ("wid=3&op_blur=500", "`op_blur` must be a number from 0 to 100, not `500`", 6..17),
        (
            "op_brightness=1.5",
            "`op_brightness` must be a whole number from -100 to 100, not `1.5`",
            0..17,
        ),
        ("op_colorize=50", "`op_colorize` must be an RGB colour, not `50`", 0..14),
        ("maskUse=on", "`maskUse` must be norm | invert | off, not `on`", 0..10),
        ("fmt=pjpeg&pscan=6", "`pscan` must be auto | 3 | 4 | 5, not `6`", 10..17),
        (
            "fmt=gif&quantize=web,off,300",
            "`quantize` must be a whole number from 2 to 256, not `300`",
            8..28,
        ),
        (
            "fmt=gif&quantize=web,off,2,ff0000,0,1",
            "`quantize` must be forced colours as rrggbb, not `web,off,2,ff0000,0,1`",
            8..37,
        ),
        ("jpegSize=-1", "`jpegSize` must be a whole number, 0 or more, not `-1`", 0..11),
        (
            "fmt=gif-alpha&quantize=mac",
            "`quantize=mac` leaves no room for the key colour of gif-alpha",
            14..26,
        ),
        ("layer=2&wid=5", "layers above 0 are not supported yet", 0..7),
        ("effect=-1&op_blur=5", "effects are not supported yet", 0..9),
        ("effect=0", "`effect` must be a whole number other than 0, not `0`", 0..8),
        ("layer=b&opac=50", "no layer is named `b`", 0..7),
        ("layer=0,comp", "`comp` cannot be the name of a layer", 0..12),
        ("$a b=5", "`$a b` is not a name for a variable", 0..6),
    ] {
        let found = errors(text);
        assert_eq!(found.first(), Some(&(message.to_owned(), span)), "{text}");
    }
    let twice = errors("layer=1,a&src=x&layer=2,a");
    assert!(twice.iter().any(|(message, _)| message == "`a` already names layer 1"), "{twice:?}");
}

#[test]
fn what_is_replaced_is_no_error() {
    assert_eq!(clean("op_blur=5&op_blur=0"), "op_blur=0");
    assert_eq!(errors("fmt=heic&fmt=png"), []);
    assert_eq!(
        clean("fmt=gif&quantize=web,off,300&quantize=web"),
        "fmt=gif&quantize=web,diffuse,256"
    );
}

#[test]
fn warnings_do_not_stop_anything() {
    for (text, message, span) in [
        ("width=300", "unknown command `width` is ignored", 0..9),
        ("rgnN=0,0,1,1", "unknown command `rgnN` is ignored", 0..12),
        ("wid=", "`wid` has no value and is ignored", 0..4),
        ("hei", "`hei` has no value and is ignored", 0..3),
        ("locale=de", "`locale` has no effect on an export", 0..9),
        ("defaultImage=x", "`defaultImage` has no effect on an export", 0..14),
        ("resMode=sharp", "`resMode=sharp` is out of use; sharp2 is used", 0..13),
        ("fmt=png&$test$", "`fmt=png` is overridden by `fmt=tif`", 0..7),
        ("$view$&fmt=png", "`fmt=jpeg` is overridden by `fmt=png`", 0..6),
    ] {
        assert_eq!(warnings(text), [(message.to_owned(), span)], "{text}");
    }
    for text in ["defaultImage=", "locale=", "fmt=jpeg&fmt=jpg", "wid=1&$view$", ".locale=de"] {
        assert_eq!(warnings(text), [], "{text}");
    }
}

#[test]
fn guesses_are_helped() {
    for (text, help) in [
        ("width=300", "did you mean `wid`?"),
        ("quality=9", "did you mean `qlt`?"),
        ("resmode2=x", "did you mean `resMode`?"),
        ("$veiw$", "did you mean `$view$`?"),
        ("wid=2&fit=constrian", "did you mean `constrain`?"),
        ("fmt=tiff", "did you mean `tif`?"),
    ] {
        let findings = parsed(text).findings;
        assert_eq!(findings[0].help.as_deref(), Some(help), "{text}");
    }
}

#[test]
fn rules_change_what_stops() {
    let strict = Rules { strict: true, lenient: false };
    assert!(parse("width=3", &presets(), strict).error().is_some());
    assert!(parse("ts=3&.x&id=4", &presets(), strict).findings.is_empty());
    let lenient = Rules { strict: false, lenient: true };
    let Parsed { modifiers, findings } = parse("qlt=750&wid=0", &presets(), lenient);
    assert_eq!(modifiers.to_string(), "qlt=100,0&wid=1");
    assert!(findings.len() == 2 && !findings.iter().any(Diagnostic::is_error));
    assert!(parse("wid=abc&scl=0", &presets(), lenient).findings.iter().all(Diagnostic::is_error));
}

#[test]
fn values_of_commands_to_come_are_kept_as_written() {
    let text = "$v2=apple&$v1=my$v2$tree&text=$v1$+a%2Bb";
    let modifiers = parsed(text).modifiers;
    let kept: Vec<_> = modifiers.iter().map(|(_, setting)| setting.value.clone()).collect();
    let [Value::Other(command, value)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!((command.name, value.as_str()), ("text", "my$v2$tree a+b"));
    assert_eq!(parsed(&modifiers.to_string()).modifiers, modifiers);

    let nested = parsed("src=is{cat/img?wid=30&hei=30}&wid=60");
    assert!(nested.modifiers.to_string().starts_with("wid=60&"));
    assert_eq!(nested.findings.len(), 1);
    assert_eq!(nested.findings[0].span, 0..29);
}

#[test]
fn a_request_lies_over_the_catalogue_s() {
    let over = |request, catalogue| {
        let (request, catalogue) = (parsed(request).modifiers, parsed(catalogue).modifiers);
        request.over(&catalogue).to_string()
    };
    assert_eq!(over("wid=200", "wid=100&qlt=50"), "qlt=50,0&wid=200");
    assert_eq!(over("wid=10", "$view$"), "fmt=jpeg&qlt=85,0&wid=10");
    assert_eq!(over("cropN=0,0,1,1", "crop=5,5,5,5"), "cropN=0,0,1,1");
    assert_eq!(over("flip=", "flip=lr"), "flip=");
    let merged = parsed("wid=1").modifiers.over(&parsed("hei=1").modifiers);
    let places: Vec<_> = merged.iter().map(|(_, setting)| setting.span.clone()).collect();
    assert_eq!(places, [None, Some(0..5)]);
}

#[test]
fn the_table_covers_the_reference() {
    // The commands of the reference's command overview, in its spelling.
    let names = "align anchor anchorN bfc bgc bgColor blendMode cache clipPath clipPathE clipXPath \
        clipXPathE color crop cropN cropPathE defaultImage dpr effect effectMask extend extendN \
        fit flip fmt hei hide icc iccEmbed id imageSet jpegSize layer locale map mapA mask maskUse \
        network op_blur op_brightness op_colorbalance op_colorize op_contrast op_grow op_growMask \
        op_growMaskR op_hue op_invert op_noise op_saturation op_sharpen op_usm op_usmR opac origin \
        originN pathAttr pathEmbed perspective perspectiveN pos posN printRes pscan qlt quantize \
        rect req res resMode rgn rotate scale scl size sizeN src template text textAngle textAttr \
        textFlowPath textFlowXPath textPath textPs type wid xmpEmbed";
    let mut in_table: Vec<&str> = table().iter().map(|command| command.name).collect();
    in_table.sort_unstable_by_key(|name| name.to_lowercase());
    let mut wanted: Vec<&str> = names.split_whitespace().collect();
    wanted.sort_unstable_by_key(|name| name.to_lowercase());
    assert_eq!(in_table, wanted);
}

#[test]
fn no_command_that_is_not_built_is_passed_over_in_silence() {
    for command in table().iter().filter(|command| command.support == Support::NotYet) {
        let context = match command.concerns {
            Concerns::All | Concerns::Jpeg => "",
            Concerns::Progressive => "fmt=pjpeg&",
            Concerns::Palette => "fmt=gif&",
        };
        let text = format!("{context}{}=7", command.name);
        assert!(!errors(&text).is_empty(), "{text}");
    }
}

#[test]
fn text_that_grows_without_bounds_is_stopped() {
    let long = format!("$a={}&$b=5{}", "x".repeat(100_000), "&text=$a$$a$$a$".repeat(10));
    assert!(errors(&long).iter().any(|(message, _)| message.contains("1 MiB")));
    let mut bomb = vec![("p0".to_owned(), ".".repeat(1000))];
    for n in 1..40 {
        bomb.push((format!("p{n}"), format!("$p{0}$&$p{0}$", n - 1)));
    }
    let parsed = parse("$p30$", &Presets::new(bomb.clone()), Rules::default());
    assert!(parsed.error().is_some());
    assert!(parse("$p39$", &Presets::new(bomb), Rules::default()).error().is_some());
}

#[test]
fn a_hundred_findings_of_a_kind_are_enough_and_none_hides_an_error() {
    let text = "nonsense=1&".repeat(5000) + "wid=0";
    let findings = parsed(&text).findings;
    assert_eq!(findings.len(), 101);
    assert_eq!(findings.iter().filter(|finding| finding.is_error()).count(), 1);
}

/// Any modifier that may come up, most of them sensible.
fn modifier() -> impl Strategy<Value = String> {
    let names: Vec<&str> = table().iter().map(|command| command.name).collect();
    let value = prop_oneof![
        "[0-9]{1,3}(,[0-9]{1,3}){0,4}",
        "-?[0-9]{0,3}\\.[0-9]{1,3}(,-?[0-9]\\.[0-9]){0,3}",
        "(lr|ud|fit,1|crop|png|tif,,lzw|jpeg,gray|bicub|mask|on,1\\.5|comp|sRGB|off)",
        "(0x)?[0-9a-f]{6}([0-9a-f]{2})?s?",
        "[0-9]{1,2},[0-9]{1,2},[0-9]{1,2},[0-9]{1,2}ks?",
        "[ -~é漢]{0,12}",
    ];
    (proptest::sample::select(names), value).prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(
        texts in proptest::collection::vec(modifier(), 0..8),
    ) {
        let modifiers = parsed(&texts.join("&")).modifiers;
        let printed = modifiers.to_string();
        let again = parse(&printed, &Presets::default(), Rules::default()).modifiers;
        prop_assert_eq!(&again, &modifiers, "{}", printed);
        prop_assert_eq!(again.to_string(), printed);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "[wid=&$,.%{}()0-9a-f+é \u{202e}\n]{0,60}|\\PC{0,40}") {
        for finding in parsed(&text).findings {
            prop_assert!(text.get(finding.span.clone()).is_some(), "{:?}", finding);
            prop_assert!(finding.message.chars().count() <= 300);
        }
    }
}

#[test]
fn a_wrong_value_for_another_format_is_a_warning() {
    let parsed = parse("fmt=jpeg&quantize=adaptive,off,300", &Presets::default(), Rules::default());
    assert_eq!(parsed.error(), None);
    assert_eq!(parsed.findings.len(), 1);
    assert_eq!(parsed.findings[0].span, 9..34);
}
