//! What must not go through: no certificate, resumed sessions, calls that a program forgot, the end of trust.

use std::sync::Arc;

use mutual_trust::ReasonCode;
use mutual_trust_test_support::pki::{self, Made};
use mutual_trust_test_support::plain::Credential;
use rustls::ClientConfig;

use super::kit::{Kit, Stack, kit};
use super::links::versions;
use super::peers::{Link, Role, Round, Side, pin_client, pin_server, reason, works};

/// Each link that can be made here.
pub fn each(role: Role, test: impl Fn(&Kit, &Link)) {
    let Some(kit) = kit() else { return };
    for stack in Stack::ALL {
        if kit.peer(stack).is_none() {
            continue;
        }
        for version in versions(stack) {
            test(
                kit,
                &Link {
                    stack,
                    role,
                    version,
                    watched: false,
                },
            );
        }
    }
}

pub fn words(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

/// A side that trusts this peer, with the peer's certificate in a file for a block.
fn trusting(role: Role, peer: &Made) -> (Side, String) {
    let side = Side::new("refusals", |store| match role {
        Role::Client => pin_server(store, &peer.certificate),
        Role::Server => pin_client(store, &peer.certificate),
    });
    let file = side.write("peer.pem", &peer.certificate);
    (side, format!("block={}", file.display()))
}

/// What a program says of a peer in so many rounds.
fn rounds(
    kit: &Kit,
    link: &Link,
    side: &Side,
    peer: &Made,
    more: &str,
    count: usize,
) -> Vec<Round> {
    let credential = Credential::of(peer, &[]);
    match link.role {
        Role::Client => link.client(kit, side, &credential, &words(more), count),
        Role::Server => {
            let config = link.setting().client_of(&credential);
            link.server(kit, side, &config, &words(more), count)
        }
    }
}

/// What it says in one round.
fn first(kit: &Kit, link: &Link, side: &Side, peer: &Made, more: &str) -> Round {
    rounds(kit, link, side, peer, more, 1).remove(0)
}

fn both(test: impl Fn(&Kit, &Link)) {
    each(Role::Client, &test);
    each(Role::Server, &test);
}

#[test]
fn the_label_of_the_pin_is_who_the_peer_is() {
    both(|kit, link| {
        let peer = pki::self_signed("peer");
        let (side, _) = trusting(link.role, &peer);
        let round = first(kit, link, &side, &peer, "");
        assert!(works(&round), "{link:?}: {round:?}");
        let label = match link.role {
            Role::Client => "the server",
            Role::Server => "array-7",
        };
        assert_eq!(round["label"], label);
    });
}

#[test]
fn a_client_without_a_certificate_is_refused() {
    each(Role::Server, |kit, link| {
        let side = Side::new("refusals", |store| {
            pin_client(store, &pki::self_signed("array-7").certificate);
        });
        let setting = link.setting();
        let with = setting.client_of(&Credential::of(&pki::self_signed("x"), &[]));
        let mut config = ClientConfig::clone(&with);
        config.client_auth_cert_resolver = Arc::new(NoCertificate);
        // Not even if the program switches its verification off afterwards.
        for more in ["", "raw=yes", "verify=none", "enrol=yes"] {
            let rounds = link.server(kit, &side, &Arc::new(config.clone()), &words(more), 1);
            let round = &rounds[0];
            assert_eq!(round["finished"], "0", "{link:?} {more}: {round:?}");
            assert_eq!(round["said"], "-", "{link:?} {more}");
            assert_eq!(reason(round), None, "{link:?} {more}");
        }
    });
}

#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _: &[&[u8]],
        _: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[test]
fn a_server_is_refused_if_none_is_expected() {
    each(Role::Client, |kit, link| {
        let peer = pki::self_signed("peer");
        let (side, _) = trusting(link.role, &peer);
        let round = first(kit, link, &side, &peer, "expect=no");
        assert!(!works(&round), "{link:?}: {round:?}");
        assert_eq!(reason(&round), None, "{link:?}");
    });
}

/// A program that makes the handshake with the call of its stack: what is refused stays refused.
#[test]
fn a_forgotten_call_lets_no_peer_in() {
    both(|kit, link| {
        let (peer, other) = (pki::self_signed("peer"), pki::self_signed("other"));
        let (side, _) = trusting(link.role, &peer);
        let round = first(kit, link, &side, &peer, "raw=yes");
        assert!(works(&round), "{link:?}: {round:?}");
        let round = first(kit, link, &side, &other, "raw=yes");
        assert!(!works(&round), "{link:?}: {round:?}");
        // Nor one that may wait: only our call ends the connection behind its signature.
        if link.role == Role::Server {
            let round = first(kit, link, &side, &other, "raw=yes enrol=yes");
            assert!(!works(&round), "{link:?}: {round:?}");
        }
    });
}

/// The second connection of a program that keeps sessions all the same asks for its peer, or is refused.
#[test]
fn no_session_is_resumed() {
    both(|kit, link| {
        let peer = pki::self_signed("peer");
        let (side, block) = trusting(link.role, &peer);
        for more in [
            "resume=yes",
            "resume=yes force=yes",
            "resume=yes raw=yes",
            "resume=yes raw=write",
        ] {
            // GnuTLS does not write before the handshake.
            if link.stack == Stack::GnuTls && more.contains("write") {
                continue;
            }
            // With mbedTLS alone, a resumed session asks us nothing, and only our call sees it.
            if link.stack == Stack::MbedTls && more.contains("raw") {
                continue;
            }
            let said = rounds(kit, link, &side, &peer, more, 2);
            assert!(works(&said[0]), "{link:?} {more}: {said:?}");
            let judged = reason(&said[1]) == Some(ReasonCode::PinMatched);
            assert!(judged || !works(&said[1]), "{link:?} {more}: {said:?}");
            // A client does offer its session, and the other end resumes it: else this would show nothing.
            if link.role == Role::Client {
                assert_eq!(reason(&said[1]), None, "{link:?} {more}: {said:?}");
            }

            let said = rounds(kit, link, &side, &peer, &format!("{more} {block}"), 2);
            assert!(works(&said[0]), "{link:?} {more}: {said:?}");
            assert!(!works(&said[1]), "{link:?} {more}: {said:?}");
            unblock(&side, &peer);
        }
    });
}

/// Lifts the block that a program made.
fn unblock(side: &Side, peer: &Made) {
    let mut store = side.open();
    let selector = mutual_trust::store::BlockSelector::certificate(&peer.certificate);
    store.change(|store| store.unblock(&selector)).unwrap();
}

#[test]
fn an_open_connection_ends_with_trust() {
    both(|kit, link| {
        let peer = pki::self_signed("peer");
        let (side, block) = trusting(link.role, &peer);
        let round = first(kit, link, &side, &peer, &format!("recheck=yes {block}"));
        assert!(works(&round), "{link:?}: {round:?}");
    });
}

#[test]
fn an_unknown_client_waits_after_it_proved_that_it_has_its_key() {
    each(Role::Server, |kit, link| {
        let (known, unknown) = (pki::self_signed("array-7"), pki::self_signed("array-8"));
        let (side, _) = trusting(link.role, &known);
        let heard = format!("enrol=yes heard={}", unknown.certificate.fingerprint());
        let credential = Credential::of(&unknown, &[]);

        // A copy of its certificate does not wait.
        let copied = credential.clone().signing_as(&Credential::of(&known, &[]));
        let config = link.setting().client_of(&copied);
        let said = link.server(kit, &side, &config, &words(&heard), 1);
        assert!(!works(&said[0]), "{link:?}: {said:?}");
        assert_eq!(said[1]["waiting"], "0", "{link:?}");

        // It is refused, and what an administrator must hear over another channel is not shown.
        let round = first(kit, link, &side, &unknown, "enrol=yes");
        assert_eq!(round["fingerprint"], "", "{link:?}");
        for closed in ["", "enrol=closed"] {
            let said = rounds(kit, link, &side, &unknown, closed, 1);
            let shown = unknown.certificate.fingerprint().to_string();
            assert_eq!(said[0]["fingerprint"], shown, "{link:?} {closed}");
            assert!(
                said.get(1).is_none_or(|said| said["waiting"] == "0"),
                "{link:?}"
            );
        }

        // Another fingerprint is not accepted.
        let config = link.setting().client_of(&credential);
        let wrong = format!("enrol=yes heard={}", known.certificate.fingerprint());
        let said = link.server(kit, &side, &config, &words(&wrong), 1);
        assert_eq!(said[1]["waiting"], "1", "{link:?}");
        assert_eq!(said[1]["from"], "127.0.0.1", "{link:?}");
        assert_eq!(said[1]["accepted"], "13", "{link:?}");

        // It waits, is accepted by its fingerprint, and comes again.
        let said = link.server(kit, &side, &config, &words(&heard), 2);
        let ended = format!("{link:?}: {said:?}");
        assert!(!works(&said[0]), "{ended}");
        assert_eq!(
            (said[1]["waiting"].as_str(), said[1]["accepted"].as_str()),
            ("1", "0"),
            "{ended}"
        );
        assert!(works(&said[2]), "{ended}");
        assert_eq!(said[2]["label"], "enrolled", "{ended}");
    });
}

/// What the adapters allocate, they free, whatever becomes of a connection.
#[test]
fn the_adapters_leak_nothing() {
    if super::uses::valgrind("links of C programs").is_none() {
        return;
    }
    both(|kit, link| {
        let link = Link {
            watched: true,
            ..*link
        };
        // Under valgrind, a program takes seconds to start: one version of TLS, and one program.
        if Some(&link.version) != versions(link.stack).last() {
            return;
        }
        let peer = pki::self_signed("peer");
        let (side, block) = trusting(link.role, &peer);
        let more = format!("recheck=yes {block}");
        let said = rounds(kit, &link, &side, &peer, &more, 2);
        assert!(works(&said[0]) && !works(&said[1]), "{link:?}: {said:?}");
    });
}
