//! A hub of the fleet's crate, with the store and the output of the command.

use core::time::Duration;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use mutual_trust::admin::DurableStore;
use mutual_trust::admin::bundle::Publication;
use mutual_trust::tls::refusal;
use mutual_trust::{LiveTrust, ServerConfigBuilder};
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::server::{Acceptor, Hub, Listener};
use mutual_trust_fleet::{Fetched, Publisher, Tag, Transport, TransportError};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use super::Arguments;
use crate::json::{HubEvent, HubServed};
use crate::output::{self, Failure, Outcome};
use crate::{ours, plain};

/// How often the store and the folder are looked at, as `serve` does.
const LOOK: Duration = Duration::from_secs(1);

/// How many refusals wait to be printed. More are counted: any machine that reaches the port can cause one.
const MAX_WAITING: usize = 64;

/// How long a report that is being written may take at the end.
const LAST_WRITE: Duration = Duration::from_secs(5);

/// Serves until the end of the time.
pub(super) fn run(arguments: &Arguments, as_json: bool) -> Result<Outcome, Failure> {
    let end = arguments.seconds.map(Duration::from_secs);
    let folder = folder(&arguments.folder)?;
    let settings = arguments.open.settings(ours::keys())?;
    let (store, _) = DurableStore::open(&arguments.store, settings)?;
    let hub = Hub::open(folder)?
        .with_publishers(arguments.publisher.clone())
        .with_reports_in_folder();
    let (tell, told) = sync_channel(MAX_WAITING);
    let refused = Arc::new(AtomicU64::new(0));
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let listener = listen(&runtime, arguments, store.live(), tell, refused.clone())?;
    let address = listener.local_addr()?.to_string();
    let mut served = Served {
        store,
        folder: Folder::new(folder),
        tag: None,
        sequence: None,
        faults: [None, None],
        as_json,
    };
    served.tell(
        &format!("listening on {address}"),
        &HubEvent::Listening { address },
    );
    let serving = runtime.spawn(async move { hub.serve(listener, core::future::pending()).await });
    served.until(end, &told, &serving)?;
    runtime.shutdown_timeout(LAST_WRITE);
    let reports = served.folder.nodes()?;
    let fact = HubServed {
        folder: plain::path(folder),
        sequence: served.sequence,
        nodes: reports.reports.len(),
        unreadable: reports.unread.len(),
        refused: refused.load(Ordering::Relaxed),
    };
    let text = format!(
        "ended: {} nodes have reported, and {} clients were refused",
        fact.nodes, fact.refused
    );
    Ok(Outcome::of(text, &fact))
}

/// The folder. One that is named by mistake is not made.
fn folder(path: &Path) -> Result<&Path, Failure> {
    let found =
        fs::metadata(path).map_err(|error| Failure::from(error).about(plain::path(path)))?;
    if found.is_dir() {
        return Ok(path);
    }
    let error = std::io::Error::from(ErrorKind::NotADirectory);
    Err(Failure::from(error).about(plain::path(path)))
}

/// Listens for clients that the store knows.
fn listen(
    runtime: &Runtime,
    arguments: &Arguments,
    live: LiveTrust,
    tell: SyncSender<(String, HubEvent)>,
    refused: Arc<AtomicU64>,
) -> Result<Listener, Failure> {
    let provider = ours::provider();
    let missing = || Failure::new("usage", "a hub needs an --identity");
    let identity = arguments.identity.read(&provider)?.ok_or_else(missing)?;
    let policy = arguments.policy.policy(ours::keys());
    let builder = ServerConfigBuilder::new(provider, live, policy, identity);
    let listener = Listener::builder(Acceptor::new(&builder)?);
    let listener = listener.with_failure_handler(move |failure| {
        refused.fetch_add(1, Ordering::Relaxed);
        let verdict = refusal(failure.error());
        let message = verdict.map_or_else(
            || format!("a link failed: {}", failure.error()),
            output::shown,
        );
        let address = failure.remote_addr().map(|address| address.to_string());
        let from = address.as_deref().unwrap_or("(unknown)");
        let text = format!("{message}\n  from: {from}");
        let reason = verdict.map(|verdict| verdict.reason().to_string());
        let event = HubEvent::Refused {
            message,
            reason,
            address,
        };
        // The task that accepts does not wait for the reader of the output.
        let _ = tell.try_send((text, event));
    });
    let bound = runtime.block_on(listener.bind(arguments.listen.as_str()));
    bound.map_err(|error| Failure::from(error).about(&arguments.listen))
}

