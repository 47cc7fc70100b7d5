//! The arguments of a rotation.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::ServerId;

use crate::ours::Kind;
use crate::passphrase::PassphraseArguments;

/// The folder of our identity.
#[derive(Args, Debug)]
pub(crate) struct FolderArguments {
    /// The folder of our identity
    #[arg(long, value_name = "FOLDER")]
    pub(super) folder: PathBuf,
    #[command(flatten)]
    pub(super) passphrase: PassphraseArguments,
}

/// The files of an identity that is copied.
#[derive(Args, Debug)]
pub(crate) struct CreateArguments {
    #[command(flatten)]
    pub(super) place: FolderArguments,
    /// Our certificate, with its issuers behind it
    #[arg(long, value_name = "CHAIN")]
    pub(super) identity: PathBuf,
    /// Our private key
    #[arg(long, value_name = "KEY")]
    pub(super) key: PathBuf,
}

/// The next identity.
#[derive(Args, Debug)]
pub(crate) struct StageArguments {
    #[command(flatten)]
    pub(super) place: FolderArguments,
    /// The next certificate, with its issuers behind it; without it, one is made for the same names, or a request for it
    #[arg(long, value_name = "CHAIN", requires = "key")]
    pub(super) identity: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "KEY", requires = "identity")]
    pub(super) key: Option<PathBuf>,
    /// The answer of a CA to the request of the folder
    #[arg(long, value_name = "FILE", conflicts_with_all = ["identity", "days", "rekey"])]
    pub(super) answer: Option<PathBuf>,
    #[command(flatten)]
    pub(super) made: MadeArguments,
    /// Write the next certificate to this file as well, for the administrators of key servers; it must not exist
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

/// How the next certificate is made.
#[derive(Args, Debug)]
pub(crate) struct MadeArguments {
    /// Make a new private key of this kind, in clear, in place of the same key
    #[arg(long, value_name = "TYPE", num_args = 0..=1, default_missing_value = "p256")]
    pub(super) rekey: Option<Kind>,
    /// Days for which a certificate that is made here is valid
    #[arg(long, default_value_t = 730)]
    pub(super) days: u32,
}

/// The servers that are presented the next identity.
#[derive(Args, Debug)]
pub(crate) struct ActivateArguments {
    /// The servers, by their ids
    #[arg(value_name = "SERVER", required_unless_present = "all")]
    pub(super) servers: Vec<ServerId>,
    /// All servers
    #[arg(long, conflicts_with = "servers")]
    pub(super) all: bool,
    #[command(flatten)]
    pub(super) place: FolderArguments,
    #[command(flatten)]
    pub(super) checked: CheckedArguments,
}

/// The servers that are presented the current identity again.
#[derive(Args, Debug)]
pub(crate) struct BackArguments {
    /// The servers, by their ids; without one, all
    #[arg(value_name = "SERVER")]
    pub(super) servers: Vec<ServerId>,
    /// Delete the next identity as well
    #[arg(long, conflicts_with = "servers")]
    pub(super) drop: bool,
    #[command(flatten)]
    pub(super) place: FolderArguments,
    #[command(flatten)]
    pub(super) checked: CheckedArguments,
}

/// Which servers there are.
#[derive(Args, Debug)]
pub(crate) struct CheckedArguments {
    /// The folder of a store that must have each named server; without it, any id is taken
    #[arg(long, value_name = "FOLDER")]
    pub(super) store: Option<PathBuf>,
}

/// The servers that must have accepted the next identity.
#[derive(Args, Debug)]
pub(crate) struct FinishArguments {
    #[command(flatten)]
    pub(super) place: FolderArguments,
    #[command(flatten)]
    pub(super) known: KnownArguments,
    /// Finish whatever the servers are presented: those that do not accept the next certificate refuse us
    #[arg(long)]
    pub(super) force: bool,
}

/// Which servers are looked at.
#[derive(Args, Debug)]
pub(crate) struct KnownArguments {
    /// The folder of a store, whose servers are looked at; without it, those for which something was said
    #[arg(long, value_name = "FOLDER")]
    pub(super) store: Option<PathBuf>,
}

/// What is shown.
#[derive(Args, Debug)]
pub(crate) struct StatusArguments {
    #[command(flatten)]
    pub(super) place: FolderArguments,
    #[command(flatten)]
    pub(super) known: KnownArguments,
}

/// A renewal by a timer.
#[derive(Args, Debug)]
pub(crate) struct DueArguments {
    /// Renew the identity of a folder, if it is due; fit for a timer
    #[arg(long, requires = "folder", conflicts_with_all = ["identity", "out", "new_key"])]
    pub(crate) when_due: bool,
    /// The folder of our identity
    #[arg(long, value_name = "FOLDER", requires = "when_due")]
    pub(super) folder: Option<PathBuf>,
    /// The share of its life at which the certificate is due at the latest
    #[arg(long, value_name = "0.N", default_value = "0.667", value_parser = thousandths, requires = "when_due")]
    pub(super) fraction: u32,
    /// Up to which share of its life it is due earlier, by a number that is the certificate's own
    #[arg(long, value_name = "0.N", default_value = "0.05", value_parser = thousandths, requires = "when_due")]
    pub(super) jitter: u32,
    /// Where the answer of a CA to our request appears
    #[arg(long, value_name = "FILE", requires = "when_due")]
    pub(super) answer: Option<PathBuf>,
    /// Make a new private key of this kind, in clear, in place of the same key
    #[arg(long, value_name = "TYPE", num_args = 0..=1, default_missing_value = "p256", requires = "when_due")]
    pub(super) rekey: Option<Kind>,
    /// Present it to all servers at once, and delete the old key: only if they trust the CA, or pin a key that stays
    #[arg(long = "use", requires = "when_due")]
    pub(super) use_at_once: bool,
}

/// A share as a decimal number, in thousandths.
fn thousandths(text: &str) -> Result<u32, &'static str> {
    const WRONG: &str = "a share is a number from 0 to 1 with at most three digits: 0.667";
    let digits = text.strip_prefix("0.").or((text == "0").then_some("0"));
    let digits = digits.filter(|digits| {
        (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
    });
    format!("{:0<3}", digits.ok_or(WRONG)?)
        .parse()
        .map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_in_thousandths() {
        for (text, found) in [
            ("0.667", 667),
            ("0.5", 500),
            ("0.05", 50),
            ("0", 0),
            ("0.0", 0),
        ] {
            assert_eq!(thousandths(text), Ok(found), "{text}");
        }
        for bad in ["", "1", "0.", "0.6667", "0,5", "-0.5", "66%", "0.+5"] {
            assert!(thousandths(bad).is_err(), "{bad}");
        }
    }
}
