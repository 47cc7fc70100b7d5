//! Signing: what is signed is shown first.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};
use mutual_trust::admin::bundle::{BundleKey, KeySet, Publication, Signature, Signed, Signer};
use mutual_trust::identity::IfExists;
use mutual_trust::tls::bundle_signer;

use super::folder::{newest, of_one_fleet, read_publication, write};
use super::keys::public_key;
use super::words::{self, Difference, Side};
use crate::json::FleetSigned;
use crate::output::{Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::{ask, files, ours, plain};

/// The largest signature, with room for other forms of it.
const MAX_RAW: usize = 16 * 1024;

/// What is signed, and how.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
What the draft changes is shown, and then asked for: the answer is `yes`. --accept answers it. Without --last, all of the
draft is shown.
A key of another program signs the file that --to-sign writes. Give its answer back with --public-key and --signature. A draft
with a new key set has two things to sign: with --to-sign, --what keys is the key set, and --what bundle the bundle. With --key,
both are signed, as far as the key signs them.

Exit codes: 0 signed. 1 the answer was not yes (NotAccepted). 2 failed, or the key does not sign for this fleet.")]
pub(super) struct Arguments {
    /// The draft
    draft: PathBuf,
    /// The publication that was signed last, to see what changes since
    #[arg(long, value_name = "FILE")]
    last: Option<PathBuf>,
    /// Sign with the private key of this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["to_sign", "signature", "what"], required_unless_present_any = ["to_sign", "signature"])]
    key: Option<PathBuf>,
    /// Write what another program signs to this file
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    to_sign: Option<PathBuf>,
    /// The signature that another program made, as it made it
    #[arg(long, value_name = "FILE", requires = "public_key")]
    signature: Option<PathBuf>,
    /// The public key of that signature, in PEM
    #[arg(long, value_name = "FILE", requires = "signature")]
    public_key: Option<PathBuf>,
    /// What another program signs: the new key set, or the bundle
    #[arg(long, value_enum, requires = "to_sign")]
    what: Option<What>,
    /// Write the signatures to this file
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "to_sign",
        required_unless_present = "to_sign"
    )]
    out: Option<PathBuf>,
    /// Replace the file
    #[arg(long)]
    replace: bool,
    /// Sign without asking
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// What can be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The new key set
    Keys,
    /// The bundle
    Bundle,
}

/// Shows the draft, asks, and signs.
pub(super) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    // What is shown is what is signed: the file is read once.
    let draft = read_publication(&arguments.draft)?;
    let last = arguments
        .last
        .as_deref()
        .map(read_publication)
        .transpose()?;
    let before = last.as_ref().map(Side::of).transpose()?;
    if let Some(last) = &last {
        follows(last, &draft).map_err(|failure| failure.about(arguments.draft.display()))?;
    }
    let difference = words::difference(before.as_ref(), &Side::of(&draft)?, ours::keys())?;
    let mut shown = words::bundle_lines(draft.bundle());
    // The newest one is shown with what changes.
    let sets = draft.key_sets().count().saturating_sub(1);
    let known = before.as_ref().and_then(|before| before.keys);
    let known = known.map_or(0, KeySet::version);
    let between = draft.key_sets().take(sets);
    shown.extend(
        between
            .filter(|set| set.version() >= known)
            .flat_map(words::keys_lines),
    );
    shown.push(match &before {
        Some(before) => format!(
            "what it changes since bundle {}:",
            before.bundle.head().sequence()
        ),
        None => String::from("all of it, since no earlier publication was named with --last:"),
    });
    shown.extend(difference.lines.iter().cloned());
    let mut made = Made::new(&draft, difference);
    let mut text = shown.join("\n");
    if !arguments.accept {
        let question = format!("{}\nSign it? yes or no: ", plain::lines(&text));
        if ask::line(&question, as_json)? != "yes" {
            let text = String::from("nothing was signed");
            return Ok(made
                .outcome(text)
                .or_refused(Some(String::from("NotAccepted"))));
        }
        text = String::new();
    }
    let file = arguments.carry_out(&draft, &mut made)?;
    let _ = write!(text, "\n{}", made.line(file));
    made.fact.file = Some(file.display().to_string());
    Ok(made.outcome(text.trim_start().to_owned()))
}

/// Goes from the newest key set of what was signed last to the draft's, as a node does that holds it. The newest one of the
/// draft is signed now.
fn follows(last: &Publication, draft: &Publication) -> Result<(), Failure> {
    of_one_fleet(last, draft)?;
    let (held, offered) = (newest(last)?.version(), newest(draft)?.version());
    if offered < held {
        let text = format!("its newest key set is {offered}, and what was signed last has {held}");
        return Err(Failure::new("fleet/KeySetBelow", text));
    }
    for one in draft.missing(ours::keys()) {
        if let Signed::KeySet(version) = one.over
            && version > held
            && version < offered
        {
            let text = format!(
                "key set {version} is not signed by enough keys of key set {}",
                one.by
            );
            return Err(Failure::new("fleet/KeySetNotSigned", text));
        }
    }
    Ok(())
}

