//! PutObject with a write offset.

use crate::client::{Answer, Bucket};

/// Beyond this length bytes are added in place.
const ANEW_BYTES_MAX: usize = 8 << 20;

fn append(bucket: &Bucket, key: &str, offset: usize, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let put =
        bucket.request("PUT", &format!("/{key}")).header("x-amz-write-offset-bytes", offset.to_string());
    headers.iter().fold(put, |put, (name, value)| put.header(name, value)).body(body).send()
}

fn bytes(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 + i / 253 + seed) as u8).collect()
}

#[test]
fn bytes_are_added_to_objects_of_any_length() {
    let bucket = Bucket::new();
    for headers in [&[][..], &[("x-amz-server-side-encryption", "AES256")]] {
        let mut whole = Vec::new();
        for (seed, len) in [10, 5000, 300_000, ANEW_BYTES_MAX, 1, 3 << 20, 100].into_iter().enumerate() {
            let added = bytes(len, seed);
            let first = if whole.is_empty() { headers } else { &[] };
            let answer = append(&bucket, "k", whole.len(), added.clone(), first).expect_status(200);
            whole.extend_from_slice(&added);
            if !first.is_empty() || seed > 0 {
                assert_eq!(
                    answer.headers.contains_key("x-amz-server-side-encryption"),
                    !headers.is_empty(),
                    "{seed}"
                );
            }
            if seed > 0 {
                assert_eq!(answer.header("x-amz-object-size"), whole.len().to_string());
            }
            let read = bucket.request("GET", "/k").header("x-amz-checksum-mode", "ENABLED").send();
            assert!(read.body == whole, "after {seed}");
            assert_eq!(read.header("etag"), answer.header("etag"));
            assert_eq!(read.header("x-amz-checksum-crc64nvme"), answer.header("x-amz-checksum-crc64nvme"));
        }
        // The checksum that was put together is that of the bytes.
        let sum = bucket.request("HEAD", "/k").header("x-amz-checksum-mode", "ENABLED").send();
        let again = bucket.request("PUT", "/again").body(whole.clone()).send().expect_status(200);
        let sum = sum.header("x-amz-checksum-crc64nvme").to_owned();
        assert_eq!(sum, again.header("x-amz-checksum-crc64nvme"));
        let range = bucket.request("GET", "/k").header("range", "bytes=8400000-8800000").send();
        assert!(range.body == whole[8_400_000..=8_800_000]);
        let part = bucket.request("GET", "/k?partNumber=1").send();
        assert!(part.body == whole, "it was never uploaded in parts");
        bucket.request("DELETE", "/k").send().expect_status(204);
        bucket.expect_absent("k");
    }
}

#[test]
fn copies_and_older_versions_stay_as_they_are() {
    let bucket = Bucket::new();
    let before = bytes(ANEW_BYTES_MAX + 1, 1);
    bucket.put("k", &before);
    let copied = bucket.request("PUT", "/copy").header("x-amz-copy-source", format!("/{}/k", bucket.name));
    copied.send().expect_status(200);
    append(&bucket, "k", before.len(), bytes(10, 2), &[]).expect_status(200);
    assert!(bucket.get("copy") == before);
    assert!(bucket.get("k") == [before.clone(), bytes(10, 2)].concat());
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    bucket.request("PUT", "/?versioning").body(enabled).send().expect_status(200);
    append(&bucket, "k", before.len() + 10, bytes(10, 3), &[]).expect_status(200);
    let older = bucket.request("GET", "/k?versionId=null").send();
    assert!(older.body == [before.clone(), bytes(10, 2)].concat());
    assert_eq!(bucket.get("k").len(), before.len() + 20);
}

#[test]
fn what_does_not_fit_the_object_is_refused_and_changes_nothing() {
    let bucket = Bucket::new();
    bucket
        .request("PUT", "/k")
        .header("x-amz-checksum-crc32c", "MLqnWg==")
        .body("v2")
        .send()
        .expect_status(400);
    let sums = bucket.request("PUT", "/k").header("x-amz-sdk-checksum-algorithm", "CRC32C").body("abc");
    sums.header("x-amz-checksum-crc32c", "Nks/tw==").send().expect_status(200);
    let add = |offset: usize, body: &str, headers: &[(&str, &str)]| {
        append(&bucket, "k", offset, body.as_bytes().to_vec(), headers)
    };
    add(2, "x", &[]).expect_error(400, "InvalidWriteOffset");
    add(4, "x", &[]).expect_error(400, "InvalidWriteOffset");
    add(3, "", &[]).expect_error(400, "InvalidRequest");
    add(3, "x", &[("x-amz-meta-a", "1")]).expect_error(400, "InvalidRequest");
    add(3, "x", &[("x-amz-checksum-crc32", "jNwblA==")]).expect_error(400, "InvalidRequest");
    add(3, "x", &[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).expect_error(400, "BadDigest");
    add(3, "x", &[("if-match", "\"00000000000000000000000000000000\"")])
        .expect_error(412, "PreconditionFailed");
    append(&bucket, "k", 3, b"x".to_vec(), &[("x-amz-server-side-encryption", "AES256")])
        .expect_error(400, "InvalidArgument");
    let negative = bucket.request("PUT", "/k").header("x-amz-write-offset-bytes", "-1").body("x").send();
    negative.expect_error(400, "InvalidArgument");
    append(&bucket, "missing", 1, b"x".to_vec(), &[]).expect_error(404, "NoSuchKey");
    assert_eq!(bucket.get("k"), b"abc");
}

#[test]
fn of_clients_that_add_at_the_same_place_one_succeeds() {
    let bucket = Bucket::new();
    for len in [1000, ANEW_BYTES_MAX + 1] {
        bucket.put("k", &bytes(len, 1));
        let added: Vec<bool> = std::thread::scope(|scope| {
            let clients = (0..8).map(|client| {
                let bucket = &bucket;
                scope.spawn(move || {
                    let answer = append(bucket, "k", len, bytes(100 + client, client), &[]);
                    assert!(matches!(answer.status, 200 | 400 | 409), "{}", answer.text());
                    answer.status == 200
                })
            });
            clients.collect::<Vec<_>>().into_iter().map(|client| client.join().unwrap()).collect()
        });
        let winner = added.iter().position(|added| *added).unwrap();
        assert_eq!(added.iter().filter(|added| **added).count(), 1);
        assert!(bucket.get("k") == [bytes(len, 1), bytes(100 + winner, winner)].concat());
    }
}
