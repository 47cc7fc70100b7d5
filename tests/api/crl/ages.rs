//! Lists that have expired, are in their grace period, are not valid yet, or are judged without a clock.

use std::time::Duration;

use mutual_trust::error::SettingError;
use mutual_trust::limits::MAX_GRACE;
use mutual_trust::policy::{Detail, VerdictWarning};
use mutual_trust::{CurrentTime, ReasonCode};

use super::common::{Scene, ca, leaf, trusting};
use super::support::NOW;
use super::support::crl::*;
use super::support::pki::Made;

struct Case {
    issuer: Made,
    good: Made,
    revoked: Made,
}

fn case() -> Case {
    let issuer = ca("CA");
    let good = leaf().signed_by(&issuer);
    let revoked = leaf().signed_by(&issuer);
    Case {
        issuer,
        good,
        revoked,
    }
}

impl Case {
    fn scene(&self, from: i64, to: i64) -> Scene {
        let mut scene = trusting(&[&self.issuer]);
        let list = crl().valid(from, to).revoke(&self.revoked.certificate);
        scene.install(list.signed_by(&self.issuer));
        scene
    }
}

#[test]
fn a_list_tells_until_its_next_update_and_revokes_for_ever() {
    let case = case();
    for (after, reason) in [
        (-1, ReasonCode::ChainVerified),
        (0, ReasonCode::CrlExpired),
        (HOUR, ReasonCode::CrlExpired),
        (100 * 24 * HOUR, ReasonCode::CrlExpired),
    ] {
        let mut scene = case.scene(-HOUR, HOUR);
        scene.at(HOUR + after);
        let verdict = scene.verdict(&[&case.good.certificate]);
        assert_eq!(verdict.reason(), reason, "{after}");
        assert!(verdict.warnings().is_empty());
        if !verdict.is_accepted() {
            let end = i64::try_from(NOW).unwrap() + HOUR;
            assert!(matches!(
                verdict.detail(),
                Detail::NotCovered { certificate, issuer, lists: 1, last_end, .. }
                    if *certificate == case.good.certificate.fingerprint()
                        && **issuer == *"CN=CA"
                        && *last_end == Some(mutual_trust::certificate::Timestamp::from_seconds(end))
            ));
            assert!(
                verdict
                    .to_string()
                    .contains("the last list expired at 2027-01-01T01:00:00Z")
            );
        }
        assert_eq!(
            scene.reason(&[&case.revoked]),
            ReasonCode::Revoked,
            "{after}"
        );
    }
}

#[test]
fn a_grace_bridges_the_time_after_the_next_update_with_a_warning() {
    let case = case();
    let day = Duration::from_secs(24 * 60 * 60);
    for (after, reason) in [
        (-1, ReasonCode::ChainVerified),
        (0, ReasonCode::ChainVerified),
        (24 * HOUR - 1, ReasonCode::ChainVerified),
        (24 * HOUR, ReasonCode::CrlExpired),
    ] {
        let mut scene = case.scene(-HOUR, HOUR);
        scene.policy = scene.policy.with_crl_grace(day).unwrap();
        scene.at(HOUR + after);
        let verdict = scene.verdict(&[&case.good.certificate]);
        assert_eq!(verdict.reason(), reason, "{after}");
        let next_update = i64::try_from(NOW).unwrap() + HOUR;
        let warned = verdict.is_accepted() && after >= 0;
        match verdict.warnings() {
            [] => assert!(!warned, "{after}"),
            [
                VerdictWarning::CrlInGrace {
                    next_update: end, ..
                },
            ] => {
                assert!(
                    warned
                        && *end == mutual_trust::certificate::Timestamp::from_seconds(next_update),
                    "{after}"
                );
            }
            other => panic!("{other:?}"),
        }
        // A certificate that the list names stays refused.
        assert_eq!(
            scene.reason(&[&case.revoked]),
            ReasonCode::Revoked,
            "{after}"
        );
    }
    // A current list needs no grace period, whatever else has expired.
    let mut scene = case.scene(-9 * HOUR, -HOUR);
    scene.install(crl().no_number().signed_by(&case.issuer));
    scene.policy = scene.policy.with_crl_grace(day).unwrap();
    let verdict = scene.verdict(&[&case.good.certificate]);
    assert!(verdict.is_accepted() && verdict.warnings().is_empty());
}

#[test]
fn no_grace_is_longer_than_a_year() {
    let case = case();
    for longer in [MAX_GRACE + Duration::from_nanos(1), Duration::MAX] {
        let refused = case.scene(-HOUR, HOUR).policy.with_crl_grace(longer);
        assert!(matches!(refused, Err(SettingError::OutOfRange { .. })));
    }
    let year = i64::try_from(MAX_GRACE.as_secs()).unwrap();
    for (ends, reason) in [
        (-year + 1, ReasonCode::ChainVerified),
        (-year, ReasonCode::CrlExpired),
    ] {
        let mut scene = case.scene(-year - HOUR, ends);
        scene.policy = scene.policy.with_crl_grace(MAX_GRACE).unwrap();
        assert_eq!(scene.reason(&[&case.good]), reason);
    }
}

#[test]
fn a_list_that_is_not_valid_yet_tells_of_nobody_and_revokes_already() {
    let case = case();
    for (from, reason) in [
        (300, ReasonCode::ChainVerified),
        (301, ReasonCode::RevocationUnknown),
    ] {
        let mut scene = case.scene(from, 9 * HOUR);
        assert_eq!(scene.reason(&[&case.good]), reason, "{from}");
        assert_eq!(scene.reason(&[&case.revoked]), ReasonCode::Revoked);
    }
}

#[test]
fn without_a_clock_ends_are_judged_at_the_floor_and_beginnings_not_at_all() {
    let case = case();
    for (from, to, reason) in [
        (-HOUR, 1, ReasonCode::ChainVerified),
        (-HOUR, 0, ReasonCode::ClockUnset),
        (HOUR, 2 * HOUR, ReasonCode::ChainVerified),
    ] {
        let mut scene = case.scene(from, to);
        scene.store.snapshot(); // the floor is NOW
        scene.clock = CurrentTime::Unset;
        assert_eq!(scene.reason(&[&case.good]), ReasonCode::ClockUnset);
        scene.policy = scene.policy.with_chains_without_clock();
        let verdict = scene.verdict(&[&case.good.certificate]);
        assert_eq!(verdict.reason(), reason, "{from} {to}");
        assert_eq!(scene.reason(&[&case.revoked]), ReasonCode::Revoked);
        // A clock far below the floor also counts as unset.
        scene.at(-100_000);
        let below = if reason == ReasonCode::ClockUnset {
            ReasonCode::ClockBelowFloor
        } else {
            reason
        };
        assert_eq!(scene.reason(&[&case.good]), below, "{from} {to}");
    }
}
