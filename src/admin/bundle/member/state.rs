//! What a member holds of its fleet.

use std::sync::Arc;

use crate::admin::bundle::error::BundleError;
use crate::admin::bundle::{Bundle, Held, KeySet, Part, Verified};
use crate::certificate::KeyPin;
use crate::store::TrustSnapshot;
use crate::store::fleet::Made;

/// A publication that was verified.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The whole publication.
    pub(super) bytes: Arc<[u8]>,
    pub(super) bundle: Bundle,
    /// Who signed it.
    pub(super) signers: Vec<KeyPin>,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// The content of the file of a member.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    /// The trusted key set, and the newest sequence.
    pub(super) held: Held,
    /// The least sequence, of a node that joined again.
    pub(super) least: u64,
    /// The generation of the store at which the node joined.
    pub(super) since: u64,
    /// The newest publication.
    pub(super) newest: Option<Kept>,
    /// The bundles that may be in the store: one, if it is known which one was applied last.
    pub(super) earlier: Vec<Kept>,
    /// What the fleet may have made in the store.
    pub(super) made: Made,
    /// While a bundle, the last of the earlier ones, is being applied: the generation of the store before it, and what the
    /// fleet had made before.
    pub(super) attempt: Option<(u64, Made)>,
}

/// Most bundles that are kept as possibly applied. Each is one change that was interrupted, and after each of which another
/// bundle came before the store was reached again.
const MAX_EARLIER: usize = 3;

impl State {
    /// A node that joins.
    pub(super) fn new(keys: KeySet, part: Part, least: u64, since: u64) -> Self {
        Self {
            held: Held::new(keys, part),
            least,
            since,
            newest: None,
            earlier: Vec::new(),
            made: Made::default(),
            attempt: None,
        }
    }

    /// Takes a verified publication as the newest.
    pub(super) fn hold(&mut self, bytes: &[u8], verified: &Verified) -> Result<(), BundleError> {
        let (held, offered) = (self.least, verified.head().sequence());
        if offered < held {
            return Err(BundleError::SequenceBelow { held, offered });
        }
        self.held = verified.held().clone();
        self.newest = Some(Kept {
            bytes: bytes.into(),
            bundle: verified.bundle().clone(),
            signers: verified.signers().to_vec(),
        });
        Ok(())
    }

    /// Finds out whether a change that was begun is in the store. If that is not sure, its bundle counts as one that may be.
    pub(super) fn resolve(&mut self, generation: u64) {
        if let Some((over, before)) = self.attempt.take()
            && over == generation
        {
            self.earlier.pop();
            self.made = before;
        }
    }

    /// Begins a change to the newest bundle.
    pub(super) fn begin(&mut self, generation: u64, made: &Made) {
        let both = union(&self.made, made);
        let before = core::mem::replace(&mut self.made, both);
        self.earlier.extend(self.newest.clone());
        if self.earlier.len() > MAX_EARLIER {
            self.earlier.remove(1);
        }
        self.attempt = Some((generation, before));
    }

    /// The newest bundle is in the store.
    pub(super) fn settle(&mut self, made: Made) {
        self.earlier = self.newest.clone().into_iter().collect();
        self.made = made;
        self.attempt = None;
    }

    /// The bundle that was applied last, if it is known.
    pub(super) fn applied(&self) -> Option<&Kept> {
        match (self.earlier.as_slice(), &self.attempt) {
            ([applied], None) => Some(applied),
            _ => None,
        }
    }

    /// Whether the newest bundle was applied last.
    pub(super) fn is_settled(&self) -> bool {
        let digest = |kept: &Kept| kept.bundle.digest();
        self.applied().map(digest) == self.newest.as_ref().map(digest)
    }

    /// What the bundles say that may be in the store.
    pub(super) fn said(
        &self,
        read: impl FnMut(&Bundle) -> Result<TrustSnapshot, BundleError>,
    ) -> Result<Vec<TrustSnapshot>, BundleError> {
        let earlier = self.earlier.iter().map(|kept| &kept.bundle);
        earlier.map(read).collect()
    }
}

/// Both together.
fn union(one: &Made, other: &Made) -> Made {
    let mut both = one.clone();
    both.servers.extend(other.servers.iter().cloned());
    both.groups.extend(other.groups.iter().cloned());
    both.names.extend(other.names.iter().cloned());
    both
}
