//! What is written for other programs is what those programs take: read back by them where they are
//! installed, and held against schemas that restate theirs.
//!
//! `PHONEHOME_PYTHON` names a Python that has the packages; docs/formats.md says which.

#[path = "../common/mod.rs"]
mod common;
mod examples;
mod extract;
mod flows;
mod mud;
mod rules;
mod settings;
mod stix;

use boon::{Compiler, SchemaIndex, Schemas};
use common::places;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn load(name: &str) -> Schema {
        Schema::of(&std::fs::read_to_string(places::of_project("docs/schema").join(name)).unwrap())
    }

    fn of(text: &str) -> Schema {
        let (name, document) = ("document.json", serde_json::from_str(text).unwrap());
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(name, document).unwrap();
        let index = compiler.compile(name, &mut schemas).unwrap();
        Schema { schemas, index }
    }

    fn complaint(&self, document: &Value) -> Option<String> {
        self.schemas.validate(document, self.index).err().map(|error| format!("{error:#}"))
    }
}

/// A Python with these modules; says so where there is none.
fn python(modules: &str) -> Option<Command> {
    let program = std::env::var_os("PHONEHOME_PYTHON").unwrap_or_else(|| "python3".into());
    let works = Command::new(&program).args(["-c", &format!("import {modules}")]).output();
    if works.is_ok_and(|output| output.status.success()) {
        return Some(Command::new(program));
    }
    places::skipped(&format!("no Python with {modules}; PHONEHOME_PYTHON can name one"));
    None
}

/// Runs a script on a file; what it prints.
fn scripted(mut python: Command, script: &str, file: &std::path::Path) -> String {
    let output = python.args(["-c", script]).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

fn camera() -> PathBuf {
    places::of_project("captures/camera.pcapng")
}

/// Objects of a file of lines.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
