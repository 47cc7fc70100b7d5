//! How two publications differ, or a publication and a store.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use mutual_trust::admin::bundle::{Bundle, BundleHead, Publication};

use super::folder::{newest, of_one_fleet};
use super::words::{self, Side};
use crate::json::FleetDiff;
use crate::nodes::{LinkArguments, Place, Reach};
use crate::ours;
use crate::output::{Failure, Outcome};
use crate::trust::{self, SealArguments};

/// What is compared.
#[derive(ClapArgs, Debug)]
pub(super) struct Arguments {
    /// A publication or a draft (a file, a folder, or an address), or the folder of a store
    #[arg(value_name = "FROM")]
    first: String,
    /// The same
    #[arg(value_name = "TO")]
    second: String,
    #[command(flatten)]
    seal: SealArguments,
    #[command(flatten)]
    link: LinkArguments,
}

/// The file that makes a folder that of a store.
const STORE: &str = "trust-store";

/// One of the two.
enum Named {
    Publication(Box<Publication>),
    Store(PathBuf),
}

impl Named {
    fn read(text: &str, link: &LinkArguments) -> Result<Self, Failure> {
        let path = Path::new(text);
        if path.join(STORE).is_file() {
            return Ok(Self::Store(path.to_owned()));
        }
        let place: Place = text
            .parse()
            .map_err(|error: String| Failure::new("usage", error))?;
        Ok(Self::Publication(Box::new(
            place.publication(&Reach::new(link))?,
        )))
    }

    fn publication(&self) -> Option<&Publication> {
        match self {
            Self::Publication(publication) => Some(publication),
            Self::Store(_) => None,
        }
    }

    /// What it has. A store is taken as the bundle that would be made of it, of the same part.
    fn bundle(&self, like: &Publication, seal: &SealArguments) -> Result<Bundle, Failure> {
        let folder = match self {
            Self::Publication(publication) => return Ok(publication.bundle().clone()),
            Self::Store(folder) => folder,
        };
        let store = trust::look(folder, &seal.settings(ours::keys())?)?;
        let of = like.bundle().head();
        let (keys, view) = (newest(like)?, store.contents());
        let head = BundleHead::new(keys, of.part(), of.sequence(), of.made(), of.until())?;
        match Bundle::new(view, head.clone()) {
            Ok(bundle) => Ok(bundle),
            Err(mutual_trust::error::BundleError::EmptyNotStated) => {
                Ok(Bundle::new(view, head.trusting_none())?)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Shows the records and keys in which they differ, and the peers that they judge differently.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (first, second) = (
        Named::read(&arguments.first, &arguments.link)?,
        Named::read(&arguments.second, &arguments.link)?,
    );
    if let (Some(first), Some(second)) = (first.publication(), second.publication()) {
        of_one_fleet(first, second)?;
    }
    let like = first.publication().or(second.publication());
    let like = like.ok_or_else(|| {
        Failure::new(
            "usage",
            "these are two stores: `store diff` shows how they differ",
        )
    })?;
    let bundles = (
        first.bundle(like, &arguments.seal)?,
        second.bundle(like, &arguments.seal)?,
    );
    let keys = |named: &Named| match named.publication() {
        Some(publication) => newest(publication).map(|keys| Some(keys.clone())),
        None => Ok(None),
    };
    let (first_keys, second_keys) = (keys(&first)?, keys(&second)?);
    let before = Side {
        keys: first_keys.as_ref(),
        bundle: &bundles.0,
    };
    let after = Side {
        keys: second_keys.as_ref(),
        bundle: &bundles.1,
    };
    let difference = words::difference(Some(&before), &after, ours::keys())?;
    let fact_of = |named: &Named| {
        named
            .publication()
            .map(|one| words::bundle_fact(one.bundle()))
    };
    let mut lines = Vec::new();
    for (word, named) in [("first", &first), ("second", &second)] {
        match named {
            Named::Publication(publication) => {
                lines.push(format!("{word}:"));
                lines.extend(words::bundle_lines(publication.bundle()));
                lines.extend(words::keys_lines(newest(publication)?));
            }
            Named::Store(_) => lines.push(format!("{word}: a store")),
        }
    }
    lines.extend(difference.lines);
    let fact = FleetDiff {
        first: fact_of(&first),
        second: fact_of(&second),
        difference: difference.fact,
    };
    Ok(Outcome::of(lines.join("\n"), &fact))
}