/// What is served, and what was told of it.
struct Served {
    store: DurableStore,
    folder: Folder,
    tag: Option<Tag>,
    sequence: Option<u64>,
    /// What is wrong with the store, and with the folder.
    faults: [Option<String>; 2],
    as_json: bool,
}

impl Served {
    fn tell(&self, text: &str, event: &HubEvent) {
        // The reader of the output may have gone. The hub serves all the same.
        let _ = output::print_event(text, event, self.as_json);
    }

    /// Tells what happens, until the end of the time.
    fn until(
        &mut self,
        end: Option<Duration>,
        told: &Receiver<(String, HubEvent)>,
        serving: &JoinHandle<()>,
    ) -> Result<(), Failure> {
        let begin = Instant::now();
        let mut looked: Option<Instant> = None;
        loop {
            let left = end.map(|end| end.saturating_sub(begin.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let since = looked.map_or(LOOK, |looked| looked.elapsed());
            if since >= LOOK {
                self.look();
                looked = Some(Instant::now());
            }
            if serving.is_finished() {
                return Err(Failure::new("fleet/HubEnded", "the hub has ended"));
            }
            let until_look = LOOK.saturating_sub(looked.map_or(LOOK, |looked| looked.elapsed()));
            let wait = left.map_or(until_look, |left| left.min(until_look));
            match told.recv_timeout(wait) {
                Ok((text, event)) => self.tell(&text, &event),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// Puts in force what other processes changed in the store, and tells which publication is served. A fault is told once.
    fn look(&mut self) {
        let of_store = match self.store.refresh() {
            Ok(false) => None,
            Ok(true) => {
                let generation = self.store.contents().generation();
                let text = format!("changed: generation {generation} is in force");
                self.tell(&text, &HubEvent::Changed { generation });
                None
            }
            Err(error) => Some(Failure::from(error).message().to_owned()),
        };
        let of_folder = self.look_at_folder();
        for (number, fault) in [of_store, of_folder].into_iter().enumerate() {
            let Some(before) = self.faults.get_mut(number) else {
                continue;
            };
            let is_new = *before != fault;
            before.clone_from(&fault);
            if let Some(message) = fault.filter(|_| is_new) {
                self.tell(&format!("error: {message}"), &HubEvent::Error { message });
            }
        }
    }

    /// Tells of another publication. What is wrong with the one that is there, if anything is.
    fn look_at_folder(&mut self) -> Option<String> {
        let fault = || self.faults.last().cloned().flatten();
        if self.tag.is_some() && matches!(self.folder.wait(Duration::ZERO), Ok(false)) {
            return fault();
        }
        let bytes = match self.folder.fetch(self.tag.as_ref()) {
            Ok(Fetched::Unchanged) => return fault(),
            // None yet: nodes are told.
            Err(TransportError::NotPublished { .. }) => return None,
            Err(error) => return Some(Failure::from(error).message().to_owned()),
            Ok(Fetched::New { bytes, tag }) => {
                self.tag = Some(tag);
                bytes
            }
        };
        let publication = match Publication::read(&bytes) {
            Ok(publication) => publication,
            Err(error) => return Some(Failure::from(error).message().to_owned()),
        };
        let bundle = publication.bundle();
        let (fleet, sequence) = (bundle.head().fleet().to_string(), bundle.head().sequence());
        self.sequence = Some(sequence);
        let digest = bundle.digest().to_string();
        let event = HubEvent::Published {
            fleet: fleet.clone(),
            sequence,
            digest,
        };
        self.tell(
            &format!("published: bundle {sequence} of fleet {fleet}"),
            &event,
        );
        None
    }
}
