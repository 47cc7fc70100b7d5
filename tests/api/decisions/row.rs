//! A row of the table, and how it is judged.

use mutual_trust::policy::{Considered, VerdictWarning};
use mutual_trust::store::{EntryKey, Slot};
use mutual_trust::{Fingerprint, PeerIdentity, ReasonCode, Role, Rule, Verdict, decide};

use sha2::Digest;

use super::world::World;

/// One row: the rule it is about, what it says, what must come out, and the world in which it is asked.
pub struct Row {
    pub rule: &'static str,
    pub name: String,
    pub expect: Expect,
    pub build: Box<dyn Fn(&mut World)>,
}

pub fn row(
    rule: &'static str,
    name: impl Into<String>,
    expect: Expect,
    build: impl Fn(&mut World) + 'static,
) -> Row {
    Row {
        rule,
        name: name.into(),
        expect,
        build: Box::new(build),
    }
}

/// What must come out. Certificates go by the names that the world gives them.
#[derive(Clone)]
pub struct Expect {
    pub reason: ReasonCode,
    /// The entry that decides, as `pin own for server keys-1`.
    by: Option<&'static str>,
    /// What fell away, in any order, as `pin own for server keys-1: Expired`; `None` leaves it open.
    considered: Option<Vec<&'static str>>,
    /// Entries that must be among what fell away, whatever the reason.
    falls: &'static [&'static str],
    /// Of an acceptance all warnings; of a refusal some that it must carry.
    warnings: Vec<&'static str>,
    /// Who the peer is, as `pin LABEL` or `chain NAME, NAME`.
    peer: Option<&'static str>,
    /// The text of the detail.
    detail: Option<&'static str>,
}

/// An acceptance by the entry `by`, for which nothing fell away and of which nothing is to be warned.
pub fn accepted(reason: ReasonCode, by: &'static str) -> Expect {
    assert!(reason.accepts());
    Expect {
        by: Some(by),
        ..plain(reason)
    }
}

/// A refusal in which no pin matched, so that no entry decided, and for which nothing fell away.
pub fn refused(reason: ReasonCode) -> Expect {
    assert!(!reason.accepts());
    plain(reason)
}

fn plain(reason: ReasonCode) -> Expect {
    Expect {
        reason,
        by: None,
        considered: Some(Vec::new()),
        falls: &[],
        warnings: Vec::new(),
        peer: None,
        detail: None,
    }
}

impl Expect {
    pub fn by(mut self, by: &'static str) -> Self {
        self.by = Some(by);
        self
    }

    pub fn considered(mut self, items: &[&'static str]) -> Self {
        self.considered = Some(items.to_vec());
        self
    }

    /// Leaves open what fell away.
    pub fn any_considered(mut self) -> Self {
        self.considered = None;
        self
    }

    pub fn falls(mut self, entries: &'static [&'static str]) -> Self {
        self.considered = None;
        self.falls = entries;
        self
    }

