use super::*;
use crate::fs::write_new;

const TOP: &str = "jobName = \"x\"\nemailSetting = \"All\"\n";

struct World {
    _dir: tempfile::TempDir,
    library: Library,
    policy: Policy,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    for file in ["a.tif", "b.jpg", "c.mov", "sub/a.tif", "fileToExport.jpg"] {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        write_new(&path, b"", 0o644).unwrap();
    }
    let catalog = "[[asset]]\nid = \"first\"\nhandle = \"a|1|1|1\"\npath = \"a.tif\"\n\
                   [[asset]]\nid = \"set\"\ntype = \"SpinSet\"\n";
    write_new(&dir.path().join("catalog.toml"), catalog.as_bytes(), 0o644).unwrap();
    let library = Library::open(&[dir.path().to_owned()], None).unwrap();
    let policy = Policy {
        company: "1".into(),
        wait_for_assets: Duration::ZERO,
        macros: BTreeMap::new(),
        profiles: BTreeMap::new(),
        users: vec!["mia".into()],
        imaging: Defaults::default(),
    };
    World { _dir: dir, library, policy }
}

impl World {
    fn judge(&self, text: &str) -> Judged {
        let now = "2026-11-24T12:00+01:00[Europe/Berlin]".parse().unwrap();
        judge(text.as_bytes(), &self.library, &self.policy, &Moment::HandedIn(now))
    }

    fn job(&self, rest: &str) -> ExportJob {
        let judged = self.judge(&format!("{TOP}{rest}"));
        assert!(judged.job.is_some(), "{:?}", judged.findings);
        judged.job.unwrap()
    }

    fn messages(&self, rest: &str) -> Vec<String> {
        self.judge(&format!("{TOP}{rest}")).all().into_iter().map(|d| d.message.into()).collect()
    }
}

const ONE: &str = "fmt = \"orig\"\nassetHandleArray = [\"a.tif\"]\n";

#[test]
fn the_request_is_modifier_then_macro() {
    let world = world();
    let text = "fmt = \"convert\"\nassetHandleArray = [\"fileToExport.jpg\"]\n\
                is_modifier = \"&fmt=png\"\nmacro = \"$test$\"\n";
    let job = world.job(text);
    let Make::Convert(recipe) = &job.renditions[0].make else { panic!("not converted") };
    assert_eq!(recipe.text, "&fmt=png&$test$");
    let whole = format!("{TOP}{text}");
    assert_eq!(&whole[recipe.place(&(1..8))], "fmt=png");
    assert_eq!(&whole[recipe.place(&(9..15))], "\"$test$\"");
    assert_eq!(&whole[recipe.place(&(5..15))], "png");
    let bare = world.job(&text.replace("$test$", "test").replace("is_modifier", "# "));
    let Make::Convert(recipe) = &bare.renditions[0].make else { panic!("not converted") };
    assert_eq!(recipe.text, "$test$");
    let none = world.job("fmt = \"convert\"\nassetHandleArray = [\"a.tif\"]\n");
    let Make::Convert(recipe) = &none.renditions[0].make else { panic!("not converted") };
    assert_eq!((recipe.text.as_str(), recipe.place(&(0..1))), ("", 0..0));
}

#[test]
fn assets_are_listed_once_in_order_and_failures_do_not_refuse_the_job() {
    let world = world();
    let job = world.job(
        "fmt = \"convert\"\nassetHandleArray = [\"b\", \"nothing\", \"first\", \"*.tif\", \"a.tif\", \
         \"a|1|1|1\", \"nothing\", \"set\", \"**/*.tif\", \"../x\"]\n",
    );
    let items: Vec<(usize, &str, bool)> = job.renditions[0]
        .items
        .iter()
        .map(|item| (item.position, item.handle.as_str(), item.asset.is_ok()))
        .collect();
    assert_eq!(
        items,
        [
            (1, "b", true),
            (2, "nothing", false),
            (3, "first", true),
            (4, "set", true),
            (5, "sub/a.tif", true),
            (6, "../x", false),
        ]
    );
    let Make::Convert(_) = &job.renditions[0].make else { panic!("not converted") };
    let deliveries: Vec<_> =
        job.renditions[0].items.iter().map(|i| i.delivery(&job.renditions[0].make)).collect();
    assert_eq!(deliveries[0], Some(Delivery::Convert));
    assert_eq!(deliveries[1], None);
    assert!(matches!(deliveries[3], Some(Delivery::NotExportable(_))));
}

