//! Lists the signature files, so that adding one needs no Rust, and does what no run should have to do
//! again: reads their TOML, which takes longer than all else of a short run, and leaves it as JSON; unpacks
//! the embedded databases, whose pages become resident only where they are read.

use ruzstd::decoding::StreamingDecoder;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Read as _;
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
                let (file, json) = (root.join(&path), json(&root, &path)?);
                writeln!(list, "({path:?}, include_str!({file:?}), {json:?}),")
                    .expect("writing to a string");
            }
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("signatures.rs"), list)?;
    databases(&root, &out)
}

/// What a file in TOML says, as JSON.
fn json(root: &Path, path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(root.join(path))?;
    let said: serde_json::Value = toml::from_str(&text)
        .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
    Ok(said.to_string())
}

/// Databases by the name of their constant.
const DATABASES: [(&str, &str); 3] =
    [("GEO", "geo.mmdb"), ("OUI", "oui.tsv"), ("DISTANCE", "distance.tsv")];

fn databases(root: &Path, out: &Path) -> io::Result<()> {
    let mut constants = String::new();
    for (name, file) in DATABASES {
        let packed = Path::new("signatures/databases").join(format!("{file}.zst"));
        println!("cargo::rerun-if-changed={}", packed.display());
        let packed = fs::read(root.join(packed))?;
        let mut unpacked = Vec::new();
        StreamingDecoder::new(&packed[..]).map_err(io::Error::other)?.read_to_end(&mut unpacked)?;
        let path = out.join(file);
        fs::write(&path, unpacked)?;
        let digest = Sha256::digest(&packed);
        let sha256 = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let bytes = format!("pub static {name}: &[u8] = include_bytes!({path:?});");
        let hash = format!("pub const {name}_SHA256: &str = {sha256:?};");
        constants.push_str(&format!("{bytes}\n/// Of the file in the repository.\n{hash}\n"));
    }
    fs::write(out.join("databases.rs"), constants)
}
