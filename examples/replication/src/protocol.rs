//! How an array reads its key: a frame with the name of the key, and a frame with the key. A real key server speaks KMIP
//! here; who may connect and who the peer is does not depend on it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Reads a frame: its length in a byte, and its content. `None` if the peer has closed the connection.
pub(crate) async fn read_frame(link: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let length = match link.read_u8().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut content = vec![0; usize::from(length)];
    link.read_exact(&mut content).await?;
    Ok(Some(content))
}

/// Writes a frame.
pub(crate) async fn write_frame(
    link: &mut (impl AsyncWrite + Unpin),
    content: &[u8],
) -> io::Result<()> {
    let length = u8::try_from(content.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut frame = vec![length];
    frame.extend_from_slice(content);
    link.write_all(&frame).await?;
    link.flush().await
}

/// Asks for a key. No answer and an empty one are errors: the server did not serve.
pub(crate) async fn ask(
    link: &mut (impl AsyncRead + AsyncWrite + Unpin),
    name: &str,
) -> io::Result<Vec<u8>> {
    write_frame(link, name.as_bytes()).await?;
    match read_frame(link).await? {
        Some(key) if !key.is_empty() => Ok(key),
        Some(_) => Err(io::Error::other("the key server has no such key for us")),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
