//! Reports of nodes, and which nodes are there.

use core::time::Duration;

use etcd_client::{Client, GetOptions, KeyValue, Txn, TxnOp};
use tokio::time::Instant;

use super::cluster::Cluster;
use super::fault::Fault;
use super::keys::{self, Keys};
use super::limits::{NAMES_PAGE, PAGE};
use super::read::{self, unexpected};
use super::write;
use crate::limits::MAX_NODES;
use crate::{NodeName, NodeReport, TransportError};

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

/// The last report of each node. One that cannot be read is left out, and so is one under the name of another node.
pub(super) async fn reports(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<Vec<NodeReport>, TransportError> {
    let folder = keys.nodes();
    let read = |found: &KeyValue| {
        let report = NodeReport::read(found.value()).ok()?;
        let name = found.key().strip_prefix(folder.as_bytes())?;
        (name == report.node().as_str().as_bytes()).then_some(report)
    };
    pages(cluster, &folder, GetOptions::new(), PAGE, read).await
}

/// The nodes that are there.
pub(super) async fn present(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<Vec<NodeName>, TransportError> {
    let folder = keys.present();
    let read = |found: &KeyValue| {
        let name = found.key_str().ok()?.strip_prefix(&folder)?;
        name.parse().ok()
    };
    let options = GetOptions::new().with_keys_only();
    pages(cluster, &folder, options, NAMES_PAGE, read).await
}

/// Removes what a node reported.
pub(super) async fn forget(
    cluster: &Cluster,
    keys: &Keys,
    node: &NodeName,
) -> Result<(), TransportError> {
    let writes = vec![
        TxnOp::delete(keys.report_of(node), None),
        TxnOp::delete(keys.presence_of(node), None),
    ];
    written(cluster, writes).await.map(|_| ())
}

/// All keys in a folder, some at once.
async fn pages<T>(
    cluster: &Cluster,
    folder: &str,
    options: GetOptions,
    page: i64,
    read: impl Fn(&KeyValue) -> Option<T>,
) -> Result<Vec<T>, TransportError> {
    let end = keys::end_of(folder);
    let mut from = folder.as_bytes().to_vec();
    let mut limit = page;
    let mut seen = 0_usize;
    let mut all = Vec::new();
    loop {
        let options = options.clone().with_range(end.clone()).with_limit(limit);
        let answer = match read::range(cluster, &from, options.clone()).await? {
            Some(answer) => answer,
            // Something larger than a report is among them. It is passed by.
            None if limit > 1 => {
                limit = 1;
                continue;
            }
            None => {
                let names = read::range(cluster, &from, options.with_keys_only()).await?;
                let name = names.as_ref().and_then(|names| names.kvs().first());
                let Some(name) = name else {
                    return Ok(all);
                };
                from = keys::after(name.key());
                continue;
            }
        };
        let Some(last) = answer.kvs().last() else {
            return Ok(all);
        };
        from = keys::after(last.key());
        seen = seen.saturating_add(answer.kvs().len());
        if seen > MAX_NODES {
            return Err(TransportError::TooManyNodes {
                at: folder.to_owned(),
                limit: MAX_NODES,
            });
        }
        all.extend(answer.kvs().iter().filter_map(&read));
        if !answer.more() {
            return Ok(all);
        }
        limit = page;
    }
}
