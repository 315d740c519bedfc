//! ListMultipartUploads.

use crate::client::Bucket;
use crate::multipart::Upload;

fn keys(bucket: &Bucket, query: &str) -> Vec<String> {
    bucket.request("GET", &format!("?uploads{query}")).send().expect_status(200).elements("Key")
}

#[test]
fn uploads_are_listed_by_key_and_go_when_they_end() {
    let bucket = Bucket::new();
    assert!(keys(&bucket, "").is_empty());
    let b = Upload::start(&bucket, "b%20c", &[]);
    let _a = Upload::start(&bucket, "a", &[]);
    assert_eq!(keys(&bucket, ""), ["a", "b c"]);
    assert_eq!(keys(&bucket, "&encoding-type=url"), ["a", "b+c"]);
    assert_eq!(keys(&bucket, "&prefix=b"), ["b c"]);
    b.abort().expect_status(204);
    assert_eq!(keys(&bucket, ""), ["a"]);
}

#[test]
fn pages_go_on_by_key_and_upload() {
    let bucket = Bucket::new();
    let mut ids: Vec<String> = (0..3).map(|_| Upload::start(&bucket, "same", &[]).id).collect();
    ids.push(Upload::start(&bucket, "z", &[]).id);
    let mut found = Vec::new();
    let mut marker = String::new();
    loop {
        let page =
            bucket.request("GET", &format!("?uploads&max-uploads=1{marker}")).send().expect_status(200);
        found.extend(page.elements("UploadId"));
        if page.element("IsTruncated") == "false" {
            break;
        }
        let (key, id) = (page.element("NextKeyMarker"), page.element("NextUploadIdMarker"));
        marker = format!("&key-marker={key}&upload-id-marker={id}");
        assert!(found.len() <= ids.len(), "the listing goes in circles: {found:?}");
    }
    found.sort_unstable();
    ids.sort_unstable();
    assert_eq!(found, ids);
}

#[test]
fn common_prefixes_are_rolled_up() {
    let bucket = Bucket::new();
    for key in ["d/1", "d/2", "e"] {
        Upload::start(&bucket, key, &[]);
    }
    let page = bucket.request("GET", "?uploads&delimiter=%2F").send().expect_status(200);
    assert_eq!(page.elements("Key"), ["e"]);
    assert_eq!(page.element("CommonPrefixes"), "<Prefix>d/</Prefix>");
    let within = bucket.request("GET", "?uploads&delimiter=%2F&key-marker=d/1").send().expect_status(200);
    assert_eq!((within.elements("Key"), within.element("CommonPrefixes")), (vec!["e".into()], String::new()));
}

#[test]
fn silly_pages_are_refused() {
    let bucket = Bucket::new();
    for query in ["&max-uploads=-1", "&max-uploads=x", "&encoding-type=x", "&key-marker=k&upload-id-marker=x"]
    {
        bucket.request("GET", &format!("?uploads{query}")).send().expect_error(400, "InvalidArgument");
    }
    bucket.request("DELETE", "").send().expect_status(204);
    bucket.request("GET", "?uploads").send().expect_error(404, "NoSuchBucket");
}
