//! Publishing: what is published is what a node takes over.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use mutual_trust::admin::bundle::{Held, KeySet, Publication, Signature, Verified};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::error::BundleError;
use mutual_trust::{CurrentTime, Fingerprint};

use super::draft;
use super::folder::{Folder, newest};
use super::words;
use crate::json::{FleetFetched, FleetPublished};
use crate::nodes::{LinkArguments, Place, Reach};
use crate::output::{Failure, Outcome};
use crate::{files, ours, plain};

/// The first line of a signature: a file can have several of them.
const SIGNATURE: &str = "mutual-trust signature ";

/// The signatures, and where the publication goes.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Nothing is published that a node would not take over. The draft keeps its signatures, so that they need not be given again.
If a place fails, the same call goes on with those that lack the publication.
A place that has another publication than the one that this folder published last is left as it is: `fleet fetch` reads it.

Exit codes: 0 published. 1 a node would refuse it: the code says why (TooFewSignatures, KeySetNotSigned, Expired, …). 2 failed.")]
pub(super) struct Publish {
    /// The file of signatures that an administrator sent; it can be given again
    #[arg(long, value_name = "FILE")]
    signature: Vec<PathBuf>,
    /// Where nodes look: a folder, or an address; it can be given again
    #[arg(long, value_name = "FOLDER|ADDRESS", required = true)]
    to: Vec<Place>,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    link: LinkArguments,
}

/// Adds the signatures, verifies, and publishes.
pub(super) fn run(arguments: &Publish) -> Result<Outcome, Failure> {
    let folder = &arguments.folder;
    let mut draft = folder.draft()?;
    let last = folder.last()?;
    let mut not_counted = Vec::new();
    for path in &arguments.signature {
        for signature in signatures(path)? {
            if let Err(error) = draft.add_signature(signature, ours::keys()) {
                let failure = Failure::from(error).about(path.display());
                not_counted.push(failure.message().to_owned());
            }
        }
    }
    folder.write_draft(&draft)?;
    let mut lines = words::bundle_lines(draft.bundle());
    lines.extend(
        not_counted
            .iter()
            .map(|why| format!("warning: a signature does not count: {why}")),
    );
    let verified = match verified(last.as_ref(), &draft)? {
        Ok(verified) => verified,
        Err(error) => {
            let missing = draft::missing(&draft);
            lines.extend(missing.iter().map(draft::needed));
            let failure = Failure::from(error);
            lines.push(format!("refused: {}", failure.message()));
            let fact = fact(&draft, Vec::new(), not_counted, Vec::new());
            let code = code(&failure);
            return Ok(Outcome::of(lines.join("\n"), &fact).or_refused(Some(code)));
        }
    };
    let reach = Reach::new(&arguments.link);
    let mut places = Vec::new();
    for place in &arguments.to {
        // A place that is not reached now fails below, when those before it have the publication.
        if let Ok(mut publisher) = place.publisher(&reach)
            && let Ok(Some((current, _))) = publisher.current()
        {
            replaces(place, last.as_ref(), &draft, &current)?;
        }
    }
    // From here on, a place may have it: another bundle of this number would be a second one.
    folder.publishes(&draft)?;
    for place in &arguments.to {
        put(place, &reach, last.as_ref(), &draft)?;
        lines.push(format!("published at {place}"));
        places.push(place.to_string());
    }
    folder.published(&draft)?;
    let signers: Vec<String> = verified.signers().iter().map(ToString::to_string).collect();
    lines.extend(
        signers
            .iter()
            .map(|signer| format!("  signed by key {signer}")),
    );
    let fact = fact(&draft, signers, not_counted, places);
    Ok(Outcome::of(lines.join("\n"), &fact))
}

fn fact(
    draft: &Publication,
    signers: Vec<String>,
    not_counted: Vec<String>,
    places: Vec<String>,
) -> FleetPublished {
    FleetPublished {
        bundle: words::bundle_fact(draft.bundle()),
        signers,
        not_counted,
        places,
    }
}

/// The code of a refusal: the variant of the error.
pub(super) fn code(failure: &Failure) -> String {
    let kind = failure.kind();
    let variant = kind.split_once('/').map_or(kind, |(_, variant)| variant);
    variant.to_owned()
}

/// The signatures of a file.
fn signatures(path: &Path) -> Result<Vec<Signature>, Failure> {
    let content = files::bytes(path)?;
    let text = String::from_utf8_lossy(&content);
    let mut all: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match all.last_mut() {
            Some(last) if !line.starts_with(SIGNATURE) => last.push_str(line),
            _ => all.push(line.to_owned()),
        }
    }
    let read = |text: &String| Signature::read(text.as_bytes());
    let all: Result<Vec<Signature>, BundleError> = all.iter().map(read).collect();
    all.map_err(|error| Failure::from(error).about(path.display()))
}

