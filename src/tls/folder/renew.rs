//! Renews the identity of a folder when it is due: makes the next certificate, or a request for it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::IdentityFolder;
use super::disk::Held;
use super::loaded::{New, commit};
use super::state::{IdentityState, RequestState, file_name};
use crate::certificate::error::with_causes;
use crate::certificate::{Certificate, Fingerprint, Timestamp};
use crate::identity::error::{IdentityError, IssueError, ReadFileError};
use crate::identity::{
    CertificateChain, CertificateRequest, CertificateSpec, GeneratedKey, KeyType, RenewalSchedule,
    is_self_signed, read_private,
};
use crate::limits::{MAX_KEY_FILE_BYTES, MAX_REQUEST_BYTES};
use crate::tls::error::FolderError;
use crate::tls::{Identity, SigningKeyPair};

/// How the identity of a folder is renewed.
///
/// ```
/// use mutual_trust::identity::{KeyType, RenewalSchedule};
/// use mutual_trust::tls::Renewal;
///
/// let renewal = Renewal::new(RenewalSchedule::new()).with_days(365).with_new_key(KeyType::P256);
/// # let _ = renewal;
/// ```
#[derive(Clone, Debug)]
pub struct Renewal {
    schedule: RenewalSchedule,
    days: u32,
    new_key: Option<KeyType>,
    answer: Option<PathBuf>,
    is_used_at_once: bool,
}

impl Renewal {
    /// Renews by a schedule, for the same key, and stages the next identity.
    pub fn new(schedule: RenewalSchedule) -> Self {
        Self {
            schedule,
            // Two years: as long as `identity new` makes them.
            days: 730,
            new_key: None,
            answer: None,
            is_used_at_once: false,
        }
    }

    /// The days for which a self-signed certificate is valid.
    #[must_use]
    pub fn with_days(mut self, days: u32) -> Self {
        self.days = days;
        self
    }

    /// Makes a new key for the next certificate.
    ///
    /// # Security
    /// It is written in clear, in a file that only its owner can read, also if the current key is encrypted.
    #[must_use]
    pub fn with_new_key(mut self, kind: KeyType) -> Self {
        self.new_key = Some(kind);
        self
    }

    /// Takes the answer of a CA from this file, once it is there and belongs to the request. It must be valid now, end later
    /// than the current certificate, and have its subject and names. An answer that is otherwise is left to a person:
    /// [`IdentityFolder::stage_answer`].
    #[must_use]
    pub fn with_answer(mut self, file: impl Into<PathBuf>) -> Self {
        self.answer = Some(file.into());
        self
    }

    /// Presents the next identity to all servers at once, and deletes the old key.
    ///
    /// # Security
    /// Only for key servers that accept the next certificate without their administrators: they trust the CA, or they pin
    /// the key and the key stays. All others refuse us from then on.
    #[must_use]
    pub fn with_use_at_once(mut self) -> Self {
        self.is_used_at_once = true;
        self
    }
}

/// What became of a renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenewalOutcome {
    /// It is not due yet.
    #[non_exhaustive]
    NotDue {
        /// When it is.
        #[doc(hidden)]
        due: Timestamp,
    },
    /// The next identity was made and staged, or is presented to all.
    #[non_exhaustive]
    Renewed {
        /// The fingerprint of its certificate.
        #[doc(hidden)]
        certificate: Fingerprint,
        /// Whether it is presented to all, and the old key is deleted.
        #[doc(hidden)]
        is_used: bool,
    },
    /// A next identity was staged before, and the rotation is not finished.
    #[non_exhaustive]
    Staged {
        /// The fingerprint of its certificate.
        #[doc(hidden)]
        certificate: Fingerprint,
        /// Whether the current certificate ends soon.
        #[doc(hidden)]
        is_late: bool,
    },
    /// A CA has to answer a request.
    #[non_exhaustive]
    Waiting {
        /// The file of the request.
        #[doc(hidden)]
        request: PathBuf,
        /// Whether it was made by this call.
        #[doc(hidden)]
        is_new: bool,
        /// Why the file of the answer was not taken, if there is one.
        #[doc(hidden)]
        answer: Option<String>,
        /// Whether the current certificate ends soon.
        #[doc(hidden)]
        is_late: bool,
    },
}