#[test]
fn what_a_run_will_say_is_foreseen_at_the_handle() {
    let world = world();
    assert_eq!(
        world.messages(
            "fmt = \"convert\"\nassetHandleArray = [\"b.jpeg\", \"c.mov\", \"?.[mj]*\"]\n"
        ),
        [
            "\"b.jpeg\": there is no file or catalogue entry of that name in the asset folders",
            "\"c.mov\": cannot be converted, so the original is delivered",
            "1 of the 2 assets of \"?.[mj]*\" are not converted: cannot be converted, so the \
             original is delivered",
        ]
    );
    let judged = world.judge(&format!("{TOP}fmt = \"orig\"\nassetHandleArray = [\"c.mov\"]\n"));
    assert!(judged.all().is_empty());
}

#[test]
fn renditions_stand_over_the_common_keys() {
    let world = world();
    let job = world.job(
        "fmt = \"convert\"\nassetHandleArray = [\"a.tif\"]\nis_modifier = \"wid=1\"\n\
         [[exportJob]]\nrendition = \"web\"\nmacro = \"m\"\n\
         [[exportJob]]\nrendition = \"orig\"\nfmt = \"orig\"\nassetHandleArray = [\"b\", \"b.jpg\"]\n\
         outputName = \"o/{stem}\"\n",
    );
    let [web, orig] = job.renditions.as_slice() else { panic!("two renditions") };
    assert_eq!(web.name.as_deref(), Some("web"));
    assert_eq!(web.output_name, OutputName::of_rendition());
    assert!(matches!(&web.make, Make::Convert(recipe) if recipe.text == "wid=1&$m$"));
    assert_eq!(
        (orig.output_name.as_str(), &orig.make, orig.items.len()),
        ("o/{stem}", &Make::Orig, 1)
    );
}

#[test]
fn times_are_decided() {
    let world = world();
    assert_eq!(world.job(ONE).when, When::Now);
    let future = format!("{ONE}execTime = 2026-11-24T12:00:01+01:00\n");
    assert_eq!(world.job(&future).when, When::At("2026-11-24T11:00:01Z".parse().unwrap()));
    let past = format!("{ONE}execTime = 2026-11-24T12:00:00+01:00\n");
    assert_eq!(world.job(&past).when, When::Now);
    assert_eq!(world.messages(&past), ["`execTime` has passed; the job runs now"]);
    let schedule = format!("{ONE}execSchedule = \"0 0 6 ? * Mon-Fri\"\n");
    assert!(matches!(world.job(&schedule).when, When::Repeatedly(_)));
    let never = world.judge(&format!("{TOP}{ONE}execSchedule = \"0 0 6 31 2 ?\"\n"));
    assert!(never.job.is_none());
}

#[test]
fn destinations_are_decided() {
    let world = world();
    assert_eq!(world.job(ONE).destination, None);
    let place = |rest: &str| world.job(&format!("{ONE}{rest}")).destination.unwrap();
    assert_eq!(place("destination = \"web\"\n").existing, Existing::Keep);
    assert_eq!(place("destination = \"web/\"\noverwrite = true\n").existing, Existing::Replace);
}

#[test]
fn users_have_to_be_known() {
    let world = world();
    world.job(&format!("{ONE}userHandle = \"mia\"\n"));
    let judged = world.judge(&format!("{TOP}{ONE}userHandle = \"mai\"\n"));
    assert!(judged.job.is_none());
    assert_eq!(judged.findings[0].code, Code::UnknownUser);
    let Some(Fault::Refused { line: 5, message, findings: 1 }) = judged.refusal() else {
        panic!("{:?}", judged.refusal());
    };
    assert_eq!(message, "there is no user \"mai\" in the configuration");
}

