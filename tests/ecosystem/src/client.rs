//! What each client library is asked, and what is asserted.

use std::error::Error;
use std::time::Duration;

use mutual_trust::observe::{ObservationReader, observation_queue};
use mutual_trust::{
    ClientConfigBuilder, LiveTrust, ReasonCode, ServerId, TrustStore, Verdict, tls,
};
use mutual_trust_ecosystem::pki::Pki;
use mutual_trust_ecosystem::{BoxError, trust};
use mutual_trust_tokio::Connector;
use rustls::{AlertDescription, ClientConfig};

use crate::real::Ports;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the server is given a client that it does not know: the alert and the end of the connection race.
const REFUSALS: usize = 8;

/// What a library gets of us: the configuration, or a connector.
pub struct Ours {
    pub config: ClientConfig,
    pub builder: ClientConfigBuilder,
    /// The server that the peer must be; else the dialled name says which.
    server: Option<ServerId>,
}

impl Ours {
    fn of_server(builder: &ClientConfigBuilder) -> Self {
        let (config, server) = (
            builder.build_for(&trust::server()).unwrap(),
            Some(trust::server()),
        );
        Self {
            config,
            builder: builder.clone(),
            server,
        }
    }

    fn by_name(builder: &ClientConfigBuilder) -> Self {
        Self {
            config: builder.build_by_name().unwrap(),
            builder: builder.clone(),
            server: None,
        }
    }

    /// A connector whose streams end with trust.
    pub fn connector(&self) -> Connector {
        match &self.server {
            Some(server) => Connector::new(&self.builder, server).unwrap(),
            None => Connector::by_name(&self.builder).unwrap(),
        }
    }
}

/// How many questions may fail on a connection that ends before one opens a new connection.
const ENDS: usize = 8;

/// A client library with our configuration in it.
pub trait Library {
    /// What a program keeps, with the configuration.
    type Client;
    /// An open connection, or the client itself if it has a pool.
    type Open;

    /// The protocols that a program must set.
    const ALPN: &'static [&'static str] = &[];

    fn client(&self, ours: Ours, port: u16) -> Result<Self::Client, BoxError>;
    async fn open(&self, client: &Self::Client) -> Result<Self::Open, BoxError>;
    async fn ask(&self, open: &mut Self::Open) -> Result<String, BoxError>;

    /// The verdict by the documented variant of the library's error.
    fn verdict<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Verdict> {
        tls::refusal(error)
    }
}

/// What becomes of the pool or the open connection after a block.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AfterBlock {
    /// The server still answers on it.
    GoesOn,
    /// It ends, and what is asked on it fails. The error of the next connection has the verdict.
    Ends,
}

/// What our user sees when the server refuses our certificate.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// Each time this alert.
    Alert(AlertDescription),
    /// An error in which no alert is found, with this text in it.
    Error(&'static str),
    /// An error in which no alert is found: HTTP/2 keeps no sources.
    NoAlert,
    /// No error, but an answer with this text in it.
    Answer(&'static str),
}

/// Where our verdict is, after we have refused a server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VerdictIn {
    /// `tls::refusal` finds it in the library's error as it is.
    Error,
    /// `tls::refusal` finds it in a documented variant of the library's error, and not in the error as it is.
    Variant,
    /// The error has none: the observer of the configuration has it.
    Observer,
}

/// What is expected of a library beside what is expected of all.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Part of the answer to our pinned client: real servers say who we are, where they can.
    pub answer: &'static str,
    pub verdict: VerdictIn,
    pub after_block: AfterBlock,
    pub refused: Refused,
}

struct Asker<'a, L: Library> {
    library: &'a L,
    port: u16,
}

impl<L: Library> Asker<'_, L> {
    async fn once(&self, ours: Ours) -> Result<String, BoxError> {
        let client = self.library.client(ours, self.port)?;
        self.again(&client).await.1
    }

    /// Opens a connection and asks: the connection, if there is one, and the answer.
    async fn again(&self, client: &L::Client) -> (Option<L::Open>, Result<String, BoxError>) {
        let opened = async {
            match self.library.open(client).await {
                Ok(mut open) => {
                    let answer = self.library.ask(&mut open).await;
                    (Some(open), answer)
                }
                Err(error) => (None, Err(error)),
            }
        };
        timely(opened).await
    }

    /// The verdict after a block, which the connection in use does not outlive: the answer on it, then those to a few more
    /// questions of the same client, until one error has the verdict. HTTP/2 keeps the text of an error alone, a driver in
    /// another task none, and a pool may take a moment to see that its connection has ended; a new connection has it.
    async fn after_end(
        &self,
        client: &L::Client,
        mut answer: Result<String, BoxError>,
    ) -> Option<ReasonCode> {
        for _ in 0..ENDS {
            let error = answer.expect_err("the server is blocked");
            let verdict = L::verdict(&*error).or_else(|| tls::refusal(&*error));
            if let Some(verdict) = verdict {
                return Some(verdict.reason());
            }
            answer = self.again(client).await.1;
        }
        None
    }
}

async fn timely<T>(question: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, question)
        .await
        .expect("an answer in time")
}

