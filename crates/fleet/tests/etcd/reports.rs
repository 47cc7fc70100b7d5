//! Reports of nodes, and which nodes are there.

use std::time::{Duration, Instant};

use mutual_trust_fleet::etcd::Etcd;
use mutual_trust_fleet::limits::MAX_NODES;
use mutual_trust_fleet::{NodeReport, Publisher, Transport};

use crate::raw::Raw;
use crate::server::{Server, needs_etcd};
use crate::support::{SOON, etcd, report};

fn names(etcd: &mut Etcd) -> Vec<String> {
    etcd.present()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn reports_stay_and_presence_ends_with_the_node() {
    needs_etcd!();
    let server = Server::start("presence");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    let short = || {
        etcd(&server.address())
            .with_presence(Duration::from_secs(3))
            .unwrap()
    };
    let (mut one, mut two) = (short(), short());
    one.report(&report("array-1")).unwrap();
    two.report(&report("array-2").with_fault("nothing is published"))
        .unwrap();
    assert_eq!(names(&mut publisher), ["array-1", "array-2"]);
    // One waits, and so stays present; the other is gone.
    let begin = Instant::now();
    while names(&mut publisher) != ["array-1"] {
        one.wait(Duration::from_millis(500)).unwrap();
        assert!(begin.elapsed() < SOON, "{:?}", names(&mut publisher));
    }
    one.wait(Duration::from_secs(6)).unwrap();
    assert_eq!(names(&mut publisher), ["array-1"]);
    let all = [
        report("array-1"),
        report("array-2").with_fault("nothing is published"),
    ];
    assert_eq!(publisher.nodes().unwrap().reports, all);
    // A lease that was lost is taken anew, by waiting and by reporting.
    raw.revoke_leases();
    assert_eq!(names(&mut publisher), Vec::<String>::new());
    one.wait(Duration::from_millis(1500)).unwrap();
    assert_eq!(names(&mut publisher), ["array-1"]);
    raw.revoke_leases();
    one.report(&report("array-1").with_keys_version(2)).unwrap();
    assert_eq!(names(&mut publisher), ["array-1"]);
    assert_eq!(publisher.nodes().unwrap().reports[0].keys_version(), 2);
    let gone = "array-1".parse().unwrap();
    assert!(publisher.forget(&gone).unwrap());
    assert!(!publisher.forget(&gone).unwrap());
    assert_eq!(publisher.nodes().unwrap().reports.len(), 1);
    assert_eq!(names(&mut publisher), Vec::<String>::new());
}

#[test]
fn all_nodes_are_listed_and_what_is_no_report_is_named() {
    needs_etcd!();
    let server = Server::start("nodes");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    assert_eq!(publisher.nodes().unwrap().reports, Vec::<NodeReport>::new());
    for number in 0..600 {
        let node = format!("array-{number:03}");
        raw.put(
            &format!("/fleets/prod/nodes/{node}"),
            report(&node).to_string(),
        );
    }
    // What other writers put there: no report, a report under another name, and more than one answer may hold.
    raw.put("/fleets/prod/nodes/array-0", "x");
    raw.put("/fleets/prod/nodes/array-1", report("array-2").to_string());
    raw.put("/fleets/prod/nodes/../array", report("array").to_string());
    for number in [17, 18, 19, 20] {
        raw.put(
            &format!("/fleets/prod/nodes/array-{number:03}-big"),
            vec![b'x'; 1_400_000],
        );
    }
    raw.put("/fleets/prod/nodesmore", report("nodesmore").to_string());
    let all = publisher.nodes().unwrap();
    let listed: Vec<String> = all
        .reports
        .iter()
        .map(|node| node.node().to_string())
        .collect();
    let expected: Vec<String> = (0..600)
        .map(|number| format!("array-{number:03}"))
        .collect();
    assert_eq!(listed, expected);
    let unread = all.unread.iter();
    let unread: Vec<(&str, &str)> = unread
        .map(|one| (one.node().unwrap().as_str(), one.why()))
        .collect();
    let large = "a report has at most 2048 bytes";
    assert_eq!(
        unread,
        [
            ("array-0", "this is no report of a node"),
            ("array-017-big", large),
            ("array-018-big", large),
            ("array-019-big", large),
            ("array-020-big", large),
            ("array-1", "it is a report of the node array-2"),
        ]
    );
    assert!(!all.is_cut);
}

/// One who writes many keys hides no node: what is read is answered, and that there is more.
#[test]
fn more_nodes_than_are_read_do_not_hide_the_others() {
    needs_etcd!();
    let server = Server::start("many");
    let raw = Raw::new(&server.address());
    let mut publisher = etcd(&server.address());
    publisher.report(&report("a")).unwrap();
    let keys = (0..MAX_NODES).map(|number| format!("/fleets/prod/nodes/x{number:05}"));
    raw.put_many(keys.collect());
    let all = publisher.nodes().unwrap();
    assert_eq!(all.reports, [report("a")]);
    assert_eq!(all.unread.len(), MAX_NODES - 1);
    assert!(all.is_cut);
    // The list of those that are present is no list of reports: it has the one.
    assert_eq!(names(&mut publisher), ["a"]);
    // And the rest goes on.
    let _tag = publisher.publish(b"one", None).unwrap();
    assert!(publisher.forget(&"x00000".parse().unwrap()).unwrap());
}
