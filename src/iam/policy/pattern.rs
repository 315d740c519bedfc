//! Patterns: `*` for anything, `?` for one character, and `${variables}` that a request fills in.
//!
//! What a variable stands for is text and never a pattern itself, so that nobody widens a policy by the name of
//! a user or a tag.

use std::borrow::Cow;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Exactly this character.
    Literal(char),
    /// Any one character.
    One,
    /// Any run of characters.
    Any,
    /// The value of a condition key, else the default, else nothing matches.
    Variable { key: String, default: Option<String> },
}

/// How a pattern's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    /// `*` and `?` stand for others.
    pub(super) wildcards: bool,
    /// `${...}` stands for a value: only in policies of version 2012-10-17.
    pub(super) variables: bool,
}

impl Pattern {
    /// A pattern of `*` and `?` alone.
    pub fn wildcards(text: &str) -> Self {
        Self::parse(text, Reading { wildcards: true, variables: false })
    }

    /// Whether a text fits; variables have no value.
    pub fn fits(&self, text: &str) -> bool {
        self.matches(text, |_| None)
    }

    /// As [`Self::fits`], whatever the case of letters.
    pub fn fits_any_case(&self, text: &str) -> bool {
        self.matches_any_case(text, |_| None)
    }

    /// Compiles a text. A `${` that no `}` ends, or that names nothing, is text.
    pub(super) fn parse(text: &str, reading: Reading) -> Self {
        let mut pieces = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if reading.variables
                && let Some((piece, after)) = variable(rest)
            {
                pieces.push(piece);
                rest = after;
                continue;
            }
            match character {
                '*' if reading.wildcards => {
                    if pieces.last() != Some(&Piece::Any) {
                        pieces.push(Piece::Any);
                    }
                }
                '?' if reading.wildcards => pieces.push(Piece::One),
                other => pieces.push(Piece::Literal(other)),
            }
            rest = &rest[character.len_utf8()..];
        }
        Self { pieces }
    }

    /// Whether a text fits, with variables of these values; of those, one without a value or a default fits nothing.
    pub(super) fn matches<'v>(&self, text: &str, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> bool {
        let same = |one: char, other: char| one == other;
        self.begins(text, same) && self.resolved(value).is_some_and(|pieces| fits(&pieces, text, same))
    }

    /// Whether a text begins as the pattern does, up to where that is open: most that do not fit are found out by it.
    fn begins(&self, text: &str, same: impl Fn(char, char) -> bool) -> bool {
        let mut text = text.chars();
        let fixed = self.pieces.iter().map_while(|piece| match piece {
            Piece::Literal(character) => Some(*character),
            Piece::Any | Piece::One | Piece::Variable { .. } => None,
        });
        fixed.into_iter().all(|literal| text.next().is_some_and(|character| same(literal, character)))
    }

    /// As [`Self::matches`], whatever the case of letters.
    pub(super) fn matches_any_case<'v>(
        &self,
        text: &str,
        value: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> bool {
        let same = |one: char, other: char| {
            one.eq_ignore_ascii_case(&other)
                || (!(one.is_ascii() && other.is_ascii()) && one.to_lowercase().eq(other.to_lowercase()))
        };
        self.begins(text, same) && self.resolved(value).is_some_and(|pieces| fits(&pieces, text, same))
    }

    /// Splits a pattern at the first colons, as the parts of an ARN; the last part has the rest.
    pub(super) fn split(&self, parts: usize) -> Vec<Self> {
        let split = self.pieces.splitn(parts, |piece| *piece == Piece::Literal(':'));
        split.map(|pieces| Self { pieces: pieces.to_vec() }).collect()
    }

    /// True where it stands for more than one text.
    pub(super) fn is_open(&self) -> bool {
        self.pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_)))
    }

    /// The text, wildcards and all; a variable is written as a `*`.
    pub fn outline(&self) -> String {
        let outline = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(character) => *character,
            Piece::One => '?',
            Piece::Any | Piece::Variable { .. } => '*',
        });
        outline.collect()
    }

    fn resolved<'v>(&self, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> Option<Cow<'_, [Piece]>> {
        if !self.pieces.iter().any(|piece| matches!(piece, Piece::Variable { .. })) {
            return Some(Cow::Borrowed(&self.pieces));
        }
        let mut resolved = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            match piece {
                Piece::Variable { key, default } => {
                    let text = value(key).or_else(|| default.as_deref().map(Cow::Borrowed))?;
                    resolved.extend(text.chars().map(Piece::Literal));
                }
                other => resolved.push(other.clone()),
            }
        }
        Some(Cow::Owned(resolved))
    }
}

