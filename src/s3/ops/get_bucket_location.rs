//! `GET /bucket?location`: GetBucketLocation.

use crate::types::BucketName;

use super::super::auth::Call;
use super::super::error::Result;
use super::super::response::{Response, xml};
use super::super::xml_write::XmlWriter;

/// Answers the region; us-east-1 is spelled as nothing, as AWS does.
pub(super) async fn run(call: &Call<'_>, bucket: BucketName) -> Result<Response> {
    call.engine().head_bucket(&bucket).await?;
    let mut document = XmlWriter::new(256);
    document.open_root("LocationConstraint");
    if call.region() != "us-east-1" {
        document.text(call.region());
    }
    document.close("LocationConstraint");
    Ok(xml(document.finish()))
}
