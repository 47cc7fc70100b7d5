//! Reads the publication that is in force.

use etcd_client::{GetOptions, GetResponse, KeyValue, ResponseHeader};

use super::cluster::Cluster;
use super::fault::Fault;
use super::head::{Head, HeadError};
use super::keys::Keys;
use super::limits::{ATTEMPTS, CHUNK_BYTES, MAX_ANSWER};
use crate::{Tag, TransportError};
use mutual_trust::limits::MAX_PUBLICATION_BYTES;

/// Where etcd stood when it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    cluster: u64,
    pub(super) revision: i64,
}

impl Position {
    pub(super) fn of(header: Option<&ResponseHeader>) -> Self {
        Self {
            cluster: header.map_or(0, ResponseHeader::cluster_id),
            revision: header.map_or(0, ResponseHeader::revision),
        }
    }

    /// Whether a later answer comes from the same history. Revisions run backwards after a restore from a backup.
    pub(super) fn goes_on_in(self, later: Self) -> bool {
        self.cluster == later.cluster && self.revision <= later.revision
    }
}

/// A head that was read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) head: Head,
    pub(super) tag: Tag,
    pub(super) mod_revision: i64,
    leased: bool,
}

impl Found {
    pub(super) fn read(key: &KeyValue, at: &str) -> Result<Self, TransportError> {
        let head = Head::read(key.value()).map_err(|error| match error {
            HeadError::Form => unexpected(at, "the head of a publication is not readable"),
            HeadError::TooLarge => TransportError::TooLarge {
                at: at.to_owned(),
                limit: MAX_PUBLICATION_BYTES,
            },
        })?;
        // The digest too: after a restore from a backup, one revision may be that of another publication.
        let tag = Tag::new(&format!("{}-{}", key.mod_revision(), head.digest));
        let tag = tag.ok_or_else(|| unexpected(at, "the head of a publication has no revision"))?;
        Ok(Self {
            head,
            tag,
            mod_revision: key.mod_revision(),
            leased: key.lease() != 0,
        })
    }
}

pub(super) fn unexpected(at: &str, what: &str) -> TransportError {
    TransportError::Unexpected {
        at: at.to_owned(),
        what: what.to_owned(),
    }
}

fn leased(at: &str) -> TransportError {
    let what = "it is under a lease, and would be gone when that ends. Publish it again";
    unexpected(at, what)
}

