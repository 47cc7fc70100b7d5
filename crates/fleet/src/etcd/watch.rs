//! What etcd tells of the publication in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use etcd_client::{KeyValue, WatchOptions, WatchRequestSender, WatchResponse, WatchResponseStream};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::cluster::Cluster;
use super::fault::Fault;
use super::keys::Keys;
use super::limits::MAX_ANSWER;
use super::read::{self, Found, Position};
use crate::{Tag, TransportError};

/// An open watch. A task reads it, whatever its node does meanwhile: what is not read would fill the connection, and then
/// others that share it have no answers.
#[derive(Debug)]
pub(super) struct Watch {
    heard: Arc<Heard>,
    task: AbortHandle,
}

/// What the task has heard, of which the node takes the newest.
#[derive(Debug)]
struct Heard {
    state: Mutex<State>,
    /// Wakes the node.
    more: Notify,
}

#[derive(Debug)]
struct State {
    /// How far the watch has told.
    position: Position,
    news: Option<News>,
    has_ended: bool,
}

/// The last change of the head.
#[derive(Debug)]
struct News {
    head: KeyValue,
    body: Option<KeyValue>,
}

/// What a watch says.
pub(super) enum Said {
    /// There is another publication, perhaps with its bytes.
    Changed(Option<(Vec<u8>, Tag)>),
    Nothing,
    /// It says no more.
    Ended,
}

impl Watch {
    /// A watch for what happens after an answer of etcd.
    pub(super) async fn open(
        cluster: &Cluster,
        keys: &Keys,
        position: Position,
    ) -> Result<Self, TransportError> {
        let from = position.revision.saturating_add(1);
        let question = async |client: etcd_client::Client| -> Result<_, Fault> {
            let mut client = client.watch_client().max_decoding_message_size(MAX_ANSWER);
            let options = WatchOptions::new().with_prefix().with_start_revision(from);
            Ok(client.watch(keys.current(), Some(options)).await?.split())
        };
        let (requests, answers) = cluster.ask(question).await?;
        let heard = Arc::new(Heard {
            state: Mutex::new(State {
                position,
                news: None,
                has_ended: false,
            }),
            more: Notify::new(),
        });
        let task = listen(requests, answers, keys.clone(), Arc::clone(&heard));
        let task = tokio::spawn(task).abort_handle();
        Ok(Self { heard, task })
    }

    /// How far it has told.
    pub(super) fn position(&self) -> Position {
        self.heard.state().position
    }

    /// What it says next. Nothing is lost if the answer is not awaited.
    pub(super) async fn next(&self, keys: &Keys, handed: Option<&Tag>) -> Said {
        loop {
            {
                let mut state = self.heard.state();
                if let Some(news) = state.news.take() {
                    drop(state);
                    return news.read(keys, handed);
                }
                if state.has_ended {
                    return Said::Ended;
                }
            }
            self.heard.more.notified().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of it is whole, so a panic leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a watch until it ends. It ends with its requests too.
async fn listen(
    requests: WatchRequestSender,
    mut answers: WatchResponseStream,
    keys: Keys,
    heard: Arc<Heard>,
) {
    while let Ok(Some(answer)) = answers.message().await {
        let mut state = heard.state();
        if !answer.created() {
            let position = Position::of(answer.header());
            // Canceled: compacted before it was read, the member has no leader, or no permission.
            if answer.canceled() || !state.position.goes_on_in(position) {
                break;
            }
            state.position = position;
        }
        if let Some(news) = News::of(&answer, &keys) {
            state.news = Some(news);
            heard.more.notify_one();
        }
    }
    heard.state().has_ended = true;
    heard.more.notify_one();
    drop(requests);
}

impl News {
    /// The last change of the head in an answer, with the body that came with it.
    fn of(answer: &WatchResponse, keys: &Keys) -> Option<Self> {
        let last = |key: &str| {
            let events = answer.events().iter().rev();
            let mut pairs = events.filter_map(|event| event.kv());
            pairs.find(|pair| pair.key() == key.as_bytes())
        };
        let head = last(&keys.head())?.clone();
        let of_head = |body: &&KeyValue| body.mod_revision() == head.mod_revision();
        let body = last(&keys.body()).filter(of_head).cloned();
        Some(Self { head, body })
    }

    /// In the thread of the node: it computes a digest.
    fn read(self, keys: &Keys, handed: Option<&Tag>) -> Said {
        // A deleted key has no version. What is not readable is read again, with an error that says where.
        if self.head.version() == 0 {
            return Said::Changed(None);
        }
        let Ok(found) = Found::read(&self.head, &keys.head()) else {
            return Said::Changed(None);
        };
        if handed == Some(&found.tag) {
            return Said::Nothing;
        }
        let bytes = self
            .body
            .and_then(|body| read::checked_body(keys, &found, body).ok().flatten());
        Said::Changed(bytes.map(|bytes| (bytes, found.tag)))
    }
}
