//! How much is remembered, and what has to go.

use allocation_counter::measure;
use mutual_trust::limits::{MAX_REMEMBERED_CHAINS, REMEMBERED_BYTES_PER_CHAIN};
use mutual_trust::policy::ChainMemory;
use mutual_trust::{EntryOptions, TrustSnapshot};

use crate::remembered::{
    Asked, Whom, asked, authority, expect_answered, expect_decided, expect_remembered, listing,
};
use crate::support::pki::{Made, spec};
use crate::support::policy;

fn world() -> (Made, TrustSnapshot) {
    let root = spec("root").ca().self_signed();
    let mut store = listing();
    authority(&mut store, &root, EntryOptions::new());
    (root, store.snapshot())
}

fn client(root: &Made, names: usize) -> Asked {
    let mut spec = spec("client").client_auth();
    for number in 0..names {
        spec = spec.dns(&format!("array-{number}.example"));
    }
    Asked {
        whom: Whom::Client,
        ..asked(&spec.signed_by(root), &[])
    }
}

#[test]
fn no_more_chains_are_remembered_than_the_policy_says() {
    let (root, view) = world();
    let memory = ChainMemory::new(policy().with_remembered_chains(3).unwrap());
    let clients: Vec<_> = (0..8).map(|_| client(&root, 1)).collect();
    for (number, client) in clients.iter().enumerate() {
        expect_remembered(&memory, &view, client);
        assert_eq!(memory.statistics().chains, 3.min(number + 1));
    }
    // All of them were asked about again, so the older ones had to go.
    expect_decided(&memory, &view, &clients[0]);
    assert_eq!(memory.statistics().chains, 3);
}

#[test]
fn what_was_not_asked_about_again_goes_first() {
    let (root, view) = world();
    let memory = ChainMemory::new(policy().with_remembered_chains(2).unwrap());
    let [often, once, next] = [(); 3].map(|()| client(&root, 1));
    expect_remembered(&memory, &view, &often);
    expect_decided(&memory, &view, &once);
    expect_decided(&memory, &view, &next);
    expect_answered(&memory, &view, &often);
    expect_answered(&memory, &view, &next);
    expect_decided(&memory, &view, &once);
}

#[test]
fn chains_that_were_all_asked_about_again_do_not_stay_for_ever() {
    let (root, view) = world();
    let memory = ChainMemory::new(policy().with_remembered_chains(12).unwrap());
    let clients: Vec<_> = (0..12).map(|_| client(&root, 1)).collect();
    for client in &clients {
        expect_remembered(&memory, &view, client);
    }
    let next = client(&root, 1);
    expect_remembered(&memory, &view, &next);
    // Eight were passed over, the ninth had to go.
    for (number, client) in clients
        .iter()
        .enumerate()
        .filter(|(number, _)| *number != 8)
    {
        let verdict =
            client.with(|question| mutual_trust::Verdict::from(memory.decide(&view, question)));
        assert!(verdict.is_accepted(), "{number}");
    }
    assert_eq!(memory.statistics().decided, 13);
    expect_decided(&memory, &view, &clients[8]);
}

#[test]
fn what_they_take_is_bounded_too() {
    let (root, view) = world();
    // Each takes more than its share, and less than that of two.
    let [first, second] = [(); 2].map(|()| client(&root, 200));
    let memory = ChainMemory::new(policy().with_remembered_chains(2).unwrap());
    expect_remembered(&memory, &view, &first);
    let bytes = memory.statistics().bytes;
    assert!(bytes > REMEMBERED_BYTES_PER_CHAIN, "{bytes}");
    assert!(bytes < 2 * REMEMBERED_BYTES_PER_CHAIN, "{bytes}");
    expect_remembered(&memory, &view, &second);
    assert_eq!(memory.statistics().chains, 1);
    assert!(memory.statistics().bytes < 2 * REMEMBERED_BYTES_PER_CHAIN);
    expect_decided(&memory, &view, &first);
    // One that does not fit at all pushes nothing out.
    let memory = ChainMemory::new(policy().with_remembered_chains(1).unwrap());
    let small = client(&root, 1);
    expect_remembered(&memory, &view, &small);
    expect_decided(&memory, &view, &first);
    expect_decided(&memory, &view, &first);
    expect_answered(&memory, &view, &small);
}

#[test]
fn a_chain_is_counted_as_more_than_it_takes() {
    let (root, view) = world();
    for names in [0, 1, 20, 200] {
        let memory = ChainMemory::new(policy().with_remembered_chains(100).unwrap());
        let clients: Vec<_> = (0..20).map(|_| client(&root, names)).collect();
        let decide = |client: &Asked| {
            let verdict =
                client.with(|question| mutual_trust::Verdict::from(memory.decide(&view, question)));
            assert!(verdict.is_accepted(), "{verdict}");
        };
        let taken = measure(|| clients.iter().for_each(decide)).bytes_current;
        assert_eq!(memory.statistics().chains, 20);
        let taken = usize::try_from(taken).unwrap();
        let counted = memory.statistics().bytes;
        // Half as much again is room for what an allocator adds.
        let least = taken * 3 / 2;
        assert!(taken > 0 && counted >= least, "{names}: {counted}, {taken}");
    }
}

#[test]
fn one_certificate_with_ever_other_issuers_takes_one_place() {
    let (root, view) = world();
    let memory = ChainMemory::new(policy().with_remembered_chains(2).unwrap());
    let other = client(&root, 1);
    expect_remembered(&memory, &view, &other);
    let shown = client(&root, 1);
    for number in 0..20_u8 {
        let mut many = shown.clone();
        many.others = vec![vec![number; 30].into()];
        expect_remembered(&memory, &view, &many);
        assert!(memory.statistics().chains <= 2);
        assert!(memory.statistics().bytes < 2 * REMEMBERED_BYTES_PER_CHAIN);
    }
    expect_answered(&memory, &view, &other);
    // What each one takes is given back.
    let before = memory.statistics().bytes;
    let mut many = shown;
    many.others = vec![vec![77; 30].into()];
    expect_remembered(&memory, &view, &many);
    assert_eq!(memory.statistics().bytes, before);
}

#[test]
fn a_number_above_the_limit_is_refused() {
    let limit = MAX_REMEMBERED_CHAINS;
    assert!(policy().with_remembered_chains(limit).is_ok());
    for above in [limit + 1, usize::MAX] {
        let refused = policy().with_remembered_chains(above).unwrap_err();
        let says = format!("remembered chains: {above} is out of range: from 0 to {limit}");
        assert_eq!(refused.to_string(), says);
    }
}
