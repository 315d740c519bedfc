//! The AWS SDK for Rust against a server that the environment names. Prints a line for each check that held.

use std::error::Error;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PART: usize = 5 << 20;

fn held(what: &str) {
    println!("held: {what}");
}

async fn bytes_of(client: &Client, bucket: &str, key: &str) -> Result<Vec<u8>> {
    let get = client.get_object().bucket(bucket).key(key).checksum_mode(ChecksumMode::Enabled);
    Ok(get.send().await?.body.collect().await?.to_vec())
}

async fn multipart(client: &Client, bucket: &str, large: &[u8]) -> Result<()> {
    let created = client.create_multipart_upload().bucket(bucket).key("large");
    let created = created.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).send().await?;
    let upload = created.upload_id().ok_or("no upload id")?;
    let mut parts = Vec::new();
    for (index, piece) in large.chunks(PART).enumerate() {
        let number = index as i32 + 1;
        let part = client.upload_part().bucket(bucket).key("large").upload_id(upload).part_number(number);
        let part = part.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme);
        let answer = part.body(ByteStream::from(piece.to_vec())).send().await?;
        parts.push(CompletedPart::builder().part_number(number).e_tag(answer.e_tag().unwrap_or_default()).build());
    }
    let all = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    client.complete_multipart_upload().bucket(bucket).key("large").upload_id(upload).multipart_upload(all).send().await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let settings = aws_config::load_from_env().await;
    let client = Client::from_conf(aws_sdk_s3::config::Builder::from(&settings).force_path_style(true).build());
    let bucket = std::env::var("BUCKET")?;

    let (small, key) = (b"from Rust", "dir/a b+c&d=é");
    let put = || client.put_object().bucket(&bucket).key(key).body(ByteStream::from_static(small));
    put().metadata("color", "red").send().await?;
    assert_eq!(bytes_of(&client, &bucket, key).await?, small);
    let head = client.head_object().bucket(&bucket).key(key).send().await?;
    assert_eq!(head.metadata().and_then(|metadata| metadata.get("color")).map(String::as_str), Some("red"));
    held("objects, metadata and keys with signs");

    let large: Vec<u8> = (0..2 * PART + 17).map(|index| (index * 31 % 251) as u8).collect();
    multipart(&client, &bucket, &large).await?;
    assert_eq!(bytes_of(&client, &bucket, "large").await?, large);
    held("multipart upload with CRC64NVME of the whole object");

    let refusal = put().if_none_match("*").send().await.expect_err("a conditional write over an object");
    assert_eq!(refusal.raw_response().map(|answer| answer.status().as_u16()), Some(412));
    let missing = client.get_object().bucket(&bucket).key("missing").send().await.expect_err("a missing key");
    assert!(missing.into_service_error().is_no_such_key());
    held("conditional writes and typed errors");

    let mut pages = client.list_objects_v2().bucket(&bucket).max_keys(1).into_paginator().send();
    let mut names = Vec::new();
    while let Some(page) = pages.next().await {
        for object in page?.contents() {
            assert!(object.e_tag().is_some(), "an entry without ETag");
            names.push(object.key().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(names, [key, "large"]);
    held("listings page by page, each entry with its ETag");

    let life = PresigningConfig::expires_in(std::time::Duration::from_secs(60))?;
    let url = client.get_object().bucket(&bucket).key(key).presigned(life).await?;
    println!("url: {}", url.uri());
    Ok(())
}
