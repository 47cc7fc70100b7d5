//! Where publications are: a file, a folder, or an address.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;
use std::path::PathBuf;
use std::{fs, thread};

use mutual_trust::LiveTrust;
use mutual_trust::admin::bundle::Publication;
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::{
    Fetched, NodeName, NodeReport, NodeReports, Publisher, Tag, Transport, TransportError,
};

use super::link::LinkArguments;
use crate::output::Failure;
use crate::{files, plain};

/// Where publications are.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A file or a folder.
    Path(PathBuf),
    /// A server, by its address.
    #[cfg(feature = "http")]
    Http(String),
    /// The members of a cluster, and what its keys begin with.
    #[cfg(feature = "etcd")]
    Etcd(Vec<String>, String),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Path(PathBuf::from(text)));
        };
        let _ = rest;
        match scheme {
            #[cfg(feature = "http")]
            "https" => Ok(Self::Http(text.to_owned())),
            #[cfg(feature = "etcd")]
            "etcd" => {
                let (members, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let members = members.split(',').map(str::to_owned).collect();
                Ok(Self::Etcd(members, format!("/{prefix}")))
            }
            other if ["https", "etcd"].contains(&other) => Err(format!(
                "this command was built without the feature for {other}: addresses"
            )),
            _ => Err(String::from(
                "it is a file, a folder, https://HOST:PORT/PATH or etcd://HOST:PORT,HOST:PORT/PREFIX",
            )),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&plain::path(path)),
            #[cfg(feature = "http")]
            Self::Http(address) => f.write_str(&plain::line(address)),
            #[cfg(feature = "etcd")]
            Self::Etcd(members, prefix) => {
                let text = format!("etcd://{}{prefix}", members.join(","));
                f.write_str(&plain::line(&text))
            }
        }
    }
}

/// What reaches a place, and the trust of the node for it.
pub(crate) struct Reach<'a> {
    link: &'a LinkArguments,
    own: Option<LiveTrust>,
}

impl<'a> Reach<'a> {
    /// Of an administrator.
    pub(crate) const fn new(link: &'a LinkArguments) -> Self {
        Self { link, own: None }
    }

    /// Of a node, which trusts the servers of its own store.
    pub(crate) const fn of_node(link: &'a LinkArguments, own: LiveTrust) -> Self {
        Self {
            link,
            own: Some(own),
        }
    }

    /// What makes links to servers of an address.
    #[cfg(any(feature = "http", feature = "etcd"))]
    pub(crate) fn connector(&self) -> Result<mutual_trust_tokio::Connector, Failure> {
        self.link.connector(self.own.clone())
    }
}

