//! `store crl fetch`: revocation lists by addresses that an administrator names.

#[cfg_attr(not(feature = "http"), path = "fetch/off.rs")]
mod lists;

#[cfg(feature = "http")]
use std::path::PathBuf;

use clap::Args;
use mutual_trust::certificate::Crl;

use super::make::Common;
use crate::nodes::LinkFiles;
use crate::output::{Failure, Outcome};

/// The addresses, and for how long they are followed.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The issuers are checked from their first list on. Lists are signed, so http:// is enough. An address in a certificate of a peer is
never asked, and a redirect is not followed. A list that was fetched stays until a newer one is: also if its address fails.

`store plan crl fetch`, or --dry-run, shows what the lists would do, and changes nothing.

With --follow, each address is asked when half of what is left of its list is over, at least once an hour; it answers that
nothing changed by its ETag.

Exit codes: 0 each address had a good list, and the store has it. 1 one had none, or one of another issuer (ListNotFetched); its list
has ended (ListEnded), or ends soon and no newer one came (ListEndsSoon). 2 failed.")]
pub(super) struct FetchArguments {
    /// An address (http:// or https://), and the file with the certificate of an issuer whose lists it has; for each further
    /// issuer or address, it can be given again
    #[arg(long, num_args = 2, required = true, value_names = ["URL", "ISSUER"])]
    list: Vec<String>,
    /// Go on, fetch each list before it ends, and print the state when it changes
    #[arg(long)]
    follow: bool,
    /// End after this many seconds
    #[arg(long = "for", value_name = "SECONDS", requires = "follow", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    #[command(flatten)]
    link: LinkFiles,
}

impl FetchArguments {
    /// What the addresses have now, for a plan.
    pub(super) fn planned(&self) -> Result<Vec<Crl>, Failure> {
        lists::planned(self)
    }

    /// Each address once, with the files of its issuers.
    #[cfg(feature = "http")]
    fn addresses(&self) -> Vec<(&str, Vec<PathBuf>)> {
        let mut all: Vec<(&str, Vec<PathBuf>)> = Vec::new();
        for words in self.list.chunks_exact(2) {
            let [address, issuer] = words else {
                continue;
            };
            let issuer = PathBuf::from(issuer);
            match all.iter_mut().find(|(known, _)| known == address) {
                Some((_, issuers)) => issuers.push(issuer),
                None => all.push((address, vec![issuer])),
            }
        }
        all
    }
}

/// Fetches once, or until the end.
pub(super) fn run(
    common: &Common,
    arguments: &FetchArguments,
    as_json: bool,
) -> Result<Outcome, Failure> {
    common.changes_unasked("`store crl fetch` installs what its addresses have; plan it before")?;
    lists::run(common, arguments, as_json)
}
