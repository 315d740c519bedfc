//! Headers of server-side encryption: what a request asks for, and what an answer tells.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::object::{CustomerKey, NewEncryption, ObjectInfo};
use crate::types::{BucketName, Encryption, EncryptionMode};

use super::auth::Call;
use super::error::{Code, Error, Result};
use super::headers::text;

const ALGORITHM: &str = "x-amz-server-side-encryption";
const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const CONTEXT: &str = "x-amz-server-side-encryption-context";
const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// Bytes of an encryption context at most, decoded (AWS KMS: 8 KiB).
const CONTEXT_BYTES_MAX: usize = 8 << 10;

/// The three headers of a client's key.
#[derive(Debug)]
pub(super) struct CustomerHeaders {
    algorithm: &'static str,
    key: &'static str,
    md5: &'static str,
}

/// The key of what is written or read.
pub(super) const CUSTOMER: CustomerHeaders = CustomerHeaders {
    algorithm: "x-amz-server-side-encryption-customer-algorithm",
    key: "x-amz-server-side-encryption-customer-key",
    md5: "x-amz-server-side-encryption-customer-key-md5",
};

/// The key of a copy's source.
pub(super) const SOURCE_CUSTOMER: CustomerHeaders = CustomerHeaders {
    algorithm: "x-amz-copy-source-server-side-encryption-customer-algorithm",
    key: "x-amz-copy-source-server-side-encryption-customer-key",
    md5: "x-amz-copy-source-server-side-encryption-customer-key-md5",
};

/// How a write to a bucket shall be encrypted; `None` leaves it to the bucket.
pub(super) fn requested(
    call: &Call<'_>,
    headers: &HeaderMap,
    bucket: &BucketName,
) -> Result<Option<NewEncryption>> {
    let customer = customer_key(call, headers, &CUSTOMER)?;
    match (managed(headers)?, customer) {
        (managed, None) => Ok(managed),
        (None, Some(_)) if blocks_customer_keys(call, bucket) => Err(Error::with_message(
            Code::AccessDenied,
            "Access Denied because the bucket blocks server-side encryption with customer-provided keys.",
        )),
        (None, Some(key)) => Ok(Some(NewEncryption::Customer(key))),
        (Some(_), Some(_)) => Err(Error::argument(
            ALGORITHM,
            text(headers, ALGORITHM).unwrap_or_default(),
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        )),
    }
}

fn blocks_customer_keys(call: &Call<'_>, bucket: &BucketName) -> bool {
    let rules = call.engine().bucket_rules(bucket);
    let encryption = rules.as_ref().and_then(|rules| rules.encryption.as_ref());
    encryption.is_some_and(|encryption| encryption.blocks_customer_keys())
}

/// SSE-S3 and SSE-KMS.
pub(super) fn managed(headers: &HeaderMap) -> Result<Option<NewEncryption>> {
    let key_id = text(headers, KEY_ID);
    let (context, bucket_key) = (context(headers)?, bucket_key(headers)?);
    match text(headers, ALGORITHM) {
        Some(algorithm @ ("aws:kms" | "aws:kms:dsse")) => Ok(Some(NewEncryption::Kms {
            key_id: key_id.map(str::to_owned),
            context,
            bucket_key: bucket_key.unwrap_or_default(),
            dual_layer: algorithm == "aws:kms:dsse",
        })),
        algorithm if key_id.is_some() || context.is_some() => Err(Error::argument(
            ALGORITHM,
            algorithm.unwrap_or_default(),
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        )),
        None => Ok(None),
        Some("AES256") => Ok(Some(NewEncryption::S3)),
        Some(other) => {
            Err(Error::argument(ALGORITHM, other, "The encryption method specified is not supported"))
        }
    }
}

/// The context is JSON of text to text, in base64.
fn context(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(context) = text(headers, CONTEXT) else { return Ok(None) };
    let decoded = STANDARD.decode(context).ok().filter(|decoded| decoded.len() <= CONTEXT_BYTES_MAX);
    let parsed = decoded.and_then(|decoded| {
        serde_json::from_slice::<std::collections::BTreeMap<String, String>>(&decoded).ok()
    });
    let bad = || {
        Error::argument(
            CONTEXT,
            context,
            "The header must be base64-encoded JSON of keys and values that are texts",
        )
    };
    // What is bound to the object's key is the content and not how it was written down.
    let parsed = parsed.ok_or_else(bad)?;
    Ok(Some(STANDARD.encode(serde_json::to_vec(&parsed).map_err(|_| bad())?)))
}

fn bucket_key(headers: &HeaderMap) -> Result<Option<bool>> {
    match text(headers, BUCKET_KEY) {
        None => Ok(None),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(value) => Err(Error::argument(BUCKET_KEY, value, "The header must be true or false")),
    }
}

/// Refuses an object under a named key to a request that is not signed, or by an old version of signatures (AWS: "Protecting data with
/// SSE-KMS"): whose use of the key it would be is not known.
pub(super) fn refuse_unsigned(call: &Call<'_>, object: &ObjectInfo) -> Result<()> {
    let is_kms = |encryption: &Encryption| matches!(encryption.mode, EncryptionMode::Kms { .. });
    if !object.properties.encryption.as_ref().is_some_and(is_kms) || call.is_signed_by_version_4() {
        return Ok(());
    }
    let given = text(call.headers(), "authorization").unwrap_or("null");
    Err(Error::argument(
        "Authorization",
        given,
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
    ))
}

