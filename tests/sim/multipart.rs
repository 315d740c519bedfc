//! Multipart uploads, one step at a time, over restarts.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast::checksum::md5::Md5;
use holdfast::object::{
    CompleteRequest, CompletedPart, CreateUploadRequest, CreatedUpload, Error, NewEncryption, PutPartRequest,
    UploadRef, WriteCondition,
};
use holdfast::types::{Etag, PartNumber, Properties};
use tokio::time::timeout;

use crate::client::{Client, body_of, class_of, ended, short};
use crate::model::{Ended, Value, pattern};
use crate::shared::{Checked, Upload, bucket, key};

/// Uploads of one life that are begun.
const UPLOADS_MAX: usize = 6;
/// Least length of a part that is not the last.
const PART_BYTES_MIN: usize = 5 << 20;

/// Begins an upload or goes on with one that nobody else works on.
pub async fn step(client: &mut Client<'_>) -> Checked {
    let free = client.shared.uploads.borrow().iter().position(|upload| !upload.busy && !upload.closed);
    let begun = client.shared.uploads.borrow().iter().filter(|upload| !upload.closed).count();
    let index = match free {
        Some(index) if begun >= UPLOADS_MAX || client.rng.chance(85) => index,
        _ => return create(client).await,
    };
    client.shared.uploads.borrow_mut()[index].busy = true;
    let done = match client.rng.below(100) {
        0..55 => put_part(client, index).await,
        55..70 => list_parts(client, index).await,
        70..95 => complete(client, index).await,
        _ => abort(client, index).await,
    };
    client.shared.uploads.borrow_mut()[index].busy = false;
    done
}

async fn create(client: &mut Client<'_>) -> Checked {
    let name = client.any_key();
    let request = CreateUploadRequest {
        bucket: bucket(),
        key: key(&name),
        properties: Properties { class: class_of(name.len()), ..Properties::default() },
        encryption: name.len().is_multiple_of(2).then_some(NewEncryption::S3),
        checksum: None,
    };
    let result = client.engine.create_upload(request).await;
    client.note(format!("begin upload of {name}: {}", short(Some(&result))));
    match result {
        Ok(CreatedUpload { upload, .. }) => {
            let at = UploadRef { bucket: bucket(), key: key(&name), upload };
            let upload =
                Upload { at, parts: BTreeMap::new(), may_be_closed: false, closed: false, busy: false };
            client.shared.uploads.borrow_mut().push(upload);
            Ok(())
        }
        Err(error) => client.shared.excuse("begin upload", &error),
    }
}

/// What the error of a step says of the upload.
fn step_failed(client: &Client<'_>, index: usize, about: &str, error: &Error) -> Checked {
    let uploads = &mut *client.shared.uploads.borrow_mut();
    match error {
        Error::NoSuchUpload if uploads[index].may_be_closed => {
            uploads[index].closed = true;
            Ok(())
        }
        error => client.shared.excuse(about, error),
    }
}

async fn put_part(client: &mut Client<'_>, index: usize) -> Checked {
    let number = 1 + client.rng.below(3) as u16;
    let len = match client.rng.below(100) {
        0..2 => PART_BYTES_MIN,
        2..10 => 0,
        _ => client.rng.below(60_000) as usize,
    };
    let seed = client.shared.next_seed();
    let data = pattern(seed, len);
    let sent = Some((Etag::single(Md5::digest(&data)), seed, len));
    let at = {
        let upload = &mut client.shared.uploads.borrow_mut()[index];
        upload.parts.entry(number).or_insert_with(|| vec![None]).push(sent);
        upload.at.clone()
    };
    let part = PartNumber::new(u32::from(number)).unwrap();
    let request = PutPartRequest { upload: at, part, length: None, content_md5: None, customer_key: None };
    let body = body_of(&mut client.rng, &data, false);
    let patience: Duration = client.patience();
    let result = timeout(patience, client.engine.put_part(request, body)).await;
    let about = format!("put part {number} of upload {index}, {len} bytes");
    client.note(format!("{about}: {}", short(result.as_ref().ok())));
    match result {
        Ok(Ok(_)) => {
            client.shared.uploads.borrow_mut()[index].parts.insert(number, vec![sent]);
            Ok(())
        }
        Ok(Err(error)) => step_failed(client, index, &about, &error),
        Err(_) => Ok(()),
    }
}