/// Reads `${key}`, `${key, 'default'}`, or one of the escapes `${*}`, `${?}` and `${$}`.
fn variable(text: &str) -> Option<(Piece, &str)> {
    let (inside, after) = text.strip_prefix("${")?.split_once('}')?;
    if let "*" | "?" | "$" = inside {
        return Some((Piece::Literal(inside.chars().next()?), after));
    }
    let (key, default) = match inside.split_once(',') {
        None => (inside.trim(), None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key.trim(), Some(default.to_owned()))
        }
    };
    (!key.is_empty()).then(|| (Piece::Variable { key: key_name(key), default }, after))
}

/// A condition key's name as it is looked up: case matters only in what follows a slash, the key of a tag.
pub(super) fn key_name(name: &str) -> String {
    match name.split_once('/') {
        Some((prefix, tag)) => format!("{}/{tag}", prefix.to_ascii_lowercase()),
        None => name.to_ascii_lowercase(),
    }
}

/// One pass over the text, back to the last `*` at most.
fn fits(pieces: &[Piece], text: &str, same: impl Fn(char, char) -> bool) -> bool {
    let (mut at, mut rest) = (0, text.chars());
    let mut star: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut ahead = rest.clone();
        let Some(character) = ahead.next() else {
            return pieces[at..].iter().all(|piece| *piece == Piece::Any);
        };
        match pieces.get(at) {
            Some(Piece::Any) => {
                star = Some((at, rest.clone()));
                at += 1;
                continue;
            }
            Some(Piece::One) => {}
            Some(Piece::Literal(literal)) if same(*literal, character) => {}
            _ => {
                let Some((star_at, matched)) = &mut star else { return false };
                matched.next();
                (at, rest) = (*star_at + 1, matched.clone());
                continue;
            }
        }
        (at, rest) = (at + 1, ahead);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: Reading = Reading { wildcards: true, variables: true };

    fn value(key: &str) -> Option<Cow<'static, str>> {
        match key {
            "aws:username" => Some("anna".into()),
            "aws:principaltag/Team" => Some("a*".into()),
            _ => None,
        }
    }

    #[test]
    fn patterns_fit_what_they_say() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("**", "x", true),
            ("${aws:username}", "anna", true),
            ("${AWS:UserName}/*", "anna/x", true),
            ("${aws:missing}", "", false),
            ("${aws:missing, 'all'}", "all", true),
            ("${aws:PrincipalTag/Team}", "ab", false),
            ("${aws:PrincipalTag/Team}", "a*", true),
            ("${aws:PrincipalTag/team}", "a*", false),
            ("a${*}b", "a*b", true),
            ("a${*}b", "axb", false),
            ("${?}${$}", "?$", true),
            ("${open", "${open", true),
            ("$a", "$a", true),
        ] {
            assert_eq!(Pattern::parse(pattern, FULL).matches(text, value), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn without_variables_a_dollar_is_text() {
        let old = Pattern::parse("${aws:username}", Reading { wildcards: true, variables: false });
        assert!(old.matches("${aws:username}", value) && !old.matches("anna", value));
    }

    #[test]
    fn case_is_ignored_where_it_is_asked_for() {
        let action = Pattern::parse("S3:Get*", FULL);
        assert!(action.matches_any_case("s3:getobject", value) && !action.matches("s3:getobject", value));
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_was_made_from(text in "[a-cé]{0,8}", from in 0usize..8, to in 0usize..8) {
            let characters: Vec<char> = text.chars().collect();
            let (from, to) = (from.min(characters.len()), to.min(characters.len()));
            let begin: String = characters[..from.min(to)].iter().collect();
            let end: String = characters[from.max(to)..].iter().collect();
            let pattern = format!("{begin}*{end}");
            prop_assert!(Pattern::parse(&pattern, FULL).matches(&text, value));
            prop_assert!(!Pattern::parse(&(pattern + "?d"), FULL).matches(&text, value));
        }
    }
}
