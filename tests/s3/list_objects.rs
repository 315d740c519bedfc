//! ListObjects, ListObjectsV2 and ListObjectVersions.

use crate::client::{Answer, Bucket};

fn filled(keys: &[&str]) -> Bucket {
    let bucket = Bucket::new();
    for key in keys {
        bucket.put(key, b"v");
    }
    bucket
}

fn list(bucket: &Bucket, query: &str) -> Answer {
    bucket.request("GET", &format!("?{query}")).send().expect_status(200)
}

fn prefixes(answer: &Answer) -> Vec<String> {
    answer
        .elements("CommonPrefixes")
        .iter()
        .map(|text| text.replace("<Prefix>", "").replace("</Prefix>", ""))
        .collect()
}

#[test]
fn keys_come_in_byte_order_each_once() {
    let bucket = filled(&["b", "a", "a/b", "%C3%A9", "Z", "a%20b", "%F0%9F%98%80", "a0"]);
    let answer = list(&bucket, "list-type=2");
    assert_eq!(answer.elements("Key"), ["Z", "a", "a b", "a/b", "a0", "b", "é", "😀"]);
    assert_eq!((answer.element("KeyCount").as_str(), answer.element("IsTruncated").as_str()), ("8", "false"));
    assert_eq!(answer.element("Name"), bucket.name);
    assert_eq!(answer.elements("ETag")[0], "&quot;9e3669d19b675bd57058fd4664205d2a&quot;");
    assert_eq!((answer.element("Size").as_str(), answer.element("StorageClass").as_str()), ("1", "STANDARD"));
    assert!(answer.element("LastModified").ends_with(".000Z"));
    assert!(answer.elements("Owner").is_empty());
    assert_eq!(list(&bucket, "list-type=2&fetch-owner=true").elements("Owner").len(), 8);
    assert_eq!(list(&bucket, "").elements("Owner").len(), 8);
}

#[test]
fn delimiter_rolls_up_common_prefixes() {
    let bucket = filled(&["a", "d/", "d/1", "d/e/2", "f//3", "z"]);
    let answer = list(&bucket, "list-type=2&delimiter=%2F");
    assert_eq!(
        (answer.elements("Key"), prefixes(&answer)),
        (vec!["a".into(), "z".into()], vec!["d/".into(), "f/".into()])
    );
    assert_eq!(answer.element("KeyCount"), "4");
    let answer = list(&bucket, "list-type=2&delimiter=%2F&prefix=d%2F");
    assert_eq!(
        (answer.elements("Key"), prefixes(&answer)),
        (vec!["d/".into(), "d/1".into()], vec!["d/e/".to_owned()])
    );
    let answer = list(&bucket, "prefix=f%2F&delimiter=%2F");
    assert_eq!(prefixes(&answer), ["f//"]);
    let answer = list(&bucket, "delimiter=e%2F");
    assert_eq!(prefixes(&answer), ["d/e/"]);
}

/// Walks the pages of a listing by its own means; gives keys and prefixes in the order they came.
fn walk(bucket: &Bucket, query: &str, next: impl Fn(&Answer) -> Option<String>) -> Vec<String> {
    let (mut found, mut from) = (Vec::new(), String::new());
    loop {
        let page = list(bucket, &format!("{query}{from}"));
        found.extend(page.elements("Key"));
        found.extend(prefixes(&page));
        match next(&page) {
            Some(marker) => from = marker,
            None => return found,
        }
        assert!(found.len() < 100, "the listing goes in circles: {found:?}");
    }
}

#[test]
fn pages_of_both_versions_cover_everything_once() {
    let bucket = filled(&["a", "b/1", "b/2", "b/3", "c%20c", "d/1", "e", "f/1"]);
    let mut expected = vec!["a", "b/", "c c", "d/", "e", "f/"];
    expected.sort_unstable();
    for size in 1..4 {
        let mut v2 = walk(&bucket, &format!("list-type=2&delimiter=%2F&max-keys={size}"), |page| {
            let token = page.element("NextContinuationToken");
            (!token.is_empty()).then(|| format!("&continuation-token={token}"))
        });
        v2.sort_unstable();
        assert_eq!(v2, expected, "version 2 by {size}");
        let mut v1 = walk(&bucket, &format!("delimiter=%2F&encoding-type=url&max-keys={size}"), |page| {
            let marker = page.element("NextMarker");
            (!marker.is_empty()).then(|| format!("&marker={marker}"))
        });
        v1.sort_unstable();
        assert_eq!(
            v1,
            expected.iter().map(|key| key.replace(' ', "+")).collect::<Vec<_>>(),
            "version 1 by {size}"
        );
    }
}

