//! The draft: the next bundle, to be signed.

use core::time::Duration;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use mutual_trust::admin::bundle::{Bundle, BundleHead, KeySet, Part, Publication};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::{CurrentTime, TrustSnapshot};
use pki_types::UnixTime;

use super::folder::{Folder, newest};
use super::words::{self, Side};
use crate::json::{FleetDraft, FleetMissing};
use crate::output::{Failure, Outcome};
use crate::trust::{self, SealArguments};
use crate::{ours, plain};

/// The longest time for which a bundle is good, in days. A fleet whose administrators are away for longer has a bundle that
/// nodes which were off take over after years.
const MAX_DAYS: i64 = 366;

const DAY: u64 = 24 * 3600;

/// What the bundle is made from.
#[derive(ClapArgs, Debug)]
pub(super) struct Arguments {
    /// The folder of the store
    #[arg(long, value_name = "FOLDER")]
    store: PathBuf,
    #[command(flatten)]
    seal: SealArguments,
    /// Which part of the store: `all`; `servers`, what systems need; or `systems`, what key servers need. Without it, as in
    /// the last bundle
    #[arg(long)]
    part: Option<Part>,
    /// The bundle may say that no peer is trusted
    #[arg(long)]
    trust_none: bool,
    #[command(flatten)]
    end: End,
    #[command(flatten)]
    folder: Folder,
}

/// Until when the bundle is good.
#[derive(ClapArgs, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct End {
    /// The days for which the bundle is good
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=MAX_DAYS))]
    days: Option<i64>,
    /// The time until which it is good: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl End {
    /// The time now, and the end.
    fn times(&self) -> Result<(UnixTime, UnixTime), Failure> {
        let CurrentTime::Known(now) = SystemClock::new().now() else {
            let text = "the clock is not set, and a bundle says when it was made";
            return Err(Failure::new("fleet/ClockUnset", text));
        };
        let most = MAX_DAYS.unsigned_abs().saturating_mul(DAY);
        let seconds = match (self.days, self.until) {
            (Some(days), _) => days.unsigned_abs().saturating_mul(DAY),
            (None, Some(until)) => {
                let end = UnixTime::try_from(until);
                let end = end.map_err(|_| Failure::new("usage", "the time must be after 1970"))?;
                end.as_secs().saturating_sub(now.as_secs())
            }
            (None, None) => 0,
        };
        if !(1..=most).contains(&seconds) {
            let text = format!("a bundle is good until a time ahead, at most {MAX_DAYS} days");
            return Err(Failure::new("usage", text));
        }
        let end = Duration::from_secs(now.as_secs().saturating_add(seconds));
        Ok((now, UnixTime::since_unix_epoch(end)))
    }
}

/// Makes the next bundle.
pub(super) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let settings = arguments.seal.settings(ours::keys())?;
    let store = trust::look(&arguments.store, &settings)?;
    let last = arguments.folder.last()?;
    // A key set that waits to be signed goes on waiting.
    let waiting = arguments.folder.drafted()?;
    let waiting = waiting.as_ref().map(newest).transpose()?.cloned();
    let keys = arguments.folder.keys(last.as_ref())?;
    let keys = waiting
        .filter(|next| next.version() > keys.version())
        .unwrap_or(keys);
    let of_last = last.as_ref().map(|last| last.bundle().head().part());
    let part = arguments.part.or(of_last).unwrap_or(Part::All);
    if let Some(before) = of_last.filter(|before| *before != part) {
        let text = format!(
            "the bundles of this folder have the part `{before}`, and nodes take no other one: make another folder with the same keys for the part `{part}`"
        );
        return Err(Failure::new("fleet/OtherPart", text));
    }
    written(
        &arguments.folder,
        last.as_ref(),
        keys,
        part,
        store.contents(),
        &arguments.end,
        arguments.trust_none,
    )
}

/// Makes the draft that has the next key set, and what was published last.
pub(super) fn change_keys(
    folder: &Folder,
    last: &Publication,
    next: KeySet,
    end: &End,
) -> Result<Outcome, Failure> {
    let bundle = last.bundle();
    let snapshot = bundle.snapshot(ours::keys())?;
    let head = bundle.head();
    let replaced = replaced(folder, last)?;
    let mut outcome = written(
        folder,
        Some(last),
        next,
        head.part(),
        &snapshot,
        end,
        head.trusts_none(),
    )?;
    if let Some(warning) = replaced {
        outcome.text.push('\n');
        outcome.text.push_str(&warning);
    }
    Ok(outcome)
}

