//! What the files of a source contain.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::Feeds;
use super::read::Read;
use crate::admin::follow::error::{SourceError, TRUST_NONE};
use crate::certificate::error::with_causes;
use crate::certificate::pem::is_der;
use crate::certificate::{Certificate, Crl, Fingerprint};

/// The line with which a file says that no peer is trusted.
const TRUST_NOBODY: &str = "trust nobody";

/// What a source has, to be installed.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) digest: [u8; 32],
    pub(super) certificates: Vec<Found<Certificate>>,
    pub(super) fingerprints: BTreeSet<Fingerprint>,
    pub(super) lists: Vec<Found<Crl>>,
    /// Files of revocation lists that cannot be read. Each list stands by itself (rule C4), so the others are installed.
    pub(super) faults: Vec<String>,
}

/// A certificate or list, and the file that it is in.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) item: T,
    pub(super) path: Arc<Path>,
}

impl Read {
    /// What all files contain, each item once.
    pub(super) fn content(&self, feeds: &Feeds) -> Result<Content, SourceError> {
        match feeds {
            Feeds::RevocationLists => Ok(self.lists()),
            Feeds::Pins(_) | Feeds::Authorities(_) | Feeds::Intermediates => self.certificates(),
        }
    }

    /// The certificates of all files, or an explicit statement that no peer is trusted.
    fn certificates(&self) -> Result<Content, SourceError> {
        let mut trusts_none = None;
        let mut content = self.nothing();
        for (path, bytes) in self.files() {
            if bytes.is_empty() {
                let (path, hint) = (path.clone(), TRUST_NONE);
                return Err(SourceError::Empty { path, hint });
            }
            if says_no_peer(bytes) {
                trusts_none = Some(path);
                continue;
            }
            let found = Certificate::many_from_pem(bytes);
            let found = found.map_err(|source| SourceError::Certificates {
                path: path.clone(),
                source,
            })?;
            if lines(bytes).any(|line| line == TRUST_NOBODY) {
                let path = path.clone();
                return Err(SourceError::Contradiction { path });
            }
            let path: Arc<Path> = Arc::from(path.as_path());
            for item in found {
                if content.fingerprints.insert(item.fingerprint()) {
                    let path = path.clone();
                    content.certificates.push(Found { item, path });
                }
            }
        }
        match trusts_none {
            Some(path) if !content.certificates.is_empty() => {
                Err(SourceError::Contradiction { path: path.clone() })
            }
            _ => Ok(content),
        }
    }

    /// The revocation lists of the files that can be read, in PEM or in DER, as CAs publish them.
    fn lists(&self) -> Content {
        let mut content = self.nothing();
        for (path, bytes) in self.files() {
            match lists_in(path, bytes) {
                Ok(found) => {
                    let path: Arc<Path> = Arc::from(path.as_path());
                    for item in found {
                        if content.fingerprints.insert(item.fingerprint()) {
                            let path = path.clone();
                            content.lists.push(Found { item, path });
                        }
                    }
                }
                Err(error) => content.faults.push(with_causes(&error)),
            }
        }
        content
    }

    fn nothing(&self) -> Content {
        Content {
            digest: self.digest,
            certificates: Vec::new(),
            fingerprints: BTreeSet::new(),
            lists: Vec::new(),
            faults: Vec::new(),
        }
    }
}

fn lists_in(path: &Path, bytes: &[u8]) -> Result<Vec<Crl>, SourceError> {
    if bytes.is_empty() {
        let (path, hint) = (path.to_owned(), TRUST_NONE);
        return Err(SourceError::Empty { path, hint }.of_lists());
    }
    let found = if is_der(bytes) {
        Crl::from_der(bytes).map(|list| vec![list])
    } else {
        Crl::many_from_pem(bytes)
    };
    found.map_err(|source| SourceError::Lists {
        path: path.to_owned(),
        source,
    })
}

fn says_no_peer(content: &[u8]) -> bool {
    let mut said = lines(content);
    said.next() == Some(TRUST_NOBODY) && said.next().is_none()
}

/// The lines of a file. None if it is not text.
fn lines(content: &[u8]) -> impl Iterator<Item = &str> {
    let text = core::str::from_utf8(content).unwrap_or("");
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
