//! Our own identity in files that another program replaces.

use core::error::Error;
use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

#[cfg(feature = "admin")]
use super::folder::{FolderIdentities, IdentityFolder};
use super::{Identities, Identity};
use crate::identity::error::IdentityError;
use crate::identity::{CertificateChain, FileState, KeyReader};
use crate::limits::MAX_UNSETTLED_POLLS;
#[cfg(feature = "admin")]
use crate::tls::error::FolderError;

/// Our own chain and private key in files that another program replaces, such as a mounted secret: read again when they
/// change, as a pair, and presented by the configurations of its [`Identities`] without a restart.
///
/// Call [`poll`](Self::poll) every few seconds, or on a signal. A pair is taken over when two polls in a row find both files
/// unchanged, and only if the key belongs to the chain. Two files cannot be replaced at one moment, so a pair of which only
/// one file is new waits for the next poll. Until then, and if the new pair is never usable, the old one is presented.
///
/// A change applies to handshakes after the poll. Open connections go on.
///
/// ```no_run
/// use mutual_trust::error::IdentityError;
/// use mutual_trust::identity::KeyReader;
/// use mutual_trust::tls::FollowedIdentity;
/// # #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
/// # fn main() -> Result<(), IdentityError> {
/// let provider = mutual_trust::tls::provider::default_provider();
/// let (chain, key) = ("/etc/kms-tls/tls.crt", "/etc/kms-tls/tls.key");
/// let mut followed = FollowedIdentity::from_files(chain, key, KeyReader::new(), provider)?;
/// let identities = followed.identities(); // for `ClientConfigBuilder::new` and `ServerConfigBuilder::new`
/// # let _ = identities;
/// loop {
///     match followed.poll() {
///         Ok(true) => println!("presented from now on: {:?}", followed.identities()),
///         Ok(false) => {}
///         Err(error) => eprintln!("the files are not usable, and the identity from before is presented: {error}"),
///     }
///     std::thread::sleep(std::time::Duration::from_secs(10));
/// }
/// # }
/// # #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
/// # fn main() {}
/// ```
///
/// # Security
/// A program that can write the files decides what we present. Follow files only if the peers accept a new certificate
/// without their administrators: they trust the CA, or they pin the key and the key stays. Otherwise every peer refuses us
/// after the replacement: use [`Identities::stage`] instead.
pub struct FollowedIdentity {
    place: Place,
    identities: Identities,
    /// The files of the identity that is presented.
    taken: Option<Files>,
    /// The files as the last poll found them, if they were not taken over.
    seen: Option<Files>,
    /// The polls in a row that found the files changed.
    unsettled: usize,
    /// The polls in a row that found files that could not be used.
    failed: usize,
}

/// Where our identity is.
enum Place {
    /// In two files, which may be the same one.
    Files {
        chain: PathBuf,
        key: PathBuf,
        reader: KeyReader<'static>,
        provider: Arc<CryptoProvider>,
    },
    /// In a folder, whose state names the files.
    #[cfg(feature = "admin")]
    Folder(IdentityFolder<'static>),
}

/// The state of both files. Of a folder, the state of its one file is that of both.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    chain: FileState,
    key: FileState,
}

impl FollowedIdentity {
    /// Reads the chain and the key from their files; both may be the same.
    ///
    /// # Errors
    /// As [`Identity::from_files`]: an identity that cannot be used is an error at the start (rule K3). If the files are being
    /// replaced at this moment, the key does not match: try again.
    pub fn from_files(
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
        reader: KeyReader<'static>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, IdentityError> {
        let (chain, key) = (chain.into(), key.into());
        let taken = Files::at(&chain, &key);
        let identity = read(&chain, &key, reader, &provider)?;
        let place = Place::Files {
            chain,
            key,
            reader,
            provider,
        };
        Ok(Self::new(place, Identities::new(identity), taken))
    }

    /// Follows a folder that another process rotates, such as the command `mutual-trust identity`. Each server is presented
    /// what the state of the folder says, from the poll after a change on.
    ///
    /// # Errors
    /// There is no usable identity in the folder.
    #[cfg(feature = "admin")]
    pub fn from_folder(folder: IdentityFolder<'static>) -> Result<Self, FolderError> {
        // Looked at first: a change while the identities are read is seen by the next poll.
        let taken = Files::at(&folder.state_file(), &folder.state_file());
        let identities = folder.identities()?;
        Ok(Self::new(Place::Folder(folder), identities, taken))
    }

    fn new(place: Place, identities: Identities, taken: Option<Files>) -> Self {
        Self {
            place,
            identities,
            taken,
            seen: None,
            unsettled: 0,
            failed: 0,
        }
    }

