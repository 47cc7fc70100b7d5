//! `connect --kmip`: what a key server answers once the link works. Versions, then operations, then the attributes of
//! one key. Key material is never asked for.

use clap::Args;

use crate::exchange::{Exchange, Unanswered};
use crate::output::Failure;

mod message;
mod shown;
#[cfg(test)]
mod tests;
mod ttlv;
mod words;

use message::{Key, Operation, Refusal, Server, Unreadable, Version};
use ttlv::{HEADER, MAX_MESSAGE};

/// A longer ID is none that a server makes; it is a file that was named by mistake.
const MAX_ID: usize = 256;

/// What is asked of the key server.
#[derive(Args, Debug)]
pub(crate) struct KmipArguments {
    /// Go on with KMIP: ask which versions the server knows and what it offers (Discover Versions, Query)
    #[arg(long)]
    kmip: bool,
    /// Ask for the state and other attributes of this key; the key itself is never asked for
    #[arg(long, value_name = "ID", requires = "kmip", value_parser = id)]
    key_id: Option<String>,
    /// Use this version of KMIP, such as the one that the system uses, and not the newest that both know
    #[arg(long, value_name = "VERSION", requires = "kmip")]
    kmip_version: Option<Version>,
}

fn id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MAX_ID {
        return Err(format!("an ID has 1 to {MAX_ID} bytes"));
    }
    Ok(text.to_owned())
}

impl KmipArguments {
    /// The questions, if any are wanted.
    pub(crate) fn asked(&self) -> Option<Asked> {
        self.kmip.then(|| Asked {
            key_id: self.key_id.clone(),
            wanted: self.kmip_version,
            reached: Step::Versions,
            offered: Vec::new(),
            version: None,
            server: None,
            key: None,
            end: None,
        })
    }
}

/// A step of the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Versions,
    Query,
    Key,
}

/// What was asked, and what came of it.
#[derive(Debug)]
pub(crate) struct Asked {
    key_id: Option<String>,
    wanted: Option<Version>,
    /// The last step that was tried.
    reached: Step,
    /// The versions of the server, the newest first.
    offered: Vec<Version>,
    version: Option<Version>,
    server: Option<Server>,
    key: Option<Key>,
    /// Why the test did not succeed.
    end: Option<End>,
}

/// Why a test did not succeed.
#[derive(Debug)]
enum End {
    Refused(Refusal),
    /// There is no version that both know, or that was asked for.
    NoVersion,
    /// The key is not active.
    NotActive,
    Failed(Failure),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Unreadable> for End {
    fn from(error: Unreadable) -> Self {
        let text = format!("the answer of the server cannot be read: {error}");
        Self::Failed(Failure::new("kmip/Malformed", text))
    }
}

impl From<Unanswered> for End {
    fn from(error: Unanswered) -> Self {
        let text = match error {
            Unanswered::Late => {
                let text = "the server did not answer in time (--timeout)";
                return Self::Failed(Failure::new("kmip/TimedOut", text));
            }
            // The first one is told as the end of the link.
            Unanswered::Refused | Unanswered::Closed => {
                String::from("the server closed the connection instead of answering")
            }
            Unanswered::Failed(text) => format!("the link ended instead of an answer: {text}"),
        };
        Self::Failed(Failure::new("kmip/Closed", text))
    }
}

/// Requests and their answers, which are whole messages.
trait Wire {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, End>;
}

impl Wire for Exchange<'_> {
    fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, End> {
        self.request(request)?;
        let mut bytes = vec![0; HEADER];
        self.fill(&mut bytes)?;
        let header = ttlv::header(&bytes);
        let Some((message::RESPONSE_MESSAGE, ttlv::STRUCTURE, length)) = header else {
            let text = "the server does not answer in KMIP: is this the port of its key service?";
            return Err(End::Failed(Failure::new("kmip/Malformed", text)));
        };
        // The length is judged before anything of the message is read.
        let size = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .saturating_add(HEADER);
        if size > MAX_MESSAGE {
            let text = format!(
                "the server announces an answer of {length} bytes; more than {MAX_MESSAGE} are not read"
            );
            return Err(End::Failed(Failure::new("kmip/TooLong", text)));
        }
        bytes.resize(size, 0);
        self.fill(bytes.get_mut(HEADER..).unwrap_or_default())?;
        Ok(bytes)
    }
}

fn ask(
    wire: &mut dyn Wire,
    version: Version,
    operation: Operation,
    key: Option<&str>,
) -> Result<ttlv::Item, End> {
    let answer = wire.call(&message::request(version, operation, key))?;
    Ok(message::answer(&answer, operation)??)
}

impl Asked {
    /// Asks the server over a link.
    pub(crate) fn talk(&mut self, exchange: &mut Exchange<'_>) {
        self.converse(exchange);
    }

    fn converse(&mut self, wire: &mut dyn Wire) {
        self.end = self.steps(wire).err();
    }

    fn steps(&mut self, wire: &mut dyn Wire) -> Result<(), End> {
        self.offered = offered(wire)?;
        let newest = self
            .offered
            .iter()
            .find(|offered| Version::KNOWN.contains(offered));
        let version = match self.wanted {
            Some(wanted) => self.offered.contains(&wanted).then_some(wanted),
            None => newest.copied(),
        };
        let version = version.ok_or(End::NoVersion)?;
        self.version = Some(version);
        self.reached = Step::Query;
        let payload = ask(wire, version, Operation::Query, None)?;
        self.server = Some(message::server(&payload)?);
        let Some(id) = &self.key_id else {
            return Ok(());
        };
        self.reached = Step::Key;
        let payload = ask(wire, version, Operation::GetAttributes, Some(id))?;
        let key = message::key(&payload, id)?;
        let is_active = key.state == Some(words::ACTIVE);
        self.key = Some(key);
        if is_active {
            Ok(())
        } else {
            Err(End::NotActive)
        }
    }
}

/// The versions of the server. It need not know the version in which it is asked, and if it knows 1.0 alone, it does not
/// have the question. The first refusal counts if nothing else comes of asking again.
fn offered(wire: &mut dyn Wire) -> Result<Vec<Version>, End> {
    let mut first = None;
    for version in [Version::V1_1, Version::V1_4, Version::V2_1] {
        match ask(wire, version, Operation::DiscoverVersions, None) {
            Ok(payload) => return Ok(message::versions(&payload)?),
            Err(End::Refused(refusal)) if words::may_be_of_version(&refusal) => {
                let is_unsupported = words::is_unsupported(&refusal);
                first.get_or_insert(refusal);
                if is_unsupported {
                    break;
                }
            }
            Err(end @ End::Refused(_)) => return Err(end),
            Err(end) => return Err(first.map_or(end, End::Refused)),
        }
    }
    match ask(wire, Version::V1_0, Operation::Query, None) {
        Ok(_) => Ok(vec![Version::V1_0]),
        Err(end) => Err(first.map_or(end, End::Refused)),
    }
}
