//! `presets`: what `$name$` stands for, and who says so.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Exit, Places, complain, print, print_json, rendering, say};
use crate::config::{Config, Settings};
use crate::diag::{Diagnostic, nearest, render};
use crate::imaging::modifiers::{Presets, expand, parse};
use crate::job::precedence;
use crate::job::recipe::on;
use crate::library::{CatalogFindings, ImageCatalogs, Scope};

#[derive(Debug, Args)]
pub(super) struct PresetsArgs {
    #[command(subcommand)]
    command: PresetsCommand,
}

#[derive(Debug, Subcommand)]
enum PresetsCommand {
    /// List every preset with its text and where it is defined
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what one preset stands for
    Show {
        /// Its name, with the RootId of its image catalogue where it is in one: web, acme/web
        #[arg(value_name = "NAME")]
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn presets(places: &Places, args: &PresetsArgs) -> Result<Exit, Exit> {
    let config = places.settings()?;
    let images = images(&config.settings)?;
    let all = all(&config, &images);
    match &args.command {
        PresetsCommand::List { json } => {
            if *json {
                print_json(&all);
            } else {
                all.iter().for_each(|preset| print(&format!("{preset}\n")));
            }
            for CatalogFindings { file, text, findings } in images.findings() {
                say(render(file, text, findings, rendering()).trim_end());
            }
            Ok(Exit::Well)
        }
        PresetsCommand::Show { name, json } => show(&all, name, (&config, &images), *json),
    }
}

/// Reads the image catalogues.
pub(super) fn images(settings: &Settings) -> Result<ImageCatalogs, Exit> {
    let folders = &settings.folders;
    ImageCatalogs::open(folders.catalogs.as_deref(), &folders.assets).map_err(|error| {
        complain(&error.to_string());
        Exit::Configuration
    })
}

/// One preset that somebody defined.
#[derive(Debug, Serialize)]
struct Preset {
    name: String,
    /// `RootId` of the image catalogue, where it is not the default one.
    #[serde(skip_serializing_if = "Option::is_none")]
    catalogue: Option<String>,
    definition: String,
    origin: String,
    /// Whether another preset of its name comes first.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip)]
    scope: Scope,
}

impl Preset {
    /// Returns what it is called on the command line.
    fn title(&self) -> String {
        match &self.catalogue {
            Some(root_id) => format!("{root_id}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

impl std::fmt::Display for Preset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} = {}  # {}", self.title(), self.definition, self.origin)?;
        if self.hidden {
            f.write_str(", hidden by the one of the configuration")?;
        }
        match &self.problem {
            Some(problem) => write!(f, ", cannot be used: it {problem}"),
            None => Ok(()),
        }
    }
}

/// Collects all presets: those of the configuration, then each catalogue's, sorted by name.
fn all(config: &Config, images: &ImageCatalogs) -> Vec<Preset> {
    let configured = &config.settings.policy.macros;
    let mut all: Vec<Preset> = configured
        .iter()
        .map(|(name, definition)| Preset {
            name: name.clone(),
            catalogue: None,
            definition: definition.clone(),
            origin: configured_at(config, name).unwrap_or_default(),
            hidden: false,
            problem: None,
            scope: Scope::DEFAULT,
        })
        .collect();
    for scope in images.scopes() {
        let root_id = images.root_id_of(scope);
        all.extend(images.macros(scope).map(|found| Preset {
            name: found.name.clone(),
            catalogue: (!root_id.is_empty()).then(|| root_id.to_owned()),
            definition: found.definition.clone(),
            origin: found.from.to_string(),
            hidden: scope == Scope::DEFAULT && configured.contains_key(&found.name.to_lowercase()),
            problem: found.expanded.as_ref().err().map(ToString::to_string),
            scope,
        }));
    }
    all
}

/// Returns where the configuration defines a preset.
fn configured_at(config: &Config, name: &str) -> Option<String> {
    let is =
        |key: &str| key.strip_prefix("macros.").is_some_and(|key| key.eq_ignore_ascii_case(name));
    config.origins.iter().find(|(key, _)| is(key)).map(|(_, (_, origin))| origin.to_string())
}

/// Returns where the preset is defined that a name means in an image catalogue.
pub(super) fn origin(
    config: &Config,
    images: &ImageCatalogs,
    scope: Scope,
    name: &str,
) -> Option<String> {
    let of = |scope| {
        let found = images.macros(scope).find(|found| found.name.eq_ignore_ascii_case(name));
        found.map(|found| found.from.to_string())
    };
    let own = if scope == Scope::DEFAULT { None } else { of(scope) };
    own.or_else(|| configured_at(config, name)).or_else(|| of(Scope::DEFAULT))
}

/// What `presets show --json` prints.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    preset: &'a Preset,
    expanded: String,
    sets: Vec<String>,
}

fn show(
    all: &[Preset],
    name: &str,
    (config, images): (&Config, &ImageCatalogs),
    json: bool,
) -> Result<Exit, Exit> {
    let bare = name.trim_matches('$');
    let scoped = bare.split_once('/').and_then(|(root_id, name)| {
        Some((images.scopes().skip(1).find(|scope| images.root_id_of(*scope) == root_id)?, name))
    });
    let (scope, called) = scoped.unwrap_or((Scope::DEFAULT, bare));
    let named = |scope| {
        let is = |preset: &&Preset| {
            preset.scope == scope && !preset.hidden && preset.name.eq_ignore_ascii_case(called)
        };
        all.iter().find(is)
    };
    let Some(preset) = named(scope).or_else(|| named(Scope::DEFAULT)) else {
        complain(&format!("there is no preset `{bare}`"));
        let titles: Vec<String> = all.iter().map(Preset::title).collect();
        match nearest(bare, titles.iter().map(String::as_str)) {
            Some(near) => say(&format!("  = help: did you mean `{near}`?")),
            None => say("  = help: `exportd presets list` lists them"),
        }
        return Err(Exit::Wrong);
    };
    let policy = &config.settings.policy;
    let presets = precedence::presets(images, scope, &policy.macros);
    let request = format!("${}$", preset.name);
    let shown = Shown { preset, expanded: expand(&request, &presets), sets: Vec::new() };
    print_shown(shown, &presets, (&request, policy.imaging.rules()), json)
}

/// Prints a preset, and says what is wrong in it.
fn print_shown(
    mut shown: Shown<'_>,
    presets: &Presets,
    (request, rules): (&str, crate::imaging::modifiers::Rules),
    json: bool,
) -> Result<Exit, Exit> {
    // What is wrong is shown in its text, unless it cannot be used at all.
    let usable = shown.preset.problem.is_none();
    let text = if usable { shown.expanded.clone() } else { request.to_owned() };
    let parsed = parse(&text, presets, rules);
    shown.sets = parsed
        .modifiers
        .iter()
        .map(|(target, setting)| {
            format!("{}{}={}", on(target), setting.value.name(), setting.value)
        })
        .collect();
    if json {
        print_json(&shown);
    } else {
        let Preset { definition, origin, .. } = shown.preset;
        print(&format!("preset     ${}$\nfrom       {origin}\n", shown.preset.name));
        print(&format!("text       {definition}\n"));
        if usable && shown.expanded != *definition {
            print(&format!("expanded   {}\n", shown.expanded));
        }
        for command in &shown.sets {
            print(&format!("sets       {command}\n"));
        }
    }
    if !parsed.findings.is_empty() {
        say(render("preset", &text, &parsed.findings, rendering()).trim_end());
    }
    Ok(if parsed.findings.iter().any(Diagnostic::is_error) { Exit::Wrong } else { Exit::Well })
}
