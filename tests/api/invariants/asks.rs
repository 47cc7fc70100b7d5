//! Questions about peers, and what is compared of the answers.

use core::time::Duration;

use mutual_trust::policy::{Considered, ExpectedServer, VerdictWarning, VerifyRequest};
use mutual_trust::store::{EntryKey, TrustSnapshot, ValidityRule};
use mutual_trust::{CurrentTime, Fingerprint, Policy, ReasonCode, Verdict, decide};
use pki_types::CertificateDer;

use super::pool::{item_of, pool};
use super::support::{DAY, at, host, policy, server_id};

/// The ids of servers; servers that are made for a bare name have that as their id.
pub const SERVERS: [&str; 4] = ["one", "two", "three", "s1.example"];
pub const NAMES: [&str; 4] = ["s1.example", "s2.example", "192.0.2.1", "unlisted.example"];

/// Which peer is asked about; numbers index [`SERVERS`] and [`NAMES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Id(usize, Option<usize>),
    Name(usize),
    Client,
}

/// Which certificate is presented.
#[derive(Clone, Copy, Debug)]
pub enum Presented {
    /// One of the pool.
    Item(usize),
    /// The one of an entry that is installed, by its number: hits are more frequent so.
    Held(usize),
    /// One that was signed with the key of an entry, by both numbers.
    Below(usize, usize),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    pub unlisted: bool,
    pub pins_only: bool,
    pub chains_without_clock: bool,
    pub grace: bool,
}

/// Days for which a grace lasts, here and in the options of pins.
pub const GRACE_DAYS: u64 = 100;

pub fn grace() -> ValidityRule {
    ValidityRule::Grace(Duration::from_secs(GRACE_DAYS * DAY))
}

impl Demands {
    pub fn policy(self) -> Policy {
        let mut made = policy();
        if self.unlisted {
            made = made.with_unlisted_allowed();
        }
        if self.pins_only {
            made = made.with_clients_by_pin_only();
        }
        if self.chains_without_clock {
            made = made.with_chains_without_clock();
        }
        if self.grace {
            made = made.with_validity(grace()).unwrap();
        }
        made
    }
}

#[derive(Clone, Debug)]
pub struct Ask {
    pub peer: Peer,
    pub presented: Presented,
    /// Items that are presented behind it.
    pub chain: Vec<usize>,
    /// Seconds since the epoch; `None` is an unset clock.
    pub time: Option<i64>,
    pub demands: Demands,
}

/// A verdict without its generation, which differs between views that hold the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub reason: ReasonCode,
    pub detail: String,
    pub decided: Option<EntryKey>,
    pub accepted: Option<EntryKey>,
    pub path: Vec<Fingerprint>,
    pub peer: String,
    pub considered: Vec<Considered>,
    pub more: usize,
    pub warnings: Vec<VerdictWarning>,
}

impl Answer {
    fn of(verdict: &Verdict) -> Self {
        let accepted = verdict.clone().into_result().ok();
        // Two ways to ask for one thing may not differ.
        assert_eq!(verdict.is_accepted(), accepted.is_some());
        assert_eq!(verdict.is_accepted(), verdict.reason().accepts());
        Self {
            reason: verdict.reason(),
            detail: format!("{:?}", verdict.detail()),
            decided: verdict.decided_by().map(|entry| entry.key().clone()),
            accepted: accepted
                .as_ref()
                .map(|accepted| accepted.entry().key().clone()),
            path: accepted.as_ref().map_or(Vec::new(), |accepted| {
                let path = accepted.path().iter();
                path.map(|certificate| certificate.fingerprint()).collect()
            }),
            peer: accepted
                .as_ref()
                .map_or(String::new(), |accepted| format!("{:?}", accepted.peer())),
            considered: verdict.considered().items().to_vec(),
            more: verdict.considered().omitted(),
            warnings: verdict.warnings().to_vec(),
        }
    }

    pub fn yes(&self) -> bool {
        self.accepted.is_some()
    }
}

pub fn clock(time: Option<i64>) -> CurrentTime {
    time.map_or(CurrentTime::Unset, |time| {
        CurrentTime::Known(at(u64::try_from(time).unwrap()))
    })
}

impl Ask {
    /// The question with its certificate settled, so that it stays the same whatever becomes of the store.
    pub fn settle(&self, view: &TrustSnapshot) -> Self {
        let entries = view.entries();
        let held = |number: usize| match entries.get(number % entries.len().max(1)) {
            Some(entry) => item_of(entry.key().fingerprint),
            None => number % pool().len(),
        };
        let presented = match self.presented {
            Presented::Item(item) => item,
            Presented::Held(number) => held(number),
            Presented::Below(number, choice) => {
                let above = held(number);
                let issued: Vec<usize> = (0..pool().len())
                    .filter(|&item| pool()[item].issuer_key == pool()[above].key && item != above)
                    .collect();
                *issued.get(choice % issued.len().max(1)).unwrap_or(&above)
            }
        };
        let presented = Presented::Item(presented);
        Self {
            presented,
            ..self.clone()
        }
    }

    pub fn item(&self) -> usize {
        match self.presented {
            Presented::Item(item) => item,
            Presented::Held(_) | Presented::Below(..) => panic!("the question is not settled"),
        }
    }

    pub fn answer(&self, view: &TrustSnapshot) -> Answer {
        self.answer_for(view, pool()[self.item()].certificate.der())
    }

    /// The answer when `leaf` is presented instead of an item.
    pub fn answer_for(&self, view: &TrustSnapshot, leaf: &[u8]) -> Answer {
        Answer::of(&self.verdict_for(view, leaf))
    }

    pub fn verdict_for(&self, view: &TrustSnapshot, leaf: &[u8]) -> Verdict {
        let chain = self
            .chain
            .iter()
            .map(|&item| pool()[item].certificate.der());
        let chain: Vec<CertificateDer<'_>> = chain.map(CertificateDer::from).collect();
        let clock = clock(self.time);
        let (id, dialled) = match self.peer {
            Peer::Id(id, dialled) => (
                Some(server_id(SERVERS[id])),
                dialled.map(|name| host(NAMES[name])),
            ),
            Peer::Name(name) => (None, Some(host(NAMES[name]))),
            Peer::Client => (None, None),
        };
        let question = match (&id, &dialled) {
            (Some(id), dialled) => VerifyRequest::server(
                ExpectedServer::id(id, dialled.as_ref()),
                leaf,
                &chain,
                clock,
            ),
            (None, Some(name)) => {
                VerifyRequest::server(ExpectedServer::Name(name), leaf, &chain, clock)
            }
            (None, None) => VerifyRequest::client(leaf, &chain, clock),
        };
        decide(view, &self.demands.policy(), &question)
    }
}

/// Settles all questions against one view.
pub fn settle(asks: &[Ask], view: &TrustSnapshot) -> Vec<Ask> {
    asks.iter().map(|ask| ask.settle(view)).collect()
}

pub fn answers(asks: &[Ask], view: &TrustSnapshot) -> Vec<Answer> {
    asks.iter().map(|ask| ask.answer(view)).collect()
}
