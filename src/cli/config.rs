//! Settings out of a file, with the words of the flags. They stand behind the command line: what is
//! given there wins. No file is read unless `--config` names it, so that the same command gives the
//! same result on every machine.

use super::{Cli, Failure};
use crate::base::file::{self, FileError};
use crate::base::text::safe;
use anyhow::anyhow;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Longest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    /// Names of the command that it is for; empty for all that have the flag.
    command: Vec<String>,
    flag: String,
    values: Vec<Given>,
    line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Given {
    Yes,
    No,
    Text(String),
}

/// Reads the arguments, and the settings that they name.
///
/// # Errors
/// When the file cannot be used. Wrong arguments end the process, as clap does it.
pub fn parse(arguments: Vec<OsString>) -> Result<Cli, Failure> {
    let command = Cli::command();
    let lenient = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let Some((path, matches)) = lenient.ok().and_then(|matches| {
        let path = matches.get_one::<PathBuf>("config")?.clone();
        Some((path, matches))
    }) else {
        return Ok(<Cli as clap::Parser>::parse_from(arguments));
    };
    let shown = safe(path.as_os_str().as_encoded_bytes());
    let settings = read(&path, &command).map_err(|said| anyhow!("{shown}{said}"))?;
    let (chain, leaf, of_leaf) = chosen(&command, &matches);
    let (mut added, mut told) = (Vec::new(), Vec::new());
    for setting in settings.iter().filter(|s| s.command.is_empty() || s.command == chain) {
        let Some(arg) = flag(leaf, &setting.flag) else { continue };
        // What stands in the section of the command wins over what is for all.
        let more_exact = |other: &&Setting| other.flag == setting.flag && !other.command.is_empty();
        if setting.command.is_empty()
            && settings.iter().filter(|s| s.command == chain).any(|other| more_exact(&other))
            || is_given(leaf, of_leaf, arg)
        {
            continue;
        }
        let before = added.len();
        for value in &setting.values {
            match value {
                Given::Yes => added.push(OsString::from(format!("--{}", setting.flag))),
                Given::Text(text) => {
                    added.push(OsString::from(format!("--{}={text}", setting.flag)));
                }
                Given::No => {}
            }
        }
        if added.len() > before {
            told.push(format!("{} (line {})", setting.flag, setting.line));
        }
    }
    let told = if told.is_empty() { "none for this command".to_owned() } else { told.join(", ") };
    eprintln!("phonehome: settings of {shown}: {told}");
    let at = behind(&arguments, &chain);
    let mut all = arguments;
    all.splice(at..at, added);
    let parsed = command.try_get_matches_from(all).and_then(|m| Cli::from_arg_matches(&m));
    Ok(parsed.unwrap_or_else(|error| error.exit()))
}

/// Names of the command that is asked for, the command, and what is given to it.
fn chosen<'c>(
    root: &'c Command,
    matches: &'c ArgMatches,
) -> (Vec<String>, &'c Command, &'c ArgMatches) {
    let (mut chain, mut leaf, mut of_leaf) = (Vec::new(), root, matches);
    while let Some((name, inner)) = of_leaf.subcommand() {
        let Some(command) = leaf.find_subcommand(name) else { break };
        chain.push(name.to_owned());
        (leaf, of_leaf) = (command, inner);
    }
    (chain, leaf, of_leaf)
}

/// Where flags of the command may stand among the arguments: behind its name.
fn behind(arguments: &[OsString], chain: &[String]) -> usize {
    let mut at = 1;
    for name in chain {
        while at < arguments.len() && arguments[at] != **name {
            at += if arguments[at] == *"--config" { 2 } else { 1 };
        }
        at += 1;
    }
    at.min(arguments.len())
}

/// Whether the command line says this, or what cannot go with it.
fn is_given(command: &Command, matches: &ArgMatches, arg: &Arg) -> bool {
    let given = |arg: &Arg| {
        let id = arg.get_id().as_str();
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    given(arg) || command.get_arg_conflicts_with(arg).into_iter().any(given)
}

/// The flag of this name, where a file may set it.
fn flag<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    settable(command).find(|arg| arg.get_long() == Some(name))
}

/// Flags of a command that a file may set.
pub(super) fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    let never = |arg: &&Arg| !matches!(arg.get_long(), None | Some("config" | "help" | "version"));
    command.get_arguments().filter(never)
}

/// All commands below one, with their names.
pub(super) fn commands<'c>(
    command: &'c Command,
    above: &[String],
    found: &mut Vec<(Vec<String>, &'c Command)>,
) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let mut names = above.to_vec();
        names.push(inner.get_name().to_owned());
        found.push((names.clone(), inner));
        commands(inner, &names, found);
    }
}

