//! The versions from which a recovery can start, and what else the damaged files show.

use std::path::Path;

use super::DurableSettings;
use super::disk;
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::admin::file::{
    self, Damaged, LoadReport, Loaded, Position, Salvaged, StoreFile, first_change, salvage,
    salvage_changes,
};
use crate::certificate::KeyPolicy;
use crate::certificate::error::with_causes;
use crate::store::Truncated;

/// One of the two files.
pub(super) struct Candidate {
    /// Its bytes; none if it could not be read.
    content: Vec<u8>,
    pub(super) whole: Result<Loaded, DurableError>,
    /// What stands before the damage.
    before: Option<Box<Loaded>>,
}

impl Candidate {
    pub(super) fn at(path: &Path, settings: &DurableSettings) -> Self {
        let content = match disk::read(path) {
            Ok(content) => content,
            Err(error) => {
                return Self {
                    content: Vec::new(),
                    whole: Err(error),
                    before: None,
                };
            }
        };
        let loaded = file::load(
            &content,
            settings.keys,
            settings.sealed_by(),
            u64::MAX,
            &mut |_| {},
        );
        let (whole, before) = match loaded {
            Ok(loaded) => (Ok(loaded), None),
            Err(Damaged { error, before }) => {
                let path = path.to_owned();
                let source = error;
                (Err(DurableError::File { path, source }), before)
            }
        };
        Self {
            content,
            whole,
            before,
        }
    }

    /// Refuses a file that is not damaged: one of a later version, or a whole one whose seal the key does not verify.
    /// If the key verifies the snapshot, it is the store's, and what stands behind is damage.
    pub(super) fn check_damaged(self, keys: KeyPolicy) -> Result<Self, DurableError> {
        let fault = match &self.whole {
            Err(DurableError::File { source, .. }) => Some(source),
            _ => None,
        };
        let is_later = matches!(fault, Some(StoreFileError::NewerVersion { .. }));
        let is_other = matches!(
            fault,
            Some(StoreFileError::SealMissing | StoreFileError::SealWrong)
        );
        let is_whole = || file::load(&self.content, keys, None, u64::MAX, &mut |_| {}).is_ok();
        let intact = is_later || (is_other && self.before.is_none() && is_whole());
        match self.whole {
            Err(error) if intact => Err(error),
            _ => Ok(self),
        }
    }

    pub(super) fn generation(&self) -> Option<u64> {
        Some(self.whole.as_ref().ok()?.file.report.generation)
    }

    /// What a recovery can start from, and the file from which it takes what else it shows.
    fn split(self, settings: &DurableSettings) -> (Read, Source) {
        let source = Source {
            content: self.content,
            is_verified: settings.seal.is_none() || self.whole.is_ok(),
        };
        ((self.whole, self.before), source)
    }
}

/// A file that was read, or its fault and what stands before it.
type Read = (Result<Loaded, DurableError>, Option<Box<Loaded>>);

/// Which part of a file is not in what a recovery starts from.
enum Rest {
    Nothing,
    /// What stands behind a position.
    Behind(Position),
    /// The same, if the file shows a later generation: otherwise it was replaced by what is started from.
    Later,
    All,
}

/// A version from which a recovery can start.
struct Base {
    from: Loaded,
    current: Rest,
    previous: Rest,
}

impl Base {
    fn generation(&self) -> u64 {
        self.from.file.report.generation
    }
}

/// A file from which a recovery does not start.
struct Source {
    content: Vec<u8>,
    /// Whether its seal is valid, or none is required.
    is_verified: bool,
}

impl Source {
    fn salvage(&self, rest: &Rest, from: &Loaded) -> Option<Salvaged> {
        let generation = from.file.report.generation;
        let found = match rest {
            Rest::Nothing => return None,
            Rest::Behind(at) => {
                let rest = self.content.get(at.bytes..).unwrap_or(&[]);
                salvage_changes(rest, at.lines.saturating_add(1), generation)
            }
            Rest::Later => {
                let found = salvage(&self.content, generation);
                if found.generation <= Some(generation) {
                    return None;
                }
                found
            }
            Rest::All => salvage(&self.content, generation),
        };
        Some(match self.is_verified {
            true => found,
            false => found.without_seal(from.file.store.contents()),
        })
    }
}

/// What a recovery starts from, and what else is known.
pub(super) struct Start {
    pub(super) from: Loaded,
    /// What the two files show besides.
    pub(super) salvaged: Salvaged,
    /// Lines of the store's file that cannot be read.
    pub(super) damaged_lines: Truncated<usize>,
    /// Whether it is not known what was changed since.
    pub(super) changes_unknown: bool,
    /// What is wrong with the previous file.
    pub(super) previous_damage: Option<String>,
}