#[test]
fn version_1_names_the_next_marker_only_with_a_delimiter() {
    let bucket = filled(&["a", "b", "c"]);
    let page = list(&bucket, "max-keys=2");
    assert_eq!((page.element("IsTruncated").as_str(), page.element("NextMarker").as_str()), ("true", ""));
    assert_eq!(list(&bucket, "marker=b").elements("Key"), ["c"]);
    assert_eq!(list(&bucket, "max-keys=2&delimiter=%2F").element("NextMarker"), "b");
}

#[test]
fn start_after_and_deleted_token_key() {
    let bucket = filled(&["a", "b", "c", "d"]);
    assert_eq!(list(&bucket, "list-type=2&start-after=b").elements("Key"), ["c", "d"]);
    let page = list(&bucket, "list-type=2&max-keys=2");
    let token = page.element("NextContinuationToken");
    bucket.request("DELETE", "/b").send().expect_status(204);
    let rest = list(&bucket, &format!("list-type=2&continuation-token={token}&start-after=a"));
    assert_eq!(rest.elements("Key"), ["c", "d"]);
    assert_eq!(rest.element("ContinuationToken"), token);
}

#[test]
fn common_prefixes_are_listed_only_where_they_are_greater_than_the_marker() {
    let bucket = filled(&["a/1", "a/2", "b/1", "c"]);
    for marker in ["list-type=2&start-after", "marker", "versions&key-marker"] {
        let within = list(&bucket, &format!("{marker}=a/1&delimiter=%2F"));
        assert_eq!((within.elements("Key"), prefixes(&within)), (vec!["c".into()], vec!["b/".to_owned()]));
        let before = list(&bucket, &format!("{marker}=a&delimiter=%2F"));
        assert_eq!(prefixes(&before), ["a/", "b/"]);
        let keys = list(&bucket, &format!("{marker}=a/1"));
        assert_eq!(keys.elements("Key"), ["a/2", "b/1", "c"]);
    }
}

#[test]
fn encoding_is_used_only_on_request() {
    let bucket = filled(&["sp%20ace%2B%26", "dir%25/x"]);
    let plain = list(&bucket, "list-type=2&delimiter=%2F&start-after=%26");
    assert_eq!(
        (plain.elements("Key"), prefixes(&plain)),
        (vec!["sp ace+&amp;".into()], vec!["dir%/".to_owned()])
    );
    assert_eq!(plain.element("StartAfter"), "&amp;");
    let url = list(&bucket, "list-type=2&delimiter=%2F&encoding-type=url&start-after=%26&prefix=");
    assert_eq!(
        (url.elements("Key"), prefixes(&url)),
        (vec!["sp+ace%2B%26".into()], vec!["dir%25/".to_owned()])
    );
    assert_eq!((url.element("StartAfter").as_str(), url.element("EncodingType").as_str()), ("%26", "url"));
}

#[test]
fn page_sizes_are_bounded() {
    let bucket = filled(&["a"]);
    let none = list(&bucket, "list-type=2&max-keys=0");
    assert_eq!((none.elements("Key").len(), none.element("IsTruncated").as_str()), (0, "false"));
    assert_eq!(list(&bucket, "list-type=2&max-keys=5000").element("MaxKeys"), "1000");
    for query in [
        "max-keys=-1",
        "list-type=2&max-keys=x",
        "list-type=2&encoding-type=x",
        "list-type=2&continuation-token=x",
    ] {
        bucket.request("GET", &format!("?{query}")).send().expect_error(400, "InvalidArgument");
    }
}

#[test]
fn unversioned_objects_are_their_only_version() {
    let bucket = filled(&["a", "d/1"]);
    let answer = list(&bucket, "versions&delimiter=%2F");
    assert_eq!((answer.elements("Key"), prefixes(&answer)), (vec!["a".into()], vec!["d/".to_owned()]));
    assert_eq!((answer.element("VersionId").as_str(), answer.element("IsLatest").as_str()), ("null", "true"));
}

#[test]
fn missing_bucket_has_no_listing() {
    let bucket = Bucket::new();
    bucket.request("DELETE", "").send().expect_status(204);
    for query in ["", "list-type=2", "versions"] {
        bucket.request("GET", &format!("?{query}")).send().expect_error(404, "NoSuchBucket");
    }
}
