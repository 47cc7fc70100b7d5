//! `connect --kmip`: what a key server answers once the link works. Versions, then operations, then the attributes of
//! one key. Key material is never asked for.

use clap::Args;

use crate::exchange::{Exchange, Unanswered};
use crate::output::Failure;

mod message;
mod shown;
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
            Unanswered::Refused | Unanswered::Closed => String::from(
                "the server closed the connection instead of answering: is this the port of its key service?",
            ),
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

#[cfg(test)]
mod tests {
    //! Answers that PyKMIP 0.11.0 gave, and what becomes of them when they are damaged.

    use kmip_protocol::types::common::{AttributeName, UniqueIdentifier};
    use kmip_protocol::types::request::{QueryFunction, RequestPayload};
    use kmip_protocol::types::response::{ResponseMessage, ResponsePayload};

    use super::ttlv::{Item, Malformed, Value};
    use super::*;

    /// A name and the bytes in hexadecimal, in each line.
    const ANSWERS: &str = include_str!("answers.txt");

    fn recorded(name: &str) -> Vec<u8> {
        let line = ANSWERS
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name} ")));
        let digits = line.unwrap_or_else(|| panic!("no {name}"));
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(byte).collect()
    }

    /// A server that gives these answers, one after another.
    struct Script {
        answers: Vec<Vec<u8>>,
        requests: Vec<Vec<u8>>,
    }

    impl Wire for Script {
        fn call(&mut self, request: &[u8]) -> Result<Vec<u8>, End> {
            self.requests.push(request.to_vec());
            if self.answers.is_empty() {
                return Err(Unanswered::Closed.into());
            }
            Ok(self.answers.remove(0))
        }
    }

    fn script(answers: Vec<Vec<u8>>) -> Script {
        Script {
            answers,
            requests: Vec::new(),
        }
    }

    fn asked(key_id: Option<&str>, wanted: Option<Version>) -> Asked {
        let arguments = KmipArguments {
            kmip: true,
            key_id: key_id.map(str::to_owned),
            kmip_version: wanted,
        };
        arguments.asked().unwrap()
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn requests_are_those_that_kmip_protocol_makes() {
        let theirs = |payload| kmip_protocol::request::to_vec(payload, None).unwrap();
        assert_eq!(
            message::request(Version::V1_1, Operation::DiscoverVersions, None),
            theirs(RequestPayload::DiscoverVersions(vec![]))
        );
        let functions = vec![
            QueryFunction::QueryOperations,
            QueryFunction::QueryObjects,
            QueryFunction::QueryServerInformation,
        ];
        assert_eq!(
            message::request(version("1.2"), Operation::Query, None),
            theirs(RequestPayload::Query(functions))
        );
        let names = [
            "State",
            "Object Type",
            "Cryptographic Algorithm",
            "Cryptographic Length",
            "Name",
        ];
        let names = names.map(|name| AttributeName(name.to_owned())).to_vec();
        let id = Some(UniqueIdentifier(String::from("key 1")));
        assert_eq!(
            message::request(Version::V1_0, Operation::GetAttributes, Some("key 1")),
            theirs(RequestPayload::GetAttributes(id, Some(names)))
        );
    }

    #[test]
    fn answers_are_read_as_kmip_protocol_reads_them() {
        let theirs = |name| -> ResponsePayload {
            let read: ResponseMessage =
                kmip_protocol::response::from_slice(&recorded(name)).unwrap();
            read.batch_items
                .into_iter()
                .next()
                .unwrap()
                .payload
                .unwrap()
        };
        let ours = |name, operation| {
            message::answer(&recorded(name), operation)
                .unwrap()
                .unwrap()
        };
        let ResponsePayload::DiscoverVersions(found) = theirs("versions") else {
            panic!("another answer")
        };
        let found = found.supported_versions.unwrap();
        let found: Vec<String> = found
            .iter()
            .map(|found| format!("{}.{}", found.major, found.minor))
            .collect();
        let versions = message::versions(&ours("versions", Operation::DiscoverVersions)).unwrap();
        assert_eq!(words::list(&versions), found.join(", "));
        assert_eq!(words::list(&versions), "2.0, 1.4, 1.3, 1.2, 1.1, 1.0");
        let ResponsePayload::Query(found) = theirs("query-1.4") else {
            panic!("another answer")
        };
        let server = message::server(&ours("query-1.4", Operation::Query)).unwrap();
        assert_eq!(server.vendor, found.vendor_identification);
        assert_eq!(server.operations.len(), found.operations.unwrap().len());
    }

    /// The reasons for which answers are not read by kmip-protocol. If this fails, a newer one may serve.
    #[test]
    fn what_kmip_protocol_does_not_read_is_read_here() {
        let theirs = |bytes: &[u8]| {
            let read: Result<ResponseMessage, _> = kmip_protocol::response::from_slice(bytes);
            read.is_ok()
        };
        // An operation of KMIP 1.4: Import.
        let mut query = recorded("query-1.4");
        assert!(theirs(&query));
        let operation = Item::enumeration(0x42_005C, 0x1E).to_bytes();
        let at = query
            .windows(16)
            .rposition(|window| window == operation)
            .unwrap();
        query[at + 11] = 0x2A;
        assert!(!theirs(&query));
        let payload = message::answer(&query, Operation::Query).unwrap().unwrap();
        let server = message::server(&payload).unwrap();
        assert!(server.operations.contains(&0x2A));
        // The attributes of KMIP 2.
        assert!(
            !theirs(&recorded("key-2.0"))
                || {
                    let read: ResponseMessage =
                        kmip_protocol::response::from_slice(&recorded("key-2.0")).unwrap();
                    let payload = read.batch_items.into_iter().next().unwrap().payload;
                    matches!(payload, Some(ResponsePayload::GetAttributes(found)) if found.attributes.is_none())
                }
        );
        // What a field of a short message claims to be long.
        let mut long = recorded("unknown-key-1.4");
        let text = long
            .windows(4)
            .rposition(|window| window == [0x42, 0, 0x7D, 7])
            .unwrap();
        long[text + 4..text + 8].copy_from_slice(&(64_u32 << 20).to_be_bytes());
        let of_theirs = allocation_counter::measure(|| assert!(!theirs(&long)));
        assert!(of_theirs.bytes_max >= 64 << 20, "{}", of_theirs.bytes_max);
        let of_ours = allocation_counter::measure(|| {
            let read = message::answer(&long, Operation::GetAttributes);
            assert_eq!(read, Err(Unreadable::Encoding(Malformed::Truncated)));
        });
        assert!(of_ours.bytes_max < 64 << 10, "{}", of_ours.bytes_max);
    }

    #[test]
    fn the_newest_version_that_both_know_is_used_and_a_key_is_described() {
        let mut server = script(vec![
            recorded("versions"),
            recorded("query-2.0"),
            recorded("key-2.0"),
        ]);
        let mut asked_of = asked(Some("1"), None);
        asked_of.converse(&mut server);
        assert_eq!(server.requests.len(), 3);
        let told = asked_of.told("us", false);
        assert!(told.refused.is_none() && told.failed.is_none());
        let text = told.lines.join("\n");
        assert!(
            text.starts_with("KMIP 2.0: the server knows 2.0, 1.4,"),
            "{text}"
        );
        assert!(
            text.contains("key server: PyKMIP 0.11.0 Software Server"),
            "{text}"
        );
        assert!(
            text.contains("key 1: Active, Symmetric Key, AES, 256 bits, named array key\nserves: "),
            "{text}"
        );
        // No request is a Get.
        for request in &server.requests {
            let request = ttlv::read(request).unwrap();
            let item = request.get(0x42_000F).unwrap();
            let operation = item.get(0x42_005C).and_then(Item::as_enumeration);
            assert!([0x1E, 0x18, 0x0B].map(Some).contains(&operation));
        }
        // The one that was asked for, with the same answer in its form.
        let mut server = script(vec![
            recorded("versions"),
            recorded("query-1.4"),
            recorded("key-1.4"),
        ]);
        let mut asked_of = asked(Some("1"), Some(Version::V1_4));
        asked_of.converse(&mut server);
        let of_older = asked_of.told("us", false);
        assert_eq!(of_older.fact.version.as_deref(), Some("1.4"));
        assert_eq!(of_older.lines[1..], told.lines[1..]);
        // One that the server does not have.
        let mut server = script(vec![recorded("versions")]);
        let mut asked_of = asked(None, Some(Version::V2_1));
        asked_of.converse(&mut server);
        let told = asked_of.told("us", false);
        assert_eq!(told.refused, Some("NoCommonKmipVersion"));
    }

    #[test]
    fn a_server_that_knows_1_0_alone_is_asked_in_1_0() {
        let mut server = script(vec![
            recorded("unsupported-1.0"),
            recorded("query-1.4"),
            recorded("query-1.4"),
            recorded("key-1.4"),
        ]);
        let mut asked_of = asked(Some("1"), None);
        asked_of.converse(&mut server);
        let told = asked_of.told("us", false);
        assert!(told.refused.is_none(), "{:?}", told.lines);
        assert_eq!(told.lines[0], "KMIP 1.0: the server knows 1.0");
        let version = ttlv::read(&server.requests[1]).unwrap();
        let version = version
            .get(0x42_0077)
            .and_then(|header| header.get(0x42_0069))
            .unwrap();
        assert_eq!(version.get(0x42_006B).and_then(Item::as_integer), Some(0));
        // One that refuses that as well, or closes: the first refusal is told.
        for more in [vec![recorded("unsupported-1.0")], vec![]] {
            let refusal = recorded("unsupported-1.0");
            let mut server = script([vec![refusal], more].concat());
            let mut asked_of = asked(None, None);
            asked_of.converse(&mut server);
            let told = asked_of.told("us", false);
            assert_eq!(told.refused, Some("RefusedByKeyServer"));
            assert!(told.lines[0].contains("Discover Versions (Operation Not Supported"));
            assert!(told.lines[1].contains("--kmip-version"));
        }
    }

    /// An answer to Discover Versions or another operation with a reason.
    fn refusal(reason: u32) -> Vec<u8> {
        let version = Item::structure(
            0x42_0069,
            vec![Item::integer(0x42_006A, 1), Item::integer(0x42_006B, 1)],
        );
        let batch = vec![
            Item::enumeration(0x42_007F, 1),
            Item::enumeration(0x42_007E, reason),
            Item::text(0x42_007D, "no\nserves: \u{1b}[2K"),
        ];
        let message = vec![
            Item::structure(0x42_007A, vec![version]),
            Item::structure(0x42_000F, batch),
        ];
        Item::structure(0x42_007B, message).to_bytes()
    }

    #[test]
    fn each_refusal_says_what_it_means_and_what_to_do() {
        // Of a key.
        for (reason, code, meaning, remedy) in [
            (
                0x01,
                "KeyNotFound",
                "no such key for its user",
                "compare the ID",
            ),
            (
                0x37,
                "KeyNotFound",
                "no such key for its user",
                "compare the ID",
            ),
            (
                0x0C,
                "RefusedByKeyServer",
                "may not use this key",
                "access to the key",
            ),
            (
                0x39,
                "RefusedByKeyServer",
                "may not use this key",
                "access to the key",
            ),
            (0x0D, "RefusedByKeyServer", "is archived", "recovered"),
            (0x36, "RefusedByKeyServer", "is destroyed", "replica"),
            (0x100, "RefusedByKeyServer", "failed at this", "log"),
            (
                0x8000_0001,
                "RefusedByKeyServer",
                "refuses this request",
                "log",
            ),
        ] {
            let mut server = script(vec![
                recorded("versions"),
                recorded("query-2.0"),
                refusal(reason),
            ]);
            let mut asked_of = asked(Some("1"), None);
            asked_of.converse(&mut server);
            assert!(asked_of.is_about_us());
            let told = asked_of.told("CN=array-7", false);
            let text = told.lines.join("\n");
            assert_eq!(told.refused, Some(code), "{text}");
            assert!(text.contains(meaning) && text.contains(remedy), "{text}");
            // The server's text makes no line of ours.
            assert!(
                !text.contains("\nserves") && !text.contains('\u{1b}'),
                "{text}"
            );
            let refusal = told.fact.refusal.unwrap();
            assert!(refusal.meaning.contains(meaning) && refusal.remedy.contains(remedy));
        }
        // Of who we are: nothing else is tried.
        for (lacks_client_auth, remedy) in [
            (false, "make a KMIP user for our certificate"),
            (true, "lists clientAuth in its extended key usage"),
        ] {
            let mut server = script(vec![refusal(0x03)]);
            let mut asked_of = asked(Some("1"), None);
            asked_of.converse(&mut server);
            assert_eq!(server.requests.len(), 1);
            let text = asked_of
                .told("CN=array-7", lacks_client_auth)
                .lines
                .join("\n");
            assert!(
                text.contains("maps our certificate to none of its users"),
                "{text}"
            );
            assert!(
                text.contains(remedy) && text.contains("CN=array-7"),
                "{text}"
            );
        }
        // Of a version: the next is tried.
        let mut server = script(vec![
            refusal(0x04),
            recorded("versions"),
            recorded("query-2.0"),
        ]);
        let mut asked_of = asked(None, None);
        asked_of.converse(&mut server);
        assert!(asked_of.told("us", false).refused.is_none());
    }

    #[test]
    fn a_key_that_is_not_active_is_a_refusal() {
        let good = recorded("key-1.4");
        let state = Item::enumeration(0x42_000B, 2).to_bytes();
        let at = good.windows(16).position(|window| window == state).unwrap();
        for (number, name, remedy) in [
            (1, "Pre-Active", "activate it"),
            (3, "Deactivated", "for new data"),
            (4, "Compromised", "encrypt anew"),
            (5, "Destroyed", "replica"),
            (6, "Destroyed Compromised", "replica"),
            (9, "0x00000009", "look at the key"),
        ] {
            let mut key = good.clone();
            key[at + 11] = number;
            let mut server = script(vec![recorded("versions"), recorded("query-1.4"), key]);
            let mut asked_of = asked(Some("1"), Some(Version::V1_4));
            asked_of.converse(&mut server);
            let told = asked_of.told("us", false);
            let text = told.lines.join("\n");
            assert_eq!(told.refused, Some("KeyNotActive"), "{text}");
            assert!(
                text.contains(&format!("key 1: {name}")) && text.contains(remedy),
                "{text}"
            );
        }
        // Without a state.
        let mut key = good.clone();
        key[at..at + 3].copy_from_slice(&[0x42, 0x00, 0x01]);
        let mut server = script(vec![recorded("versions"), recorded("query-1.4"), key]);
        let mut asked_of = asked(Some("1"), Some(Version::V1_4));
        asked_of.converse(&mut server);
        assert_eq!(asked_of.told("us", false).refused, Some("KeyNotActive"));
    }

    #[test]
    fn answers_to_something_else_are_not_taken() {
        let about = |answer: &str, id: &str| {
            let mut server = script(vec![
                recorded("versions"),
                recorded("query-2.0"),
                recorded(answer),
            ]);
            let mut asked_of = asked(Some(id), None);
            asked_of.converse(&mut server);
            let failed = asked_of.told("us", false).failed.unwrap();
            assert_eq!(failed.kind(), "kmip/Malformed");
            failed.message().to_owned()
        };
        assert!(about("key-2.0", "2").contains("another key"));
        assert!(about("query-2.0", "1").contains("another operation"));
    }

    #[test]
    fn more_than_a_list_may_have_is_refused() {
        let of = |tag, count| {
            let item = Item::enumeration(tag, 1);
            Item::structure(0x42_007C, vec![item; count])
        };
        assert!(message::server(&of(0x42_005C, 256)).is_ok());
        let error = message::server(&of(0x42_005C, 257)).unwrap_err();
        assert_eq!(error, Unreadable::Many("operations"));
        assert!(message::server(&of(0x42_0057, 257)).is_err());
        let attribute = Item::structure(0x42_0008, vec![]);
        let key = |count| {
            let mut items = vec![attribute.clone(); count];
            items.push(Item::text(0x42_0094, "1"));
            message::key(&Item::structure(0x42_007C, items), "1")
        };
        assert!(key(256).is_ok() && key(257).is_err());
        // A text is cut.
        let vendor = Item::text(0x42_009D, &"ä".repeat(300));
        let server = message::server(&Item::structure(0x42_007C, vec![vendor])).unwrap();
        assert_eq!(server.vendor.unwrap().chars().count(), 257);
    }

    /// All that is done with bytes of a server.
    fn read_all(bytes: &[u8]) {
        for operation in [
            Operation::DiscoverVersions,
            Operation::Query,
            Operation::GetAttributes,
        ] {
            if let Ok(Ok(payload)) = message::answer(bytes, operation) {
                let _ = message::versions(&payload);
                let _ = message::server(&payload);
                let _ = message::key(&payload, "1");
            }
        }
        let mut server = script(vec![bytes.to_vec(); 6]);
        let mut asked_of = asked(Some("1"), None);
        asked_of.converse(&mut server);
        assert!(server.requests.len() <= 5);
        let _ = asked_of.told("us", false);
    }

    #[test]
    fn damaged_answers_are_errors_and_never_a_panic() {
        // A xorshift, so that a failure can be repeated.
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % u64::try_from(below).unwrap()).unwrap()
        };
        for line in ANSWERS.lines() {
            let good = recorded(line.split(' ').next().unwrap());
            for end in 0..good.len() {
                assert!(message::answer(&good[..end], Operation::Query).is_err());
                assert!(ttlv::read(&good[..end]).is_err());
            }
            for at in 0..good.len() {
                for value in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
                    let mut bad = good.clone();
                    bad[at] = value;
                    read_all(&bad);
                }
            }
            for _ in 0..2_000 {
                let mut bad = good.clone();
                for _ in 0..=random(6) {
                    let at = random(bad.len());
                    bad[at] = u8::try_from(random(256)).unwrap();
                }
                if random(3) == 0 {
                    let (from, count) = (random(bad.len()), random(24));
                    bad.drain(from..(from + count).min(bad.len()));
                }
                read_all(&bad);
            }
        }
    }

    #[test]
    fn what_is_allocated_is_bounded_by_the_message() {
        // As many fields as there can be.
        let empty = Item::structure(0x42_0008, vec![]);
        let count = MAX_MESSAGE / HEADER - 1;
        let bytes = Item::structure(0x42_007B, vec![empty; count]).to_bytes();
        assert_eq!(bytes.len(), MAX_MESSAGE);
        let used = allocation_counter::measure(|| assert!(ttlv::read(&bytes).is_ok()));
        assert!(used.bytes_max < 4 << 20, "{}", used.bytes_max);
        // Structures in structures.
        let mut deep = Item::integer(0x42_006A, 1);
        for _ in 0..17 {
            deep = Item::structure(0x42_0008, vec![deep]);
        }
        assert_eq!(ttlv::read(&deep.to_bytes()), Err(Malformed::Deep));
        assert!(matches!(&deep.items()[0].value, Value::Structure(_)));
        assert!(ttlv::read(&deep.items()[0].to_bytes()).is_ok());
    }

    #[test]
    fn wrong_encodings_are_told_apart() {
        let field = |kind: u8, length: u32, content: &[u8]| {
            let mut bytes = vec![0x42, 0, 0x6A, kind];
            bytes.extend(length.to_be_bytes());
            bytes.extend(content);
            ttlv::read(&bytes)
        };
        assert_eq!(field(2, 3, &[0; 8]), Err(Malformed::Length(3)));
        assert_eq!(field(5, 8, &[0; 8]), Err(Malformed::Length(8)));
        assert_eq!(field(12, 8, &[0; 8]), Err(Malformed::Type(12)));
        assert_eq!(field(0, 8, &[0; 8]), Err(Malformed::Type(0)));
        assert_eq!(field(2, 4, &[0; 4]), Err(Malformed::Truncated));
        assert_eq!(field(2, 4, &[0; 16]), Err(Malformed::Trailing));
        assert_eq!(field(7, u32::MAX, &[0; 16]), Err(Malformed::Truncated));
        let text = field(7, 2, &[0xFF, b'a', 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(text.as_text(), Some("\u{FFFD}a"));
        // Of a type that is not asked for.
        assert_eq!(field(4, 8, &[0; 8]).unwrap().value, Value::Other);
    }

    #[test]
    fn an_id_and_a_version_are_checked_as_arguments() {
        assert!(id("").is_err() && id(&"a".repeat(257)).is_err() && id("a b").is_ok());
        for good in ["1.0", "1.4", "2.1"] {
            assert_eq!(good.parse::<Version>().unwrap().to_string(), good);
        }
        for bad in ["", "1", "1.5", "3.0", "01.0", "1.0 "] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
