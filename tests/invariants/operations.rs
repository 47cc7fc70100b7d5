//! What an administrator does, at random.

use mutual_trust::store::Decision;
use proptest::prelude::*;

use crate::asks::{NAMES, SERVERS};
use crate::pool::{days, item, pool};

pub use crate::ops::*;

fn options(patterns: bool) -> impl Strategy<Value = Options> {
    let ends = prop_oneof![
        8 => Just(None),
        1 => Just(Some(days(30))),
        1 => Just(Some(days(200))),
        1 => Just(Some(days(-30))),
    ];
    (ends, proptest::bool::weighted(0.3)).prop_map(move |(ends, pattern)| Options {
        ends,
        pattern: pattern && patterns,
        ..Options::PLAIN
    })
}

fn pin_options() -> impl Strategy<Value = Options> {
    let grace = prop_oneof![4 => Just(None), 1 => Just(Some(true)), 1 => Just(Some(false))];
    (
        options(false),
        proptest::bool::weighted(0.4),
        proptest::bool::weighted(0.3),
        grace,
    )
        .prop_map(|(options, by_key, any_role, grace)| Options {
            by_key,
            any_role,
            grace,
            ..options
        })
}

/// The last one is there only if it was made for a bare name.
fn server() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 0..SERVERS.len() - 1, 1 => Just(SERVERS.len() - 1)]
}

fn pin_to() -> impl Strategy<Value = PinTo> {
    prop_oneof![
        5 => server().prop_map(PinTo::Server),
        1 => (0..NAMES.len()).prop_map(PinTo::Name),
        2 => (0..GROUPS.len()).prop_map(PinTo::Group),
        2 => Just(PinTo::Clients),
    ]
}

fn authority_to() -> impl Strategy<Value = AuthorityTo> {
    prop_oneof![
        3 => server().prop_map(AuthorityTo::Server),
        1 => (0..NAMES.len()).prop_map(AuthorityTo::Name),
        6 => Just(AuthorityTo::AnyServer),
        3 => Just(AuthorityTo::Clients),
    ]
}

/// Any certificate, and often one of a key that many have.
pub fn any_item() -> impl Strategy<Value = usize> {
    prop_oneof![0..pool().len(), item("s1")..item("s1-new")]
}

/// Mostly the certificates that are CAs.
fn ca() -> impl Strategy<Value = usize> {
    let first = prop_oneof![Just(item("root-a")), Just(item("root-b"))];
    prop_oneof![4 => first, 5 => 0..item("s1"), 1 => 0..pool().len()]
}

pub fn any_selector() -> impl Strategy<Value = Selector> {
    prop_oneof![
        Just(Selector::Whole),
        Just(Selector::Fingerprint),
        Just(Selector::Key),
        Just(Selector::IssuerSerial),
    ]
}

pub fn install() -> impl Strategy<Value = Op> {
    let authority_options = options(true);
    prop_oneof![
        6 => (pin_to(), any_item(), pin_options()).prop_map(|(to, item, o)| Op::Pin(to, item, o)),
        2 => (pin_to(), any_item(), pin_options())
            .prop_map(|(to, item, o)| Op::Fingerprint(to, item, Options { by_key: false, ..o })),
        4 => (authority_to(), ca(), authority_options).prop_map(|(to, item, mut o)| {
            o.pattern &= to == AuthorityTo::Clients;
            Op::Authority(to, item, o)
        }),
        2 => ca().prop_map(Op::Intermediate),
    ]
}

/// What changes entries or takes them away.
pub fn change() -> impl Strategy<Value = Op> {
    let number = || 0..12_usize;
    prop_oneof![
        3 => number().prop_map(Op::Remove),
        3 => number().prop_map(Op::Again),
        1 => (number(), pin_options()).prop_map(|(at, o)| Op::Update(at, o)),
        1 => (number(), options(true)).prop_map(|(at, o)| Op::Update(at, o)),
        2 => number().prop_map(Op::Disable),
        1 => number().prop_map(Op::Enable),
    ]
}

fn blocks() -> impl Strategy<Value = Op> {
    prop_oneof![
        (any_selector(), any_item()).prop_map(|(kind, item)| Op::Block(kind, item)),
        (any_selector(), any_item()).prop_map(|(kind, item)| Op::Unblock(kind, item)),
    ]
}

/// What arranges servers, names, groups and claims.
fn arrange() -> impl Strategy<Value = Op> {
    let name = || 0..NAMES.len();
    let names = || proptest::collection::vec(0..NAMES.len(), 0..3);
    let group = || 0..GROUPS.len();
    let until = || {
        prop_oneof![
            Just(days(30)),
            Just(days(100) - 400),
            Just(days(-30)),
            Just(days(380))
        ]
    };
    prop_oneof![
        2 => (server(), names()).prop_map(|(id, names)| Op::AddServer(id, names)),
        1 => server().prop_map(Op::RemoveServer),
        1 => (server(), name()).prop_map(|(id, name)| Op::AddName(id, name)),
        1 => (name(), server()).prop_map(|(name, id)| Op::MoveName(name, id)),
        1 => name().prop_map(Op::ReleaseName),
        1 => (server(), names()).prop_map(|(id, names)| Op::Expect(id, names)),
        1 => group().prop_map(Op::AddGroup),
        1 => group().prop_map(Op::RemoveGroup),
        3 => (group(), server()).prop_map(|(to, id)| Op::Join(to, id)),
        1 => server().prop_map(Op::Leave),
        3 => (server(), until()).prop_map(|(id, until)| Op::Migrate(id, until)),
        1 => (group(), until()).prop_map(|(id, until)| Op::MigrateGroup(id, until)),
        1 => server().prop_map(Op::StopMigrating),
        1 => server().prop_map(Op::Release),
        1 => group().prop_map(Op::ReleaseGroup),
    ]
}

fn time_passes() -> impl Strategy<Value = Op> {
    let time = || {
        prop_oneof![
            Just(days(0)),
            Just(days(0) - 100_000),
            Just(days(0) - 90_000),
            Just(days(50)),
            Just(days(420))
        ]
    };
    prop_oneof![
        3 => Just(Op::Publish),
        1 => proptest::option::of(time()).prop_map(Op::ResetFloor),
        2 => proptest::option::weighted(0.8, time()).prop_map(Op::SetClock),
        1 => Just(Op::ConfirmClock),
    ]
}

fn bundle() -> impl Strategy<Value = Op> {
    let decision = prop_oneof![
        4 => Just(Decision::Pin),
        4 => Just(Decision::Authority),
        2 => Just(Decision::Intermediate),
        2 => Just(Decision::Skip),
        1 => Just(Decision::Undecided),
    ];
    let items = proptest::collection::vec((0..pool().len(), decision), 1..4);
    (pin_to(), authority_to(), items)
        .prop_map(|(pins, authorities, items)| Op::Bundle(pins, authorities, items))
}

pub fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => install(),
        5 => change(),
        1 => blocks(),
        6 => arrange(),
        1 => time_passes(),
        1 => bundle(),
    ]
}

/// Two servers with names and a third without, two groups with a member each, some entries, then anything.
pub fn history(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let start = start();
    let installs = proptest::collection::vec(install(), 2..8);
    let more = proptest::collection::vec(any_op(), 0..length);
    (installs, more).prop_map(move |(installs, more)| {
        let mut all = start.clone();
        all.extend(installs);
        all.extend(more);
        all
    })
}
