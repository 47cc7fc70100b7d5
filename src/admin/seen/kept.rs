//! The last acceptance of each server in a file beside a store, for programs that end between two connections.
//!
//! No verdict depends on it (rule S5), and no seal covers it: who can write the folder of the store can change it. A step
//! that rests on it removes trust, and never gives any.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use pki_types::{CertificateDer, UnixTime};

use super::PeerHistory;
use crate::admin::durable::error::DurableError;
use crate::admin::file::error::StoreFileError;
use crate::certificate::{Certificate, CurrentTime, Fingerprint, HostName, Timestamp};
use crate::identity::error::WriteError;
use crate::identity::{IfExists, Owner, prepare_store, text_within};
use crate::limits::{MAX_PEM_BYTES, MAX_SEEN_SERVERS};
use crate::observe::Observation;
use crate::policy::{ExpectedServer, Policy, VerifyRequest, decide};
use crate::store::{ServerId, TrustSnapshot};

const FILE: &str = "peers-seen";
const NAME: &str = "mutual-trust peers seen 1";
const SERVER: &str = "server ";
const SUM: &str = "sha256 ";
const UNSET: &str = "unset";
const NO_NAME: &str = "-";

impl PeerHistory {
    /// Writes the last acceptance of each server into a file of the folder of a store. What does not fit into 32 MiB is left
    /// out: the servers with the last ids.
    ///
    /// # Errors
    /// The file cannot be written.
    #[doc(hidden)]
    pub fn save_beside(&self, folder: impl AsRef<Path>) -> Result<(), WriteError> {
        let folder = folder.as_ref();
        let path = folder.join(FILE);
        let mut text = format!("{NAME}\n");
        let mut servers: Vec<_> = self.servers.iter().collect();
        servers.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        for (id, seen) in servers {
            let at = seen.at().map(Timestamp::from);
            let at = at.map_or_else(|| UNSET.to_owned(), |at| at.to_string());
            let name = seen.dialled().map(ToString::to_string);
            let name = name.as_deref().unwrap_or(NO_NAME);
            let certificates = seen.presented().iter();
            let pem = certificates.map(|der| Certificate::from_der(der).map(|one| one.to_pem()));
            // What was accepted can be read.
            let Ok(pem) = pem.collect::<Result<String, _>>() else {
                continue;
            };
            let record = format!("{SERVER}{id} {at} {name}\n{pem}");
            if text.len().saturating_add(record.len()) > MAX_PEM_BYTES {
                break;
            }
            text.push_str(&record);
        }
        let sum = Fingerprint::over(text.as_bytes());
        text.push_str(&format!("{SUM}{sum}\n"));
        let owner = Owner::of([&*path], folder);
        prepare_store(&path, text.as_bytes(), IfExists::Replace, &owner)?.place()
    }

    /// Reads that file, and judges what it has by the present store, policy and clock: a server is taken as seen only if it
    /// would be accepted again. Nothing is seen if there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or it is damaged. It can be deleted: then no server was seen.
    #[doc(hidden)]
    pub fn load_beside(
        folder: impl AsRef<Path>,
        view: &TrustSnapshot,
        policy: &Policy,
        clock: CurrentTime,
    ) -> Result<Self, DurableError> {
        let path = folder.as_ref().join(FILE);
        let mut history = Self::new();
        let Some(text) = text(&path)? else {
            return Ok(history);
        };
        let records = records(&text).map_err(|source| DurableError::File { path, source })?;
        for record in records {
            let Some((leaf, others)) = record.presented.split_first() else {
                continue;
            };
            if view.server(&record.server).is_none() {
                continue;
            }
            let target = ExpectedServer::id(&record.server, record.dialled.as_ref());
            let verdict = decide(
                view,
                policy,
                &VerifyRequest::server(target, leaf, others, clock),
            );
            let at = record.at.map_or(CurrentTime::Unset, CurrentTime::Known);
            history.observe(&Observation::new(
                Arc::new(verdict),
                record.presented,
                at,
                true,
            ));
        }
        Ok(history)
    }
}

/// The text of the file. `None` if there is none.
fn text(path: &Path) -> Result<Option<String>, DurableError> {
    // The sum is behind the records.
    let limit = MAX_PEM_BYTES.saturating_add(1024);
    let text = match text_within(path, limit) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|source| DurableError::Io {
            path: path.to_owned(),
            source,
        })?,
    };
    if text.len() > limit {
        let size = text.len();
        return Err(DurableError::File {
            path: path.to_owned(),
            source: StoreFileError::TooLarge { size, limit },
        });
    }
    Ok(Some(text))
}

struct Record {
    server: ServerId,
    at: Option<UnixTime>,
    dialled: Option<HostName>,
    presented: Vec<CertificateDer<'static>>,
}

fn records(text: &str) -> Result<Vec<Record>, StoreFileError> {
    let wrong = |line: usize, found: &str| StoreFileError::Line {
        line,
        expected: String::from("a record of a server"),
        found: found.chars().take(80).collect(),
    };
    let (body, sum) = text.rsplit_once(SUM).ok_or(StoreFileError::Digest)?;
    if sum.trim_end() != Fingerprint::over(body.as_bytes()).to_string() {
        return Err(StoreFileError::Digest);
    }
    let rest = body
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_prefix('\n'));
    let rest = rest.ok_or_else(|| wrong(1, body.lines().next().unwrap_or("")))?;
    let mut records: Vec<(usize, &str, String)> = Vec::new();
    for (index, line) in rest.lines().enumerate() {
        let is_full = records.len() >= MAX_SEEN_SERVERS;
        match (line.strip_prefix(SERVER), records.last_mut()) {
            (Some(head), _) if !is_full => {
                records.push((index.saturating_add(2), head, String::new()));
            }
            (None, Some((_, _, pem))) => {
                pem.push_str(line);
                pem.push('\n');
            }
            (Some(_) | None, _) => return Err(wrong(index.saturating_add(2), line)),
        }
    }
    let read = |(_, head, pem): &(usize, &str, String)| {
        let (server, rest) = head.split_once(' ')?;
        let (at, name) = rest.split_once(' ')?;
        let at = match at {
            UNSET => None,
            at => Some(at.parse::<Timestamp>().ok()?.try_into().ok()?),
        };
        let dialled = match name {
            NO_NAME => None,
            name => Some(name.parse().ok()?),
        };
        let certificates = Certificate::many_from_pem(pem.as_bytes()).ok()?;
        Some(Record {
            server: server.parse().ok()?,
            at,
            dialled,
            presented: certificates
                .iter()
                .map(|one| one.der().to_vec().into())
                .collect(),
        })
    };
    let all = records
        .iter()
        .map(|record| read(record).ok_or_else(|| wrong(record.0, record.1)));
    all.collect()
}
