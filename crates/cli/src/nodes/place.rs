//! Where publications are: a file, a folder, or an address.

use core::fmt;
use core::str::FromStr;
use std::fs;
use std::path::PathBuf;

use mutual_trust::admin::bundle::Publication;
use mutual_trust_fleet::folder::Folder;
use mutual_trust_fleet::{Fetched, NodeReport, Publisher, Transport};

use crate::output::Failure;
use crate::{files, plain};

/// Where publications are.
#[derive(Clone, Debug)]
pub(crate) struct Place(PathBuf);

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some((scheme, _)) => Err(format!(
                "this command reads no {scheme}: address; it was built without it"
            )),
            None => Ok(Self(PathBuf::from(text))),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain::path(&self.0))
    }
}

impl Place {
    /// Whether this is one file, which no node can report to.
    pub(crate) fn is_file(&self) -> bool {
        self.0.is_file()
    }

    /// Where the newest publication is read, and nodes report.
    pub(crate) fn transport(&self) -> Result<Box<dyn Transport>, Failure> {
        Ok(Box::new(Folder::new(&self.0)))
    }

    /// Makes the folder, if it is not there.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        fs::create_dir_all(&self.0).map_err(|error| Failure::from(error).about(self))
    }

    /// Where publications are put, and reports are read.
    pub(crate) fn publisher(&self) -> Result<Box<dyn Publisher>, Failure> {
        Ok(Box::new(Folder::new(&self.0)))
    }

    /// The last report of each node.
    pub(crate) fn reports(&self) -> Result<Vec<NodeReport>, Failure> {
        let reports = self.publisher()?.nodes();
        reports.map_err(|error| Failure::from(error).about(self))
    }

    /// The bytes of the newest publication.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Failure> {
        if self.is_file() {
            return Ok(files::bytes(&self.0)?.to_vec());
        }
        match self.transport()?.fetch(None)? {
            Fetched::New { bytes, .. } => Ok(bytes),
            Fetched::Unchanged => {
                Err(Failure::new("fleet/NotPublished", "nothing is published").about(self))
            }
        }
    }

    /// The newest publication.
    pub(crate) fn publication(&self) -> Result<Publication, Failure> {
        let bytes = self.bytes()?;
        Publication::read(&bytes).map_err(|error| Failure::from(error).about(self))
    }
}
