//! Feeds one reader, which FUZZ_PARSER names, with bytes that libFuzzer makes up. `make fuzz` runs it.
//!
//! FUZZ_SEEDS names a folder that the reader's own seeds are written to. Without FUZZ_PARSER the names of all are printed.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use holdfast::parsers::{all, is_refusal};
use holdfast::types::Parser;

static PARSER: LazyLock<Parser> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_PARSER").unwrap_or_default();
    all().find(|parser| parser.name == name).unwrap_or_else(|| {
        all().for_each(|parser| println!("{}", parser.name));
        std::process::exit(if name.is_empty() { 0 } else { 2 })
    })
});

fn write_seeds() {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (index, seed) in (PARSER.seeds)().into_iter().enumerate() {
        std::fs::write(folder.join(format!("made-{index}")), seed).expect("the seeds' folder can be written");
    }
}

libfuzzer_sys::fuzz_target!(init: { let _ = &*PARSER; write_seeds() }, |bytes: &[u8]| {
    let verdict = (PARSER.run)(bytes);
    assert!(verdict.is_none_or(is_refusal), "{}: {verdict:?}", PARSER.name);
});
