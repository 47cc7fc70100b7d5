//! A store joins a fleet, and leaves it.

use std::path::Path;

use clap::Args;
use mutual_trust::Fingerprint;
use mutual_trust::admin::bundle::{FleetMember, KeySet, Part, Publication};

use super::folder::is_key_set;
use super::node::{self, Which};
use super::publish::{other_digest, with_digest};
use super::words;
use crate::nodes::{LinkArguments, Place, Reach};
use crate::output::{Failure, Outcome};
use crate::plain;

/// The fleet that is joined.
#[derive(Args, Debug)]
#[command(after_help = "\
The digest comes from an administrator, over another channel than the publications: `fleet keys show` prints it. Without
--digest it is asked for before anything is shown. The key set of any version will do that the publication has.

Exit codes: 0 joined. 1 no key set there has this digest (OtherDigest). 2 failed.")]
pub(super) struct Join {
    /// Where the publication is (a file, a folder, or an address), or the file of the key set
    #[arg(value_name = "FILE|FOLDER|ADDRESS")]
    from: Place,
    /// The digest of the key set; without this option, it is asked for
    #[arg(long, value_name = "SHA-256")]
    digest: Option<Fingerprint>,
    /// The part that the node takes; without it, the part of the publication, or all
    #[arg(long)]
    part: Option<Part>,
    /// Join again where the state of the node was lost: no bundle below this sequence is taken. Ask an administrator for the
    /// newest one
    #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(u64).range(1..))]
    again: Option<u64>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    link: LinkArguments,
}

/// The key set with a digest, and the part that goes with it.
fn found(bytes: &[u8], digest: Fingerprint) -> Result<Option<(KeySet, Part)>, Failure> {
    if is_key_set(bytes) {
        let keys = KeySet::read(bytes)?;
        return Ok((keys.digest() == digest).then_some((keys, Part::All)));
    }
    let publication = Publication::read(bytes)?;
    let part = publication.bundle().head().part();
    Ok(with_digest(&publication, digest).map(|keys| (keys, part)))
}

/// Makes a store a node of a fleet.
pub(super) fn join(arguments: &Join, as_json: bool) -> Result<Outcome, Failure> {
    let which = &arguments.which;
    // The store must be there before a person reads a digest out.
    let mut store = which.open()?;
    let heard = words::heard(arguments.digest, as_json)?;
    let about = |failure: Failure| failure.about(&arguments.from);
    let bytes = arguments
        .from
        .bytes(&Reach::of_node(&arguments.link, store.live()))?;
    let Some((keys, part)) = found(&bytes, heard).map_err(about)? else {
        let code = Some(String::from("OtherDigest"));
        return Ok(node::none(false, other_digest()).or_refused(code));
    };
    let is_set = is_key_set(&bytes);
    if let Some(asked) = arguments.part.filter(|asked| !is_set && *asked != part) {
        let text = format!(
            "it has the part `{part}`, and a node of the part `{asked}` takes nothing of it"
        );
        return Err(about(Failure::new("fleet/OtherPart", text)));
    }
    let part = arguments.part.unwrap_or(part);
    let is_whole = arguments.again.is_some() && FleetMember::open(&mut store, keys.fleet()).is_ok();
    let member = match arguments.again {
        None => FleetMember::join(&mut store, keys, heard, part)?,
        Some(least) => FleetMember::rejoin(&mut store, keys, heard, part, least)?,
    };
    let text = format!("{} takes part in it now", shown(which.folder()));
    let mut outcome = node::outcome(&member.state(), true, &text);
    if is_whole {
        let warning = "warning: the state of this node was not lost, and what it held is forgotten: an older bundle from the given sequence on is taken";
        outcome.aside = Some(String::from(warning));
    }
    Ok(outcome)
}

fn shown(folder: &Path) -> String {
    plain::path(folder)
}

/// Ends the membership of a store.
pub(super) fn leave(which: &Which) -> Result<Outcome, Failure> {
    let mut store = which.open()?;
    let member = which.member(&mut store)?;
    let fleet = member.state().fleet;
    member.leave(&mut store)?;
    let text = format!(
        "{} takes part in fleet {fleet} no more; what came from it stays as if it had been installed here",
        shown(which.folder())
    );
    Ok(node::none(true, text))
}