    pub fn warns(mut self, warnings: &[&'static str]) -> Self {
        self.warnings = warnings.to_vec();
        self.warnings.sort_unstable();
        self
    }

    pub fn peer(mut self, peer: &'static str) -> Self {
        self.peer = Some(peer);
        self
    }

    pub fn detail(mut self, detail: &'static str) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// Builds the world of a row and asks.
pub fn ask(row: &Row) -> (World, Verdict) {
    let mut world = World::new();
    (row.build)(&mut world);
    let verdict = world.verdict();
    (world, verdict)
}

/// Judges all rows and names every one that fails.
pub fn hold(rows: Vec<Row>) {
    assert!(!rows.is_empty());
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| {
            let wrong = judge(row);
            (!wrong.is_empty()).then(|| {
                let (_, verdict) = ask(row);
                format!(
                    "\n{} {}:\n    - {}\n{verdict}\n",
                    row.rule,
                    row.name,
                    wrong.join("\n    - ")
                )
            })
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} rows fail:\n{}",
        failed.len(),
        rows.len(),
        failed.concat()
    );
}

/// What is wrong with the verdict of a row.
fn judge(row: &Row) -> Vec<String> {
    let (mut world, verdict) = ask(row);
    let expect = &row.expect;
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, wanted: String| {
        if found != wanted {
            wrong.push(format!("{what}: {found}, must be {wanted}"));
        }
    };
    same(
        "reason",
        verdict.reason().to_string(),
        expect.reason.to_string(),
    );
    same(
        "accepted",
        verdict.is_accepted().to_string(),
        expect.reason.accepts().to_string(),
    );
    same(
        "rule",
        verdict.rule().to_string(),
        rule_of(&verdict).to_string(),
    );
    let by = verdict.decided_by().map(|entry| world.key(&entry.key()));
    same(
        "decided by",
        by.unwrap_or_default(),
        expect.by.unwrap_or_default().to_owned(),
    );
    if let Some(wanted) = &expect.considered {
        let items = verdict.considered().items();
        let mut found: Vec<String> = items.iter().map(|item| fell(&world, item)).collect();
        found.sort();
        let mut wanted = wanted.clone();
        wanted.sort_unstable();
        same("considered", found.join("; "), wanted.join("; "));
        same(
            "considered besides",
            verdict.considered().omitted().to_string(),
            String::from("0"),
        );
    }
    for entry in expect.falls {
        let keys = verdict.considered().items().iter();
        let mut keys = keys.filter_map(|item| item.entry.as_ref());
        let named = keys.any(|key: &EntryKey| world.key(key) == *entry);
        same(
            &format!("considered names {entry}"),
            named.to_string(),
            true.to_string(),
        );
    }
    let mut warnings: Vec<&str> = verdict.warnings().iter().map(warning).collect();
    warnings.sort_unstable();
    if !verdict.is_accepted() {
        warnings.retain(|found| expect.warnings.contains(found));
    }
    same("warnings", warnings.join(", "), expect.warnings.join(", "));
    if let Some(wanted) = expect.peer {
        same("peer", peer(&verdict), wanted.to_owned());
    }
    if let Some(wanted) = expect.detail {
        same(
            "detail",
            world.readable(&verdict.detail().to_string()),
            wanted.to_owned(),
        );
    }
    wrong.extend(always(&mut world, &verdict));
    wrong
}

/// What holds for every verdict, whatever the row.
fn always(world: &mut World, verdict: &Verdict) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("in every row: {what}"));
        }
    };
    must(
        verdict.role() == world.role(),
        "the role is the one asked about",
    );
    // S1
    must(
        verdict.generation() == world.store.contents().generation(),
        "the generation is that of the view",
    );
    let over = verdict.reason() == ReasonCode::TooManyCertificates;
    let presented = (!over).then(|| {
        let digest = sha2::Sha256::digest(&world.presented()[0]);
        Fingerprint::from_bytes(digest.into())
    });
    must(
        verdict.presented() == presented,
        "it names what was presented",
    );
    must(
        verdict.is_accepted() == verdict.peer().is_some(),
        "only an acceptance has an accepted peer",
    );
    if let Ok(accepted) = verdict.clone().into_result() {
        must(
            verdict.decided_by().map(|entry| entry.key()) == Some(accepted.entry().key()),
            "the entry that decided is the one that accepted",
        );
        must(
            accepted.reason() == verdict.reason(),
            "the acceptance has the verdict's reason",
        );
        let path = accepted.path();
        let ends = match path {
            [] => true,
            [leaf, .., authority] => {
                Some(leaf.fingerprint()) == presented
                    && accepted.entry().certificate() == Some(authority)
            }
            [_] => false,
        };
        must(
            ends && path.is_empty() != (accepted.reason() == ReasonCode::ChainVerified),
            "a chain's path leads from the leaf to the authority, and a pin has none",
        );
        let fingerprint = match accepted.peer() {
            PeerIdentity::Pin { fingerprint, .. } => path.is_empty().then_some(fingerprint),
            PeerIdentity::Chain { fingerprint, .. } => (!path.is_empty()).then_some(fingerprint),
            _ => None,
        };
        must(fingerprint == presented, "the peer is who was presented");
    }
    let (text, in_full) = (verdict.to_string(), format!("{verdict:#}"));
    // What an administrator compares with the peer's own is in full.
    let shown = |found: Fingerprint| {
        if verdict.reason().is_unknown_peer() {
            format!("\n  presented: {found}")
        } else {
            format!("\n  presented: {}", found.short())
        }
    };
    must(
        text == decide_again(world).to_string(),
        "asked again, it says the same",
    );
    must(
        text.lines()
            .all(|line| !line.trim().is_empty() && line.chars().all(|letter| !letter.is_control())),
        "its text has a line per fact and no control characters",
    );
    must(
        text.contains(verdict.reason().code())
            && text.contains(&format!("rule {}]", verdict.rule()))
            && verdict
                .presented()
                .is_none_or(|found| text.contains(&shown(found)))
            && verdict
                .presented()
                .is_none_or(|found| in_full.contains(&found.to_string()))
            && verdict
                .presented()
                .is_none_or(|found| !in_full.contains(&found.short().to_string()))
            && verdict
                .server()
                .is_none_or(|id| text.contains(&format!("server {id}"))),
        "its text has the server, the presented fingerprint, the reason and the rule",
    );
    must(
        verdict.is_accepted() != text.contains(&format!("\n  to do: {}", verdict.remedy())),
        "the text of a refusal, and only that, says what to do",
    );
    wrong
}

