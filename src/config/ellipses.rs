//! Drive patterns: `./data/drive{1...4}` stands for four folders; several groups multiply.

use std::path::PathBuf;

use super::ConfigError;

/// Drives one process may have.
const DRIVES_MAX: usize = 256;

/// Expands every pattern, in order. A shell that knows `{1..4}` may have done it already.
pub(super) fn expand(patterns: &[String]) -> Result<Vec<PathBuf>, ConfigError> {
    let mut drives: Vec<PathBuf> = Vec::new();
    for pattern in patterns {
        for path in expand_one(pattern)? {
            let path = PathBuf::from(path);
            if drives.contains(&path) {
                return Err(ConfigError::DriveTwice(path));
            }
            drives.push(path);
        }
    }
    Ok(drives)
}

fn expand_one(pattern: &str) -> Result<Vec<String>, ConfigError> {
    let bad = |reason| ConfigError::BadPattern { pattern: pattern.to_owned(), reason };
    let mut paths = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (group, tail) = after.split_once('}').ok_or_else(|| bad("a `{` has no `}`"))?;
        let (first, last) = group.split_once("...").ok_or_else(|| bad("a group looks like {1...4}"))?;
        let numbers = |text: &str| text.parse::<usize>().map_err(|_| bad("a group holds two whole numbers"));
        let (low, high) = (numbers(first)?, numbers(last)?);
        if low > high {
            return Err(bad("the first number of a group is the smaller one"));
        }
        if (high - low + 1).saturating_mul(paths.len()) > DRIVES_MAX {
            return Err(bad("it stands for more than 256 drives"));
        }
        let width = if first.starts_with('0') { first.len() } else { 0 };
        let grown =
            paths.iter().flat_map(|path| (low..=high).map(move |n| format!("{path}{before}{n:0width$}")));
        paths = grown.collect();
        rest = tail;
    }
    if rest.contains('}') {
        return Err(bad("a `}` has no `{`"));
    }
    if pattern.is_empty() {
        return Err(bad("it is empty"));
    }
    Ok(paths.into_iter().map(|path| path + rest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        expand(&patterns).unwrap().iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn groups_count_up_and_multiply() {
        assert_eq!(texts(&["./d{1...3}"]), ["./d1", "./d2", "./d3"]);
        assert_eq!(texts(&["/r{1...2}/d{09...10}/x"]), ["/r1/d09/x", "/r1/d10/x", "/r2/d09/x", "/r2/d10/x"]);
        assert_eq!(texts(&["/plain", "/also"]), ["/plain", "/also"]);
    }

    #[test]
    fn broken_patterns_are_refused() {
        for pattern in ["d{1...", "d{1..4}", "d{4...1}", "d{a...b}", "d}", "", "d{1...100}/e{1...100}"] {
            assert!(expand_one(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn one_folder_cannot_be_two_drives() {
        let twice = ["d{1...2}".to_owned(), "d2".to_owned()];
        assert!(matches!(expand(&twice), Err(ConfigError::DriveTwice(_))));
    }
}
