//! The service of a key server: an array reads its own key, and no other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use mutual_trust_tokio::{Listener, TlsStream};
use tokio::net::TcpStream;

use crate::Outcome;
use crate::protocol::{read_frame, write_frame};

/// The keys of the arrays by the labels of the arrays. Key servers replicate them by their own protocol, which is no
/// matter of trust in certificates.
#[derive(Debug)]
pub(crate) struct Keys(BTreeMap<String, Vec<u8>>);

impl Keys {
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path)?;
        let keys = text.lines().filter_map(|line| line.split_once(' '));
        let keys = keys.map(|(label, key)| (label.to_owned(), key.as_bytes().to_vec()));
        Ok(Self(keys.collect()))
    }
}

/// Serves until the process ends.
pub(crate) async fn serve(mut listener: Listener, keys: Arc<Keys>) {
    loop {
        let (link, _) = listener.accept().await;
        let keys = keys.clone();
        tokio::spawn(async move {
            // An array that goes away, or is no longer trusted, ends its own link alone.
            let _ = answer(link, &keys).await;
        });
    }
}

/// Answers requests. The stream asks about its peer after each change of trust, and ends when the peer is no longer
/// trusted.
async fn answer(mut link: TlsStream<TcpStream>, keys: &Keys) -> io::Result<()> {
    let label = link.peer().label().map(str::to_owned);
    while let Some(name) = read_frame(&mut link).await? {
        // Trust lets the array in. The label that the administrator gave it says what it may have.
        let asked = str::from_utf8(&name).ok();
        let own = label.as_deref().filter(|label| asked == Some(*label));
        let key = own.and_then(|label| keys.0.get(label));
        write_frame(&mut link, key.map_or(&[], Vec::as_slice)).await?;
    }
    Ok(())
}