/// Asks everything of one library. Panics where something else happens than is expected.
pub async fn measure<L: Library>(library: &L, ports: Ports, pki: &Pki, expected: Expected) {
    let builder = |trust: LiveTrust, us| {
        let protocols = L::ALPN.iter().map(|protocol| protocol.as_bytes().to_vec());
        trust::client_builder(pki, trust, us).with_alpn_protocols(protocols)
    };
    let snapshot = |mut store: TrustStore| LiveTrust::new(store.snapshot());
    let pinned = Asker {
        library,
        port: ports.pinned,
    };
    let of_ca = Asker {
        library,
        port: ports.of_ca,
    };

    // A pin, by id and by the dialled name.
    let pin = builder(snapshot(trust::pinned(pki, "server")), "client");
    answered(pinned.once(Ours::of_server(&pin)).await, expected.answer);
    answered(pinned.once(Ours::by_name(&pin)).await, expected.answer);

    // The CA at both ends.
    let authority = builder(snapshot(trust::authority(pki)), "client-of-ca");
    answered(
        of_ca.once(Ours::of_server(&authority)).await,
        expected.answer,
    );
    answered(of_ca.once(Ours::by_name(&authority)).await, expected.answer);

    // A refusal, and where its verdict is.
    let mut store = trust::pinned(pki, "other");
    let live = LiveTrust::new(store.snapshot());
    let (observations, seen) = observation_queue(64).unwrap();
    let following = builder(live.clone(), "client").with_observer(observations);
    let client = library
        .client(Ours::of_server(&following), ports.pinned)
        .unwrap();
    let refusals = Refusals {
        of: expected.verdict,
        seen,
    };
    refusals.expect::<L>(pinned.again(&client).await.1, ReasonCode::PinDoesNotMatch);

    // The same client follows a change of trust.
    trust::pin(&mut store, pki, "server");
    live.publish(store.snapshot()).unwrap();
    let (open, answer) = pinned.again(&client).await;
    answered(answer, expected.answer);

    // A block: the connection that is open, and a new one.
    let _ = store.block(&pki.certificate("server"));
    live.publish(store.snapshot()).unwrap();
    let after = timely(library.ask(&mut open.unwrap())).await;
    match expected.after_block {
        AfterBlock::GoesOn => answered(after, expected.answer),
        AfterBlock::Ends => {
            let verdict = pinned.after_end(&client, after).await;
            assert_eq!(verdict, Some(ReasonCode::Blocked));
        }
    }
    let fresh = pinned.once(Ours::of_server(&following)).await;
    refusals.expect::<L>(fresh, ReasonCode::Blocked);

    // The server refuses us.
    let unknown = builder(snapshot(trust::pinned(pki, "server")), "other");
    for _ in 0..REFUSALS {
        let outcome = pinned.once(Ours::of_server(&unknown)).await;
        refused::<L>(&outcome, expected.refused);
    }
}

/// Asks only whether the open connection ends after a block: the same library with a setting, or with another hook.
pub async fn ends_after_block<L: Library>(library: &L, port: u16, pki: &Pki, answer: &str) {
    let asker = Asker { library, port };
    let mut store = trust::pinned(pki, "server");
    let live = LiveTrust::new(store.snapshot());
    let protocols = L::ALPN.iter().map(|protocol| protocol.as_bytes().to_vec());
    let builder = trust::client_builder(pki, live.clone(), "client").with_alpn_protocols(protocols);
    let client = library.client(Ours::of_server(&builder), port).unwrap();
    let (open, said) = asker.again(&client).await;
    answered(said, answer);
    let mut open = open.unwrap();
    answered(timely(library.ask(&mut open)).await, answer);
    let _ = store.block(&pki.certificate("server"));
    live.publish(store.snapshot()).unwrap();
    let after = timely(library.ask(&mut open)).await;
    assert_eq!(
        asker.after_end(&client, after).await,
        Some(ReasonCode::Blocked)
    );
}

/// Our refusals: what the library's errors have of them, and what the observer saw.
struct Refusals {
    of: VerdictIn,
    seen: ObservationReader,
}

impl Refusals {
    #[track_caller]
    fn expect<L: Library>(&self, answer: Result<String, BoxError>, expected: ReasonCode) {
        let error = answer.expect_err("we refuse the server");
        let observed = self.seen.try_iter().pop().map(|seen| seen.verdict.reason());
        let by_itself = tls::refusal(&*error).map(Verdict::reason);
        let of_variant = L::verdict(&*error).map(Verdict::reason);
        let found = (by_itself, of_variant);
        let wanted = match self.of {
            VerdictIn::Error => (Some(expected), Some(expected)),
            VerdictIn::Variant => (None, Some(expected)),
            VerdictIn::Observer => (None, None),
        };
        assert_eq!(found, wanted, "{}", chain(&*error));
        assert_eq!(observed, Some(expected), "{}", chain(&*error));
    }
}

#[track_caller]
fn answered(answer: Result<String, BoxError>, expected: &str) {
    match answer {
        Ok(text) => assert!(text.contains(expected), "{text}"),
        Err(error) => panic!("{}", chain(&*error)),
    }
}

#[track_caller]
fn refused<L: Library>(outcome: &Result<String, BoxError>, expected: Refused) {
    let alert = outcome
        .as_ref()
        .err()
        .and_then(|error| tls::refused_by_peer(&**error));
    let as_expected = match (expected, outcome) {
        (Refused::Answer(text), Ok(answer)) => answer.contains(text),
        (Refused::Alert(wanted), Err(_)) => alert == Some(wanted),
        (Refused::NoAlert, Err(_)) => alert.is_none(),
        (Refused::Error(text), Err(error)) => alert.is_none() && chain(&**error).contains(text),
        _ => false,
    };
    let shown = outcome.as_ref().map_err(|error| chain(&**error));
    assert!(
        as_expected,
        "{expected:?}, but {shown:?} with the alert {alert:?}"
    );
    let verdict = outcome
        .as_ref()
        .err()
        .and_then(|error| L::verdict(&**error));
    assert!(verdict.is_none(), "the server refused, not we: {verdict:?}");
}

/// An error with its sources.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut texts = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push(error.to_string());
        next = error.source();
    }
    texts.join(" <- ")
}