impl Place {
    /// Whether this is one file, which no node can report to.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::Path(path) if path.is_file())
    }

    /// Where the newest publication is read, and nodes report.
    pub(crate) fn carrier(&self, reach: &Reach<'_>) -> Result<Carrier, Failure> {
        let _ = (reach.link, &reach.own);
        Ok(Carrier(match self {
            Self::Path(path) if path.is_file() => Box::new(File(path.clone())),
            Self::Path(path) => Box::new(Folder::new(path)),
            #[cfg(feature = "http")]
            Self::Http(address) => Box::new(http(address, reach)?),
            #[cfg(feature = "etcd")]
            Self::Etcd(members, prefix) => Box::new(etcd(members, prefix, reach)?),
        }))
    }

    /// Where publications are put, and reports are read.
    pub(crate) fn publisher(&self, reach: &Reach<'_>) -> Result<Box<dyn Publisher>, Failure> {
        let _ = (reach.link, &reach.own);
        Ok(match self {
            Self::Path(path) => Box::new(Folder::new(path)),
            #[cfg(feature = "http")]
            Self::Http(address) => Box::new(http(address, reach)?),
            #[cfg(feature = "etcd")]
            Self::Etcd(members, prefix) => Box::new(etcd(members, prefix, reach)?),
        })
    }

    /// Makes the folder, if it is one and not there.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        match self {
            Self::Path(path) => {
                fs::create_dir_all(path).map_err(|error| Failure::from(error).about(self))
            }
            #[cfg(any(feature = "http", feature = "etcd"))]
            _ => Ok(()),
        }
    }

    /// The last report of each node.
    pub(crate) fn reports(&self, reach: &Reach<'_>) -> Result<NodeReports, Failure> {
        let reports = self.publisher(reach)?.nodes();
        reports.map_err(|error| Failure::from(error).about(self))
    }

    /// Removes the report of a node. Whether there was one.
    pub(crate) fn forget(&self, node: &NodeName, reach: &Reach<'_>) -> Result<bool, Failure> {
        if self.is_file() {
            let (at, reason) = (self.to_string(), String::from("it is a file"));
            return Err(TransportError::CannotReport { at, reason }.into());
        }
        let forgotten = self.publisher(reach)?.forget(node);
        forgotten.map_err(|error| Failure::from(error).about(self))
    }

    /// The bytes of the newest publication.
    pub(crate) fn bytes(&self, reach: &Reach<'_>) -> Result<Vec<u8>, Failure> {
        if let Self::Path(path) = self
            && path.is_file()
        {
            return Ok(files::bytes(path)?.to_vec());
        }
        match self.carrier(reach)?.fetch(None)? {
            Fetched::New { bytes, .. } => Ok(bytes),
            Fetched::Unchanged => {
                Err(Failure::new("fleet/NotPublished", "nothing is published").about(self))
            }
        }
    }

    /// The newest publication.
    pub(crate) fn publication(&self, reach: &Reach<'_>) -> Result<Publication, Failure> {
        let bytes = self.bytes(reach)?;
        Publication::read(&bytes).map_err(|error| Failure::from(error).about(self))
    }
}

#[cfg(feature = "http")]
fn http(address: &str, reach: &Reach<'_>) -> Result<mutual_trust_fleet::http::Http, Failure> {
    let connector = reach.connector()?;
    Ok(mutual_trust_fleet::http::Http::new(address, connector)?)
}

#[cfg(feature = "etcd")]
fn etcd(
    members: &[String],
    prefix: &str,
    reach: &Reach<'_>,
) -> Result<mutual_trust_fleet::etcd::Etcd, Failure> {
    use mutual_trust_fleet::etcd::{Cluster, Etcd};

    let cluster = Cluster::over_tls(members, reach.connector()?)?;
    Ok(Etcd::new(&cluster, prefix)?)
}

/// What carries publications to a node.
pub(crate) struct Carrier(Box<dyn Transport>);

impl Transport for Carrier {
    fn fetch(&mut self, known: Option<&Tag>) -> Result<Fetched, TransportError> {
        self.0.fetch(known)
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        self.0.wait(at_most)
    }

    fn report(&mut self, report: &NodeReport) -> Result<(), TransportError> {
        self.0.report(report)
    }
}

/// One file with a publication.
struct File(PathBuf);

impl Transport for File {
    fn fetch(&mut self, _: Option<&Tag>) -> Result<Fetched, TransportError> {
        let unreadable = |source| TransportError::Io {
            path: self.0.clone(),
            source,
        };
        let bytes = files::bytes(&self.0)
            .map_err(|failure| unreadable(std::io::Error::other(failure.message().to_owned())))?;
        let tag = Tag::new("file").ok_or_else(|| unreadable(std::io::ErrorKind::Other.into()))?;
        Ok(Fetched::New {
            bytes: bytes.to_vec(),
            tag,
        })
    }

    fn wait(&mut self, at_most: Duration) -> Result<bool, TransportError> {
        thread::sleep(at_most);
        Ok(false)
    }

    fn report(&mut self, _: &NodeReport) -> Result<(), TransportError> {
        Err(TransportError::CannotReport {
            at: self.0.display().to_string(),
            reason: String::from("it is a file"),
        })
    }
}
