//! Every question that is asked about each store: who is dialled, what is presented, and when.

use std::sync::LazyLock;
use std::time::Duration;

use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::ValidityRule;
use mutual_trust::{CurrentTime, HostName, KeyPolicy, Policy, ServerId};
use mutual_trust_test_support::at as time;
use mutual_trust_worlds::{Ask, Demands, Peer};
use pki_types::CertificateDer;

use crate::pool::{
    BELOW_PIN, CA, DAY, FORGED, GRACE, LEAF, NOW, PIN, Pool, RENEWAL, SAME_SUBJECT, VARIANT,
};
use crate::stores::{LATER, MIGRATION, id};

/// What is presented; the leaf comes with its CA.
const PRESENTED: [usize; 8] = [
    PIN,
    RENEWAL,
    CA,
    LEAF,
    VARIANT,
    BELOW_PIN,
    SAME_SUBJECT,
    FORGED,
];

/// The seconds before and after which something is another way.
const CLOCKS: [Option<i64>; 13] = [
    None,
    // How far below the floor a clock counts.
    Some(NOW - 26 * 60 * 60 - 1),
    Some(NOW - 26 * 60 * 60),
    // The tolerance for the beginning of the renewal, and the end of an entry.
    Some(NOW - 1),
    Some(NOW),
    // The last second of the pin.
    Some(NOW + 5 * DAY),
    Some(NOW + 5 * DAY + 1),
    // The end of a migration and of a list.
    Some(MIGRATION - 1),
    Some(MIGRATION),
    // The last second of the CA.
    Some(NOW + 12 * DAY + 1),
    // The last second of the grace of the pin, and of the leaf.
    Some(NOW + 5 * DAY + GRACE),
    Some(NOW + 5 * DAY + GRACE + 1),
    // Further than the floor goes in one step.
    Some(NOW + 367 * DAY),
];

/// The clocks that are asked about a store whose floor is later than most ends.
const LATER_CLOCKS: [Option<i64>; 2] = [None, Some(NOW)];

/// Who is dialled, with what the service demands.
const DIALLED: [(Peer, Demands); 12] = {
    const NO: Demands = Demands {
        unlisted: false,
        pins_only: false,
        without_clock: false,
        grace: 0,
        strict: false,
        require_crl: false,
        crl_grace: 0,
        most: None,
    };
    const UNLISTED: Demands = Demands {
        unlisted: true,
        ..NO
    };
    const GRACEFUL: Demands = Demands {
        grace: GRACE,
        crl_grace: GRACE,
        ..NO
    };
    [
        (Peer::Id(0, None), NO),
        (Peer::Id(0, Some("x.kms.example")), GRACEFUL),
        (Peer::Name("a.kms.example"), UNLISTED),
        (Peer::Id(1, None), NO),
        (Peer::Id(1, Some("a.kms.example")), NO),
        (
            Peer::Id(1, Some("a.kms.example")),
            Demands {
                require_crl: true,
                ..NO
            },
        ),
        (Peer::Id(2, Some("a.kms.example")), NO),
        (Peer::Name("c.kms.example"), NO),
        (Peer::Name("c.kms.example"), UNLISTED),
        (Peer::Name("x.kms.example"), UNLISTED),
        (Peer::Client, NO),
        (
            Peer::Client,
            Demands {
                pins_only: true,
                ..GRACEFUL
            },
        ),
    ]
};

/// A question, for the model and for the library.
pub(crate) struct Question {
    pub(crate) ask: Ask,
    pub(crate) policy: Policy,
    server: Option<ServerId>,
    name: Option<HostName>,
}

static CHAINS: LazyLock<[usize; 1]> = LazyLock::new(|| [CA]);

fn policy(demands: &Demands, keys: KeyPolicy) -> Policy {
    let seconds = |seconds: i64| Duration::from_secs(seconds.cast_unsigned());
    let mut policy = Policy::new(keys)
        .with_crl_grace(seconds(demands.crl_grace))
        .unwrap();
    if demands.grace > 0 {
        let grace = ValidityRule::Grace(seconds(demands.grace));
        policy = policy.with_validity(grace).unwrap();
    }
    if demands.unlisted {
        policy = policy.with_unlisted_allowed();
    }
    if demands.pins_only {
        policy = policy.with_clients_by_pin_only();
    }
    if demands.without_clock {
        policy = policy.with_chains_without_clock();
    }
    if demands.require_crl {
        policy = policy.with_crl_required();
    }
    policy
}

impl Question {
    fn new(peer: Peer, demands: Demands, leaf: usize, clock: Option<i64>, keys: KeyPolicy) -> Self {
        let (server, name) = match peer {
            Peer::Id(at, dialled) => (Some(id(at)), dialled),
            Peer::Name(name) => (None, Some(name)),
            Peer::Client => (None, None),
        };
        let chain = if leaf == LEAF || leaf == FORGED {
            CHAINS.to_vec()
        } else {
            Vec::new()
        };
        Self {
            ask: Ask {
                peer,
                leaf,
                chain,
                clock,
                demands,
            },
            policy: policy(&demands, keys),
            server,
            name: name.map(|name| name.parse().unwrap()),
        }
    }

    pub(crate) fn with<T>(&self, pool: &Pool, answer: impl FnOnce(&VerifyRequest<'_>) -> T) -> T {
        let leaf = &pool.der[self.ask.leaf];
        let chain: &[CertificateDer<'_>] = if self.ask.chain.is_empty() {
            &[]
        } else {
            &pool.der[CA..=CA]
        };
        let clock = self.ask.clock.map_or(CurrentTime::Unset, |now| {
            CurrentTime::Known(time(now.cast_unsigned()))
        });
        let request = match (&self.server, &self.name) {
            (Some(server), name) => {
                let target = ExpectedServer::id(server, name.as_ref());
                VerifyRequest::server(target, leaf, chain, clock)
            }
            (None, Some(name)) => {
                VerifyRequest::server(ExpectedServer::Name(name), leaf, chain, clock)
            }
            (None, None) => VerifyRequest::client(leaf, chain, clock),
        };
        answer(&request)
    }
}

/// The questions about a store that is published now, and those about one whose floor is [`LATER`].
pub(crate) fn questions(keys: KeyPolicy) -> [Vec<Question>; 2] {
    [&CLOCKS[..], &LATER_CLOCKS].map(|clocks| {
        let mut all = Vec::new();
        for (peer, demands) in DIALLED {
            for clock in clocks {
                let floor = if clocks.len() == CLOCKS.len() {
                    NOW
                } else {
                    LATER
                };
                let counts = clock.is_some_and(|now| now >= floor - 26 * 60 * 60);
                // Whether chains are judged without a clock matters only without one.
                for without_clock in [false, true].into_iter().take(2 - usize::from(counts)) {
                    let demands = Demands {
                        without_clock,
                        ..demands
                    };
                    for leaf in PRESENTED {
                        all.push(Question::new(peer, demands, leaf, *clock, keys));
                    }
                }
            }
        }
        all
    })
}
