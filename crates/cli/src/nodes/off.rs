//! The command without the features `http` and `etcd`: files and folders need no link.

use clap::Args;

use crate::passphrase::PassphraseArguments;

/// Nothing is needed.
#[derive(Args, Debug)]
pub(crate) struct LinkArguments {}

/// Nothing is needed.
#[derive(Args, Clone, Debug)]
pub(crate) struct LinkFiles {}

impl LinkFiles {
    /// The same.
    #[expect(clippy::unused_self, reason = "the same call as with a link")]
    pub(crate) const fn with_passphrases(&self, _: PassphraseArguments) -> LinkArguments {
        LinkArguments {}
    }
}
