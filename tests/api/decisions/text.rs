//! The text of a verdict: what an operator reads.

use std::time::Duration;

use mutual_trust::store::ValidityRule;
use mutual_trust::{CurrentTime, ReasonCode};

use super::support::pki::{pki, self_signed, spec};
use super::support::{DAY, NOW, at, server_id};
use super::world::{For, KEYS_1, KMS, World, plain};

struct Case {
    name: &'static str,
    reason: ReasonCode,
    /// The lines besides the first and the last, in their order, with names in place of fingerprints.
    lines: &'static [&'static str],
    who: &'static str,
    build: fn(&mut World),
}

const DAY_I: i64 = 24 * 60 * 60;

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let case = |name, reason, who, lines, build| Case { name, reason, who, lines, build };
    vec![
        case("a pin", ReasonCode::PinMatched, "accepted: server keys-1 (dialled kms1.example): ", &[
            "presented: own",
            "decided by: pin own for server keys-1 \"the label\"",
        ], |w| {
            let own = self_signed(KMS);
            w.pin_with(KEYS_1, "own", &own, plain().with_label("the label"));
            w.presents(&own);
        }),
        case("a pin in its grace, for another name, without a clock", ReasonCode::PinMatched, "accepted: server keys-1 (dialled kms1.example): ", &[
            "presented: own",
            "decided by: pin own for server keys-1",
            "warning: the certificate expired at 2026-12-31T00:00:00Z and is in its grace: renew it",
            "note: the certificate does not cover the dialled name; its pin does",
            "warning: the clock is not set: ends are judged at the floor (2027-01-01T00:00:00Z), the newest time at which the store was published; set the clock",
        ], |w| {
            let own = spec("x").valid(-9 * DAY_I, -DAY_I).self_signed();
            let rule = ValidityRule::Grace(Duration::from_secs(2 * DAY));
            w.pin_with(KEYS_1, "own", &own, plain().with_validity(rule));
            w.presents(&own);
            w.clock = CurrentTime::Unset;
        }),
        case("a chain of a server that migrates", ReasonCode::ChainVerified, "accepted: server keys-1: ", &[
            "presented: leaf",
            "decided by: authority root for any server",
            "warning: the server migrates until 2027-01-02T00:00:00Z: an authority decided, not a pin",
        ], |w| {
            let pki = pki("any");
            let leaf = pki.server(KMS);
            w.call("leaf", &leaf);
            w.authority(For::AnyServer, "root", &pki.root);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.store.migrate(&server_id("keys-1"), at(NOW + DAY)).unwrap();
            w.presents(&leaf).with("i", &pki.intermediate);
            w.ask_id("keys-1", None);
        }),
        case("another certificate than the pin", ReasonCode::PinDoesNotMatch, "refused: server keys-1 (dialled kms1.example): ", &[
            "presented: presented (CN=unknown)",
            "considered: pin own for server keys-1: PinDoesNotMatch",
        ], |w| {
            let unknown = self_signed("unknown");
            w.call("presented", &unknown);
            w.pin(KEYS_1, "own", &self_signed(KMS));
            w.presents(&unknown);
        }),
        case("an expired pin", ReasonCode::Expired, "refused: server keys-1 (dialled kms1.example): ", &[
            "detail: limit 2026-12-31T00:00:00Z, judged at 2027-01-01T00:00:00Z",
            "presented: own (CN=x)",
            "decided by: pin own for server keys-1",
            "considered: pin own for server keys-1: Expired (limit 2026-12-31T00:00:00Z, judged at 2027-01-01T00:00:00Z)",
        ], |w| {
            let own = spec("x").valid(-9 * DAY_I, -DAY_I).self_signed();
            w.pin(KEYS_1, "own", &own);
            w.presents(&own);
        }),
        case("an entry that is disabled", ReasonCode::EntryDisabled, "refused: server keys-1 (dialled kms1.example): ", &[
            "detail: a reason",
            "presented: own (CN=kms1.example)",
            "decided by: pin own for server keys-1",
            "considered: pin own for server keys-1: EntryDisabled (a reason)",
        ], |w| {
            let own = self_signed(KMS);
            let key = w.pin(KEYS_1, "own", &own);
            w.disable(&key);
            w.presents(&own);
        }),
        case("a chain of a claimed server", ReasonCode::AuthoritiesNotAsked, "refused: server keys-1 (dialled kms1.example): ", &[
            "detail: authority root for any server",
            "presented: leaf (CN=kms1.example)",
            "considered: pin own for server keys-1: PinDoesNotMatch",
        ], |w| {
            let pki = pki("any");
            let leaf = pki.server(KMS);
            w.call("leaf", &leaf);
            w.authority(For::AnyServer, "root", &pki.root);
            w.pin(KEYS_1, "own", &self_signed("own"));
            w.presents(&leaf).with("i", &pki.intermediate);
        }),
        case("a blocked certificate", ReasonCode::Blocked, "refused: server keys-1 (dialled kms1.example): ", &[
            "detail: block on certificate own and its key",
            "presented: own (CN=kms1.example)",
        ], |w| {
            let own = self_signed(KMS);
            w.pin(KEYS_1, "own", &own);
            w.store.block(&own.certificate());
            w.presents(&own);
        }),
        case("a name that is not in the leaf", ReasonCode::NameMismatch, "refused: server keys-1 (dialled 192.0.2.1): ", &[
            "detail: wanted kms1.example, 192.0.2.1, 2001:db8::1; the certificate has dns:other.example, ip:192.0.2.9",
            "presented: leaf (CN=x)",
        ], |w| {
            let root = spec("root").ca().self_signed();
            let leaf = spec("x").dns("other.example").ip("192.0.2.9").signed_by(&root);
            w.call("leaf", &leaf);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf);
            w.ask_name("192.0.2.1");
        }),
        case("an expired intermediate", ReasonCode::IssuerExpired, "refused: server keys-1 (dialled kms1.example): ", &[
            "detail: limit 2026-12-31T00:00:00Z, judged at 2027-01-01T00:00:00Z",
            "presented: leaf (CN=x)",
            "considered: presented I: IssuerExpired (limit 2026-12-31T00:00:00Z, judged at 2027-01-01T00:00:00Z)",
        ], |w| {
            let root = spec("root").ca().self_signed();
            let i = spec("I").ca().valid(-9 * DAY_I, -DAY_I).signed_by(&root);
            let leaf = spec("x").dns(KMS).signed_by(&i);
            w.call("leaf", &leaf);
            w.authority(For::AnyServer, "root", &root);
            w.presents(&leaf).with("I", &i);
        }),
        case("an unlisted name", ReasonCode::UnlistedName, "refused: server dialled as new.example: ", &["presented: own (CN=x)"], |w| {
            let own = spec("x").self_signed();
            w.call("own", &own);
            w.presents(&own);
            w.ask_name("new.example");
        }),
        case("a client that nobody knows, with a subject made to break a log", ReasonCode::NothingInstalled, "refused: a client: ", &[
            "presented: own (CN=a\\u{a}b\\u{202e}c\\u{1b}[2J)",
        ], |w| {
            let own = spec("a\nb\u{202e}c\u{1b}[2J").self_signed();
            w.call("own", &own);
            w.presents(&own);
            w.ask_client();
        }),
        case("a leaf whose issuer nobody knows, with a name made to break a log", ReasonCode::UnknownIssuer, "refused: a client: ", &[
            "detail: issuer CN=ca\\u{d}accepted: a client",
            "presented: own",
        ], |w| {
            let ca = spec("ca\raccepted: a client").ca().self_signed();
            let own = spec("").dns(KMS).signed_by(&ca);
            w.call("own", &own);
            w.authority(For::Clients, "root", &pki("site").root);
            w.presents(&own);
            w.ask_client();
        }),
        case("too much", ReasonCode::TooManyCertificates, "refused: server keys-1 (dialled kms1.example): ", &["detail: 65, the limit is 64"], |w| {
            w.presents(&self_signed(KMS));
            for _ in 0..64 {
                w.with_bytes(Vec::new());
            }
        }),
    ]
}