/// The result so far.
struct Made {
    fact: FleetSigned,
}

impl Made {
    fn new(draft: &Publication, difference: Difference) -> Self {
        let fact = FleetSigned {
            bundle: words::bundle_fact(draft.bundle()),
            difference: difference.fact,
            key: None,
            signed: Vec::new(),
            file: None,
        };
        Self { fact }
    }

    fn line(&self, file: &Path) -> String {
        let file = plain::path(file);
        match &self.fact.key {
            None => format!(
                "what is signed is in {file}: sign these bytes, and give the signature back with --signature"
            ),
            Some(key) => format!(
                "signed: {}, by key {key}; written to {file}",
                self.fact.signed.join(" and ")
            ),
        }
    }

    fn outcome(self, text: String) -> Outcome {
        Outcome::of(text, &self.fact)
    }
}

impl Arguments {
    /// Writes a file, whose name it gives back.
    fn carry_out(&self, draft: &Publication, made: &mut Made) -> Result<&Path, Failure> {
        let existing = match self.replace {
            true => IfExists::Replace,
            false => IfExists::Refuse,
        };
        if let Some(path) = &self.to_sign {
            let message = match self.meant(draft)? {
                What::Keys => newest(draft)?.to_sign(),
                What::Bundle => draft.bundle().to_sign(),
            };
            write(path, message, existing)?;
            return Ok(path);
        }
        let missing = || Failure::new("usage", "name the file of the signature with --out");
        let out = self.out.as_deref().ok_or_else(missing)?;
        let signatures = match (&self.key, &self.signature, &self.public_key) {
            (Some(key), ..) => self.by_file(draft, key)?,
            (None, Some(signature), Some(key)) => vec![self.by_other(draft, signature, key)?],
            (None, ..) => return Err(Failure::new("usage", "name a key with --key")),
        };
        // A signature that does not count is found here, not where it is published.
        let mut tried = draft.clone();
        let mut text = Vec::new();
        for signature in signatures {
            made.fact.key = Some(signature.key().to_string());
            text.extend(signature.to_bytes());
            let over = tried.add_signature(signature, ours::keys())?;
            made.fact.signed.push(words::signed(over));
        }
        write(out, &text, existing)?;
        Ok(out)
    }

    /// What another program signs.
    fn meant(&self, draft: &Publication) -> Result<What, Failure> {
        match (self.what, unsigned_keys(draft)?) {
            (Some(what), _) => Ok(what),
            (None, false) => Ok(What::Bundle),
            (None, true) => {
                let text = "the draft has a new key set: say with --what whether it or the bundle is signed";
                Err(Failure::new("usage", text))
            }
        }
    }

    /// Signs with a private key in a file.
    fn by_file(&self, draft: &Publication, path: &Path) -> Result<Vec<Signature>, Failure> {
        let key = self.passphrase.key(path)?;
        let signer = bundle_signer(key, &ours::provider())
            .map_err(|error| Failure::from(error).about(path.display()))?;
        let own = signer.key();
        let keys = newest(draft)?;
        let mut signatures = Vec::new();
        if unsigned_keys(draft)? && sets_of(draft).iter().any(|set| has(set, own)) {
            signatures.push(keys.sign(&signer)?);
        }
        // A key that signs nothing is told what it does not sign.
        if has(keys, own) || signatures.is_empty() {
            signatures.push(draft.bundle().sign(&signer)?);
        }
        Ok(signatures)
    }

    /// Takes a signature of another program: on the bundle, or on the new key set if it verifies there.
    fn by_other(&self, draft: &Publication, path: &Path, key: &Path) -> Result<Signature, Failure> {
        let bytes = files::bytes_within(path, MAX_RAW)?;
        let key = public_key(key)?;
        let over = |digest| {
            let made = Signature::new(digest, key.id(), &bytes);
            made.map_err(|error| Failure::from(error).about(path.display()))
        };
        let on_keys = over(newest(draft)?.digest())?;
        match draft.clone().add_signature(on_keys.clone(), ours::keys()) {
            Ok(_) => Ok(on_keys),
            Err(_) => over(draft.bundle().digest()),
        }
    }
}

fn has(set: &KeySet, key: &BundleKey) -> bool {
    set.keys().iter().any(|one| one.id() == key.id())
}

/// The two key sets that sign the newest one.
fn sets_of(draft: &Publication) -> Vec<&KeySet> {
    let all: Vec<&KeySet> = draft.key_sets().collect();
    let from = all.len().saturating_sub(2);
    all.into_iter().skip(from).collect()
}

/// Whether the newest key set of a draft is not signed by enough keys yet.
fn unsigned_keys(draft: &Publication) -> Result<bool, Failure> {
    let version = newest(draft)?.version();
    let missing = draft.missing(ours::keys());
    Ok(missing
        .iter()
        .any(|one| one.over == Signed::KeySet(version)))
}
