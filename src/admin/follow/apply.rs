//! Makes the store's entries equal to the content of the sources.

use std::collections::BTreeMap;
use std::path::Path;

use super::content::{Content, Found};
use super::followed::{Applied, Followed, Life};
use super::guard::{FollowGuard, Guard, LockedOut, endangered_by, held_for};
use super::{Source, SourceHealth};
use crate::admin::Impact;
use crate::admin::follow::error::SourceError;
use crate::certificate::error::with_causes;
use crate::certificate::{Certificate, Crl, CurrentTime, Fingerprint, seconds};
use crate::limits::CRL_LIFE_LEFT;
use crate::store::error::StoreError;
use crate::store::{EntryKey, Outcome, Truncated, TrustSnapshot, TrustStore};

/// The places of the sources whose update is held, and what became of them.
type Held = BTreeMap<usize, Applied>;

/// Applies each source by itself: certificates first, since lists need those of their issuers.
///
/// What endangers a peer is applied a second time, to find the sources that do it. If one of them is held, the others are
/// judged again without it: they may count on what it would have given. Each round holds another source, so the rounds end.
pub(super) fn all(sources: &[Followed], store: &mut TrustStore, guard: &Guard) -> Vec<Applied> {
    let before = store.contents().clone();
    let mut held = Held::new();
    let mut applied = loop {
        let mut tried = store.fork();
        let applied = each(sources, &mut tried, &held, None);
        let is_new = tried.contents().generation() != before.generation();
        let whole = is_new.then(|| guard.effects(&before, tried.contents()));
        let Some(whole) = whole.filter(|whole| !whole.endangered().is_empty()) else {
            *store = tried;
            break applied;
        };
        let judged = Judged {
            guard,
            before: &before,
            whole: &whole,
        };
        let mut tried = store.fork();
        let applied = each(sources, &mut tried, &held, Some(&judged));
        let known = held.len();
        let of_guard = applied.iter().enumerate().filter(|(_, one)| one.is_held);
        held.extend(of_guard.map(|(place, one)| (place, one.clone())));
        if held.len() == known {
            *store = tried;
            break applied;
        }
    };
    for (followed, applied) in sources.iter().zip(&mut applied) {
        // What was locked out before by the same content, and still is.
        let same = followed.applied.digest == applied.digest;
        let known = followed.applied.locked_out.clone().filter(|_| same);
        if let (None, Some(known)) = (&applied.locked_out, known) {
            applied.locked_out = known.still(guard, store.contents());
        }
    }
    applied
}

/// An update that endangers a peer.
struct Judged<'a> {
    guard: &'a Guard,
    before: &'a TrustSnapshot,
    /// What all sources that are not held do together.
    whole: &'a Impact,
}

impl Judged<'_> {
    /// The peers that a step of the update endangers. Fails if it does and the guard refuses that.
    fn step(
        &self,
        before: &TrustSnapshot,
        after: &TrustSnapshot,
        source: &Source,
    ) -> Result<Option<LockedOut>, SourceError> {
        let peers = endangered_by(&self.guard.effects(before, after), self.whole);
        // A list says that a certificate must not be trusted.
        let is_guarded = self.guard.kind == FollowGuard::Refuse && !source.is_of_lists();
        if is_guarded && !peers.is_empty() {
            let path = source.path().to_owned();
            let (lost, at_risk) = held_for(peers, self.whole);
            return Err(SourceError::LocksOut {
                path,
                lost,
                at_risk,
            });
        }
        Ok(LockedOut::of(self.before, peers, self.whole))
    }
}

fn each(
    sources: &[Followed],
    store: &mut TrustStore,
    held: &Held,
    judged: Option<&Judged<'_>>,
) -> Vec<Applied> {
    let mut applied = Vec::with_capacity(sources.len());
    for (place, followed) in sources.iter().enumerate() {
        if let Some(held) = held.get(&place) {
            applied.push(held.clone());
            continue;
        }
        let mut tried = store.fork();
        let done = certificates(sources, followed, &mut tried).and_then(|mut done| {
            if let Some(judged) = judged {
                let (before, after) = (store.contents(), tried.contents());
                done.locked_out = judged.step(before, after, &followed.source)?;
            }
            Ok(done)
        });
        applied.push(match done {
            Ok(done) => {
                *store = tried;
                done
            }
            Err(error) => Applied {
                is_held: matches!(error, SourceError::LocksOut { .. }),
                error: Some(with_causes(&error)),
                ..followed.applied.clone()
            },
        });
    }
    for (followed, applied) in sources.iter().zip(&mut applied) {
        if let Some(content) = followed
            .good
            .as_ref()
            .filter(|_| followed.source.is_of_lists())
        {
            let before = store.contents().clone();
            lists(&content.lists, &followed.applied, applied, store);
            let step =
                |judged: &Judged<'_>| judged.step(&before, store.contents(), &followed.source);
            applied.locked_out = judged.and_then(|judged| step(judged).ok()?);
        }
    }
    applied
}

