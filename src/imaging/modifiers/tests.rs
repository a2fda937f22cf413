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
    findings.filter(Diagnostic::is_error).map(|f| (f.message, f.span)).collect()
}

fn warnings(text: &str) -> Vec<(String, Range<usize>)> {
    let Parsed { findings, .. } = parsed(text);
    assert!(!findings.iter().any(Diagnostic::is_error), "{text}: {findings:?}");
    findings.into_iter().map(|f| (f.message, f.span)).collect()
}

#[test]
fn requests_of_customers_are_understood() {
    for (text, canonical) in [
        ("WID=300&Hei=200", "hei=200&wid=300"),
        ("fit=wrap%2C0&wid=768", "fit=wrap,0&wid=768"),
        ("&wid=100&&.v=12&", "wid=100"),
        ("?wid=100", "wid=100"),
        ("$view$&wid=480", "fmt=jpeg&qlt=85,0&wid=480"),
        ("wid=480&$view$", "fmt=jpeg&qlt=85,0&wid=240"),
        ("%24LARGE%24", "fmt=jpeg&qlt=85,0&wid=1000"),
        ("$w=300&wid=$w$", "wid=300"),
        ("wid=800&fit=vfit,1&fit=constrain", "fit=constrain,0&wid=800"),
        ("bfc=off&dpr=off&network=off&cache=on,on&id=x&ts=17", "dpr=on,1"),
        ("fmt=", "fmt=jpeg"),
        ("fmt=tif,,LZW", "fmt=tif,,lzw"),
        ("fmt=JPG,gray", "fmt=jpeg,gray"),
        ("fmt=web-alpha,,lossless", "fmt=webp-alpha,,lossless"),
        ("op_usm=1.75", "op_usm=1.75,0,0,0"),
        ("op_usm=0.6,0.6,8", "op_usm=0.6,0.6,8,0"),
        ("op_usmR=1,1&op_usm=2,2", "op_usm=2,2,0,0"),
        ("crop=1,2,3,4&cropN=0,0,.5,.5", "cropN=0,0,0.5,0.5"),
        ("crop=0,0,0,0", "crop=0,0,0,0"),
        ("bgc=0xF1F1F1", "bgc=f1f1f1"),
        ("iccEmbed=true&resMode=BICUB", "iccEmbed=1&resMode=bicub"),
        ("layer=0&flip=lr&wid=5&layer=comp&flip=ud", "flip=ud&wid=5&layer=0&flip=lr"),
        ("layer=0&extend=1,2,3,4", "extend=1,2,3,4"),
        ("layer=0,base&layer=comp&layer=base&rotate=90", "rotate=90"),
        ("op_blur=0&opac=100&hide=0&jpegSize=0&pscan=4&quantize=web", ""),
        ("anchor=5,5&pos=1,1&blendMode=mult&origin=2,2", ""),
        (
            "wid=400&hei=400&fmt=jpeg&qlt=75,0&op_sharpen=0&resMode=bicub\
             &op_usm=0.0,0.0,0,0&iccEmbed=0&printRes=72&layer=comp",
            "op_sharpen=0&op_usm=0,0,0,0",
        ),
    ] {
        let text = text.trim_start_matches('?');
        let Parsed { modifiers, findings } = parsed(text);
        assert_eq!(findings, [], "{text}");
        let printed = modifiers.to_string();
        assert!(
            if canonical.is_empty() {
                !printed.contains("wid")
            } else {
                printed.contains(canonical)
            },
            "{text}: {printed}"
        );
        assert_eq!(parsed(&printed).modifiers, modifiers, "{printed}");
    }
}
