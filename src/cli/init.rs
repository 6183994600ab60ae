//! `phonehome init`: a file of settings in which every word is commented out.

use super::config::{commands, settable};
use super::{Cli, Failure};
use anyhow::Context;
use clap::builder::ArgAction;
use clap::{Arg, Args, CommandFactory};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// See the module.
#[derive(Debug, Args)]
pub struct Init {
    /// The file to write; one that is there is not overwritten
    #[arg(value_name = "FILE.toml", default_value = "phonehome.toml")]
    file: PathBuf,
}

const HEAD: &str = "\
# Settings of phonehome, with the words of the flags: phonehome --config THIS-FILE analyze …
# What is given on the command line wins. No file is read unless --config names it.
#
# A word above all sections is for every command that has the flag, such as:
#
#   here = \"NL\"
#   exclude = [\"00:00:5e:00:53:0a\"]
#
# Unknown words are an error.
";

/// Width of comments.
const WIDTH: usize = 100;

pub fn run(args: &Init) -> Result<u8, Failure> {
    let shown = args.file.display();
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(&args.file)
        .with_context(|| format!("{shown}: cannot be made"))?;
    file.write_all(text().as_bytes()).with_context(|| format!("{shown}: cannot be written"))?;
    println!("{shown}: every word is commented out; phonehome --config {shown} uses it");
    Ok(0)
}

fn text() -> String {
    let root = Cli::command();
    let mut found = Vec::new();
    commands(&root, &[], &mut found);
    let mut text = HEAD.to_owned();
    for (names, command) in found {
        let flags: Vec<&Arg> = settable(command).filter(|arg| !arg.is_hide_set()).collect();
        if flags.is_empty() {
            continue;
        }
        text.push_str(&format!("\n[{}]\n", names.join(".")));
        for arg in flags {
            flag(arg, &mut text);
        }
    }
    text
}

fn flag(arg: &Arg, text: &mut String) {
    let mut line = String::from("#");
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    for word in help.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&format!("{line}\n"));
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&format!("{line}\n"));
    let default =
        arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let name = || arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
    let value = match arg.get_action() {
        ArgAction::SetTrue => "true".to_owned(),
        ArgAction::Append => format!("[{:?}]", name().unwrap_or_default()),
        _ => format!("{:?}", default.or_else(name).unwrap_or_default()),
    };
    text.push_str(&format!("#{} = {value}\n", arg.get_long().unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_commented_out_and_every_word_is_known() {
        let text = text();
        let outside = |line: &&str| !line.starts_with('#') && !line.starts_with('[');
        assert!(text.lines().filter(outside).all(str::is_empty));
        for flag in ["#here = ", "#format = \"jsonl\"", "#annotate = true", "#device = ["] {
            assert!(text.contains(flag), "{flag}");
        }
        assert!(!text.contains("#config"));
    }
}
