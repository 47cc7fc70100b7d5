//! Puts a publication in the place of another, and removes what is left of old ones.

use core::time::Duration;

use etcd_client::{Client, Compare, CompareOp, DeleteOptions, GetOptions, PutOptions, Txn, TxnOp};

use super::cluster::Cluster;
use super::fault::Fault;
use super::head::{Head, is_digest};
use super::keys::{self, Keys};
use super::limits::{ATTEMPTS, CHUNK_BYTES, MAX_CLEANED};
use super::read::{self, unexpected};
use crate::{Tag, TransportError};
use mutual_trust::limits::MAX_PUBLICATION_BYTES;

/// Publishes over the publication with this tag.
pub(super) async fn publish(
    cluster: &Cluster,
    keys: &Keys,
    bytes: &[u8],
    over: Option<&Tag>,
) -> Result<Tag, TransportError> {
    let at = keys.head();
    if bytes.is_empty() {
        return Err(unexpected(&at, "an empty publication is none"));
    }
    if bytes.len() > MAX_PUBLICATION_BYTES {
        let limit = MAX_PUBLICATION_BYTES;
        return Err(TransportError::TooLarge { at, limit });
    }
    let (_, before) = read::head(cluster, keys).await?;
    if before.as_ref().map(|found| &found.tag) != over {
        return Err(TransportError::Superseded { at });
    }
    let before = before.map_or(0, |found| found.mod_revision);
    let head = Head::of(bytes);
    for _ in 0..ATTEMPTS {
        let mut compares = vec![Compare::mod_revision(at.as_str(), CompareOp::Equal, before)];
        let mut writes = vec![TxnOp::put(at.as_str(), head.to_string(), None)];
        if head.chunks() == 0 {
            writes.push(TxnOp::put(keys.body(), bytes, None));
        } else {
            let Some(created) = upload(cluster, keys, &head, bytes).await? else {
                continue;
            };
            // Pieces are removed all at once, so the first one stands for all.
            let first = keys.chunk(&head.digest, 0);
            compares.push(Compare::create_revision(first, CompareOp::Equal, created));
            writes.push(TxnOp::delete(keys.body(), None));
        }
        commit(cluster, compares, writes).await?;
        // Whether it was this request or the same one before a connection broke: the head says what is in force.
        let (_, now) = read::head(cluster, keys).await?;
        match now {
            Some(now) if now.mod_revision != before && now.head == head => return Ok(now.tag),
            now if now.as_ref().map_or(0, |now| now.mod_revision) != before => {
                return Err(TransportError::Superseded { at });
            }
            // The pieces were removed meanwhile.
            _ => {}
        }
    }
    let what = "each time that the pieces of the publication were written, they were removed";
    Err(unexpected(&at, what))
}

/// Writes the pieces. When the first one was made; `None` if it is gone already.
async fn upload(
    cluster: &Cluster,
    keys: &Keys,
    head: &Head,
    bytes: &[u8],
) -> Result<Option<i64>, TransportError> {
    // Its pieces may be waiting for their removal. Now they get a new grace.
    let retired = keys.retired(&head.digest);
    commit(cluster, Vec::new(), vec![TxnOp::delete(retired, None)]).await?;
    for (number, chunk) in bytes.chunks(CHUNK_BYTES).enumerate() {
        let key = keys.chunk(&head.digest, number);
        put(cluster, &key, chunk).await?;
    }
    let first = keys.chunk(&head.digest, 0);
    let options = GetOptions::new().with_keys_only();
    let answer = read::get(cluster, &first, options).await?;
    Ok(answer.kvs().first().map(|first| first.create_revision()))
}

async fn put(cluster: &Cluster, key: &str, value: &[u8]) -> Result<(), TransportError> {
    let question = async |client: Client| -> Result<(), Fault> {
        client.kv_client().put(key, value, None).await?;
        Ok(())
    };
    cluster.ask(question).await
}

