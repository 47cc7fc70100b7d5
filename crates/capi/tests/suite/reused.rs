//! Connections that a program uses again, switches to another context, or finishes with the calls of its stack.

use std::sync::Arc;

use mutual_trust::ReasonCode;
use mutual_trust::tls::TlsVersion;
use mutual_trust_test_support::pki::{self, Made};
use mutual_trust_test_support::plain::Credential;
use mutual_trust_test_support::skips::skipped;
use rustls::ClientConfig;

use super::kit::Stack;
use super::peers::{Link, Role, Side, pin_client, pin_server, reason, works};
use super::refusals::{each, words};

fn trusting(client: &Made) -> Side {
    Side::new("reused", |store| pin_client(store, &client.certificate))
}

fn client(link: &Link, made: &Made) -> Arc<ClientConfig> {
    link.setting().client_of(&Credential::of(made, &[]))
}

/// The judge of the context in force decides, not the one of the context that the connection began with.
#[test]
fn after_a_switch_by_name_the_other_judge_decides() {
    each(Role::Server, |kit, link| {
        if link.stack != Stack::OpenSsl {
            return;
        }
        let (alice, bob) = (pki::self_signed("alice"), pki::self_signed("bob"));
        let (first, second) = (trusting(&alice), trusting(&bob));
        let other = format!("other={}", second.folder.file("store").display());
        let clients = [client(link, &alice), client(link, &bob)];
        for more in ["", "from=yes", "enrol=yes"] {
            let more = words(&format!("{other} switch=0 {more}"));
            let said = link.server_of(kit, &first, &clients, &more);
            let mut rounds = said.iter().filter(|round| round.contains_key("round"));
            let (alice, bob) = (rounds.next().unwrap(), rounds.next().unwrap());
            assert!(!works(alice) && works(bob), "{link:?} {more:?}: {said:?}");
            assert_eq!(reason(alice), Some(ReasonCode::PinDoesNotMatch), "{link:?}");
            // The address was for the first context.
            let mut waiting = said.iter().filter_map(|round| round.get("waiting"));
            assert!(waiting.all(|waiting| waiting == "0"), "{link:?}: {said:?}");
        }

        // An unknown client waits in the enrolment of the other context, if its address is given after the switch.
        let more = words(&format!("{other} switch=0 from=again enrol=yes"));
        let said = link.server_of(kit, &first, &clients[..1], &more);
        assert!(!works(&said[0]), "{link:?}: {said:?}");
        assert_eq!(said[1]["waiting"], "1", "{link:?}: {said:?}");

        // Nor does a peer of the first context stay with a connection that is used again.
        for more in ["", "from=yes"] {
            let more = words(&format!("{other} switch=1 reuse=yes {more}"));
            let clients = [client(link, &alice), client(link, &alice)];
            let said = link.server_of(kit, &first, &clients, &more);
            assert!(
                works(&said[0]) && !works(&said[1]),
                "{link:?} {more:?}: {said:?}"
            );
        }
    });
}

/// Our call refuses a client that OpenSSL judged alone. `SSL_accept` does not: the header says so.
#[test]
fn a_switch_to_a_context_without_a_judge_is_refused_by_our_call() {
    each(Role::Server, |kit, link| {
        if link.stack != Stack::OpenSsl {
            return;
        }
        let alice = pki::self_signed("alice");
        let side = trusting(&alice);
        let bare = side.write("alice.pem", &alice.certificate);
        let bare = format!("switch=0 bare={}", bare.display());
        let config = client(link, &alice);
        for more in ["", "from=yes", "enrol=yes"] {
            let more = words(&format!("{bare} {more}"));
            let said = link.server(kit, &side, &config, &more, 1);
            assert!(!works(&said[0]), "{link:?} {more:?}: {said:?}");
        }
        let said = link.server(kit, &side, &config, &words(&format!("{bare} raw=yes")), 1);
        assert!(works(&said[0]), "{link:?}: {said:?}");
    });
}