// Saying yes: a verdict's text has the server, the presented and the expected fingerprint, the rule and what
// to do, a line for each.
#[test]
fn the_text_of_a_verdict_is_one_that_an_operator_can_act_on() {
    let mut wrong = String::new();
    for case in cases() {
        let mut world = World::new();
        (case.build)(&mut world);
        let verdict = world.verdict();
        let text = world.readable(&verdict.to_string());
        let name = case.name;
        assert_eq!(verdict.reason(), case.reason, "{name}: {text}");
        let mut wanted = vec![format!(
            "{}{} [{}, rule {}]",
            case.who,
            case.reason.meaning(),
            case.reason,
            verdict.rule()
        )];
        wanted.extend(case.lines.iter().map(|line| format!("  {line}")));
        if !verdict.is_accepted() {
            wanted.push(format!("  to do: {}", verdict.remedy()));
        }
        if text.split('\n').ne(&wanted) {
            let wanted = wanted.join("\n");
            wrong.push_str(&format!("\ntext: {name}:\n{text}\nmust be\n{wanted}\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

// The fingerprints stand in it as `openssl x509 -fingerprint -sha256` prints them.
#[test]
fn the_text_has_the_presented_and_the_expected_fingerprints_in_full() {
    let mut world = World::new();
    let (own, unknown) = (self_signed(KMS), self_signed("unknown"));
    world.pin(KEYS_1, "own", &own);
    world.presents(&unknown);
    let verdict = world.verdict();
    let text = verdict.to_string();
    for made in [&own, &unknown] {
        let fingerprint = made.certificate().fingerprint().to_string();
        assert_eq!(fingerprint.split(':').count(), 32);
        assert!(text.contains(&fingerprint), "{text}");
    }
    let expected: Vec<_> = verdict.expected().collect();
    assert_eq!(expected, [own.certificate().fingerprint()]);
}

// What only identifies is short, and `{:#}` shows it in full; what is compared or copied is in full in both.
#[test]
fn a_fingerprint_is_short_where_it_only_identifies() {
    let (own, pki) = (self_signed("own"), pki("any"));
    let leaf = pki.server(KMS);
    let claimed = |w: &mut World| {
        w.authority(For::AnyServer, "root", &pki.root);
        w.pin(KEYS_1, "own", &own);
        w.presents(&leaf).with("i", &pki.intermediate);
    };
    let expired = |w: &mut World| {
        w.authority(For::AnyServer, "root", &pki.root);
        let old = spec("I")
            .ca()
            .valid(-9 * DAY_I, -DAY_I)
            .signed_by(&pki.root);
        w.presents(&spec("x").dns(KMS).signed_by(&old))
            .with("I", &old);
    };
    let blocked = |w: &mut World| {
        w.pin(KEYS_1, "own", &own);
        w.store.block(&own.certificate());
        w.presents(&own);
    };
    let accepted = |w: &mut World| {
        w.pin(KEYS_1, "own", &own);
        w.presents(&own);
    };
    let renewed = |w: &mut World| {
        w.pin(KEYS_1, "own", &own);
        w.presents(&spec("own").self_signed());
    };
    let unknown = |w: &mut World| {
        w.ask_client();
        w.presents(&own);
    };
    let cases: [(ReasonCode, &dyn Fn(&mut World), usize, usize); 6] = [
        // The authority, what was presented, the pin.
        (ReasonCode::AuthoritiesNotAsked, &claimed, 3, 0),
        (ReasonCode::IssuerExpired, &expired, 2, 0),
        // What `unblock` needs is in full.
        (ReasonCode::Blocked, &blocked, 1, 1),
        (ReasonCode::PinMatched, &accepted, 2, 0),
        // What was presented and the expected pin are; the pin in the detail is the same one.
        (ReasonCode::SameSubjectOtherKey, &renewed, 1, 2),
        (ReasonCode::NothingInstalled, &unknown, 0, 1),
    ];
    for (reason, build, short, full) in cases {
        let mut world = World::new();
        build(&mut world);
        let verdict = world.verdict();
        assert_eq!(verdict.reason(), reason, "{verdict}");
        let count = |text: &str| {
            let words = || {
                text.split([' ', '\n'])
                    .map(|word| word.trim_end_matches(':'))
            };
            let short = words().filter(|word| word.contains('…')).count();
            (
                short,
                words()
                    .filter(|word| word.matches(':').count() == 31)
                    .count(),
            )
        };
        assert_eq!(count(&verdict.to_string()), (short, full), "{verdict}");
        let all = format!("{verdict:#}");
        assert_eq!(count(&all), (0, short + full), "{all}");
    }
}

// What is counted and not listed is told.
#[test]
fn the_text_counts_what_it_does_not_list() {
    let mut world = World::new();
    for _ in 0..20 {
        world.pin(KEYS_1, "own", &self_signed(KMS));
    }
    world.presents(&self_signed("unknown"));
    let text = world.verdict().to_string();
    assert_eq!(text.matches("\n  considered: pin ").count(), 16, "{text}");
    assert!(text.contains("\n  considered: 4 more"), "{text}");
}
