//! The table of S3 operations in the documentation, held against the server.

use crate::client::{Answer, Bucket, Request};

/// Operation, method, what follows the bucket's name or `None` for the service, word, note.
type Row = (&'static str, &'static str, Option<&'static str>, &'static str, &'static str);

fn rows() -> Vec<Row> {
    let table = include_str!("../../docs/s3-api.md").split("| Operation |").nth(1).unwrap();
    let lines = table.lines().skip(2).filter(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let (method, target) = cells[1].trim_matches('`').split_once(' ').unwrap();
        (cells[0], method, target.strip_prefix("/bucket"), cells[2], cells.get(3).copied().unwrap_or(""))
    };
    lines.map(row).collect()
}

fn answer(row: Row) -> Answer {
    let bucket = Bucket::new();
    bucket.put("key", b"content");
    let (name, method, rest, ..) = row;
    match rest {
        Some(rest) => bucket.request(method, rest).send(),
        None if name == "WriteGetObjectResponse" => {
            Request::new(&bucket.server, method, "/WriteGetObjectResponse").send()
        }
        None => Request::new(&bucket.server, method, "/").send(),
    }
}

#[test]
fn every_operation_does_what_the_table_says() {
    let rows = rows();
    assert!(rows.len() > 100, "{} rows", rows.len());
    for row in rows {
        let (name, _, _, word, note) = row;
        let answer = answer(row);
        let (succeeded, code) = ((200..300).contains(&answer.status), answer.element("Code"));
        let noted = !code.is_empty() && note.contains(&format!("`{code}`"));
        let nothing_there = ["NotImplemented", "MethodNotAllowed"].contains(&code.as_str());
        let agrees = match word {
            "done" | "kept" => !nothing_there && answer.status < 500,
            "fixed" => succeeded || noted,
            "refused" => !succeeded && noted,
            other => panic!("{name}: {other} is no word of the table"),
        };
        assert!(agrees, "{name} is {word} and answered {} {code}", answer.status);
        assert!(word != "kept" || !name.starts_with("Put") || !note.is_empty(), "{name} says what it lacks");
    }
}
