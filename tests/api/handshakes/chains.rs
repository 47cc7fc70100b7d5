//! Accepted chains: through intermediates, by every kind of name, and with patterns for clients.

use mutual_trust::policy::VerdictWarning;
use mutual_trust::store::SanPattern;
use mutual_trust::{
    AuthorityScope, EntryOptions, PeerIdentity, Policy, ReasonCode, TrustStore, Verdict,
};

use crate::support::handshake::handshake;
use crate::support::link::{Setting, keys_1, settings};
use crate::support::pki::{Made, Spec, pki, self_signed, spec};
use crate::support::plain::Credential;
use crate::support::{fixture, fixture_identity, host, now, server_id};

fn authority(store: &mut TrustStore, scope: AuthorityScope, made: &Made) {
    store
        .install_authority(scope, made.certificate(), EntryOptions::new())
        .unwrap();
}

fn chained(verdict: &Verdict) -> Vec<String> {
    assert_eq!(verdict.reason(), ReasonCode::ChainVerified, "{verdict}");
    let PeerIdentity::Chain {
        fingerprint, names, ..
    } = verdict.peer().unwrap()
    else {
        panic!("{verdict}");
    };
    assert_eq!(Some(fingerprint), verdict.presented());
    names
}

#[test]
fn both_ends_accept_a_chain_through_an_intermediate() {
    // C1, P4, P7; sent, and left out but installed
    for setting in settings() {
        for sent in [true, false] {
            let ca = pki("Example");
            let issuers: &[&Made] = if sent { &[&ca.intermediate] } else { &[] };
            let mut store = setting.listing_server();
            authority(&mut store, AuthorityScope::AnyServer, &ca.root);
            authority(&mut store, AuthorityScope::Clients, &ca.root);
            if !sent {
                let certificate = ca.intermediate.certificate();
                store
                    .install_intermediate(certificate, EntryOptions::new())
                    .unwrap();
            }
            let view = store.snapshot();
            let system = ca
                .client("array-7.example")
                .identity(issuers, &setting.provider);
            let key_server = ca
                .server("kms1.example")
                .identity(issuers, &setting.provider);
            let client = setting.client(view.clone(), system);
            let server = setting.server(view, key_server);
            let config = client.build_for(&keys_1()).unwrap();
            let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
            outcome.expect_link(&format!("sent {sent}, {}", setting.name));

            let verdict = Verdict::from(server.peer_check().client(&outcome.server_connection));
            assert_eq!(chained(&verdict), ["dns:array-7.example"]);
            assert_eq!(verdict.path().len(), 3);
            let check = client.peer_check();
            let verdict = Verdict::from(check.server(
                mutual_trust::ExpectedServer::id(&keys_1(), None),
                &outcome.client_connection,
            ));
            assert_eq!(chained(&verdict), ["dns:kms1.example"]);
            assert_eq!(
                verdict.decided_by().unwrap().fingerprint(),
                ca.root.certificate.fingerprint()
            );
        }
    }
}

