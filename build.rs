//! Lists the signature files, so that adding one needs no Rust, and unpacks the databases, so
//! that a run neither unpacks nor hashes them and only the pages it asks for are read.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("signatures.rs"), signatures(&root)?)?;
    for name in ["geo.mmdb", "oui.tsv", "distance.tsv"] {
        unpack(&root, &out, name)?;
    }
    Ok(())
}

fn signatures(root: &Path) -> io::Result<String> {
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
    Ok(list)
}

/// Writes the unpacked file, and beside it the SHA-256 of the packed one, which outputs show.
fn unpack(root: &Path, out: &Path, name: &str) -> io::Result<()> {
    let path = Path::new("signatures/databases").join(format!("{name}.zst"));
    println!("cargo::rerun-if-changed={}", path.display());
    let packed = fs::read(root.join(path))?;
    fs::write(out.join(name), zstd::decode_all(&packed[..])?)?;
    let digest = Sha256::digest(&packed);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(out.join(format!("{name}.sha256")), hex)
}