/// Writes all or nothing. Whether the comparisons held.
async fn commit(
    cluster: &Cluster,
    compares: Vec<Compare>,
    writes: Vec<TxnOp>,
) -> Result<bool, TransportError> {
    let transaction = Txn::new().when(compares).and_then(writes);
    let question = async |client: Client| -> Result<bool, Fault> {
        Ok(client
            .kv_client()
            .txn(transaction.clone())
            .await?
            .succeeded())
    };
    cluster.ask(question).await
}

/// Marks the pieces of publications that are not in force, and removes those whose grace is over. How many publications
/// were removed.
///
/// The grace is counted by etcd, as a lease: it needs no clock of ours, and outlives the publisher.
pub(super) async fn clean(
    cluster: &Cluster,
    keys: &Keys,
    grace: Duration,
) -> Result<usize, TransportError> {
    let (_, head) = read::head(cluster, keys).await?;
    let in_force = head.as_ref().map(|found| found.head.digest.as_str());
    let unchanged = head.as_ref().map_or(0, |found| found.mod_revision);
    let unchanged = Compare::mod_revision(keys.head(), CompareOp::Equal, unchanged);
    let mut removed = 0_usize;
    for digest in digests(cluster, keys).await? {
        if in_force == Some(digest.as_str()) {
            continue;
        }
        let key = keys.retired(&digest);
        let answer = read::get(cluster, &key, GetOptions::new()).await?;
        let mark = answer.kvs().first();
        let lease = mark.and_then(|mark| mark.value_str().ok()?.parse::<i64>().ok());
        let marked = mark.map_or(0, |mark| mark.mod_revision());
        let same_mark = Compare::mod_revision(key.as_str(), CompareOp::Equal, marked);
        let compares = vec![unchanged.clone(), same_mark];
        let Some(lease) = lease else {
            let lease = grant(cluster, grace).await?;
            commit(
                cluster,
                compares,
                vec![TxnOp::put(key, lease.to_string(), None)],
            )
            .await?;
            continue;
        };
        if is_over(cluster, lease).await? {
            let pieces = Some(DeleteOptions::new().with_prefix());
            let writes = vec![
                TxnOp::delete(keys.chunks(&digest), pieces),
                TxnOp::delete(key, None),
            ];
            if commit(cluster, compares, writes).await? {
                removed = removed.saturating_add(1);
            }
        }
    }
    Ok(removed)
}

/// The publications that have pieces.
async fn digests(cluster: &Cluster, keys: &Keys) -> Result<Vec<String>, TransportError> {
    let folder = keys.all_chunks();
    let end = keys::end_of(&folder);
    let mut from = folder.clone();
    let mut digests = Vec::new();
    while digests.len() < MAX_CLEANED {
        let options = GetOptions::new().with_range(end.clone()).with_limit(1);
        let answer = read::get(cluster, &from, options.with_keys_only()).await?;
        let Some(key) = answer.kvs().first().and_then(|found| found.key_str().ok()) else {
            break;
        };
        let name = key
            .strip_prefix(&folder)
            .and_then(|name| name.split_once('/'));
        let Some((digest, _)) = name.filter(|(digest, _)| is_digest(digest)) else {
            return Err(unexpected(key, "no such key belongs there"));
        };
        digests.push(digest.to_owned());
        // The next letter after the slash: the first key after its pieces.
        from = format!("{folder}{digest}0");
    }
    Ok(digests)
}

/// A lease.
pub(super) async fn grant(cluster: &Cluster, time: Duration) -> Result<i64, TransportError> {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    let question = async |client: Client| -> Result<i64, Fault> {
        Ok(client.lease_client().grant(seconds, None).await?.id())
    };
    cluster.ask(question).await
}

async fn is_over(cluster: &Cluster, lease: i64) -> Result<bool, TransportError> {
    let question = async |client: Client| -> Result<bool, Fault> {
        // A lease that is gone has the time -1. One in its last second has 0.
        let left = client.lease_client().time_to_live(lease, None).await?;
        Ok(left.ttl() < 0)
    };
    cluster.ask(question).await
}

/// What is under a lease.
pub(super) fn under(lease: i64) -> PutOptions {
    PutOptions::new().with_lease(lease)
}