#[test]
fn a_chain_of_a_real_tool_is_accepted_both_ways() {
    // C1
    for setting in settings() {
        let mut store = setting.listing_server();
        for scope in [AuthorityScope::Server(keys_1()), AuthorityScope::Clients] {
            let options = EntryOptions::new();
            store
                .install_authority(scope, fixture("ca-root"), options)
                .unwrap();
        }
        let options = EntryOptions::new();
        store
            .install_intermediate(fixture("ca-intermediate"), options)
            .unwrap();
        let view = store.snapshot();
        let ours = |name| fixture_identity(name, name, &setting.provider);
        let client = setting.client(view.clone(), ours("chain-client"));
        let server = setting.server(view, ours("chain-server"));
        let config = client.build_by_name().unwrap();
        let outcome = handshake(&config, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        let verdict = Verdict::from(server.peer_check().client(&outcome.server_connection));
        let mut names = chained(&verdict);
        names.sort();
        assert_eq!(
            names,
            ["dns:array-7.example", "uri:spiffe://example/array-7"]
        );
    }
}

/// What our client says of a server that `leaf` makes, dialled as `name`.
fn dial(
    setting: &Setting,
    arrange: impl Fn(&mut TrustStore),
    policy: Policy,
    leaf: Spec,
    name: &str,
    by_id: bool,
) -> Result<Verdict, rustls::Error> {
    let root = spec("root").ca().self_signed();
    let mut store = setting.store();
    authority(&mut store, AuthorityScope::AnyServer, &root);
    arrange(&mut store);
    let system = self_signed("array-7.example").identity(&[], &setting.provider);
    let client = setting.client_with(store.snapshot(), system, policy, now());
    let config = if by_id {
        client.build_for(&keys_1())
    } else {
        client.build_by_name()
    };
    let server = setting.server_of(&Credential::of(&leaf.signed_by(&root), &[]));
    let outcome = handshake(&config.unwrap(), &server, name);
    outcome.client?;
    let check = client.peer_check();
    let connection = &outcome.client_connection;
    Ok(Verdict::from(if by_id {
        check.server(
            mutual_trust::ExpectedServer::id(&keys_1(), Some(&host(name))),
            connection,
        )
    } else {
        check.server(mutual_trust::ExpectedServer::Name(&host(name)), connection)
    }))
}

#[test]
fn a_chain_is_accepted_by_any_name_of_the_server_whichever_was_dialled() {
    // C2
    for setting in settings() {
        let names = [
            "kms1.example",
            "kms1.backup.example",
            "192.0.2.7",
            "2001:db8::7",
        ];
        let list = |store: &mut TrustStore| {
            store.add_server(keys_1(), names.map(host)).unwrap();
        };
        let leaves: [fn() -> Spec; 5] = [
            || spec("").dns("kms1.example").server_auth(),
            || spec("").dns("*.backup.example").server_auth(),
            || spec("").ip("192.0.2.7"),
            || spec("").ip("2001:db8::7"),
            || {
                spec("kms1.example")
                    .dns("wrong.example")
                    .dns("KMS1.example")
            },
        ];
        for name in names.iter().chain(&["::ffff:192.0.2.7"]) {
            for leaf in leaves {
                for by_id in [true, false] {
                    let verdict = dial(&setting, list, setting.policy(), leaf(), name, by_id);
                    chained(&verdict.unwrap_or_else(|error| panic!("{name}: {error}")));
                }
            }
        }
    }
}

#[test]
fn expected_names_replace_the_names_of_the_server() {
    // C2
    for setting in settings() {
        let list = |store: &mut TrustStore| {
            store.add_server(keys_1(), [host("kms1.example")]).unwrap();
            store
                .set_reference_names(&keys_1(), [host("kms.vendor.example")])
                .unwrap();
        };
        let vendor = spec("").dns("kms.vendor.example");
        let verdict = dial(
            &setting,
            list,
            setting.policy(),
            vendor,
            "kms1.example",
            true,
        );
        chained(&verdict.unwrap());
        let own = spec("").dns("kms1.example");
        let refused = dial(&setting, list, setting.policy(), own, "kms1.example", true);
        let error = refused.unwrap_err();
        let verdict = mutual_trust::tls::refusal(&error).unwrap();
        assert_eq!(verdict.reason(), ReasonCode::NameMismatch);
    }
}

#[test]
fn a_server_without_names_is_compared_with_the_dialled_one() {
    // C2
    for setting in settings() {
        let list = |store: &mut TrustStore| {
            store.add_server(keys_1(), []).unwrap();
        };
        for (san, dialled, accepted) in [
            ("kms1.example", "kms1.example", true),
            ("kms1.example", "kms2.example", false),
        ] {
            let leaf = spec("kms2.example").dns(san);
            let verdict = dial(&setting, list, setting.policy(), leaf, dialled, true);
            assert_eq!(verdict.is_ok(), accepted, "{dialled} {}", setting.name);
            // Asked again, it must be the same.
            if let Ok(verdict) = verdict {
                chained(&verdict);
            }
        }
    }
}

#[test]
fn an_unlisted_name_is_given_to_the_authorities_if_the_policy_says_so() {
    // P6
    for setting in settings() {
        let policy = setting.policy().with_unlisted_allowed();
        let leaf = || spec("").dns("new.example");
        let verdict = dial(&setting, |_| {}, policy, leaf(), "new.example", false).unwrap();
        chained(&verdict);
        assert_eq!(verdict.warnings(), [VerdictWarning::UnlistedName]);
        let other = dial(&setting, |_| {}, policy, leaf(), "other.example", false);
        let verdict = other.unwrap_err();
        let verdict = mutual_trust::tls::refusal(&verdict).unwrap().clone();
        assert_eq!(verdict.reason(), ReasonCode::NameMismatch);
    }
}

#[test]
fn a_servers_own_authorities_are_asked_instead_of_those_of_any_server() {
    // P4
    for setting in settings() {
        let (own, any) = (pki("Own"), pki("Any"));
        let mut store = setting.listing_server();
        store
            .add_server(server_id("keys-2"), [host("kms2.example")])
            .unwrap();
        authority(&mut store, AuthorityScope::Server(keys_1()), &own.root);
        authority(&mut store, AuthorityScope::AnyServer, &any.root);
        let view = store.snapshot();
        for (ca, name, accepted) in [
            (&own, "kms1.example", true),
            (&any, "kms1.example", false),
            (&own, "kms2.example", false),
            (&any, "kms2.example", true),
        ] {
            let system = self_signed("array-7.example").identity(&[], &setting.provider);
            let config = setting
                .client(view.clone(), system)
                .build_by_name()
                .unwrap();
            let credential = Credential::of(&ca.server(name), &[&ca.intermediate]);
            let outcome = handshake(&config, &setting.server_of(&credential), name);
            if accepted {
                outcome.expect_link(name);
            } else {
                outcome.expect_client_refuses(name, ReasonCode::UnknownIssuer);
            }
        }
    }
}

#[test]
fn a_client_authority_offers_only_the_names_that_its_patterns_allow() {
    // P7
    for setting in settings() {
        let ca = pki("Example");
        let pattern: SanPattern = "uri:spiffe://example/array/*".parse().unwrap();
        let mut store = setting.store();
        let options = EntryOptions::new().with_san_patterns([pattern]);
        let certificate = ca.root.certificate();
        store
            .install_authority(AuthorityScope::Clients, certificate, options)
            .unwrap();
        let leaf = spec("a name that nobody reads")
            .dns("array-7.example")
            .uri("spiffe://example/array/7")
            .client_auth()
            .signed_by(&ca.intermediate);
        let identity = self_signed("kms1.example").identity(&[], &setting.provider);
        let server = setting.server(store.snapshot(), identity);
        let client = setting.client_of(&Credential::of(&leaf, &[&ca.intermediate]));
        let outcome = handshake(&client, &server.build().unwrap(), "kms1.example");
        outcome.expect_link(&setting.name);
        let verdict = Verdict::from(server.peer_check().client(&outcome.server_connection));
        assert_eq!(chained(&verdict), ["uri:spiffe://example/array/7"]);
    }
}
