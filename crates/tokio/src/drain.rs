//! The end of a connection that is refused.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::limits::{DRAIN_BYTES, DRAIN_TIME};

/// A client that is not accepted: why, and what is left of its connection.
pub(crate) struct Unaccepted<IO> {
    pub(crate) error: io::Error,
    pub(crate) rest: Option<Rest<IO>>,
}

impl<IO> From<io::Error> for Unaccepted<IO> {
    fn from(error: io::Error) -> Self {
        Self { error, rest: None }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Unaccepted<IO> {
    /// The error, once the client has closed.
    pub(crate) async fn drained(self) -> io::Error {
        if let Some(rest) = self.rest {
            rest.drain().await;
        }
        self.error
    }
}

/// What is left of the connection of a client that is not accepted.
pub(crate) enum Rest<IO> {
    /// The handshake failed, and its alert is sent.
    Failed(IO),
    /// The handshake is done.
    Established(Box<TlsStream<IO>>),
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Rest<IO> {
    /// Ends our half, then reads what the client still sends, until it closes.
    ///
    /// A socket that is closed while the client still sends resets the connection (RFC 1122 section 4.2.2.13). A write of
    /// the client then fails, and the client never reads the alert. In TLS 1.3, that is the usual case: the client sends
    /// its first request before it learns of the refusal.
    pub(crate) async fn drain(self) {
        let ending = async {
            match self {
                Self::Failed(mut stream) => end(&mut stream).await,
                Self::Established(mut stream) => {
                    // Sends the `close_notify`.
                    stream.shutdown().await?;
                    end(stream.get_mut().0).await
                }
            }
        };
        // A client that does not close in time loses its alert.
        let _ = timeout(DRAIN_TIME, ending).await;
    }
}

async fn end(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.shutdown().await?;
    let (mut buffer, mut left) = ([0; 1024], DRAIN_BYTES);
    while left > 0 {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        left = left.saturating_sub(count);
    }
    Ok(())
}
