//! `POST /bucket/key?restore`: RestoreObject. No object here is archived, so AWS's answer for one that is not is always
//! right.

use crate::types::{BucketName, ObjectKey};

use super::super::actions::Action;
use super::super::auth::Call;
use super::super::error::{Code, Error, Result};
use super::super::response::Response;
use super::super::versions;

/// Refuses to restore what can be read at once.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName, key: ObjectKey) -> Result<Response> {
    let version = versions::requested(&call.query)?;
    let object = call.open_object(Action::RestoreObject, (&bucket, &key), version).await?;
    let class = object.info().properties.class.name();
    Err(Error::new(Code::InvalidObjectState).detail("StorageClass", class))
}
