//! Lists the signature files, so that adding one needs no Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut list = String::from("&[\n");
    for folder in ["vendors", "services"] {
        let folder = Path::new("signatures").join(folder);
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut names: Vec<_> = fs::read_dir(root.join(&folder))?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        names.sort();
        for name in names {
            let path = folder.join(name);
            if path.extension().is_some_and(|extension| extension == "toml") {
                println!("cargo::rerun-if-changed={}", path.display());
                writeln!(list, "({:?}, include_str!({:?})),", path, root.join(&path))
                    .expect("writing to a string");
            }
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("signatures.rs"), list)
}
