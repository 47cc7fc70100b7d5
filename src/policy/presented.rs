//! What a peer presents beside its own certificate, each read when a path first needs it.

use pki_types::CertificateDer;

use super::work::Work;
use crate::certificate::{Certificate, der};
use crate::store::View;

/// A presented certificate: its bytes, the name in them, and what was read.
struct One<'a> {
    bytes: &'a [u8],
    subject: &'a [u8],
    read: Option<Option<Certificate>>,
}

pub(super) struct Presented<'a>(Vec<One<'a>>);

impl<'a> Presented<'a> {
    /// What has no name that can be found completes no path, and is left out; so is the end entity, which some
    /// peers send twice.
    pub(super) fn new(end_entity: &[u8], all: &'a [CertificateDer<'a>]) -> Self {
        let others = all.iter().filter(|bytes| bytes.as_ref() != end_entity);
        let named = others.filter_map(|bytes| {
            Some(One {
                bytes,
                subject: der::subject_of(bytes)?,
                read: None,
            })
        });
        Self(named.collect())
    }

    /// Those with this subject that are certificates, in the order in which they were presented, as far as there is
    /// work left to read them.
    pub(super) fn with_subject(
        &mut self,
        view: &View,
        subject: &[u8],
        work: &Work,
    ) -> Vec<Certificate> {
        let named = self.0.iter_mut().filter(|one| one.subject == subject);
        named
            .filter_map(|one| match &one.read {
                Some(read) => read.clone(),
                None => {
                    let known = view.data().known(one.bytes).cloned();
                    if known.is_none() && work.spend(1).is_err() {
                        return None;
                    }
                    // What cannot be read completes no path.
                    let read = known.or_else(|| Certificate::from_der(one.bytes).ok());
                    one.read = Some(read.clone());
                    read
                }
            })
            .collect()
    }
}
