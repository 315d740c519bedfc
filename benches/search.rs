//! The search index of a bucket of many objects: how long it takes to build, how large it is, and what searches take.
//!
//! `cargo bench --bench search -- 1000000`; also with `--profile dev`.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::time::{Duration, Instant};

use holdfast::metadata::{Label, LabelKind, SearchIndex, SearchQuery, Searchable, search};
use holdfast::types::{Etag, Timestamp};

/// Objects noted in one transaction.
const BATCH: usize = 1000;
/// Searches of each kind.
const REPEATS: usize = 20;

/// One object in a hundred has a tag.
fn object(index: usize) -> Searchable {
    let (year, month, day) = (2000 + index % 25, 1 + index % 12, 1 + index % 28);
    let tag = Label { kind: LabelKind::Tag, name: "class".into(), value: "rare".into() };
    Searchable {
        key: format!("photos/{year}/{month:02}/{day:02}/IMG_{index:07}-holiday.jpg"),
        size: index as u64,
        modified: Timestamp::from_millis(index as u64 * 1000),
        etag: Etag::default(),
        labels: if index.is_multiple_of(100) { vec![tag] } else { Vec::new() },
    }
}

fn anything() -> SearchQuery {
    SearchQuery::anything(1000, Duration::from_secs(60))
}

fn kinds(objects: usize) -> Vec<(&'static str, SearchQuery)> {
    let text = |text: &str| SearchQuery { text: text.into(), ..anything() };
    let tag = Label { kind: LabelKind::Tag, name: "class".into(), value: "rare".into() };
    let last = objects as u64;
    vec![
        ("one key, seven digits", text(&format!("{:07}", objects * 2 / 3))),
        ("one key, with what all have", text(&format!("{:07}-holiday.jpg", objects * 2 / 3))),
        ("what all have", text("holiday")),
        ("what none has", text("nowhere-to-be-found")),
        ("what none has, of parts that all have", text("jpgphotos")),
        ("a day of a month", text("2012/07/")),
        ("a prefix", SearchQuery { prefix: "photos/2012/01/13/".into(), ..anything() }),
        ("a tag", SearchQuery { labels: vec![tag.clone()], ..anything() }),
        ("a tag and a text", SearchQuery { labels: vec![tag], text: "99900".into(), ..anything() }),
        ("the ten largest", SearchQuery { size: last - 10..=last, ..anything() }),
        ("two letters", text("zz")),
    ]
}

/// What this thread has had of a processor, which others at work on the machine do not change.
fn cpu_ms() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e6
}

fn main() {
    let objects = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.db");
    let mut index = SearchIndex::open(&path, 1).unwrap();
    let begun = Instant::now();
    for first in (0..objects).step_by(BATCH) {
        let batch: Vec<Searchable> = (first..objects.min(first + BATCH)).map(object).collect();
        index.apply(&batch, &[]).unwrap();
    }
    let seconds = begun.elapsed().as_secs_f64();
    drop(index);
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!(
        "{objects} objects indexed in {seconds:.1} s, {:.1} us and {} bytes each",
        seconds * 1e6 / objects as f64,
        bytes / objects as u64
    );
    println!("| search | hits | p50 ms | max ms | CPU ms |\n|---|---|---|---|---|");
    for (name, asked) in kinds(objects) {
        let mut times = Vec::new();
        let mut hits = 0;
        let cpu = cpu_ms();
        for _ in 0..REPEATS {
            let begun = Instant::now();
            hits = search(&path, &asked).unwrap().hits.len();
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let cpu = (cpu_ms() - cpu) / REPEATS as f64;
        println!("| {name} | {hits} | {:.2} | {:.2} | {cpu:.2} |", times[REPEATS / 2], times[REPEATS - 1]);
    }
}
