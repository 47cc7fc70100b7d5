//! The identity of a system in a folder: its rotation in phases, and its renewal by a timer.

mod arguments;
mod renewal;
mod steps;

use std::path::Path;

use mutual_trust::admin::DurableSettings;
use mutual_trust::certificate::Timestamp;
use mutual_trust::error::{FolderError, StoreError};
use mutual_trust::identity::{IfExists, KeyReader, RenewalSchedule, write_certificates};
use mutual_trust::tls::{
    self, IdentityFolder, IdentityState, Renewal, RenewalOutcome, RotationPhase,
};
use mutual_trust::{Fingerprint, ServerId};

use crate::files::absent;
use crate::json::{IdentityRotation, OwnCertificate, RotatedServer};
use crate::output::{Failure, Outcome, identified};
use crate::passphrase::PassphraseArguments;
use crate::{facts, hardware, ours, plain, trust};

use renewal::renewal_of;
use steps::next_steps;

pub(crate) use renewal::when_due;

pub(crate) use arguments::{
    ActivateArguments, BackArguments, CheckedArguments, CreateArguments, DueArguments,
    FinishArguments, FolderArguments, KnownArguments, StageArguments, StatusArguments,
};

impl FolderArguments {
    /// Does something with the folder.
    fn with<T>(
        &self,
        done: impl Fn(&IdentityFolder<'_>) -> Result<T, FolderError>,
    ) -> Result<T, Failure> {
        with(&self.folder, &self.passphrase, done)
    }
}

fn with<T>(
    folder: &Path,
    passphrase: &PassphraseArguments,
    done: impl Fn(&IdentityFolder<'_>) -> Result<T, FolderError>,
) -> Result<T, Failure> {
    passphrase.with_folder(folder, |reader| {
        done(&IdentityFolder::new(folder, reader, ours::provider()))
    })
}

impl KnownArguments {
    fn servers(&self) -> Result<Vec<ServerId>, Failure> {
        self.store
            .as_deref()
            .map_or_else(|| Ok(Vec::new()), servers_of)
    }
}

/// The servers of a store.
fn servers_of(folder: &Path) -> Result<Vec<ServerId>, Failure> {
    let settings = DurableSettings::new(tls::key_policy(&ours::provider()));
    let store = trust::look(folder, &settings)?;
    let servers = store.contents().servers();
    Ok(servers.map(|server| server.id().clone()).collect())
}

impl CheckedArguments {
    /// Checks that the store has the servers.
    fn check(&self, named: &[ServerId]) -> Result<(), Failure> {
        let Some(folder) = &self.store else {
            return Ok(());
        };
        let known = servers_of(folder)?;
        match named.iter().find(|id| !known.contains(id)) {
            Some(unknown) => Err(StoreError::UnknownServer(unknown.clone()).into()),
            None => Ok(()),
        }
    }
}

/// A folder has its keys in files.
fn in_a_file(key: &Path) -> Result<(), Failure> {
    if hardware::is_uri(key) {
        let text = "the folder of an identity has its keys in files: a key in hardware is named with --key by each command, \
                    and its next one made by `identity renew --new-key`";
        return Err(Failure::new("usage", text));
    }
    Ok(())
}

pub(crate) fn create(arguments: &CreateArguments) -> Result<Outcome, Failure> {
    in_a_file(&arguments.key)?;
    let place = &arguments.place;
    let state = place.with(|folder| folder.create(&arguments.identity, &arguments.key))?;
    let mut outcome = rotation(place, &state, &[])?;
    outcome.text.push_str(&format!(
        "\nto do: delete {}, of which the folder has a copy now",
        plain::path(&arguments.key)
    ));
    Ok(outcome)
}

pub(crate) fn stage(arguments: &StageArguments) -> Result<Outcome, Failure> {
    let place = &arguments.place;
    if let Some(out) = &arguments.out {
        absent(out)?;
    }
    if let Some(key) = &arguments.key {
        in_a_file(key)?;
    }
    match (&arguments.identity, &arguments.key, &arguments.answer) {
        (Some(chain), Some(key), _) => place.with(|folder| folder.stage(chain, key)).map(drop)?,
        (_, _, Some(answer)) => place.with(|folder| folder.stage_answer(answer)).map(drop)?,
        (_, _, None) => {
            let mut renewal = Renewal::new(RenewalSchedule::new()).with_days(arguments.made.days);
            if let Some(kind) = arguments.made.rekey {
                renewal = renewal.with_new_key(kind.into());
            }
            let done = place.with(|folder| folder.renew_now(&renewal))?;
            match done {
                RenewalOutcome::Renewed { .. } => {}
                RenewalOutcome::Staged { .. } => {
                    copy_next(arguments)?;
                    let mut outcome = renewal_of(&place.folder, &done)?;
                    outcome.text.push_str(
                        "\nnothing was made: to make another one, delete this one by `identity back --drop`",
                    );
                    return Ok(outcome);
                }
                RenewalOutcome::NotDue { .. } | RenewalOutcome::Waiting { .. } | _ => {
                    return renewal_of(&place.folder, &done);
                }
            }
        }
    }
    copy_next(arguments)?;
    let state = place.with(|folder| folder.state())?;
    let mut outcome = rotation(place, &state, &[])?;
    outcome.text.push_str(
        "\nto do: have the next certificate installed beside the current one at every key server, then activate it there",
    );
    Ok(outcome)
}

/// Writes the next certificate to the file of `--out`.
fn copy_next(arguments: &StageArguments) -> Result<(), Failure> {
    let place = &arguments.place;
    let Some(out) = &arguments.out else {
        return Ok(());
    };
    let next = place.with(|folder| folder.state())?.next();
    let Some(next) = next else {
        return Ok(());
    };
    let chain = place.with(|folder| folder.chain(next))?;
    let written = write_certificates(out, chain.certificates(), IfExists::Refuse);
    written.map_err(|error| Failure::from(error).about(out.display()))
}

pub(crate) fn activate(arguments: &ActivateArguments) -> Result<Outcome, Failure> {
    arguments.checked.check(&arguments.servers)?;
    let state = arguments.place.with(|folder| {
        if arguments.all {
            folder.activate_all()
        } else {
            folder.activate(&arguments.servers)
        }
    })?;
    rotation(&arguments.place, &state, &[])
}

pub(crate) fn back(arguments: &BackArguments) -> Result<Outcome, Failure> {
    arguments.checked.check(&arguments.servers)?;
    let state = arguments.place.with(|folder| {
        if arguments.drop {
            folder.cancel()
        } else if arguments.servers.is_empty() {
            folder.back_all()
        } else {
            folder.back(&arguments.servers)
        }
    })?;
    rotation(&arguments.place, &state, &[])
}

pub(crate) fn status(arguments: &StatusArguments) -> Result<Outcome, Failure> {
    let state = arguments.place.with(|folder| folder.state())?;
    let known = arguments.known.servers()?;
    let mut outcome = rotation(&arguments.place, &state, &known)?;
    outcome.text.push_str(&next_steps(
        &arguments.place,
        &arguments.known,
        &state,
        &known,
    ));
    Ok(outcome)
}

/// A rotation that is not over is a refusal, which names the servers that lag.
pub(crate) fn finish(arguments: &FinishArguments) -> Result<Outcome, Failure> {
    let place = &arguments.place;
    let known = arguments.known.servers()?;
    if known.is_empty() && arguments.known.store.is_some() && !arguments.force {
        // Without a list, only the servers that the state names would be asked about.
        let text = "the store has no server, so it does not say which ones must accept the next certificate";
        return Err(Failure::new("rotation/NoServers", text));
    }
    let before = place.with(|folder| folder.state())?;
    if before.next().is_some() && !arguments.force && !before.may_finish(&known) {
        return refused(arguments, &before, &known);
    }
    let has_new_key = has_new_key(place, &before)?;
    let state = place.with(|folder| {
        if arguments.force {
            folder.force_finish()
        } else {
            folder.finish(&known)
        }
    })?;
    let mut outcome = rotation(place, &state, &[])?;
    outcome.text.push_str(if has_new_key {
        "\nthe old key is deleted"
    } else {
        "\nthe old certificate is deleted; its key is that of the new one"
    });
    Ok(outcome)
}

/// Whether the next certificate has another key than the current one.
fn has_new_key(place: &FolderArguments, state: &IdentityState) -> Result<bool, Failure> {
    let Some(next) = state.next() else {
        return Ok(false);
    };
    let pin = |certificate| place.with(|folder| Ok(folder.chain(certificate)?.leaf().key_pin()));
    Ok(pin(state.current())? != pin(next)?)
}

fn refused(
    arguments: &FinishArguments,
    state: &IdentityState,
    known: &[ServerId],
) -> Result<Outcome, Failure> {
    let place = &arguments.place;
    let mut outcome = rotation(place, state, known)?;
    outcome
        .text
        .push_str("\nrefused: the current certificate is still needed");
    outcome
        .text
        .push_str(&next_steps(place, &arguments.known, state, known));
    outcome.text.push_str(
        "\n  --force finishes without these steps: a server that does not accept the next certificate then refuses us",
    );

    Ok(outcome.or_refused(Some(String::from("Lagging"))))
}

/// The state as text and as JSON.
fn rotation(
    place: &FolderArguments,
    state: &IdentityState,
    known: &[ServerId],
) -> Result<Outcome, Failure> {
    let (text, rotation) = shown(&place.folder, state, known)?;
    Ok(Outcome::of(text, &rotation))
}

fn shown(
    path: &Path,
    state: &IdentityState,
    known: &[ServerId],
) -> Result<(String, IdentityRotation), Failure> {
    let folder = IdentityFolder::new(path, KeyReader::new(), ours::provider());
    let mut lines = vec![if state.phase() == RotationPhase::None {
        String::from("no rotation under way")
    } else {
        format!("phase: {}", state.phase())
    }];
    let mut of = |what: &str, certificate: Fingerprint| -> Result<OwnCertificate, Failure> {
        let chain = folder.chain(certificate)?;
        let leaf = chain.leaf();
        let file = folder.certificate_file(certificate);
        lines.push(format!(
            "{what}: {} ({}), valid {}",
            identified(certificate),
            facts::subject(leaf),
            leaf.validity()
        ));
        lines.push(format!("  file: {}", plain::path(&file)));
        Ok(OwnCertificate {
            fingerprint: certificate.to_string(),
            not_before: facts::time(leaf.validity().not_before()),
            not_after: facts::time(leaf.validity().not_after()),
            file: file.display().to_string(),
        })
    };
    let current = of("current", state.current())?;
    let next = state.next().map(|next| of("next", next)).transpose()?;
    let at = |time: pki_types::UnixTime| facts::time(Timestamp::from(time));
    if let Some(since) = state.requested() {
        let since = since.map(|since| format!(" since {}", at(since)));
        let since = since.unwrap_or_default();
        lines.push(format!(
            "requested: a CA has not answered our request{since}"
        ));
    }
    let servers = state.servers(known);
    lines.extend(servers.iter().map(|server| format!("  {server}")));
    if !known.is_empty() {
        // A wrong id would be presented the next identity in silence.
        let named = state.servers(&[]).into_iter();
        let others = named.filter(|found| !known.contains(&found.server));
        lines.extend(others.map(|found| {
            format!(
                "  warning: the state names server {}, which is not in the store",
                found.server
            )
        }));
    }
    let may_finish = state.may_finish(known);
    if state.next().is_some() {
        lines.push(String::from(if may_finish {
            "the current certificate can go: `identity finish`"
        } else {
            "the current certificate is still needed: not every server was seen to accept the next one"
        }));
    }
    let rotation = IdentityRotation {
        folder: path.display().to_string(),
        phase: state.phase().as_str(),
        current,
        next,
        staged: state.staged().map(at),
        requested: state.requested().is_some(),
        requested_since: state.requested().flatten().map(at),
        servers: servers
            .iter()
            .map(|server| RotatedServer {
                server: server.server.to_string(),
                activated: server.is_activated,
                since: server.since.map(at),
                accepted: server.is_accepted,
                accepted_at: server.accepted.map(at),
            })
            .collect(),
        may_finish,
    };
    Ok((lines.join("\n"), rotation))
}
