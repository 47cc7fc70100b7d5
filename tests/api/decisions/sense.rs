//! What an operator is told to do helps in just the case in which it is told (all rules).

use std::collections::BTreeSet;

use mutual_trust::ReasonCode::*;
use mutual_trust::policy::Detail;
use mutual_trust::store::Slot;
use mutual_trust::{ReasonCode, Role, Verdict};

use super::codes;
use super::row::ask;

/// Why the remedy of a refusal makes no sense, if it does not.
fn nonsense(verdict: &Verdict) -> Vec<&'static str> {
    let remedy = verdict.remedy();
    let has = |part: &str| remedy.contains(part);
    let decided = verdict.decided_by().map(|entry| entry.slot());
    let of_pin = decided == Some(Slot::Pin);
    let client = verdict.role() == Role::Client;
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &'static str| {
        if !holds {
            wrong.push(what);
        }
    };
    must(
        !remedy.is_empty() && remedy.ends_with('.'),
        "it is a sentence",
    );
    must(
        !(client && (has("the server") || has("serverAuth"))),
        "it is about servers",
    );
    must(
        !(!client && (has("the client") || has("clientAuth"))),
        "it is about clients",
    );
    must(of_pin || !has("`any_role`"), "only a pin has any_role");
    for word in ["omebody", "obody", "hoever", "whom"] {
        must(!has(word), "an operator does not know the word");
    }
    match verdict.reason() {
        PinMatched | FingerprintMatched | KeyMatched | ChainVerified => {
            must(has("Nothing"), "all is well")
        }
        TooManyCertificates => must(has("own certificate and its intermediates"), "send less"),
        MalformedCertificate | WrongSelfSignature => must(has("made again"), "make it again"),
        Blocked => must(has("unblock"), "a block can be lifted"),
        NothingInstalled => must(has("as a pin") && has("as an authority"), "either helps"),
        UnknownServer => must(has("id"), "the id is wrong"),
        UnlistedName => must(has("name"), "the name belongs to none"),
        NoUsablePin => must(!client && has("release"), "servers alone are claimed"),
        PinDoesNotMatch => must(
            has("as a pin") && has("another channel"),
            "compare, then install",
        ),
        RenewedWithSameKey => must(has("by public key"), "install it, or match by key"),
        SameSubjectOtherKey => {
            must(
                has("changed its key") && has("as a pin"),
                "find out whether the key is new",
            );
            must(has("authority"), "it may have moved to a CA");
            must(client || has("migrate"), "a claimed server migrates");
        }
        IssuedByPin => {
            let Detail::IssuedByPin { no_authority, .. } = verdict.detail() else {
                return vec!["the detail says whether the pin can be an authority"];
            };
            must(
                no_authority.is_some() == has("issue itself"),
                "only a CA can be an authority",
            );
            must(client != has("release"), "only servers are released");
        }
        AuthoritiesNotAsked => must(!client && has("migrate"), "the server moves to a CA"),
        PinOfAnotherServer => must(!client && has("address"), "another server answers"),
        InstalledForOtherRole => must(has("machine"), "the other end answers"),
        EntryDisabled => must(has("enable"), "it can be enabled"),
        EntryEnded => must(has("later end"), "the end can be set"),
        Expired => {
            must(
                of_pin == has("grace bridges the time until then"),
                "pins alone have a grace",
            );
            must(
                of_pin || has("Nothing has to be installed"),
                "the CA renews it",
            );
        }
        NotYetValid => must(
            has("clocks") && of_pin != has("no tolerance"),
            "compare the clocks",
        ),
        WrongExtendedKeyUsage => must(client != has("serverAuth"), "the usage of its role"),
        AnyExtendedKeyUsageAlone => must(
            client == has("clientAuth") && client != has("serverAuth") && has("as a pin"),
            "the usage of its role",
        ),
        UnknownCriticalExtension => must(has("without that extension"), "leave it out"),
        KeyNotAllowed => must(
            has("key") && !has("RSA from 2048 bits, P-256"),
            "what is taken here",
        ),
        HandshakeSignatureInvalid | HandshakeNotFinished => {}
        ClockUnset => must(has("clock"), "set the clock"),
        ClockBelowFloor => must(has("clock") && has("floor"), "either may be wrong"),
        UnknownIssuer => must(
            has("intermediate") && has("as an authority"),
            "send it, or install it",
        ),
        SelfSignedNotInstalled => must(has("as a pin"), "no CA helps"),
        CaUsedAsEndEntity | AuthorityPresentedAsPeer => {
            must(has("as a pin"), "as a pin it may be a CA")
        }
        UnparsableEndEntity => must(
            has("as a pin") && *verdict.detail() != Detail::None,
            "a pin may be old",
        ),
        SignatureAlgorithmUnsupported => {
            must(
                has("issued again") && !has("install"),
                "the CA's certificate is right",
            );
        }
        ChainSignatureInvalid => must(has("CA's current certificate"), "the CA has a new key"),
        IssuerExpired => must(has("current certificate"), "the CA has a new certificate"),
        IssuerNotYetValid => must(has("clocks"), "compare the clocks"),
        IssuerCannotSign => must(has("issued by a CA"), "by a real CA"),
        Revoked => must(
            has("new certificate") || has("not revoked"),
            "it stays revoked",
        ),
        RevocationUnknown => must(has("revocation list") || has("cRLSign"), "a list tells"),
        CrlExpired => must(has("revocation list") && has("grace"), "a newer list"),
        PathTooLong => must(has("closer"), "fewer CAs"),
        ProfileViolation => must(has("compatible profile"), "the policy can be changed"),
        ConstraintFormUnsupported | TooManyConstraints => {
            must(has("constraints"), "fewer constraints")
        }
        NameConstraintViolated => must(has("may issue for these names"), "another CA"),
        TooManyPaths => must(has("duplicate"), "fewer of one name"),
        PathRefused => must(
            has("without what is named") && *verdict.detail() != Detail::None,
            "it is named",
        ),
        NameMismatch => must(!client && has("expected names"), "names can be set"),
        NoNameToMatch => must(!client && has("names"), "names can be given"),
        NoPatternMatches => must(client && has("patterns"), "clients alone have patterns"),
        PinsOnly => must(client && has("as a pin"), "pins alone count"),
        new => panic!("say here what helps against {new}"),
    }
    wrong
}

// Saying yes: over every row of the decision table, the remedy helps in just the case of that row.
#[test]
fn the_remedy_of_every_refusal_helps_in_its_case() {
    let mut wrong = String::new();
    let mut judged = BTreeSet::new();
    for row in codes::all() {
        let (_, verdict) = ask(&row);
        judged.insert(verdict.reason());
        for what in nonsense(&verdict) {
            wrong.push_str(&format!("\n{}: {what}\n{verdict}\n", row.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let missing: Vec<_> = ReasonCode::ALL
        .iter()
        .filter(|reason| !judged.contains(reason) && !codes::IN_TLS.contains(reason))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