/// The head alone, which costs little.
pub(super) async fn head(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<(Position, Option<Found>), TransportError> {
    let key = keys.head();
    let answer = get(cluster, &key, GetOptions::new()).await?;
    let found = answer.kvs().first().map(|found| Found::read(found, &key));
    Ok((Position::of(answer.header()), found.transpose()?))
}

/// The head and all bytes, which are those that the head names.
pub(super) async fn whole(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<Option<(Found, Vec<u8>)>, WholeError> {
    let mut before = None;
    for _ in 0..ATTEMPTS {
        let Some((found, body)) = head_and_body(cluster, keys).await? else {
            return Ok(None);
        };
        match bytes(cluster, keys, &found, body).await {
            Ok(Some(bytes)) => return Ok(Some((found, bytes))),
            // Another publication may have taken its place while it was read.
            Ok(None) if before.as_ref() != Some(&found.tag) => before = Some(found.tag),
            Ok(None) => {
                let what = "the bytes are not those that the head names: some are missing, or of another publication";
                let error = unexpected(&keys.head(), what);
                return Err(WholeError::of(error, Some(found.tag)));
            }
            Err(error) => return Err(WholeError::of(error, Some(found.tag))),
        }
    }
    let what = "each time that it was read, another publication was there";
    Err(WholeError::of(unexpected(&keys.head(), what), before))
}

/// Why a publication could not be read, and which.
pub(super) struct WholeError {
    pub(super) error: TransportError,
    pub(super) tag: Option<Tag>,
}

impl WholeError {
    fn of(error: TransportError, tag: Option<Tag>) -> Self {
        Self { error, tag }
    }
}

impl From<TransportError> for WholeError {
    fn from(error: TransportError) -> Self {
        Self::of(error, None)
    }
}

/// Both at one revision: a mixture is then a mixture in etcd.
async fn head_and_body(
    cluster: &Cluster,
    keys: &Keys,
) -> Result<Option<(Found, Option<KeyValue>)>, TransportError> {
    // One more than there can be.
    let options = GetOptions::new().with_prefix().with_limit(3);
    let mut answer = get(cluster, &keys.current(), options).await?;
    let (mut head, mut body) = (None, None);
    let (head_key, body_key) = (keys.head(), keys.body());
    for found in answer.take_kvs() {
        if found.key() == head_key.as_bytes() {
            head = Some(Found::read(&found, &head_key)?);
        } else if found.key() == body_key.as_bytes() {
            body = Some(found);
        } else {
            let key = String::from_utf8_lossy(found.key());
            return Err(unexpected(&key, "no such key belongs there"));
        }
    }
    Ok(head.map(|head| (head, body)))
}

/// The bytes of a head. `None` if these are others.
async fn bytes(
    cluster: &Cluster,
    keys: &Keys,
    found: &Found,
    body: Option<KeyValue>,
) -> Result<Option<Vec<u8>>, TransportError> {
    if found.leased {
        return Err(leased(&keys.head()));
    }
    let count = found.head.chunks();
    if count == 0 {
        return match body {
            Some(body) => checked_body(keys, found, body),
            None => Ok(None),
        };
    }
    // The head was read within its bound, so this is bounded too.
    let mut bytes = Vec::with_capacity(found.head.size);
    for number in 0..count {
        let key = keys.chunk(&found.head.digest, number);
        let mut answer = get(cluster, &key, GetOptions::new()).await?;
        let Some(chunk) = answer.take_kvs().pop() else {
            return Ok(None);
        };
        if chunk.lease() != 0 {
            return Err(leased(&key));
        }
        let left = found.head.size.saturating_sub(bytes.len());
        if chunk.value().len() != left.min(CHUNK_BYTES) {
            return Ok(None);
        }
        bytes.extend_from_slice(chunk.value());
    }
    Ok(found.head.is_of(&bytes).then_some(bytes))
}

/// The bytes of a body that belongs to a head. `None` if these are others.
pub(super) fn checked_body(
    keys: &Keys,
    found: &Found,
    body: KeyValue,
) -> Result<Option<Vec<u8>>, TransportError> {
    if found.leased {
        return Err(leased(&keys.head()));
    }
    if body.lease() != 0 {
        return Err(leased(&keys.body()));
    }
    let (_, bytes) = body.into_key_value();
    Ok(found.head.is_of(&bytes).then_some(bytes))
}

/// Asks for a key, or for what begins with it.
pub(super) async fn get(
    cluster: &Cluster,
    key: &str,
    options: GetOptions,
) -> Result<GetResponse, TransportError> {
    let answer = range(cluster, key.as_bytes(), options).await?;
    answer.ok_or_else(|| TransportError::TooLarge {
        at: key.to_owned(),
        limit: MAX_ANSWER,
    })
}

/// Asks for keys; `None` if the answer is larger than what is read. The answer is that of the whole cluster, never an old
/// one of a member that has lost the others.
pub(super) async fn range(
    cluster: &Cluster,
    from: &[u8],
    options: GetOptions,
) -> Result<Option<GetResponse>, TransportError> {
    let question = async |client: etcd_client::Client| -> Result<Option<GetResponse>, Fault> {
        let mut client = client.kv_client().max_decoding_message_size(MAX_ANSWER);
        match client
            .get(from, Some(options.clone()))
            .await
            .map_err(Fault::from)
        {
            Ok(answer) => Ok(Some(answer)),
            Err(fault) if fault.is_of_large_answer() => Ok(None),
            Err(fault) => Err(fault),
        }
    };
    cluster.ask(question).await
}
