//! How to call this very program from another shell in the same folder.

use std::env;
use std::path::Path;

/// `holdfast` if that finds this program, else a path that does.
pub(super) fn program() -> String {
    let Ok(own) = env::current_exe().and_then(|path| path.canonicalize()) else { return "holdfast".into() };
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join("holdfast")).find(|file| file.is_file());
    if found.and_then(|file| file.canonicalize().ok()).is_some_and(|file| file == own) {
        return "holdfast".into();
    }
    let here = env::current_dir().and_then(|folder| folder.canonicalize());
    shorten(&own, here.ok().as_deref())
}

fn shorten(own: &Path, here: Option<&Path>) -> String {
    match here.and_then(|here| own.strip_prefix(here).ok()) {
        Some(relative) => quote(&format!("./{}", relative.display())),
        None => quote(&own.display().to_string()),
    }
}

/// A word as a POSIX shell reads it back.
pub(super) fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_below_this_folder_is_called_by_a_relative_path() {
        let own = Path::new("/home/me/holdfast/target/release/holdfast");
        assert_eq!(shorten(own, Some(Path::new("/home/me/holdfast"))), "./target/release/holdfast");
        assert_eq!(shorten(own, Some(Path::new("/srv"))), "/home/me/holdfast/target/release/holdfast");
    }

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("./plain"), "./plain");
    }
}