fn decide_again(world: &mut World) -> Verdict {
    let view = world.store.contents().clone();
    world.with_question(|policy, question| decide(&view, policy, question))
}

pub fn fell(world: &World, item: &Considered) -> String {
    match &item.entry {
        Some(key) => format!("{}: {}", world.key(key), item.reason),
        None => format!(
            "presented {}: {}",
            world.called(item.fingerprint),
            item.reason
        ),
    }
}

pub fn peer(verdict: &Verdict) -> String {
    match verdict.peer() {
        Some(PeerIdentity::Pin { label, .. }) => {
            format!("pin {}", label.as_deref().unwrap_or("without label"))
        }
        Some(PeerIdentity::Chain { names, .. }) => format!("chain {}", names.join(", ")),
        _ => String::from("nobody"),
    }
}

fn warning(warning: &VerdictWarning) -> &'static str {
    match warning {
        VerdictWarning::ClockUnset(_) => "ClockUnset",
        VerdictWarning::ClockJumped(_) => "ClockJumped",
        VerdictWarning::InGrace { .. } => "InGrace",
        VerdictWarning::CrlInGrace { .. } => "CrlInGrace",
        VerdictWarning::Migrating { .. } => "Migrating",
        VerdictWarning::UnlistedName => "UnlistedName",
        VerdictWarning::NameNotCovered => "NameNotCovered",
        VerdictWarning::NoDigitalSignature => "NoDigitalSignature",
        VerdictWarning::RoleWaived => "RoleWaived",
        VerdictWarning::SelfSignatureUnsupported => "SelfSignatureUnsupported",
        VerdictWarning::Profile { rule, .. } => rule,
        _ => "a warning that this table does not know",
    }
}

/// The rule behind each reason, as the rules say it: a pin is judged by other rules than a chain, and a client has no
/// claim.
fn rule_of(verdict: &Verdict) -> Rule {
    use ReasonCode as R;
    let decided = verdict.decided_by().map(|entry| entry.slot());
    let of_pin = decided == Some(Slot::Pin);
    match verdict.reason() {
        R::PinDoesNotMatch | R::SameSubjectOtherKey if verdict.role() == Role::Client => Rule::P7,
        R::Expired | R::NotYetValid | R::WrongExtendedKeyUsage | R::UnknownCriticalExtension
            if !of_pin =>
        {
            Rule::C1
        }
        R::Revoked if of_pin => Rule::M8,
        R::PinMatched | R::FingerprintMatched | R::KeyMatched | R::RenewedWithSameKey => Rule::M1,
        R::IssuedByPin => Rule::I3,
        R::KeyNotAllowed | R::WrongSelfSignature => Rule::I4,
        R::InstalledForOtherRole => Rule::I7,
        R::EntryDisabled | R::EntryEnded => Rule::I8,
        R::Blocked => Rule::P1,
        R::NoUsablePin | R::PinDoesNotMatch | R::SameSubjectOtherKey | R::AuthoritiesNotAsked => {
            Rule::P2
        }
        R::NothingInstalled | R::UnknownServer | R::UnlistedName => Rule::P6,
        R::NoPatternMatches | R::PinsOnly => Rule::P7,
        R::PinOfAnotherServer => Rule::P8,
        R::HandshakeSignatureInvalid | R::HandshakeNotFinished => Rule::M2,
        R::Expired | R::NotYetValid => Rule::M3,
        R::WrongExtendedKeyUsage => Rule::M4,
        R::UnknownCriticalExtension => Rule::M6,
        R::ClockUnset | R::ClockBelowFloor => Rule::M7,
        R::NameMismatch | R::NoNameToMatch => Rule::C2,
        R::CaUsedAsEndEntity | R::AuthorityPresentedAsPeer => Rule::C3,
        R::Revoked | R::RevocationUnknown | R::CrlExpired => Rule::C4,
        R::TooManyCertificates | R::TooManyPaths | R::TooManyConstraints => Rule::C5,
        _ => Rule::C1,
    }
}

/// The role that a question of this kind is about.
pub fn role(client: bool) -> Role {
    if client { Role::Client } else { Role::Server }
}