/// A warning if a draft waits that changes the bundle.
fn replaced(folder: &Folder, last: &Publication) -> Result<Option<String>, Failure> {
    let Some(draft) = folder.drafted()? else {
        return Ok(None);
    };
    let (before, after) = (Side::of(last)?, Side::of(&draft)?);
    let fact = words::difference(Some(&before), &after, ours::keys())?.fact;
    let changes = fact.gone.len().saturating_add(fact.came.len());
    Ok((changes > 0).then(|| {
        format!(
            "warning: the draft of bundle {} had {changes} changes and is replaced: run `fleet draft` again",
            draft.bundle().head().sequence()
        )
    }))
}

fn written(
    folder: &Folder,
    last: Option<&Publication>,
    keys: KeySet,
    part: Part,
    snapshot: &TrustSnapshot,
    end: &End,
    trusts_none: bool,
) -> Result<Outcome, Failure> {
    let (made, until) = end.times()?;
    let before = last.map_or(0, |last| last.bundle().head().sequence());
    let head = BundleHead::new(&keys, part, before.saturating_add(1), made, until)?;
    let head = match trusts_none {
        true => head.trusting_none(),
        false => head,
    };
    let bundle = Bundle::new(snapshot, head)?;
    let draft = match last {
        None => Publication::new([keys], bundle)?,
        Some(last) => {
            let next = (newest(last)?.version() != keys.version()).then_some(keys);
            last.next(next, bundle)?
        }
    };
    let before = folder
        .drafted()?
        .filter(|before| before.bundle() != draft.bundle());
    let lost = before
        .filter(|before| last != Some(before))
        .is_some_and(|before| is_signed(last, &before));
    folder.write_draft(&draft)?;
    outcome(folder, last, &draft, lost)
}

fn outcome(
    folder: &Folder,
    last: Option<&Publication>,
    draft: &Publication,
    lost: bool,
) -> Result<Outcome, Failure> {
    let before = last.map(Side::of).transpose()?;
    let after = Side::of(draft)?;
    let difference = words::difference(before.as_ref(), &after, ours::keys())?;
    let needs = missing(draft);
    let file = folder.draft_file();
    let mut lines = words::bundle_lines(draft.bundle());
    lines.push(match &before {
        Some(before) => format!("against bundle {}:", before.bundle.head().sequence()),
        None => String::from("it is the first one:"),
    });
    lines.extend(difference.lines);
    lines.extend(needs.iter().map(needed));
    if lost {
        lines.push(String::from(
            "warning: it takes the place of a draft with signatures: they must be made again",
        ));
    }
    lines.push(format!(
        "written to {}: have it signed with `fleet sign`",
        plain::path(&file)
    ));
    let fact = FleetDraft {
        file: file.display().to_string(),
        bundle: words::bundle_fact(draft.bundle()),
        difference: difference.fact,
        needs,
    };
    Ok(Outcome::of(lines.join("\n"), &fact))
}

/// Whether a draft has a signature of its own.
fn is_signed(last: Option<&Publication>, draft: &Publication) -> bool {
    let (mut sets, bundle) = (draft.key_sets().cloned(), draft.bundle().clone());
    let bare = match last {
        None => Publication::new(sets, bundle),
        Some(last) => {
            let known = last.key_sets().count();
            last.next(sets.nth(known), bundle)
        }
    };
    // What cannot be made again was made from something else: it may have some.
    bare.map_or(true, |bare| bare != *draft)
}

/// The signatures that a draft needs.
pub(super) fn missing(draft: &Publication) -> Vec<FleetMissing> {
    let all = draft.missing(ours::keys());
    all.iter()
        .map(|one| FleetMissing {
            what: words::signed(one.over),
            keys_version: one.by,
            signed: words::count(one.tally.valid.len()),
            needed: words::count(one.tally.needed),
        })
        .collect()
}

/// A line about signatures that are needed.
pub(super) fn needed(missing: &FleetMissing) -> String {
    let what = match missing.what {
        "keys" => "the new key set",
        _ => "the bundle",
    };
    format!(
        "needs signatures: {what}: {} of {} by keys of key set {}",
        missing.signed, missing.needed, missing.keys_version
    )
}
