//! `store replace`, and the progress of `store migrate`: what a server presents is changed step by step.

use std::path::PathBuf;

use clap::Args;
use mutual_trust::admin::{
    MoveStep, Peer, PeerHistory, ReplaceStep, ReplacementPlan, Subject, migration_plan,
    replacement_plan,
};
use mutual_trust::certificate::Timestamp;
use mutual_trust::store::EntryKey;
use mutual_trust::{
    EntryOptions, Fingerprint, GroupId, PinScope, ServerId, TrustSnapshot, TrustStore,
};
use pki_types::UnixTime;

use super::calls::Calls;
use super::change::{Edit, no_scope, one};
use super::make::{Common, now, seen, tried_and_made};
use super::scope::until;
use crate::facts;
use crate::files::Chosen;
use crate::fingerprints;
use crate::json::{ReplacedServer, StoreReplace};
use crate::output::{Failure, Outcome, identified, shown};

/// The next certificate of a server or of a group.
#[derive(Args, Clone, Debug)]
pub(super) struct ReplaceArguments {
    /// The next certificate's file
    #[arg(value_name = "FILE")]
    certificate: PathBuf,
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    whose: Whose,
    /// Show who is done and who lags, and change nothing
    #[arg(long)]
    status: bool,
}

/// A server, or the servers of a group.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The server
    #[arg(long, value_name = "ID")]
    server: Option<ServerId>,
    /// The members of this group, which share the certificate
    #[arg(long, value_name = "ID")]
    group: Option<GroupId>,
}

/// A migration.
#[derive(Args, Clone, Debug)]
pub(super) struct MigrateArguments {
    /// The server
    #[arg(value_name = "ID", required_unless_present = "group")]
    server: Option<ServerId>,
    /// All current members of this group instead
    #[arg(long, value_name = "ID", conflicts_with = "server")]
    group: Option<GroupId>,
    /// The end, at most 366 days ahead: 2027-01-31, 30d; it can be set again
    #[arg(long, value_name = "TIME", value_parser = until, required_unless_present_any = ["stop", "status"])]
    until: Option<UnixTime>,
    /// End it now: the server is claimed again
    #[arg(long, conflicts_with_all = ["until", "group"])]
    stop: bool,
    /// Show who is done and who lags, and change nothing
    #[arg(long, conflicts_with_all = ["until", "stop"])]
    pub(super) status: bool,
}

impl MigrateArguments {
    pub(super) fn prepare(self) -> Result<Edit, Failure> {
        Ok(match (self.server, self.group, self.until) {
            (Some(id), _, _) if self.stop => one(move |store| store.stop_migrating(&id)),
            (Some(id), _, Some(until)) => one(move |store| store.migrate(&id, until)),
            (None, Some(id), Some(until)) => one(move |store| store.migrate_group(&id, until)),
            _ => return Err(no_scope()),
        })
    }
}

/// Begins, prolongs or ends a migration. Its end is judged by what was seen of the server.
pub(super) fn migrate(common: &Common, arguments: MigrateArguments) -> Result<Outcome, Failure> {
    let store = common.look()?;
    let history = match arguments.stop {
        true => seen(common, &store)?,
        false => PeerHistory::new(),
    };
    match arguments.prepare()? {
        Edit::Calls(calls) => Ok(tried_and_made(common, &store, &calls, &history)?.into()),
        Edit::Block(_) | Edit::Nothing(_) => Err(no_scope()),
    }
}

fn subject(server: Option<&ServerId>, group: Option<&GroupId>) -> Result<Subject, Failure> {
    let server = server.cloned().map(Subject::from);
    let subject = server.or_else(|| group.cloned().map(Subject::from));
    subject.ok_or_else(no_scope)
}

/// Makes the next step of a replacement, or says who it waits for.
pub(super) fn run(common: &Common, arguments: &ReplaceArguments) -> Result<Outcome, Failure> {
    let certificate = fingerprints::chosen(&arguments.certificate, &arguments.chosen)?;
    let next = certificate.fingerprint();
    let whose = &arguments.whose;
    let subject = subject(whose.server.as_ref(), whose.group.as_ref())?;
    let store = common.look()?;
    let history = seen(common, &store)?;
    let planned = |store: &TrustStore| {
        let view = store.contents();
        replacement_plan(
            view,
            &common.policy(),
            &history,
            now(),
            subject.clone(),
            next,
        )
    };
    let plan = planned(&store)?;
    let scope = match (&whose.server, &whose.group) {
        (Some(id), _) => PinScope::Server(id.clone()),
        (None, Some(id)) => PinScope::Group(id.clone()),
        (None, None) => return Err(no_scope()),
    };
    let calls: Option<Calls> = match plan.step() {
        _ if arguments.status => None,
        ReplaceStep::InstallNext => Some(Box::new(move |store| {
            let options = EntryOptions::new();
            let done = store.install_pin(scope.clone(), certificate.clone(), options)?;
            Ok(vec![done].into())
        })),
        ReplaceStep::RemoveOld { old, .. } => {
            let old = old.clone();
            Some(Box::new(move |store| {
                Ok(vec![store.remove_all(&old)?].into())
            }))
        }
        _ => None,
    };
    let Some(calls) = calls else {
        let is_waiting = !arguments.status && !matches!(plan.step(), ReplaceStep::Done);
        let code = is_waiting.then(|| String::from("Waiting"));
        return Ok(told(&plan, store.contents(), &history, next, None).or_refused(code));
    };
    let made = tried_and_made(common, &store, &calls, &history)?;
    let text = made.text;
    let after = common.look()?;
    let plan = planned(&after)?;
    let mut outcome = told(&plan, after.contents(), &history, next, Some(made.change));
    outcome.text = format!("{text}\n{}", outcome.text);
    Ok(outcome.or_refused(made.refused))
}