/// The error begins with what goes behind the name of the file: `:12: …`.
fn read(path: &Path, root: &Command) -> Result<Vec<Setting>, String> {
    let text = file::text(path, FILE_BYTES_MAX).map_err(|error| match error {
        FileError::Read { error, .. } => format!(": {error}"),
        FileError::Invalid { reason, .. } => format!(": {reason}"),
    })?;
    settings(&text, root)
}

fn settings(text: &str, root: &Command) -> Result<Vec<Setting>, String> {
    let line = |at: usize| text.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(String::new(), |span| format!(":{}", line(span.start)));
        format!("{at}: {}", error.message())
    })?;
    let mut found = Vec::new();
    section(table.get_ref(), &[], root, root, &line, &mut found)?;
    Ok(found)
}

fn section(
    table: &DeTable<'_>,
    names: &[String],
    command: &Command,
    root: &Command,
    line: &dyn Fn(usize) -> usize,
    found: &mut Vec<Setting>,
) -> Result<(), String> {
    for (key, value) in table {
        let (name, at) = (key.get_ref().as_ref(), line(key.span().start));
        let fail = |reason: String| Err(format!(":{at}: {reason}"));
        let shown = safe(name.as_bytes());
        if let DeValue::Table(inner) = value.get_ref() {
            let Some(command) = command.find_subcommand(name).filter(|c| !c.is_hide_set()) else {
                return fail(format!("there is no command {:?}", spoken(names, &shown)));
            };
            let mut names = names.to_vec();
            names.push(name.to_owned());
            section(inner, &names, command, root, line, found)?;
            continue;
        }
        let known = if names.is_empty() {
            let mut all = Vec::new();
            commands(root, &[], &mut all);
            all.iter().any(|(_, command)| flag(command, name).is_some())
        } else {
            flag(command, name).is_some()
        };
        if !known {
            let whose = if names.is_empty() { "no command".to_owned() } else { names.join(" ") };
            return fail(match names.is_empty() {
                true => format!("{whose} has a flag --{shown}"),
                false => format!("{whose} has no flag --{shown}"),
            });
        }
        let values = match value.get_ref() {
            DeValue::Array(items) => items.iter().map(given).collect(),
            _ => given(value).map(|value| vec![value]),
        };
        let Some(values) = values else {
            return fail(format!(
                "{shown} must be text, a number, true, false, or a list of texts"
            ));
        };
        let command = names.to_vec();
        found.push(Setting { command, flag: name.to_owned(), values, line: at });
    }
    Ok(())
}

fn spoken(names: &[String], last: &str) -> String {
    names.iter().map(String::as_str).chain([last]).collect::<Vec<_>>().join(" ")
}

fn given(value: &Spanned<DeValue<'_>>) -> Option<Given> {
    Some(match value.get_ref() {
        DeValue::Boolean(true) => Given::Yes,
        DeValue::Boolean(false) => Given::No,
        DeValue::String(text) => Given::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Given::Text(number.as_str().to_owned()),
        DeValue::Float(number) => Given::Text(number.as_str().to_owned()),
        DeValue::Datetime(time) => Given::Text(time.to_string()),
        DeValue::Integer(_) | DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        settings(text, &Cli::command()).unwrap_err()
    }

    #[test]
    fn unknown_words_are_told_with_their_line() {
        assert_eq!(error("# x\nhear = \"NL\"\n"), ":2: no command has a flag --hear");
        assert_eq!(error("[analyze]\n\nspeed = 3\n"), ":3: analyze has no flag --speed");
        assert_eq!(error("[analise]\nhere = 1"), ":1: there is no command \"analise\"");
        assert_eq!(error("[mud.gener]\n"), ":1: there is no command \"mud gener\"");
        assert!(error("here = \n").starts_with(":1: "), "{}", error("here = \n"));
        assert!(error("here = { a = 1 }").contains("no command"));
        assert!(error("device = [[1]]").starts_with(":1: device must be"));
    }

    #[test]
    fn settings_have_the_words_of_flags() {
        let text = "here = \"NL\"\n[analyze]\njson = true\ndevice = [\"a=10.0.0.1\", \"10.0.0.2\"]\n\
                    [mud.generate]\nmud-url = \"https://a.example\"\n";
        let found = settings(text, &Cli::command()).unwrap();
        assert_eq!(found.len(), 4);
        let mud = found.iter().find(|setting| setting.flag == "mud-url").unwrap();
        assert_eq!((mud.command.join("."), mud.line), ("mud.generate".to_owned(), 6));
    }

    #[test]
    fn flags_stand_behind_the_name_of_the_command() {
        let arguments: Vec<OsString> =
            ["p", "--config", "analyze", "analyze", "a.pcap"].map(OsString::from).to_vec();
        assert_eq!(behind(&arguments, &["analyze".to_owned()]), 4);
    }
}