/// Makes the entries from a source equal to its content.
fn certificates(
    sources: &[Followed],
    followed: &Followed,
    store: &mut TrustStore,
) -> Result<Applied, SourceError> {
    let Some(content) = &followed.good else {
        return Ok(Applied::default());
    };
    let source = &followed.source;
    let of_source = |source: &Source| {
        let path = source.path().to_owned();
        move |error| SourceError::Refused {
            path,
            item: String::from("it"),
            source: error,
        }
    };
    store
        .follow(Some(source.name()))
        .map_err(of_source(source))?;
    let mut applied = Applied::of(content, &followed.applied);
    for found in &content.certificates {
        install(source, found, store, &mut applied, &followed.applied)?;
    }
    let gone: Vec<EntryKey> = {
        let entries = store.contents().entries();
        let ours = entries
            .iter()
            .filter(|entry| entry.source() == Some(source.name()));
        let gone = ours.filter(|entry| !followed.has(store, &entry.key()));
        gone.map(|entry| entry.key()).collect()
    };
    for key in gone {
        let mut others = sources.iter().filter(|other| other.has(store, &key));
        if let Some(other) = others.next() {
            let taken = other.source.take_over(store, &key);
            taken.map_err(of_source(&other.source))?;
            store
                .follow(Some(source.name()))
                .map_err(of_source(source))?;
        } else {
            store.remove(&key).map_err(of_source(source))?;
        }
    }
    Ok(applied)
}

/// Installs a certificate, unless it is blocked (rule P1). A blocked one keeps none of the others out.
fn install(
    source: &Source,
    found: &Found<Certificate>,
    store: &mut TrustStore,
    applied: &mut Applied,
    before: &Applied,
) -> Result<(), SourceError> {
    let (certificate, path) = (&found.item, &*found.path);
    let fingerprint = certificate.fingerprint();
    let blocked = store.contents().data().blocks().find(certificate).is_some();
    match source.install(store, certificate) {
        Ok(_) if blocked => applied.block(path, certificate, "is blocked and accepts nothing"),
        Err(StoreError::Blocked(_)) => {
            applied.block(path, certificate, "is blocked and is not installed");
        }
        Ok(new) => {
            if new && applied.is_restored(fingerprint, before) {
                applied.restored.insert(fingerprint);
            }
            if applied.restored.contains(&fingerprint) {
                applied.warnings.push(format!(
                    "{}: {} was removed and is installed again, since the source still has it: remove it from the \
                     source, or block it",
                    path.display(),
                    named(certificate)
                ));
            }
        }
        Err(source) => {
            return Err(SourceError::Refused {
                path: path.to_owned(),
                item: named(certificate),
                source,
            });
        }
    }
    Ok(())
}

/// Installs the lists, each by itself.
fn lists(found: &[Found<Crl>], before: &Applied, applied: &mut Applied, store: &mut TrustStore) {
    let done = store.install_crls(found.iter().map(|found| found.item.clone()));
    for (found, done) in found.iter().zip(done) {
        let (list, path) = (&found.item, &*found.path);
        let error = match done {
            Ok(report) => {
                let fingerprint = list.fingerprint();
                let new = matches!(report.done(), Outcome::Added | Outcome::Changed);
                if new && applied.is_restored(fingerprint, before) {
                    applied.restored.insert(fingerprint);
                }
                if applied.restored.contains(&fingerprint) {
                    applied.warnings.push(format!(
                        "{}: {} was removed and is installed again, since the source still has it",
                        path.display(),
                        named_list(list)
                    ));
                }
                continue;
            }
            Err(StoreError::CrlOlder { held }) => {
                applied.warnings.push(format!(
                    "{}: {} is older than the one that is installed, {held}, and changes nothing",
                    path.display(),
                    named_list(list)
                ));
                continue;
            }
            Err(source) => SourceError::Refused {
                path: path.to_owned(),
                item: named_list(list),
                source,
            },
        };
        let error = with_causes(&error);
        if applied.error.is_none() {
            applied.error = Some(error);
        } else {
            applied.warnings.push(error);
        }
    }
}

