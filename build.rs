//! Puts the web console into the binary: builds it where its sources are newer than what was built, and lists its files.
//!
//! Rust-only work never comes here: cargo runs this again only when something under `web-console` that the build reads has
//! changed. Without npm the binary gets the console that was built elsewhere, else a page that says how to build it.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the console is built from.
const SOURCES: &[&str] = &[
    "src",
    "public",
    "scripts/sizes.mjs",
    "index.html",
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
];

/// Kinds of files that are worth compressing.
const COMPRESSED: &[&str] = &["html", "js", "css", "svg"];

const WITHOUT_NPM: &str = "<!doctype html><html lang=\"en\"><title>Holdfast</title><h1>Holdfast</h1>\
<p>This binary was built without the web console, because npm was not there. Install Node.js 20.19 or newer with npm, \
and build again: <code>make build</code>. S3, the admin API and <code>holdfast admin</code> work without it.</p></html>";

fn main() -> Result<()> {
    let console = Path::new("web-console");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", console.join(source).display());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let files = out.join("console");
    if files.exists() {
        fs::remove_dir_all(&files)?;
    }
    fs::create_dir_all(&files)?;
    let dist = console.join("dist");
    // Without npm what is there is taken as it is: copies between machines and images do not keep times.
    if is_fresh(console, &dist)? || build(console)? || dist.join("index.html").exists() {
        copy(&dist, &files)?;
    } else {
        println!(
            "cargo::warning=npm is not there: the binary has no web console (install Node.js 20.19 or newer with npm)"
        );
        fs::write(files.join("index.html"), WITHOUT_NPM)?;
    }
    fs::write(out.join("console.rs"), table(&files)?)?;
    Ok(())
}

/// What was built is newer than everything that it is built from.
fn is_fresh(console: &Path, dist: &Path) -> Result<bool> {
    let Ok(built) = fs::metadata(dist.join("index.html")).and_then(|file| file.modified()) else {
        return Ok(false);
    };
    for source in SOURCES {
        if newest(&console.join(source))? > built {
            return Ok(false);
        }
    }
    Ok(true)
}

/// When the newest file of a folder, or the file itself, was changed.
fn newest(path: &Path) -> Result<SystemTime> {
    let about = fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut latest = about.modified()?;
    if about.is_dir() {
        for entry in fs::read_dir(path)? {
            latest = latest.max(newest(&entry?.path())?);
        }
    }
    Ok(latest)
}

/// Builds the console; false where there is no npm.
fn build(console: &Path) -> Result<bool> {
    if !is_installed(console) {
        match npm(console, &["ci", "--no-audit", "--no-fund"]) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            done => done?,
        }
    }
    match npm(console, &["run", "build"]) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        done => done.map(|()| true).map_err(Into::into),
    }
}

/// The packages in `node_modules` are those of the lock file.
fn is_installed(console: &Path) -> bool {
    let changed = |file: &str| fs::metadata(console.join(file)).and_then(|file| file.modified()).ok();
    changed("node_modules/.package-lock.json") >= changed("package-lock.json")
}

fn npm(console: &Path, arguments: &[&str]) -> io::Result<()> {
    let output = Command::new("npm").args(arguments).current_dir(console).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let command = arguments.join(" ");
    Err(io::Error::other(format!(
        "npm {command} in {}:\n{}",
        console.display(),
        String::from_utf8_lossy(&said)
    )))
}

/// Copies what is served; names that begin with a dot are of the build alone.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::create_dir_all(to.join(&name))?;
            copy(&entry.path(), &to.join(&name))?;
        } else {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// Rust source of the table of files, each with its compressed form where the build made one.
fn table(files: &Path) -> Result<String> {
    let mut found = Vec::new();
    list(files, files, &mut found)?;
    found.sort();
    let mut source = String::from("const FILES: &[File] = &[\n");
    for path in found.iter().filter(|path| !path.ends_with(".gz")) {
        let compressed = format!("{path}.gz");
        let is_compressed =
            COMPRESSED.iter().any(|kind| path.ends_with(&format!(".{kind}"))) && found.contains(&compressed);
        let gzip =
            if is_compressed { format!("Some({})", included(files, &compressed)) } else { "None".into() };
        writeln!(source, "    File {{ path: {path:?}, bytes: {}, gzip: {gzip} }},", included(files, path))?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn included(files: &Path, path: &str) -> String {
    format!("include_bytes!({:?})", files.join(path.trim_start_matches('/')).display().to_string())
}

/// The paths of all files below a folder, as a browser asks for them.
fn list(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, found)?;
        } else {
            found.push(format!("/{}", path.strip_prefix(root)?.to_string_lossy().replace('\\', "/")));
        }
    }
    Ok(())
}