/// Verifies a publication as nodes do: as one that joins with the first key set, and as one that holds the last bundle.
fn verified(
    last: Option<&Publication>,
    draft: &Publication,
) -> Result<Result<Verified, BundleError>, Failure> {
    let (now, keys) = (SystemClock::new().now(), ours::keys());
    let part = draft.bundle().head().part();
    let first = draft.key_sets().next().cloned();
    let first = first.map_or_else(|| newest(draft).cloned(), Ok)?;
    let new = Held::new(first, part);
    let verified = match new.verify(draft, now, None, keys) {
        Ok(verified) => verified,
        Err(error) => return Ok(Err(error)),
    };
    let Some(last) = last else {
        return Ok(Ok(verified));
    };
    let holding = as_made(&new, last)?.held().clone();
    Ok(holding.verify(draft, now, None, keys))
}

/// Verifies a publication at the time at which it was made: it may have ended since.
fn as_made(held: &Held, publication: &Publication) -> Result<Verified, BundleError> {
    let made = CurrentTime::Known(publication.bundle().head().made());
    held.verify(publication, made, None, ours::keys())
}

/// Puts the publication in the place of the last one.
fn put(
    place: &Place,
    reach: &Reach<'_>,
    last: Option<&Publication>,
    draft: &Publication,
) -> Result<(), Failure> {
    place.prepare()?;
    let mut publisher = place.publisher(reach)?;
    let bytes = draft.to_bytes();
    let found = publisher
        .current()
        .map_err(|error| Failure::from(error).about(place))?;
    let (current, tag) = found.unzip();
    if current.as_ref() == Some(&bytes) {
        // A publication that failed behind this step is made to its end.
        return Ok(());
    }
    if let Some(current) = current {
        replaces(place, last, draft, &current)?;
    }
    let published = publisher.publish(&bytes, tag.as_ref());
    published.map_err(|error| Failure::from(error).about(place))?;
    Ok(())
}

/// Refuses to replace what another publisher put there.
fn replaces(
    place: &Place,
    last: Option<&Publication>,
    draft: &Publication,
    current: &[u8],
) -> Result<(), Failure> {
    if current != draft.to_bytes() && !is_earlier(last, current) {
        let which = Publication::read(current);
        let which = which.map(|found| found.bundle().head().sequence());
        let which = which.map_or(String::from("another publication"), |sequence| {
            format!("another publication, bundle {sequence},")
        });
        let text = format!(
            "{which} is there than this folder published last: read it with `fleet fetch` into a new folder, and make the draft there"
        );
        return Err(Failure::new("transport/Superseded", text).about(place));
    }
    Ok(())
}

/// Whether a place has what this folder published last, or something before it, or nothing that can be read.
fn is_earlier(last: Option<&Publication>, current: &[u8]) -> bool {
    let Ok(current) = Publication::read(current) else {
        return true;
    };
    let sequence = |one: &Publication| one.bundle().head().sequence();
    last.is_some_and(|last| *last == current || sequence(&current) < sequence(last))
}

/// Where to read what is published.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
The digest is that of any key set of the fleet that an administrator trusts. Without --digest it is asked for. What was
published is verified from that key set on, so that a web server or folder makes up none of it.

Exit codes: 0 read. 1 no key set has this digest (OtherDigest), or the publication is not signed by the keys of it. 2 failed.")]
pub(super) struct Fetch {
    /// Where the publication is: a file, a folder, or an address
    #[arg(value_name = "FILE|FOLDER|ADDRESS")]
    from: Place,
    /// The digest of the key set, as `fleet keys show` prints it; without this option, it is asked for
    #[arg(long, value_name = "SHA-256")]
    digest: Option<Fingerprint>,
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    link: LinkArguments,
}

/// Makes a publisher's folder from what is published.
pub(super) fn fetch(arguments: &Fetch, as_json: bool) -> Result<Outcome, Failure> {
    arguments.folder.is_new()?;
    let heard = words::heard(arguments.digest, as_json)?;
    let publication = arguments.from.publication(&Reach::new(&arguments.link))?;
    let bundle = words::bundle_fact(publication.bundle());
    let keys = newest(&publication)?;
    let fact = FleetFetched {
        folder: arguments.folder.shown(),
        bundle,
        keys: words::keys_fact(keys, None),
    };
    let refused = |text: String, code: String| Ok(Outcome::of(text, &fact).or_refused(Some(code)));
    let Some(trusted) = with_digest(&publication, heard) else {
        return refused(other_digest(), String::from("OtherDigest"));
    };
    let held = Held::new(trusted, publication.bundle().head().part());
    if let Err(error) = as_made(&held, &publication) {
        let failure = Failure::from(error);
        return refused(format!("refused: {}", failure.message()), code(&failure));
    }
    arguments.folder.published(&publication)?;
    let mut lines = words::bundle_lines(publication.bundle());
    lines.extend(words::keys_lines(keys));
    lines.push(format!(
        "written to {}",
        plain::line(&arguments.folder.shown())
    ));
    Ok(Outcome::of(lines.join("\n"), &fact))
}

/// What is said of a digest that no key set has.
pub(super) fn other_digest() -> String {
    String::from(
        "refused: no key set there has this digest: it is mistyped, or the keys are not those of the fleet",
    )
}

/// The key set with a digest.
pub(super) fn with_digest(publication: &Publication, digest: Fingerprint) -> Option<KeySet> {
    publication
        .key_sets()
        .find(|set| set.digest() == digest)
        .cloned()
}