impl Start {
    /// The newest of what can be read, and what both files show besides.
    pub(super) fn choose(
        current: Candidate,
        previous: Candidate,
        backup: Option<Loaded>,
        settings: &DurableSettings,
    ) -> Result<Self, DurableError> {
        let previous_damage = match &previous.whole {
            Ok(_) | Err(DurableError::NoStore { .. }) => None,
            Err(error) => Some(with_causes(error)),
        };
        let (current, current_source) = current.split(settings);
        let (previous, previous_source) = previous.split(settings);
        let base = newest(current, previous, backup, &current_source, settings)?;
        let of_current = current_source.salvage(&base.current, &base.from);
        let of_previous = previous_source.salvage(&base.previous, &base.from);
        let is_all = match &base.current {
            Rest::Behind(at) => at.bytes >= current_source.content.len(),
            Rest::Nothing | Rest::Later | Rest::All => false,
        };
        let newest = of_current.as_ref().or(of_previous.as_ref());
        let is_known = newest.is_some_and(|found| found.generation.is_some());
        let is_unlocated = newest.is_some_and(|found| found.is_unlocated);
        let damaged_lines = of_current.as_ref().map(|found| found.damaged.clone());
        let salvaged = match (of_previous, of_current) {
            // An old file was put in the place of the store.
            (Some(previous), Some(current))
                if current.generation.is_some() && previous.generation > current.generation =>
            {
                Salvaged::join(current, previous)
            }
            (Some(previous), Some(current)) => Salvaged::join(previous, current),
            (one, other) => one.or(other).unwrap_or_default(),
        };
        // No generation shows that there are changes behind the damage.
        let is_hidden = salvaged.hidden_until == u64::MAX
            && salvaged.generation <= Some(base.from.file.report.generation);
        Ok(Self {
            from: base.from,
            salvaged,
            damaged_lines: damaged_lines.unwrap_or_default(),
            changes_unknown: (!is_known && !is_all) || is_unlocated || is_hidden,
            previous_damage,
        })
    }
}

/// The base of the highest generation.
fn newest(
    current: Read,
    previous: Read,
    backup: Option<Loaded>,
    current_source: &Source,
    settings: &DurableSettings,
) -> Result<Base, DurableError> {
    let mut bases = Vec::new();
    let mut faults = Vec::new();
    match current.0 {
        Ok(from) => bases.push(Base {
            from,
            current: Rest::Nothing,
            previous: Rest::All,
        }),
        Err(error) => faults.push(error),
    }
    if let Some(from) = current.1 {
        bases.push(Base {
            current: Rest::Behind(from.position.clone()),
            from: *from,
            previous: Rest::Later,
        });
    }
    let is_whole = previous.0.is_ok();
    let (from, rest) = match previous.0 {
        Ok(from) => (Some(from), Rest::Nothing),
        Err(error) => {
            faults.push(error);
            let before = previous.1.map(|from| *from);
            let at = before.as_ref().map(|from| from.position.clone());
            (before, at.map_or(Rest::All, Rest::Behind))
        }
    };
    if let Some(from) = from {
        // The snapshot can be of a later minor version than the file before it.
        let mut minors = file::MINORS.into_iter();
        let current = &current_source.content;
        let replayed = minors.find_map(|minor| replay(&from, (current, minor), settings));
        if let Some((replayed, end)) = replayed {
            bases.push(Base {
                from: replayed,
                current: Rest::Behind(end),
                previous: Rest::Later,
            });
        }
        bases.push(Base {
            from,
            current: Rest::All,
            previous: rest,
        });
    }
    if let Some(from) = backup {
        // A whole previous file is older than the backup. It shows what was taken away since if the newer file is gone.
        let is_older = is_whole && !current_source.content.is_empty();
        bases.push(Base {
            from,
            current: Rest::All,
            previous: if is_older { Rest::Nothing } else { Rest::All },
        });
    }
    // Of equal ones, the first: it has lost the least.
    bases.reverse();
    let best = bases.into_iter().max_by_key(Base::generation);
    best.ok_or_else(|| {
        let mut faults = faults.into_iter().map(Box::new);
        match (faults.next(), faults.next()) {
            (Some(current), Some(previous)) => DurableError::NothingLeft { current, previous },
            (Some(fault), None) => *fault,
            (None, _) => DurableError::NoStore {
                path: Path::new("").to_owned(),
            },
        }
    })
}

/// Makes the changes of a file whose snapshot is damaged on the content of the file before it: that is what the snapshot
/// had, which the digest in the first change shows. Returns also where in the file the last of them ends.
fn replay(
    previous: &Loaded,
    (content, minor): (&[u8], u32),
    settings: &DurableSettings,
) -> Option<(Loaded, Position)> {
    let (at, line) = first_change(content)?;
    let StoreFile {
        store,
        kept,
        report,
    } = &previous.file;
    let about = (Some(previous.position.digest), minor);
    let (_, digest, kept) = file::write_for_journal(store.contents(), kept, about, None).ok()?;
    let mut position = Position {
        digest,
        bytes: 0,
        lines: line.saturating_sub(1),
        sealed: previous.position.sealed,
    };
    let behind = content.get(at..)?;
    let seal = settings.sealed_by();
    let (store, kept, _) = file::read_on(store, &kept, &mut position, behind, seal, &mut |_| {});
    let read = position.bytes;
    if read == 0 {
        return None;
    }
    position.bytes = at.saturating_add(read);
    let report = LoadReport {
        generation: store.contents().generation(),
        digest: position.digest,
        entries: store.contents().data().all().count(),
        ..report.clone()
    };
    let loaded = Loaded {
        file: StoreFile {
            store,
            kept,
            report,
        },
        position: position.clone(),
        major: previous.major,
        snapshot: previous.snapshot,
    };
    Some((loaded, position))
}
