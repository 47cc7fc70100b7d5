//! Reports of nodes, and which nodes are there.

use core::time::Duration;

use etcd_client::{Client, GetOptions, Txn, TxnOp, TxnOpResponse};
use tokio::time::Instant;

use super::cluster::Cluster;
use super::fault::Fault;
use super::keys::{self, Keys};
use super::limits::{NAMES_PAGE, PAGE};
use super::read::{self, unexpected};
use super::write;
use crate::limits::MAX_NODES;
use crate::reported::read_named;
use crate::{NodeName, NodeReport, NodeReports, ReportError, TransportError, UnreadReport};

/// The lease under which a node is present.
#[derive(Debug)]
pub(super) struct Presence {
    node: NodeName,
    lease: i64,
    /// When it says so again.
    due: Instant,
}

impl Presence {
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Writes a report, and that its node is there.
    pub(super) async fn report(
        before: Option<&Self>,
        cluster: &Cluster,
        keys: &Keys,
        report: &NodeReport,
        time: Duration,
    ) -> Result<Self, TransportError> {
        let node = report.node().clone();
        // A lease belongs to one node.
        let mut lease = before
            .filter(|before| before.node == node)
            .map(|before| before.lease);
        for _ in 0..2 {
            let id = match lease {
                Some(id) => id,
                None => write::grant(cluster, time).await?,
            };
            let text = report.to_string();
            let writes = vec![
                TxnOp::put(keys.report_of(&node), text, None),
                TxnOp::put(keys.presence_of(&node), "", Some(write::under(id))),
            ];
            if written(cluster, writes).await? {
                let due = Instant::now() + time / 3;
                let lease = id;
                return Ok(Self { node, lease, due });
            }
            // It ended while this node was silent.
            lease = None;
        }
        Err(unexpected(
            &keys.present(),
            "a lease ended as soon as it was made",
        ))
    }

    /// Says again that the node is there. If the lease was lost, takes a new one.
    ///
    /// An error counts for nothing else: presence is tried again a sixth of its time later.
    pub(super) async fn keep(&mut self, cluster: &Cluster, keys: &Keys, time: Duration) {
        self.due = Instant::now() + time / 6;
        let lease = self.lease;
        let question = async |client: Client| -> Result<bool, Fault> {
            match client
                .lease_client()
                .keep_alive(lease)
                .await
                .map_err(Fault::from)
            {
                Ok(_) => Ok(true),
                Err(fault) if fault.is_of_lost_lease() => Ok(false),
                Err(fault) => Err(fault),
            }
        };
        let Ok(is_there) = cluster.ask(question).await else {
            return;
        };
        if !is_there && self.renew(cluster, keys, time).await.is_err() {
            return;
        }
        self.due = Instant::now() + time / 3;
    }

    async fn renew(
        &mut self,
        cluster: &Cluster,
        keys: &Keys,
        time: Duration,
    ) -> Result<(), TransportError> {
        let lease = write::grant(cluster, time).await?;
        let key = keys.presence_of(&self.node);
        written(
            cluster,
            vec![TxnOp::put(key, "", Some(write::under(lease)))],
        )
        .await?;
        self.lease = lease;
        Ok(())
    }
}

/// Writes all of it. `Ok(false)` if a lease is gone.
async fn written(cluster: &Cluster, writes: Vec<TxnOp>) -> Result<bool, TransportError> {
    let transaction = Txn::new().and_then(writes);
    let question = async |client: Client| -> Result<bool, Fault> {
        match client
            .kv_client()
            .txn(transaction.clone())
            .await
            .map_err(Fault::from)
        {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_of_lost_lease() => Ok(false),
            Err(fault) => Err(fault),
        }
    };
    cluster.ask(question).await
}

/// The last report of each node. A key that is no name of a node is left out.
pub(super) async fn reports(cluster: &Cluster, keys: &Keys) -> Result<NodeReports, TransportError> {
    let folder = keys.nodes();
    let read = |key: &[u8], value: Option<&[u8]>| {
        let name = named(&folder, key)?;
        Some(match value {
            Some(value) => read_named(name, value),
            None => Err(UnreadReport::new(
                Some(name),
                &ReportError::TooLarge.to_string(),
            )),
        })
    };
    let (found, is_cut) = pages(cluster, &folder, GetOptions::new(), PAGE, read).await?;
    let mut all = NodeReports {
        is_cut,
        ..NodeReports::default()
    };
    found.into_iter().for_each(|one| all.add(one));
    Ok(all)
}

/// The node of a key.
fn named(folder: &str, key: &[u8]) -> Option<NodeName> {
    let name = key.strip_prefix(folder.as_bytes())?;
    core::str::from_utf8(name).ok()?.parse().ok()
}

/// The nodes that are there.
pub(super) async fn present(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<Vec<NodeName>, TransportError> {
    let folder = keys.present();
    let read = |key: &[u8], _: Option<&[u8]>| named(&folder, key);
    let options = GetOptions::new().with_keys_only();
    let (all, is_cut) = pages(cluster, &folder, options, NAMES_PAGE, read).await?;
    if is_cut {
        return Err(TransportError::TooManyNodes {
            at: folder,
            limit: MAX_NODES,
        });
    }
    Ok(all)
}

/// Removes what a node reported. Whether there was something.
pub(super) async fn forget(
    cluster: &Cluster,
    keys: &Keys,
    node: &NodeName,
) -> Result<bool, TransportError> {
    let removals = vec![
        TxnOp::delete(keys.report_of(node), None),
        TxnOp::delete(keys.presence_of(node), None),
    ];
    let transaction = Txn::new().and_then(removals);
    let question = async |client: Client| -> Result<bool, Fault> {
        let answer = client.kv_client().txn(transaction.clone()).await?;
        let mut done = answer.op_responses().into_iter();
        let report = done.next();
        Ok(matches!(report, Some(TxnOpResponse::Delete(done)) if done.deleted() > 0))
    };
    cluster.ask(question).await
}

/// The first [`MAX_NODES`] keys in a folder, some at once, and whether there are more. `read` gets a key with its value, or
/// without one that is larger than an answer.
async fn pages<T>(
    cluster: &Cluster,
    folder: &str,
    options: GetOptions,
    page: i64,
    read: impl Fn(&[u8], Option<&[u8]>) -> Option<T>,
) -> Result<(Vec<T>, bool), TransportError> {
    let end = keys::end_of(folder);
    let mut from = folder.as_bytes().to_vec();
    let mut limit = page;
    let mut seen = 0_usize;
    let mut all = Vec::new();
    loop {
        let options = options.clone().with_range(end.clone()).with_limit(limit);
        let (answer, has_values) = match read::range(cluster, &from, options.clone()).await? {
            Some(answer) => (answer, true),
            // Something larger than a report is among them.
            None if limit > 1 => {
                limit = 1;
                continue;
            }
            None => match read::range(cluster, &from, options.with_keys_only()).await? {
                Some(names) => (names, false),
                None => return Ok((all, false)),
            },
        };
        let Some(last) = answer.kvs().last() else {
            return Ok((all, false));
        };
        from = keys::after(last.key());
        for found in answer.kvs() {
            if seen >= MAX_NODES {
                return Ok((all, true));
            }
            seen = seen.saturating_add(1);
            let value = has_values.then(|| found.value());
            all.extend(read(found.key(), value));
        }
        if !answer.more() {
            return Ok((all, false));
        }
        if has_values {
            limit = page;
        }
    }
}