#[test]
fn locales_fall_back_to_english_with_a_word() {
    for (written, known) in [
        ("zh-Hant", Some("zh-Hant")),
        ("zh_tw", Some("zh-Hant")),
        ("ZH-CN", Some("zh-Hans")),
        ("de-AT", Some("de")),
        ("en", Some("en")),
        ("tlh", None),
        ("", None),
    ] {
        assert_eq!(known_locale(written), known, "{written}");
    }
    let world = world();
    let text = format!("{TOP}{ONE}locale = \"tlh\"\n");
    let judged = world.judge(&text);
    assert_eq!(judged.findings[0].message, "reports are not available in \"tlh\"; English is used");
    assert!(judged.job.is_some());
    let about = about(judged.manifest.as_ref(), "x.toml", Some(7));
    assert_eq!((about.locale.as_deref(), about.submitter_uid), (Some("en"), Some(7)));
}

#[test]
fn a_refused_manifest_still_says_whose_it_is() {
    let world = world();
    let judged = world.judge("jobName = \"/\"\nemailSetting = \"Error\"\ndescription = \"d\"\n");
    let known = about(judged.manifest.as_ref(), "2026 web!.toml", None);
    assert_eq!(known.job_name, "2026 web-");
    assert_eq!(known.email_setting, Some(EmailSetting::Error));
    assert_eq!(known.description.as_deref(), Some("d"));
    let unreadable = world.judge("");
    assert_eq!(about(unreadable.manifest.as_ref(), ".toml", None).job_name, "job");
}

#[test]
fn keys_and_modifiers_and_handles_are_told_together() {
    let world = world();
    let judged = world.judge(
        "jobName = \"x\"\nfmt = \"convert\"\nassetHandleArray = [\"a.tif\", \"none\"]\n\
         widht = 1\nis_modifier = \"wid=abc\"\nmacro = \"$none$\"\n",
    );
    let said = judged.told();
    let lines: Vec<usize> = said.iter().map(|f| position(&judged.text, f.span.start).0).collect();
    assert_eq!(lines, [1, 3, 4, 5, 6], "{said:?}");
    // The cause is what refuses it, although a handle stands before.
    let Some(Fault::Refused { line: 1, message, findings: 5 }) = judged.refusal() else {
        panic!("{:?}", judged.refusal())
    };
    assert_eq!(message, "`emailSetting` is missing");
}

#[test]
fn a_wrong_modifier_alone_refuses_nothing() {
    let world = world();
    let text = "fmt = \"convert\"\nassetHandleArray = [\"a.tif\"]\nis_modifier = \"wid=abc\"\n";
    let judged = world.judge(&format!("{TOP}{text}"));
    assert!(judged.job.is_some() && judged.refusal().is_none());
    assert!(judged.told().is_empty() && judged.all()[0].is_error());
}

#[test]
fn a_misspelt_mail_level_silences_nothing_and_a_misspelt_name_names_no_run() {
    let world = world();
    let judged = world.judge(&format!("jobname = \"y\"\nemailSeting = \"None\"\n{ONE}"));
    let about = about(judged.manifest.as_ref(), "stem.toml", None);
    assert_eq!((about.job_name.as_str(), about.email_setting), ("stem", None));
}

#[test]
fn a_job_makes_only_so_many_files() {
    let world = world();
    // All renditions make the same of the same: names alone would collide only later.
    let renditions: String =
        (0..1000).map(|n| format!("[[exportJob]]\nrendition = \"r{n}\"\n")).collect();
    let of = |handles: usize| {
        let handles: Vec<String> = (0..handles).map(|n| format!("\"none-{n}\"")).collect();
        let text = format!(
            "{TOP}fmt = \"orig\"\nassetHandleArray = [{}]\n{renditions}",
            handles.join(",")
        );
        world.judge(&text)
    };
    assert!(of(500).job.is_some());
    let refused = of(501);
    assert!(refused.job.is_none());
    let [finding] = refused.findings.as_slice() else { panic!("{:?}", refused.findings) };
    assert_eq!(
        String::from(finding.message.clone()),
        "this would make 501,000 files, at most 500,000 are made by one job"
    );
    assert!(refused.text[finding.span.clone()].starts_with("[\"none-0\""));
}