impl RenewalOutcome {
    /// Whether a person must act soon: the current certificate ends, and the renewal is not finished.
    pub fn is_late(&self) -> bool {
        match self {
            Self::NotDue { .. } | Self::Renewed { .. } => false,
            Self::Staged { is_late, .. } | Self::Waiting { is_late, .. } => *is_late,
        }
    }
}

impl IdentityFolder<'_> {
    /// Renews the current identity if it is due. A self-signed certificate is made here. For one of a CA, a request is made,
    /// and its answer is taken by a later call. Call it each hour: it does nothing if there is nothing to do.
    ///
    /// # Errors
    /// The clock is unset; or the certificate or request cannot be made; or the folder cannot be read or written. What was
    /// begun is begun anew by the next call.
    pub fn renew_when_due(&self, renewal: &Renewal) -> Result<RenewalOutcome, FolderError> {
        self.renewed(renewal, false)
    }

    /// Does the same, whether or not it is due.
    ///
    /// # Errors
    /// As [`renew_when_due`](Self::renew_when_due).
    pub fn renew_now(&self, renewal: &Renewal) -> Result<RenewalOutcome, FolderError> {
        self.renewed(renewal, true)
    }

    fn renewed(&self, renewal: &Renewal, is_asked: bool) -> Result<RenewalOutcome, FolderError> {
        let mut outcome = None;
        self.change(|held, state| {
            outcome = Some(self.renew(held, state, renewal, is_asked)?);
            Ok(())
        })?;
        // The closure ran, or the call failed.
        outcome.ok_or_else(|| FolderError::Issue(IssueError::ClockUnset))
    }

    /// Stages the identity that a CA's answer to the request of this folder makes.
    ///
    /// # Errors
    /// There is no request, or the answer is to another one or is not valid now; or a next identity is presented to
    /// servers.
    pub fn stage_answer(&self, answer: impl AsRef<Path>) -> Result<IdentityState, FolderError> {
        let chain = CertificateChain::from_file(answer)?;
        self.change(|held, state| {
            let request = state
                .request
                .clone()
                .ok_or_else(|| FolderError::NoRequest {
                    path: self.path.clone(),
                })?;
            let new = self.answered(state, &request, chain)?;
            self.stage_new(held, state, &new)
        })
    }

    fn renew(
        &self,
        held: &Held,
        state: &mut IdentityState,
        renewal: &Renewal,
        is_asked: bool,
    ) -> Result<RenewalOutcome, FolderError> {
        let schedule = &renewal.schedule;
        let current = self.chain(state.current)?;
        let leaf = current.leaf();
        let unset = || FolderError::Issue(IssueError::ClockUnset);
        let is_late = schedule.is_late(leaf, self.now()).ok_or_else(unset)?;
        if let Some(certificate) = state.next() {
            return Ok(RenewalOutcome::Staged {
                certificate,
                is_late,
            });
        }
        if !is_asked && schedule.is_due(leaf, self.now()) != Some(true) {
            let due = schedule.due(leaf);
            return Ok(RenewalOutcome::NotDue { due });
        }
        if is_self_signed(leaf) {
            let new = self.made(state, renewal)?;
            return self.take(held, state, &new, renewal);
        }
        let (request, is_new) = match state.request.clone() {
            Some(request) => (request, false),
            None => {
                let request = self.ask(held, state, renewal)?;
                state.request = Some(request.clone());
                (request, true)
            }
        };
        let mut why = None;
        if let Some(answer) = renewal.answer.as_ref().filter(|answer| answer.exists()) {
            // Another program writes it. What is not whole, or belongs to another key, is looked at again by the next call.
            match self.answer(state, &request, answer) {
                Ok((new, _)) if new.certificate == state.current => {}
                Ok((new, certificate)) => match unfit(&certificate, leaf) {
                    None => return self.take(held, state, &new, renewal),
                    unfit => why = unfit,
                },
                Err(error) => why = Some(with_causes(&error)),
            }
        }
        Ok(RenewalOutcome::Waiting {
            request: self.path.join(request.name + ".csr"),
            is_new,
            answer: why,
            is_late,
        })
    }

    /// Stages what was made, or presents it to all.
    fn take(
        &self,
        held: &Held,
        state: &mut IdentityState,
        new: &New,
        renewal: &Renewal,
    ) -> Result<RenewalOutcome, FolderError> {
        self.stage_new(held, state, new)?;
        if renewal.is_used_at_once {
            commit(state)?;
        }
        Ok(RenewalOutcome::Renewed {
            certificate: new.certificate,
            is_used: renewal.is_used_at_once,
        })
    }

    /// Makes the next self-signed certificate.
    fn made(&self, state: &IdentityState, renewal: &Renewal) -> Result<New, FolderError> {
        let old = self.identity(state.current)?;
        match renewal.new_key {
            None => {
                let new = old.renew(renewal.days, self.now(), &self.provider)?;
                Ok(New::of(&new, self.key_content(state)?))
            }
            Some(kind) => {
                let (pair, content) = self.new_key(kind)?;
                let new = old.rekey(&pair, renewal.days, self.now())?;
                Ok(New::of(&new, content))
            }
        }
    }

    fn new_key(&self, kind: KeyType) -> Result<(SigningKeyPair, Zeroizing<Vec<u8>>), FolderError> {
        let new = GeneratedKey::generate(kind)?;
        let content = new.to_pem();
        Ok((
            SigningKeyPair::new(new.into_key()?, &self.provider)?,
            content,
        ))
    }

    /// The file of the current key.
    fn key_content(&self, state: &IdentityState) -> Result<Zeroizing<Vec<u8>>, FolderError> {
        let path = self.file(state.current, ".key");
        let read = read_private(&path, MAX_KEY_FILE_BYTES);
        read.map_err(|source| FolderError::from_key_file(&path, source))
    }

    /// Makes a request with the names of the current certificate, and writes it and its key. The state names them
    /// afterwards.
    fn ask(
        &self,
        held: &Held,
        state: &IdentityState,
        renewal: &Renewal,
    ) -> Result<RequestState, FolderError> {
        let old = self.identity(state.current)?;
        let (request, key) = match renewal.new_key {
            None => (old.request_renewal(&self.provider)?, None),
            Some(kind) => {
                let (pair, content) = self.new_key(kind)?;
                let spec = CertificateSpec::from_template(old.certificate())?;
                (pair.request(&spec)?, Some(content))
            }
        };
        let name = file_name(Fingerprint::over(request.der()));
        if let Some(content) = &key {
            held.write(&self.path.join(name.clone() + ".key"), content)?;
        }
        let file = self.path.join(name.clone() + ".csr");
        held.write(&file, request.to_pem().as_bytes())?;
        Ok(RequestState {
            name,
            has_new_key: key.is_some(),
            since: self.now().into(),
        })
    }

    /// The identity that the file of an answer makes, and its certificate.
    fn answer(
        &self,
        state: &IdentityState,
        request: &RequestState,
        file: &Path,
    ) -> Result<(New, Certificate), FolderError> {
        let chain = CertificateChain::from_file(file)?;
        let certificate = chain.leaf().clone();
        Ok((self.answered(state, request, chain)?, certificate))
    }

    /// The identity that an answer to a request makes.
    fn answered(
        &self,
        state: &IdentityState,
        request: &RequestState,
        answer: CertificateChain,
    ) -> Result<New, FolderError> {
        let path = self.path.join(request.name.clone() + ".csr");
        let unread = |source: ReadFileError| IdentityError::ChainFile {
            path: path.clone(),
            source,
        };
        let text = read_private(&path, MAX_REQUEST_BYTES).map_err(unread)?;
        let asked = CertificateRequest::from_pem(&text)?;
        let content = if request.has_new_key {
            let path = self.path.join(request.name.clone() + ".key");
            let read = read_private(&path, MAX_KEY_FILE_BYTES);
            read.map_err(|source| FolderError::from_key_file(&path, source))?
        } else {
            self.key_content(state)?
        };
        let pair = SigningKeyPair::new(self.reader.bytes(&content)?, &self.provider)?;
        let identity: Identity = pair.install(&asked, answer)?;
        self.check_dates(identity.certificate())?;
        Ok(New::of(&identity, content))
    }
}

/// Why an answer does not take the place of the current certificate while no person looks at it.
fn unfit(answer: &Certificate, current: &Certificate) -> Option<String> {
    let (ends, now) = (
        answer.validity().not_after(),
        current.validity().not_after(),
    );
    if ends <= now {
        return Some(format!(
            "its certificate ends at {ends}, no later than the current one at {now}"
        ));
    }
    // The current one is this CA's answer to the same names: key servers know us by them.
    let is_kept = CertificateSpec::is_kept(answer, current);
    (!is_kept).then(|| {
        String::from("its certificate has another subject or other names than the current one")
    })
}