fn told(
    plan: &ReplacementPlan,
    view: &TrustSnapshot,
    history: &PeerHistory,
    next: Fingerprint,
    change: Option<crate::json::StoreChange>,
) -> Outcome {
    let is_done = |_: &ServerId, entry: &EntryKey| entry.fingerprint == next;
    let (mut lines, servers) = servers(view, plan.subject(), history, &is_done);
    let (step, may_remove) = match plan.step() {
        ReplaceStep::UseGroup(_) => ("use_group", false),
        ReplaceStep::InstallNext => ("install", false),
        ReplaceStep::FixNextPin(_) => ("fix", false),
        ReplaceStep::Observe { .. } => ("wait", false),
        ReplaceStep::RemoveOld { .. } => ("remove_old", true),
        ReplaceStep::Done => ("done", false),
        _ => ("unknown", false),
    };
    lines.push(shown(plan));
    if step == "wait" {
        lines.push(String::from(NOT_KNOWN));
    }
    let answer = StoreReplace {
        step,
        servers,
        may_remove,
        change,
    };
    Outcome::of(lines.join("\n"), &answer)
}

/// What is known, and what is not.
const NOT_KNOWN: &str =
    "  what a server presents is known from `connect --store`: connect to each that lags";

/// The progress of a migration.
pub(super) fn migration(common: &Common, arguments: &MigrateArguments) -> Result<Outcome, Failure> {
    let subject = subject(arguments.server.as_ref(), arguments.group.as_ref())?;
    let store = common.look()?;
    let view = store.contents();
    let history = seen(common, &store)?;
    let plan = migration_plan(view, &common.policy(), &history, now(), subject.clone())?;
    // A pin may have decided about a certificate that an authority accepts as well.
    let is_done = |server: &ServerId, _: &EntryKey| plan.is_ready(server);
    let (mut lines, servers) = servers(view, &subject, &history, &is_done);
    let (step, may_remove) = match plan.step() {
        MoveStep::InstallAuthority { .. } => ("install_authority", false),
        MoveStep::Migrate { .. } => ("migrate", false),
        MoveStep::Observe { .. } => ("wait", false),
        MoveStep::LeaveGroup { .. } => ("leave_group", false),
        MoveStep::Release => ("release", true),
        MoveStep::Done => ("done", false),
        _ => ("unknown", false),
    };
    lines.push(shown(&plan));
    if step == "wait" {
        lines.push(String::from(NOT_KNOWN));
    }
    let answer = StoreReplace {
        step,
        servers,
        may_remove,
        change: None,
    };
    Ok(Outcome::of(lines.join("\n"), &answer))
}

/// Each server of an operation with what it presented when it was last accepted.
fn servers(
    view: &TrustSnapshot,
    subject: &Subject,
    history: &PeerHistory,
    is_done: &dyn Fn(&ServerId, &EntryKey) -> bool,
) -> (Vec<String>, Vec<ReplacedServer>) {
    let ids: Vec<ServerId> = match subject {
        Subject::Server(id) => vec![id.clone()],
        Subject::Group(id) => view
            .group(id)
            .map(|group| group.members().cloned().collect())
            .unwrap_or_default(),
        _ => Vec::new(),
    };
    let of = |id: ServerId| {
        let found = history.last(&Peer::Server(id.clone()));
        let at = found.and_then(|found| found.at());
        let server = ReplacedServer {
            server: id.to_string(),
            done: found.is_some_and(|found| is_done(&id, found.entry())),
            presented: found.map(|found| found.fingerprint().to_string()),
            at: at.map(|at| facts::time(Timestamp::from(at))),
        };
        let line = match (found, server.done) {
            (None, _) => format!("  server {id}: not seen"),
            (Some(found), done) => {
                let word = if done { "done" } else { "lags" };
                let print = identified(found.fingerprint());
                let at = server.at.as_deref().unwrap_or("an unknown time");
                format!("  server {id}: {word}, it presented {print} at {at}")
            }
        };
        (line, server)
    };
    ids.into_iter().map(of).unzip()
}