/// A connection that is reset and used for the next client judges that one. GnuTLS has no such connection.
#[test]
fn a_connection_that_is_used_again_judges_its_next_client() {
    each(Role::Server, |kit, link| {
        if link.stack == Stack::GnuTls {
            return;
        }
        // OpenSSL 1.1.1 sends an extension that its client did not offer, and the client refuses.
        let other = link.stack == Stack::OpenSsl && link.stack.other().is_some();
        if other && link.version == TlsVersion::Tls13 {
            return;
        }
        let (alice, mallory) = (pki::self_signed("alice"), pki::self_signed("mallory"));
        let side = trusting(&alice);
        let clients = [&alice, &mallory, &alice].map(|one| client(link, one));
        for more in ["", "enrol=yes", "info=own", "info=own enrol=yes"] {
            let more = words(&format!("reuse=yes {more}"));
            let said = link.server_of(kit, &side, &clients, &more);
            let rounds = said.iter().filter(|round| round.contains_key("round"));
            let found: Vec<&str> = rounds
                .map(|round| match works(round) {
                    true => "works",
                    false if round["finished"] == "1" => "finished",
                    false => "refused",
                })
                .collect();
            let expected = ["works", "refused", "works"];
            assert_eq!(found, expected, "{link:?} {more:?}: {said:?}");
        }
        // A verdict on the former client says nothing about the next.
        let more = words("reuse=yes recheck=reset");
        let said = link.server_of(kit, &side, &clients[..2], &more);
        assert!(works(&said[0]) && !works(&said[1]), "{link:?}: {said:?}");
    });
}

/// A link belongs to one session of GnuTLS, also if another session takes its place in memory.
#[test]
fn a_link_makes_no_handshake_of_another_session() {
    each(Role::Server, |kit, link| {
        if link.stack != Stack::GnuTls {
            return;
        }
        let alice = pki::self_signed("alice");
        let side = trusting(&alice);
        let config = client(link, &alice);
        let said = link.server(kit, &side, &config, &words("replace=yes"), 1);
        if said[0]["said"] != "replaced" {
            skipped("a session of GnuTLS at the place of another: the allocator gave other places");
        }
    });
}

/// A client authenticates in the handshake, and no more: only our call judges.
#[test]
fn a_client_that_is_asked_again_does_not_get_in_again() {
    each(Role::Server, |kit, link| {
        if link.stack == Stack::MbedTls || link.version == TlsVersion::Tls12 {
            return;
        }
        let alice = pki::self_signed("alice");
        for more in ["", "enrol=yes"] {
            let more = words(&format!("ask=again {more}"));
            let said = link.server_of_plain(kit, &trusting(&alice), &alice, &more);
            assert!(works(&said[0]), "{link:?} {more:?}: {said:?}");
        }
    });
}

/// An unknown client may wait while our call runs. A program that finishes the handshake by another call gets nothing, and
/// says nothing.
#[test]
fn only_our_call_finishes_the_handshake_of_an_unknown_client() {
    each(Role::Server, |kit, link| {
        let (known, unknown) = (pki::self_signed("alice"), pki::self_signed("mallory"));
        let side = trusting(&known);
        let in_pieces = |made: &Made| {
            let mut config = ClientConfig::clone(&client(link, made));
            // So that its certificate is there before its signature. mbedTLS 2.28 reads whole messages alone; there, the
            // end of the handshake is a record of its own.
            if link.stack != Stack::MbedTls || link.stack.other().is_some() {
                config.max_fragment_size = Some(64);
            }
            Arc::new(config)
        };
        for how in ["read", "write", "handshake"] {
            let more = words(&format!("enrol=yes drip={how}"));
            let said = link.server(kit, &side, &in_pieces(&unknown), &more, 1);
            assert!(!works(&said[0]), "{link:?} {how}: {said:?}");
            let unknown = reason(&said[0]) == Some(ReasonCode::PinDoesNotMatch);
            assert!(unknown, "{link:?} {how}: {said:?}");
        }
        let more = words("enrol=yes drip=ours");
        let clients = [in_pieces(&unknown), in_pieces(&known)];
        let said = link.server_of(kit, &side, &clients, &more);
        assert!(!works(&said[0]), "{link:?}: {said:?}");
        assert_eq!(said[1]["waiting"], "1", "{link:?}: {said:?}");
        assert!(works(&said[2]), "{link:?}: {said:?}");
    });
}

/// A write that makes the handshake itself writes nothing to a server that is refused.
#[test]
fn a_first_write_to_a_server_that_is_refused_is_not_sent() {
    each(Role::Client, |kit, link| {
        if link.stack == Stack::GnuTls {
            return;
        }
        let (peer, other) = (pki::self_signed("peer"), pki::self_signed("other"));
        let side = Side::new("reused", |store| pin_server(store, &peer.certificate));
        let once = |made: &Made, more: &str| {
            let credential = Credential::of(made, &[]);
            link.client(kit, &side, &credential, &words(more), 1)
                .remove(0)
        };
        assert!(works(&once(&peer, "raw=write")), "{link:?}");
        assert!(!works(&once(&other, "raw=write")), "{link:?}");
        // Nor if the program switches verification off.
        if link.stack == Stack::OpenSsl {
            assert!(!works(&once(&peer, "raw=write verify=none")), "{link:?}");
        }
    });
}
