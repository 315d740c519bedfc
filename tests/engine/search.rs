//! Search indexes, and what becomes of them when a drive spoils them.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use holdfast::object::{Engine, Error, SEARCH_TIME_MAX, SearchQuery};

use crate::setup::{Deployment, bucket, put};

/// What background work does, over and over.
async fn keep_up(engine: &Engine) {
    loop {
        for bucket in engine.searched_buckets().unwrap() {
            while engine.index_some(&bucket, 100).unwrap() {}
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn found(engine: &Engine) -> usize {
    loop {
        match engine.search(&bucket(), SearchQuery::anything(100, SEARCH_TIME_MAX)).await {
            Ok((page, lag)) if lag.is_complete && lag.pending == 0 => return page.hits.len(),
            Ok(_) | Err(Error::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_overwritten_or_cut_off_is_made_anew() {
    let deployment = Deployment::of(4);
    let engine = deployment.open().await;
    engine.create_bucket(&bucket()).await.unwrap();
    for number in 0..30 {
        put(&engine, &format!("key {number}"), &Bytes::from_static(b"some")).await.unwrap();
    }
    let looks = async {
        engine.set_search(&bucket(), true).await.unwrap();
        assert_eq!(found(&engine).await, 30);
        for keep_length in [true, false] {
            for file in fs::read_dir(deployment.path().join("search")).unwrap() {
                let file = file.unwrap().path();
                let rubbish = if keep_length { fs::metadata(&file).unwrap().len() } else { 5000 };
                let file = fs::File::options().write(true).open(&file).unwrap();
                file.set_len(rubbish).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &vec![7; rubbish as usize], 0).unwrap();
            }
            assert_eq!(found(&engine).await, 30);
        }
    };
    tokio::select! {
        () = keep_up(&engine) => {}
        () = looks => {}
    }
    engine.close().await;
}