/// The key that a client brings, whole or not at all.
pub(super) fn customer_key(
    call: &Call<'_>,
    headers: &HeaderMap,
    names: &CustomerHeaders,
) -> Result<Option<CustomerKey>> {
    let (algorithm, key) = (text(headers, names.algorithm), text(headers, names.key));
    let md5 = text(headers, names.md5);
    if algorithm.is_none() && key.is_none() && md5.is_none() {
        return Ok(None);
    }
    if !call.permits_customer_keys() {
        return Err(Error::request(
            "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure \
             connection.",
        ));
    }
    read_customer_key(algorithm, key, md5, names).map(Some)
}

fn read_customer_key(
    algorithm: Option<&str>,
    key: Option<&str>,
    md5: Option<&str>,
    names: &CustomerHeaders,
) -> Result<CustomerKey> {
    const REQUESTS: &str =
        "Requests specifying Server Side Encryption with Customer provided keys must provide";
    if algorithm != Some("AES256") {
        let words = format!("{REQUESTS} a valid encryption algorithm.");
        return Err(Error::argument(names.algorithm, algorithm.unwrap_or_default(), words));
    }
    let missing_key = || Error::argument(names.key, "", format!("{REQUESTS} an appropriate secret key."));
    let key = key.ok_or_else(missing_key)?;
    let Some(md5) = md5 else {
        let words = format!("{REQUESTS} the client calculated MD5 of the secret key.");
        return Err(Error::argument(names.md5, "", words));
    };
    // The key itself is never told back.
    let key = STANDARD.decode(key).ok().and_then(|key| <[u8; 32]>::try_from(key).ok());
    let key = key.ok_or_else(|| {
        Error::argument(names.key, "", "The secret key was invalid for the specified algorithm.")
    })?;
    let key = CustomerKey::new(&key);
    if STANDARD.decode(md5).is_ok_and(|md5| md5 == key.md5()) {
        return Ok(key);
    }
    let words = "The calculated MD5 hash of the key did not match the hash that was provided.";
    Err(Error::argument(names.md5, md5, words))
}

/// Refuses what only a write may ask for.
pub(super) fn refuse_managed(headers: &HeaderMap) -> Result<()> {
    match text(headers, ALGORITHM) {
        None => Ok(()),
        Some(value) => Err(Error::argument(
            ALGORITHM,
            value,
            "x-amz-server-side-encryption header is not supported for this operation.",
        )),
    }
}

/// Tells how something is encrypted.
pub(super) fn describe(mode: Option<&EncryptionMode>, answer: &mut HeaderMap) {
    let mut tell = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.insert(HeaderName::from_static(name), value);
        }
    };
    match mode {
        None => {}
        Some(EncryptionMode::S3) => tell(ALGORITHM, "AES256"),
        Some(EncryptionMode::Kms { key_id, context, bucket_key, dual_layer }) => {
            tell(ALGORITHM, if *dual_layer { "aws:kms:dsse" } else { "aws:kms" });
            tell(KEY_ID, key_id);
            if let Some(context) = context {
                tell(CONTEXT, context);
            }
            if *bucket_key {
                tell(BUCKET_KEY, "true");
            }
        }
        Some(EncryptionMode::Customer { key_md5 }) => {
            tell(CUSTOMER.algorithm, "AES256");
            tell(CUSTOMER.md5, &STANDARD.encode(key_md5));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(header).collect()
    }

    #[test]
    fn managed_keys_are_asked_for_as_aws_documents_it() {
        assert!(managed(&headers(&[])).unwrap().is_none());
        assert!(matches!(managed(&headers(&[(ALGORITHM, "AES256")])), Ok(Some(NewEncryption::S3))));
        let kms = [
            (ALGORITHM, "aws:kms"),
            (KEY_ID, "mine"),
            (BUCKET_KEY, "TRUE"),
            (CONTEXT, "eyJiIjoiMSIsImEiOiIyIn0="),
        ];
        let Some(NewEncryption::Kms { key_id, context, bucket_key, dual_layer }) =
            managed(&headers(&kms)).unwrap()
        else {
            panic!("not SSE-KMS");
        };
        assert_eq!((key_id.as_deref(), bucket_key, dual_layer), (Some("mine"), true, false));
        assert_eq!(STANDARD.decode(context.unwrap()).unwrap(), br#"{"a":"2","b":"1"}"#, "in one order");
        for bad in [
            &[(ALGORITHM, "AES128")][..],
            &[(KEY_ID, "mine")],
            &[(ALGORITHM, "AES256"), (KEY_ID, "mine")],
            &[(ALGORITHM, "aws:kms"), (CONTEXT, "e30")],
            &[(ALGORITHM, "aws:kms"), (CONTEXT, "WzFd")],
            &[(ALGORITHM, "aws:kms"), (BUCKET_KEY, "yes")],
        ] {
            assert_eq!(managed(&headers(bad)).unwrap_err().code, Code::InvalidArgument, "{bad:?}");
        }
    }

    #[test]
    fn a_clients_key_comes_whole_or_is_refused() {
        let key = STANDARD.encode([7; 32]);
        let md5 = STANDARD.encode(CustomerKey::new(&[7; 32]).md5());
        let short = STANDARD.encode([7; 31]);
        let read = |algorithm, key, md5| read_customer_key(algorithm, key, md5, &CUSTOMER);
        assert!(read(Some("AES256"), Some(&key), Some(&md5)).is_ok());
        for (algorithm, key, md5) in [
            (None, Some(&*key), Some(&*md5)),
            (Some("aes"), Some(&key), Some(&md5)),
            (Some("AES256"), None, Some(&md5)),
            (Some("AES256"), Some(&key), None),
            (Some("AES256"), Some(&short), Some(&md5)),
            (Some("AES256"), Some("?"), Some(&md5)),
            (Some("AES256"), Some(&key), Some("AAAA")),
        ] {
            assert_eq!(read(algorithm, key, md5).unwrap_err().code, Code::InvalidArgument);
        }
    }
}
