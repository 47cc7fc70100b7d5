//! Rule M1: under public-key match, the presented certificate is the key holder's own statement. It may cost
//! trust and never give it.

use mutual_trust::certificate::Certificate;
use mutual_trust::store::BlockSelector;
use mutual_trust::{AuthorityScope, EntryOptions};
use proptest::prelude::*;
use rcgen::KeyUsagePurpose;

use crate::invariants::admin::Admin;
use crate::invariants::operations::{Op, Options, PinTo, pin_scope};
use crate::invariants::pool::{Usage, days, dress, item, key, pool, root_a};
use crate::invariants::questions::{
    Ask, Demands, GRACE_DAYS, Peer, Presented, SERVERS, any_demands,
};
use crate::support::Lists as _;
use crate::support::pki::{Made, spec};
use crate::support::random::config;
use crate::support::{DAY, at, server_id};

/// What the holder of a key writes into a certificate.
#[derive(Clone, Copy, Debug)]
struct Writing {
    /// Validity in days from now.
    from: i64,
    to: i64,
    usage: Usage,
    key_usage: u8,
    critical: bool,
    ca: bool,
    names: u8,
    /// By an authority, instead of by its own key.
    issued: bool,
}

const NAMES: [&[&str]; 3] = [&[], &["s1.example"], &["s2.example", "192.0.2.1"]];

fn writing() -> impl Strategy<Value = Writing> {
    let rarely = || proptest::bool::weighted(0.2);
    let usage = prop_oneof![
        Just(Usage::Absent),
        Just(Usage::Server),
        Just(Usage::Client),
        Just(Usage::Both),
        Just(Usage::Any),
    ];
    let from = prop_oneof![3 => Just(-200_i64), 1 => Just(-40), 1 => Just(40)];
    let to = prop_oneof![2 => Just(200_i64), 1 => Just(-10), 1 => Just(60), 1 => Just(3000)];
    let names = prop_oneof![1 => Just(0), 3 => Just(1), 1 => Just(2_u8)];
    let rest = (rarely(), rarely(), names, proptest::bool::ANY);
    (from, to, usage, 0..4_u8, rest).prop_map(|(from, to, usage, key_usage, rest)| {
        let (critical, ca, names, issued) = rest;
        let to = to.max(from + 1);
        Writing {
            from,
            to,
            usage,
            key_usage,
            critical,
            ca,
            names,
            issued,
        }
    })
}

/// The key of the server `one`.
const KEY: u8 = 10;

impl Writing {
    fn write(self, serial: u64, authority: &Made) -> Certificate {
        let day = i64::try_from(DAY).unwrap();
        let names = NAMES[usize::from(self.names)];
        let mut spec = dress(spec("writing"), serial, self.usage, names)
            .key(key(KEY))
            .valid(self.from * day, self.to * day);
        if self.ca {
            spec = spec.ca();
        }
        spec = match self.key_usage {
            0 => spec,
            1 => spec.key_usage(&[]),
            2 => spec.key_usage(&[KeyUsagePurpose::DigitalSignature]),
            _ => spec.key_usage(&[KeyUsagePurpose::KeyEncipherment]),
        };
        if self.critical {
            spec = spec.critical_extension(&[1, 2, 3, 4, 5, 6]);
        }
        if self.issued {
            spec.signed_by(authority).certificate()
        } else {
            spec.self_signed().certificate()
        }
    }

    /// M3, M4 and M6 for one certificate, with what the entry and the policy waive.
    fn holds(self, options: Options, demands: Demands, time: i64, client: bool) -> bool {
        let day = i64::try_from(DAY).unwrap();
        let grace = if options.grace.unwrap_or(demands.grace) {
            i64::try_from(GRACE_DAYS).unwrap() * day
        } else {
            0
        };
        let usage = match self.usage {
            Usage::Absent | Usage::Both | Usage::Any => true,
            Usage::Server => !client,
            Usage::Client => client,
        };
        let in_time = days(self.from) <= time + 300 && time <= days(self.to) + grace;
        in_time && (usage || options.any_role) && !self.critical
    }
}

proptest! {
    #![proptest_config(config(600))]

    // M1, M3, M4, M6, P1, P5
    #[test]
    fn nothing_in_the_presented_certificate_turns_a_no_into_a_yes(
        installed in writing(),
        presented in writing(),
        any_role in proptest::bool::ANY,
        grace in proptest::option::weighted(0.5, proptest::bool::ANY),
        ends in proptest::option::weighted(0.2, Just(days(20))),
        to in prop_oneof![Just(PinTo::Server(0)), Just(PinTo::Group(0)), Just(PinTo::Clients)],
        time in prop_oneof![2 => Just(days(0)), 1 => Just(days(45)), 1 => Just(days(90))],
        demands in any_demands(),
        harm in 0..8_u8,
        migrates in proptest::bool::ANY,
    ) {
        let authority = root_a();
        // The serial numbers of other certificates of this authority are small.
        let pin = installed.write(1001, authority);
        let shown = presented.write(1002, authority);
        let options = Options { by_key: true, any_role, grace, ends, pattern: false };
        let mut admin = Admin::after(&[Op::AddServer(0, vec![0]), Op::AddGroup(0), Op::Join(0, 0)]);
        let store = &mut admin.store;
        let Ok(report) = store.install_pin(pin_scope(to), pin.clone(), options.made()) else {
            return Ok(());
        };
        let entry = report.entries().items()[0].clone();
        // An authority that would vouch for what is presented, if it were asked.
        let root = pool()[item("root-a")].certificate.clone();
        for scope in [AuthorityScope::AnyServer, AuthorityScope::Clients] {
            store.install_authority(scope, root.clone(), EntryOptions::new()).unwrap();
        }
        if migrates && to != PinTo::Clients {
            let until = at(u64::try_from(days(366)).unwrap());
            store.migrate(&server_id(SERVERS[0]), until).unwrap();
        }
        match harm {
            0 => drop(store.disable(&entry, "a test disables it").unwrap()),
            1 => drop(store.block_selector(BlockSelector::Fingerprint(pin.fingerprint()))),
            2 => drop(store.block_selector(BlockSelector::issuer_serial(&pin))),
            3 => drop(store.block_selector(BlockSelector::issuer_serial(&shown))),
            _ => {}
        }
        let client = to == PinTo::Clients;
        let ask = Ask {
            peer: if client { Peer::Client } else { Peer::Id(0, Some(0)) },
            presented: Presented::Item(0),
            chain: Vec::new(),
            time: Some(time),
            demands,
        };
        let of_pin = ask.answer_for(admin.view(), pin.der());
        let of_shown = ask.answer_for(admin.view(), shown.der());
        prop_assert!(of_pin.yes() || !of_shown.yes(), "{:?}, then {:?}", of_pin, of_shown);
        // It may cost trust: what holds for the one must hold for the other, and nothing else is asked.
        let both = [installed, presented]
            .iter()
            .all(|writing| writing.holds(options, demands, time, client));
        let ended = ends.is_some_and(|end| time >= end);
        prop_assert_eq!(of_shown.yes(), both && harm > 3 && !ended, "{:?}", of_shown);
        if of_shown.yes() {
            prop_assert_eq!(of_shown.accepted.as_ref(), Some(&entry));
        }
    }
}
