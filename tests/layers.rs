//! The layer table, enforced: a module uses only modules in rows below its own, never a neighbour.
//!
//! Every `crate::...` path and every chain of `super` in `src/` is looked at, in `use` declarations and in
//! the middle of code alike; comments and string literals are not.

use std::fs;
use std::path::{Path, PathBuf};

/// From the top row to the bottom row. A module may use any row below its own.
const ROWS: &[&[&str]] = &[
    // For tests and fuzzing alone.
    &["parsers"],
    &["cli"],
    &["server"],
    &["config"],
    &["s3", "query_api", "admin", "console"],
    &["jobs"],
    &["object"],
    &["node", "iam"],
    &["shard_store", "metadata"],
    &["checksum", "sigv4", "erasure", "placement", "http", "sealing"],
    &["runtime", "telemetry"],
    // The vocabulary under everything: the clock of `runtime` tells `types::Timestamp`.
    &["types"],
];

/// One module reaching where it must not.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    file: PathBuf,
    line: usize,
    text: String,
}

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Blanks comments, strings and character literals, keeping every line where it was.
fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment_len(rest),
            '"' => string_len(rest),
            'r' if raw_string_len(rest) > 0 && !ends_in_word(&out) => raw_string_len(rest),
            '\'' => char_len(rest),
            _ => 0,
        };
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    out
}

fn ends_in_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

fn block_comment_len(text: &str) -> usize {
    let mut depth = 0usize;
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn raw_string_len(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

/// A character literal's length; 0 for a lifetime.
fn char_len(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            text[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 3)
        }
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// The names that stand first after `::`, through one level of braces: `a`, or `{a::x, b}`.
fn heads(after: &str) -> Vec<String> {
    let after = after.trim_start();
    let Some(group) = after.strip_prefix('{') else {
        return vec![after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()];
    };
    let mut depth = 0usize;
    let mut names = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c if depth == 0 => names.last_mut().expect("never empty").push(c),
            _ => {}
        }
    }
    names.iter().map(|name| heads(name.split("::").next().unwrap_or("")).remove(0)).collect()
}

/// Top-level modules that the code names through `crate` or enough `super`s, each with its line.
/// `depth` supers lead from the file itself to the crate root; each inline `mod` around adds one.
fn uses(code: &str, depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut line, mut at, mut braces) = (1, 0, 0usize);
    let mut inline_modules: Vec<usize> = Vec::new();
    while at < code.len() {
        let rest = &code[at..];
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if word.is_empty() {
            let c = rest.chars().next().expect("not at the end");
            match c {
                '\n' => line += 1,
                '{' => braces += 1,
                '}' => {
                    braces = braces.saturating_sub(1);
                    inline_modules.retain(|opened_at| *opened_at < braces);
                }
                _ => {}
            }
            at += c.len_utf8();
            continue;
        }
        if word == "mod" && opens_inline(&rest[word.len()..]) {
            inline_modules.push(braces);
        }
        let named = root_path(rest, &word, depth + inline_modules.len());
        found.extend(named.map(heads).into_iter().flatten().map(|name| (line, name)));
        at += word.len();
    }
    found
}

/// What follows `mod` is a name and `{`, not a name and `;`.
fn opens_inline(after: &str) -> bool {
    after
        .trim_start()
        .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
        .trim_start()
        .starts_with('{')
}

/// What stands after `crate::`, or after `super::` times `depth`; `None` if `rest` does not reach the root.
fn root_path<'a>(rest: &'a str, word: &str, depth: usize) -> Option<&'a str> {
    let mut after = rest[word.len()..].trim_start();
    let mut climbs = usize::from(word == "super");
    while climbs > 0 && climbs < depth {
        let next = after.strip_prefix("::").map(str::trim_start).and_then(|next| next.strip_prefix("super"));
        let Some(next) = next else { break };
        climbs += 1;
        after = next.trim_start();
    }
    let reaches = word == "crate" || (climbs > 0 && climbs == depth);
    after.strip_prefix("::").filter(|_| reaches)
}

/// How many `super`s lead from a file to the crate root.
fn depth_of(relative: &Path) -> usize {
    let parts = relative.components().count();
    if relative.file_name().is_some_and(|name| name == "mod.rs") { parts - 1 } else { parts }
}

fn check(relative: &Path, source: &str) -> Vec<Violation> {
    let top = relative.components().next().expect("a file has a name").as_os_str();
    let top = top.to_string_lossy().trim_end_matches(".rs").to_owned();
    if matches!(top.as_str(), "lib" | "main") {
        return Vec::new();
    }
    let violation = |line, text| Violation { file: relative.to_owned(), line, text };
    let Some(own_row) = row_of(&top) else {
        return vec![violation(1, format!("`{top}` is not in the layer table"))];
    };
    let named = uses(&code_only(source), depth_of(relative));
    named
        .into_iter()
        .filter(|(_, name)| *name != top && row_of(name).is_none_or(|row| row <= own_row))
        .map(|(line, name)| violation(line, format!("`{top}` must not use `{name}`")))
        .collect()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be read") {
        let path = entry.expect("entry can be read").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_module_uses_only_rows_below_its_own() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    assert!(files.len() > 5, "the walk must find the sources");
    let mut lines = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("found under src");
        let source = fs::read_to_string(&file).expect("source is text");
        for v in check(relative, &source) {
            lines.push(format!("src/{}:{}: {}", v.file.display(), v.line, v.text));
        }
    }
    lines.sort();
    assert!(lines.is_empty(), "layer violations:\n{}", lines.join("\n"));
}

#[test]
fn upward_and_neighbour_uses_are_found_with_their_line() {
    let planted = "//! crate::s3 in a comment\nuse crate::types::Etag;\nuse crate::{runtime, object::Engine};\n\
                   fn f() { let s = \"crate::s3\"; crate::metadata::open(); }\n";
    let found = check(Path::new("shard_store/disk.rs"), planted);
    let rows: Vec<_> = found.iter().map(|v| (v.line, v.text.as_str())).collect();
    let expected = [(3, "`shard_store` must not use `object`"), (4, "`shard_store` must not use `metadata`")];
    assert_eq!(rows, expected);
}

#[test]
fn super_chains_cannot_leave_a_module() {
    let planted = "use super::super::s3::Service;\nuse super::index::Index;\n";
    let found = check(Path::new("object/put.rs"), planted);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].line, 1);
    assert!(check(Path::new("object/put/stripe.rs"), "use super::super::api;").is_empty());
    assert_eq!(check(Path::new("object/mod.rs"), "use super::{types, s3};").len(), 1);
}

#[test]
fn an_inline_module_is_one_step_deeper() {
    let planted = "mod tests {\n    use super::*;\n    use super::super::s3::X;\n}\nuse super::cli::Y;\n";
    let found = check(Path::new("types/mod.rs"), planted);
    let lines: Vec<_> = found.iter().map(|v| v.line).collect();
    assert_eq!(lines, [3, 5], "{found:?}");
}

#[test]
fn a_module_outside_the_table_is_refused() {
    assert_eq!(check(Path::new("misc/mod.rs"), "").len(), 1);
    assert_eq!(check(Path::new("types/names.rs"), "use crate::misc::X;").len(), 1);
}

#[test]
fn literals_and_comments_do_not_count_as_uses() {
    let planted = "/* crate::s3 /* crate::cli */ */ fn f<'a>(x: &'a str) -> char { let _ = r#\"crate::s3 \" \"#; '\"' }\n\
                   // crate::admin\nfn g() { let c = '\\''; crate::cli::run(); }\n";
    let found = check(Path::new("types/a.rs"), planted);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].line, 3);
}
