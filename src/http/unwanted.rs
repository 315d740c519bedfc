//! Bodies that nobody wants. A client that is refused before it has sent its body goes on sending, and sees a broken pipe in place
//! of the answer if the connection is closed under it.

use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt as _;
use hyper::body::Body;

/// Bytes of an unwanted body that are read and thrown away before the connection is closed instead.
pub const DRAIN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long such a body may take.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(15);

/// Reads a body to its end, within bounds, beside the answer.
pub fn drain_unwanted<B: Body<Data = Bytes> + Send + Unpin + 'static>(body: B) {
    if !body.is_end_stream()
        && let Ok(runtime) = tokio::runtime::Handle::try_current()
    {
        runtime.spawn(tokio::time::timeout(DRAIN_TIME_MAX, drain(body)));
    }
}

async fn drain<B: Body<Data = Bytes> + Unpin>(mut body: B) {
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { return };
        drained += frame.data_ref().map_or(0, Buf::remaining);
    }
}
