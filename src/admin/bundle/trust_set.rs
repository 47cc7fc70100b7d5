//! The bundle: a head, and the records of a store or a part of it.

use core::fmt;
use std::sync::Arc;

use super::error::BundleError;
use super::head::{BundleHead, TITLE, WHAT};
use super::names::Part;
use super::signature::{Signature, Signer, domain};
use super::text::{Reader, damaged};
use crate::admin::file::{Chosen, PartFault, read_part, write_part};
use crate::certificate::{Fingerprint, KeyPolicy};
use crate::limits::MAX_PUBLICATION_BYTES;
use crate::store::{Slot, TrustSnapshot};

/// A trust set as administrators sign it: a head, and the records of a store or a part of it.
///
/// It has neither the generation and the floor of the store, nor the sources of its entries. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    head: BundleHead,
    /// What is signed: the line of its kind and fleet, and its text.
    message: Arc<Vec<u8>>,
    /// The length of that line.
    domain: usize,
    digest: Fingerprint,
}

impl Bundle {
    /// A bundle with those records of a snapshot that belong to the part of the head.
    ///
    /// # Errors
    /// There is no pin and no authority among them, and the head does not [say so](BundleHead::trusting_none); or it says
    /// so, and there are some. Or they are too large.
    pub fn new(snapshot: &TrustSnapshot, head: BundleHead) -> Result<Self, BundleError> {
        let chosen = chosen(head.part());
        check_stated(&head, trusted(snapshot, chosen))?;
        let mut message = domain(head.fleet(), WHAT);
        let domain = message.len();
        message.push_str(&head.text());
        // Writing to a string cannot fail.
        let _ = write_part(snapshot, chosen, &mut message);
        let (size, limit) = (message.len().saturating_sub(domain), MAX_PUBLICATION_BYTES);
        if size > limit {
            let what = WHAT;
            return Err(BundleError::TooLarge { what, size, limit });
        }
        Ok(Self::of(head, message.into_bytes(), domain))
    }

    fn of(head: BundleHead, message: Vec<u8>, domain: usize) -> Self {
        let digest = Fingerprint::over(message.get(domain..).unwrap_or(&[]));
        Self {
            head,
            message: Arc::new(message),
            domain,
            digest,
        }
    }

    /// Reads the head of what [`to_bytes`](Self::to_bytes) writes. [`snapshot`](Self::snapshot) reads the records.
    ///
    /// # Errors
    /// The text is damaged, too large or of a later version.
    pub fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        let head = Self::read_head(bytes)?;
        let mut message = domain(head.fleet(), WHAT).into_bytes();
        let domain = message.len();
        message.extend_from_slice(bytes);
        Ok(Self::of(head, message, domain))
    }

    fn read_head(bytes: &[u8]) -> Result<BundleHead, BundleError> {
        let mut reader = Reader::new(WHAT, TITLE, bytes, MAX_PUBLICATION_BYTES)?;
        BundleHead::read(&mut reader)
    }

    /// The records as a snapshot of generation 0 without a floor. What `keys` refuses is disabled in it (rule I8).
    ///
    /// # Errors
    /// A record is damaged, out of order, or does not belong to the part. Or there is no pin and no authority and the head
    /// does not say so, or the other way round.
    ///
    /// # Security
    /// Nothing here is verified. [`Held::verify`](super::Held::verify) does that first.
    #[doc(hidden)]
    pub fn snapshot(&self, keys: KeyPolicy) -> Result<TrustSnapshot, BundleError> {
        self.snapshot_knowing(keys, &TrustSnapshot::default())
    }

    /// [`snapshot`](Self::snapshot), which does not read again the certificates that another snapshot has.
    pub(super) fn snapshot_knowing(
        &self,
        keys: KeyPolicy,
        known: &TrustSnapshot,
    ) -> Result<TrustSnapshot, BundleError> {
        let mut reader = Reader::new(WHAT, TITLE, self.to_bytes(), MAX_PUBLICATION_BYTES)?;
        BundleHead::read(&mut reader)?;
        let part = self.head.part();
        let chosen = chosen(part);
        let view =
            read_part(&mut reader.lines, chosen, keys, known).map_err(|fault| match fault {
                PartFault::File(error) => damaged(WHAT, error),
                PartFault::Outside { line, record } => {
                    BundleError::NotInPart { part, line, record }
                }
            })?;
        reader.at_end()?;
        check_stated(&self.head, trusted(&view, chosen))?;
        Ok(view)
    }

    /// Its text. The same records and head give the same bytes.
    pub fn to_bytes(&self) -> &[u8] {
        self.message.get(self.domain..).unwrap_or(&[])
    }

    /// What the keys of its key set sign.
    pub fn to_sign(&self) -> &[u8] {
        &self.message
    }

    /// Signs it.
    ///
    /// # Errors
    /// The signer fails.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Signature, BundleError> {
        Signature::make(self.digest, signer, &self.message)
    }

    /// SHA-256 over its text.
    pub fn digest(&self) -> Fingerprint {
        self.digest
    }

    /// Its head.
    pub fn head(&self) -> &BundleHead {
        &self.head
    }
}

fn chosen(part: Part) -> Chosen {
    Chosen {
        servers: matches!(part, Part::All | Part::Servers),
        clients: matches!(part, Part::All | Part::Systems),
    }
}

/// The number of pins and authorities among the records.
fn trusted(view: &TrustSnapshot, chosen: Chosen) -> usize {
    let entries = view.data().all();
    let trusted = entries.filter(|entry| {
        let key = entry.key();
        key.slot != Slot::Intermediate && chosen.has(&key.scope)
    });
    trusted.count()
}

fn check_stated(head: &BundleHead, entries: usize) -> Result<(), BundleError> {
    match (entries, head.trusts_none()) {
        (0, false) => Err(BundleError::EmptyNotStated),
        (1.., true) => Err(BundleError::NotEmpty { entries }),
        (0, true) | (1.., false) => Ok(()),
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle({:?}, {})", self.head, self.digest)
    }
}
