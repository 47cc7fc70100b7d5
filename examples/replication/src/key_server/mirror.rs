//! A server that can be promoted serves what the primary publishes, so that the others wait at its hub as well. When it is
//! promoted, its first own publication reaches them at once.
//!
//! Nothing is verified here: who takes a publication over verifies it.

use std::thread;
use std::time::Duration;

use mutual_trust::admin::bundle::Publication;
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::{Fetched, Publisher as _, Tag, Transport, TransportError};

use crate::Outcome;
use crate::console::causes;

/// A hub that fails is asked again after this time.
const PAUSE: Duration = Duration::from_millis(500);

/// Copies what a hub has into a folder, until the process ends.
pub(crate) fn mirror(mut hub: impl Transport + 'static, mut place: Folder) {
    thread::spawn(move || {
        let mut known = None;
        loop {
            match copy(&mut hub, &mut place, &mut known) {
                Ok(()) => {}
                Err(error) => {
                    eprintln!("mirror: {}", causes(&*error));
                    thread::sleep(PAUSE);
                }
            }
        }
    });
}

fn copy(hub: &mut impl Transport, place: &mut Folder, known: &mut Option<Tag>) -> Outcome<()> {
    if let Fetched::New { bytes, tag } = hub.fetch(known.as_ref())? {
        let (here, over) = place.current()?.unzip();
        // An old primary that comes back serves what it published last.
        if age(&bytes)? > here.as_deref().map(age).transpose()?.unwrap_or_default() {
            match place.publish(&bytes, over.as_ref()) {
                // This server published in the meantime: that is newer.
                Ok(_) | Err(TransportError::Superseded { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        *known = Some(tag);
    }
    hub.wait(PAUSE)?;
    Ok(())
}

/// The version of the key set and the sequence of a publication: the greater, the newer.
fn age(publication: &[u8]) -> Outcome<(u64, u64)> {
    let publication = Publication::read(publication)?;
    let head = publication.bundle().head();
    Ok((head.keys_version(), head.sequence()))
}
