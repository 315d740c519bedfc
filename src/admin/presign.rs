//! URLs that let somebody else do one thing with one object for a while.

use super::Refusal;
use super::api::{Presign, PresignMethod, PresignedUrl};
use super::caller::Caller;
use super::status::Facts;
use crate::sigv4::{self, AmzTime, EXPIRES_SECS_MAX, Signer, Slash, encode_into};
use crate::types::{BucketName, ObjectKey, Timestamp};

/// Signs with the access key of the caller. Whether that may do it is asked when the URL is used, as for any signature.
pub(super) fn presign(
    caller: &Caller,
    facts: &Facts,
    host: &str,
    request: &Presign,
) -> Result<PresignedUrl, Refusal> {
    let refuse = |sentence: String| Refusal::BadRequest(sentence);
    let bucket = BucketName::parse(&request.bucket);
    let bucket = bucket.map_err(|_| refuse(format!("{} is no name of a bucket", request.bucket)))?;
    let key = ObjectKey::parse(&request.key);
    let key = key.map_err(|_| refuse("a key has 1 to 1024 bytes".into()))?;
    if !(1..=EXPIRES_SECS_MAX).contains(&request.expires_seconds) {
        return Err(refuse(format!("expires_seconds goes from 1 to {EXPIRES_SECS_MAX}")));
    }
    let mut path = format!("/{}/", bucket.as_str()).into_bytes();
    encode_into(&mut path, key.as_str().as_bytes(), Slash::Keep);
    let (path, query) = (String::from_utf8_lossy(&path).into_owned(), query(caller, request));
    let url = facts.s3.url_beside(host);
    let signer = Signer::new(&caller.access_key, caller.identity.secret.expose(), &facts.region);
    let signed = signer.presign(sigv4::Presign {
        method: match request.method {
            PresignMethod::Get => "GET",
            PresignMethod::Put => "PUT",
        },
        path: &path,
        query: &query,
        host: url.split_once("://").map_or(url.as_str(), |(_, host)| host),
        expires_secs: request.expires_seconds,
        time: AmzTime::from_unix_secs(caller.now.as_secs()),
    });
    let end = caller.now.as_millis().saturating_add(request.expires_seconds * 1000);
    Ok(PresignedUrl { url: format!("{url}{path}?{signed}"), expires: Timestamp::from_millis(end).iso() })
}

/// The parameters beside those of the signature.
fn query(caller: &Caller, request: &Presign) -> String {
    let token = caller.sign_in.as_ref().and_then(|sign_in| sign_in.token());
    let parameters = [
        ("versionId", request.version_id.as_deref()),
        ("response-content-disposition", request.response_content_disposition.as_deref()),
        ("X-Amz-Security-Token", token.map(|token| token.expose())),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let encoded = given.map(|(name, value)| {
        let mut pair = format!("{name}=").into_bytes();
        encode_into(&mut pair, value.as_bytes(), Slash::Encode);
        String::from_utf8_lossy(&pair).into_owned()
    });
    encoded.collect::<Vec<_>>().join("&")
}