async fn list_parts(client: &mut Client<'_>, index: usize) -> Checked {
    let at = client.shared.uploads.borrow()[index].at.clone();
    let result = client.engine.list_parts(&at, 0, 1000).await;
    let about = format!("list parts of upload {index}");
    client.note(format!("{about}: {}", short(Some(&result))));
    let page = match result {
        Ok(page) => page,
        Err(error) => return step_failed(client, index, &about, &error),
    };
    let upload = &mut client.shared.uploads.borrow_mut()[index];
    let listed: BTreeMap<u16, (Etag, u64)> =
        page.parts.iter().map(|part| (part.part.get(), (part.etag, part.size))).collect();
    if let Some(stranger) = listed.keys().find(|number| !upload.parts.contains_key(number)) {
        return Err(format!("{about}: part {stranger} was never sent"));
    }
    for (number, versions) in &mut upload.parts {
        let saw = listed.get(number).copied();
        match versions.iter().position(|v| v.map(|(etag, _, len)| (etag, len as u64)) == saw) {
            // Later ones of unknown outcome may yet come: recovery decides over what stands in the log.
            Some(seen) => drop(versions.drain(..seen)),
            None => return Err(format!("{about}: part {number} is {saw:?}, may be {versions:?}")),
        }
    }
    Ok(())
}

async fn complete(client: &mut Client<'_>, index: usize) -> Checked {
    let (at, parts) = {
        let uploads = client.shared.uploads.borrow();
        (uploads[index].at.clone(), uploads[index].parts.clone())
    };
    // Of a part whose state is unknown the client names one that may be.
    let named: Vec<(u16, Etag, u64, usize)> = parts
        .iter()
        .filter_map(|(number, versions)| {
            versions.iter().rev().flatten().next().map(|(etag, seed, len)| (*number, *etag, *seed, *len))
        })
        .collect();
    let fits = named.iter().rev().skip(1).all(|(.., len)| *len >= PART_BYTES_MIN);
    let named = if fits { named } else { named.into_iter().next_back().into_iter().collect() };
    let certain = named.iter().all(|(number, ..)| parts[number].len() == 1) && !named.is_empty();
    let md5s: Vec<u8> = named.iter().flat_map(|(_, etag, ..)| etag.md5).collect();
    let value = client.shared.keep(Value {
        etag: Etag { md5: Md5::digest(&md5s), parts: named.len() as u16 },
        anew: None,
        pieces: named.iter().map(|(_, _, seed, len)| (*seed, *len)).collect(),
    });
    let completed = |&(number, etag, ..): &(u16, Etag, u64, usize)| CompletedPart {
        part: PartNumber::new(u32::from(number)).unwrap(),
        etag,
        checksum: None,
    };
    let request = CompleteRequest {
        upload: at.clone(),
        parts: named.iter().map(completed).collect(),
        checksum: None,
        checksum_kind: None,
        size: Some(value.len() as u64),
        condition: WriteCondition::Always,
    };
    let before = may_be_closed(client, index);
    let name = at.key.to_string();
    let was_open = client.shared.model.borrow_mut().send(&name, Some(value));
    let result = client.engine.complete_upload(request).await;
    client.shared.model.borrow_mut().end(&was_open, ended(&result));
    let about = format!("complete upload {index} of {name} with {} parts", named.len());
    client.note(format!("{about}: {}", short(Some(&result))));
    finish(client, index, &about, (before, certain), result.map(drop))
}

async fn abort(client: &mut Client<'_>, index: usize) -> Checked {
    let at = client.shared.uploads.borrow()[index].at.clone();
    let before = may_be_closed(client, index);
    let result = client.engine.abort_upload(&at).await;
    let about = format!("abort upload {index}");
    client.note(format!("{about}: {}", short(Some(&result))));
    finish(client, index, &about, (before, true), result)
}

/// From now on the upload may be closed; tells whether it might be before.
fn may_be_closed(client: &Client<'_>, index: usize) -> bool {
    std::mem::replace(&mut client.shared.uploads.borrow_mut()[index].may_be_closed, true)
}

/// Takes down what a completion or an abort led to. The upload might have been closed before, and its parts
/// may or may not have been certain.
fn finish(
    client: &Client<'_>,
    index: usize,
    about: &str,
    (before, certain): (bool, bool),
    result: Result<(), Error>,
) -> Checked {
    if ended(&result) == Ended::Refused {
        client.shared.uploads.borrow_mut()[index].may_be_closed = before;
    }
    match result {
        Ok(()) => {
            client.shared.uploads.borrow_mut()[index].closed = true;
            Ok(())
        }
        Err(Error::InvalidPart(_) | Error::InvalidPartOrder) if !certain => Ok(()),
        Err(error) => step_failed(client, index, about, &error),
    }
}