impl Applied {
    /// Before anything of a content is applied. What was put back before is remembered as long as the content is the same.
    fn of(content: &Content, before: &Self) -> Self {
        let same = before.digest == Some(content.digest);
        Self {
            digest: Some(content.digest),
            restored: before.restored.iter().copied().filter(|_| same).collect(),
            ..Self::default()
        }
    }

    /// Whether something that is installed now was installed from the same content before: it was removed since.
    fn is_restored(&self, fingerprint: Fingerprint, before: &Self) -> bool {
        before.digest == self.digest && !before.blocked.contains(&fingerprint)
    }

    fn block(&mut self, path: &Path, certificate: &Certificate, what: &str) {
        self.blocked.insert(certificate.fingerprint());
        let (path, certificate) = (path.display(), named(certificate));
        self.warnings.push(format!("{path}: {certificate} {what}"));
    }
}

/// A certificate with what an administrator needs to find and to block it.
fn named(certificate: &Certificate) -> String {
    let (fingerprint, subject) = (certificate.fingerprint(), certificate.subject());
    format!("the certificate {fingerprint} ({subject})")
}

fn named_list(list: &Crl) -> String {
    let (fingerprint, issuer) = (list.fingerprint(), list.issuer());
    format!("the revocation list {fingerprint} of {issuer}")
}

/// What the time makes of the installed lists of a source: those that end soon, and those that have ended.
pub(super) fn life(followed: &Followed, view: &TrustSnapshot, clock: CurrentTime) -> Life {
    let mut life = Life::default();
    let Some(content) = followed
        .good
        .as_ref()
        .filter(|_| followed.source.is_of_lists())
    else {
        return life;
    };
    let Some(now) = view.now_or_floor(clock).map(seconds) else {
        return life;
    };
    for installed in view.crls() {
        let list = installed.crl();
        let ours = |found: &&Found<Crl>| found.item.fingerprint() == list.fingerprint();
        let (Some(found), Some(next)) = (content.lists.iter().find(ours), list.next_update())
        else {
            continue;
        };
        let (begins, ends) = (list.this_update().seconds(), next.seconds());
        let left = ends.saturating_sub(now);
        let path = found.path.display();
        if left <= 0 {
            let list = named_list(list);
            life.error.get_or_insert_with(|| {
                format!("{path}: {list} ended at {next}, and the source has no newer one")
            });
        } else if left.saturating_mul(CRL_LIFE_LEFT) < ends.saturating_sub(begins) {
            let list = named_list(list);
            let text = format!("{path}: {list} ends at {next}, and the source has no newer one");
            life.warnings.push(text);
        }
    }
    life
}

/// The entries of sources that are not followed, by the name of the source.
pub(super) fn left_behind(
    sources: &[Followed],
    view: &TrustSnapshot,
) -> BTreeMap<String, Truncated<String>> {
    let mut others: BTreeMap<String, Truncated<String>> = BTreeMap::new();
    for entry in view.entries() {
        let Some(name) = entry.source() else { continue };
        if sources
            .iter()
            .all(|followed| followed.source.name() != name)
        {
            let entries = others.entry(name.to_owned()).or_default();
            entries.push(format!("{:#}", entry.key()));
        }
    }
    others
}

/// The health of a source that is not followed any more.
pub(super) fn unfollowed(name: &str, entries: &Truncated<String>) -> SourceHealth {
    SourceHealth {
        name: name.to_owned(),
        certificates: None,
        are_lists: false,
        settling: false,
        error: Some(format!(
            "it is not followed any more, and its entries are still installed ({}): follow it again, or remove them",
            entries.len()
        )),
        since: None,
        last_success: None,
        locked_out: false,
        warnings: entries.clone(),
        passed_over: Truncated::default(),
    }
}
