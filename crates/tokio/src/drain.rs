//! The end of a connection that is refused.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::limits::{DRAIN_BYTES, DRAIN_TIME};

/// Ends our half, then reads what the client still sends, until it closes.
///
/// A socket that is closed while the client still sends resets the connection (RFC 1122 section 4.2.2.13). A write of the
/// client then fails, and the client never reads the alert. In TLS 1.3, that is the usual case: the client sends its first
/// request before it learns of the refusal.
pub(crate) async fn drain(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let reading = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let (mut buffer, mut left) = ([0; 1024], DRAIN_BYTES);
        while let Ok(count) = stream.read(&mut buffer).await {
            left = left.saturating_sub(count);
            if count == 0 || left == 0 {
                return;
            }
        }
    };
    // A client that does not close in time loses its alert.
    let _ = timeout(DRAIN_TIME, reading).await;
}