    /// What the configurations present, for their builders. All clones follow the files.
    pub fn identities(&self) -> Identities {
        self.identities.clone()
    }

    /// Looks at the files, and reads them if they changed. `true` if another identity is presented from now on. `false` if
    /// nothing changed, or if new files were seen that the next poll may take over.
    ///
    /// The private key is read only after its file or that of the chain changed.
    ///
    /// # Errors
    /// The files could not be used at any of eight polls: they changed before each, or each attempt to read them failed; the
    /// error has the last reason. The identity from before is presented, and the next poll tries again.
    pub fn poll(&mut self) -> Result<bool, IdentityError> {
        let found = self.place.found();
        if found.is_some() && found == self.taken {
            self.seen = None;
            (self.unsettled, self.failed) = (0, 0);
            return Ok(false);
        }
        // A file that is missing is looked for at once, to say which.
        // The state of a folder is replaced in one step.
        let settled = found.is_none() || found == self.seen || self.place.is_whole();
        self.seen = found;
        if !settled {
            self.unsettled = self.unsettled.saturating_add(1);
            return self.wait(self.unsettled, IdentityError::FilesChanging);
        }
        let loaded = self.place.load(&self.identities);
        if self.place.found() != self.seen {
            self.unsettled = self.unsettled.saturating_add(1);
            return self.wait(self.unsettled, IdentityError::FilesChanging);
        }
        self.unsettled = 0;
        match loaded {
            Ok(loaded) => {
                let is_new = loaded.present(&self.identities);
                self.taken = self.seen.take();
                self.failed = 0;
                Ok(is_new)
            }
            Err(error) => {
                self.failed = self.failed.saturating_add(1);
                self.wait(self.failed, error)
            }
        }
    }

    /// An error only if it lasts: a program is replacing the files at this moment, or has not begun with the second one.
    fn wait(&self, polls: usize, error: impl Into<Fault>) -> Result<bool, IdentityError> {
        if polls < MAX_UNSETTLED_POLLS {
            return Ok(false);
        }
        let (chain, key) = self.place.paths();
        Err(IdentityError::Followed {
            chain,
            key,
            polls,
            source: error.into(),
        })
    }
}

type Fault = Box<dyn Error + Send + Sync>;

impl Place {
    /// The files that change.
    fn paths(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::Files { chain, key, .. } => (chain.clone(), key.clone()),
            #[cfg(feature = "admin")]
            Self::Folder(folder) => (folder.path().to_owned(), folder.state_file()),
        }
    }

    fn found(&self) -> Option<Files> {
        match self {
            Self::Files { chain, key, .. } => Files::at(chain, key),
            #[cfg(feature = "admin")]
            Self::Folder(folder) => Files::at(&folder.state_file(), &folder.state_file()),
        }
    }

    /// Whether it is replaced in one step, so that it is whole at every poll.
    const fn is_whole(&self) -> bool {
        match self {
            Self::Files { .. } => false,
            #[cfg(feature = "admin")]
            Self::Folder(_) => true,
        }
    }

    fn load(
        &self,
        #[cfg_attr(
            not(feature = "admin"),
            expect(unused_variables, reason = "of folders")
        )]
        presented: &Identities,
    ) -> Result<Loaded, Fault> {
        match self {
            Self::Files {
                chain,
                key,
                reader,
                provider,
            } => Ok(Loaded::Files(read(chain, key, *reader, provider)?)),
            #[cfg(feature = "admin")]
            Self::Folder(folder) => {
                let state = folder.state()?;
                Ok(Loaded::Folder(folder.load(&state, presented)?))
            }
        }
    }
}

/// What was read at a poll.
enum Loaded {
    Files(Identity),
    #[cfg(feature = "admin")]
    Folder(FolderIdentities),
}

impl Loaded {
    /// Presents it. `true` if anything is another than before.
    fn present(self, identities: &Identities) -> bool {
        match self {
            Self::Files(identity) => identities.replace(identity),
            #[cfg(feature = "admin")]
            Self::Folder(loaded) => loaded.present(identities),
        }
    }
}

impl Files {
    fn at(chain: &Path, key: &Path) -> Option<Self> {
        let chain = FileState::at(chain).ok()?;
        let key = FileState::at(key).ok()?;
        Some(Self { chain, key })
    }
}

fn read(
    chain: &Path,
    key: &Path,
    reader: KeyReader<'_>,
    provider: &CryptoProvider,
) -> Result<Identity, IdentityError> {
    Identity::new(
        CertificateChain::from_file(chain)?,
        reader.file(key)?,
        provider,
    )
}

impl fmt::Debug for FollowedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FollowedIdentity")
            .field("files", &self.place.paths())
            .field("identities", &self.identities)
            .finish_non_exhaustive()
    }
}
