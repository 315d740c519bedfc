//! Everything that reads bytes from outside, each reader as a function of bytes. It is there for tests and for fuzzing
//! (`make fuzz`) alone and is in no binary that is shipped.
//!
//! `tests/fuzz/seeds` has what each one takes, `tests/fuzz/findings` what once broke one.

use crate::iam::policy::{Grammar, Policy};
use crate::types::Parser;

/// Policies of accounts.
const ACCOUNT_POLICY: Parser =
    Parser::of_text("account-policy", |bytes| Policy::parse(bytes, Grammar::Identity).err().map(|_| 400));

/// Policies that say who may take a role.
const TRUST_POLICY: Parser =
    Parser::of_text("trust-policy", |bytes| Policy::parse(bytes, Grammar::Trust).err().map(|_| 400));

/// All of them.
pub fn all() -> impl Iterator<Item = Parser> {
    let parsers = [
        crate::s3::parsers::ALL,
        crate::node::parsers::ALL,
        crate::metadata::parsers::ALL,
        crate::shard_store::parsers::ALL,
        crate::query_api::parsers::ALL,
        crate::iam::parsers::ALL,
        &[ACCOUNT_POLICY, TRUST_POLICY],
    ];
    parsers.into_iter().flatten().copied()
}

/// What a client may be told of bytes that are wrong: that they are, or that S3 has it and this server has not.
pub fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) || status == 501
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Malformed inputs for each reader.
    const MUTANTS: usize = 2000;
    /// A reader that takes longer hangs.
    const READ_MAX: Duration = Duration::from_secs(60);
    /// What means something to one of them or another.
    const WORDS: [&str; 28] = [
        "<",
        ">",
        "</",
        "/>",
        "&lt;",
        "&#0;",
        "&#x10FFFF;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "<?",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "=",
        "%",
        "%00",
        "%ff",
        "+",
        "\r\n",
        "\r\n\r\n",
        "-1",
        "18446744073709551616",
        "\u{0}",
    ];

    fn folder(kind: &str, parser: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(kind).join(parser)
    }

    fn files(folder: &Path) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    fn seeds(parser: Parser) -> Vec<Vec<u8>> {
        let mut seeds = files(&folder("seeds", parser.name));
        seeds.extend((parser.seeds)());
        seeds
    }

    /// Runs a reader on these and answers its verdicts; one that does not come back is named.
    fn verdicts(parser: Parser, inputs: Vec<Vec<u8>>) -> Vec<Option<u16>> {
        let (sender, receiver) = mpsc::channel();
        let reader = thread::spawn(move || {
            for input in inputs {
                let verdict = (parser.run)(&input);
                if sender.send((input, verdict)).is_err() {
                    return;
                }
            }
        });
        let mut verdicts = Vec::new();
        loop {
            match receiver.recv_timeout(READ_MAX) {
                Ok((input, verdict)) => {
                    let shown = String::from_utf8_lossy(&input[..input.len().min(2000)]);
                    assert!(verdict.is_none_or(is_refusal), "{}: {verdict:?} for {shown:?}", parser.name);
                    verdicts.push(verdict);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("{} hangs", parser.name),
            }
        }
        assert!(reader.join().is_ok(), "{} panics", parser.name);
        verdicts
    }

    /// Numbers that look random and are the same each time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound.max(1) as u64) as usize
        }

        fn range(&mut self, len: usize) -> std::ops::Range<usize> {
            let start = self.below(len + 1);
            start..start + self.below((len - start).min(64) + 1)
        }

        fn mutant(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
            let mut bytes = seeds[self.below(seeds.len())].clone();
            for _ in 0..=self.below(4) {
                self.change(&mut bytes, seeds);
            }
            bytes
        }

        fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
            let range = self.range(bytes.len());
            match self.below(7) {
                0 => bytes.truncate(range.start),
                1 => drop(bytes.drain(range)),
                2 => {
                    let word = WORDS[self.below(WORDS.len())];
                    bytes.splice(range.start..range.start, word.bytes());
                }
                3 => {
                    let piece = bytes[range.clone()].repeat(1 + self.below(200));
                    bytes.splice(range, piece);
                }
                4 => {
                    let other = &seeds[self.below(seeds.len())];
                    let piece = other[self.range(other.len())].to_vec();
                    bytes.splice(range, piece);
                }
                5 if !range.is_empty() => bytes[range.start] ^= 1 << self.below(8),
                _ if !range.is_empty() => bytes[range.start] = self.below(256) as u8,
                _ => {}
            }
        }
    }

    #[test]
    fn seeds_are_taken() {
        for parser in all() {
            let seeds = seeds(parser);
            assert!(!seeds.is_empty(), "{} has no seed", parser.name);
            for (seed, verdict) in seeds.iter().zip(verdicts(parser, seeds.clone())) {
                assert_eq!(verdict, None, "{}: {}", parser.name, String::from_utf8_lossy(seed));
            }
        }
    }

    #[test]
    fn what_is_malformed_is_refused_and_breaks_nothing() {
        for parser in all() {
            let seeds = seeds(parser);
            let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
            let mutants: Vec<Vec<u8>> = (0..MUTANTS).map(|_| dice.mutant(&seeds)).collect();
            assert_eq!(verdicts(parser, mutants).len(), MUTANTS);
        }
    }

    #[test]
    fn what_once_broke_a_reader_does_not_break_it_again() {
        for parser in all() {
            let findings = files(&folder("findings", parser.name));
            let count = findings.len();
            assert_eq!(verdicts(parser, findings).len(), count);
        }
    }

    #[test]
    fn documents_without_measure_are_refused() {
        let nested =
            |open: &str, close: &str| [open.repeat(10_000), close.repeat(10_000)].concat().into_bytes();
        let long = "x".repeat(1 << 20);
        let root = "LifecycleConfiguration";
        let hostile = vec![
            nested("<a>", "</a>"),
            nested("{\"a\":", "}"),
            nested("[", "]"),
            format!("<{root} a=\"{long}\"><Rule/></{root}>").into_bytes(),
            format!("<!DOCTYPE d [<!ENTITY a \"{long}\">]><{root}>&a;&a;</{root}>").into_bytes(),
            format!("<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><{root}/>").into_bytes(),
            format!("<{root}>{}</{root}>", "<Rule/>".repeat(100_001)).into_bytes(),
            format!("<{root}>{}</{root}>", "<Rule><ID>a</ID></Rule>".repeat(40_000)).into_bytes(),
            format!("<{root}>{}", "<![CDATA[a]]>".repeat(10_000)).into_bytes(),
            long.clone().into_bytes(),
            vec![0; 1 << 20],
            vec![0xff; 1 << 20],
        ];
        for parser in
            all().filter(|parser| parser.name.starts_with("document-") || parser.name.contains("policy"))
        {
            for verdict in verdicts(parser, hostile.clone()) {
                assert!(verdict.is_some(), "{} takes what has no measure", parser.name);
            }
        }
    }
}
