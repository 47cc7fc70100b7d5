//! Renewals by a timer: when one is due, what it makes, and what it waits for.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use mutual_trust::error::FolderError;
use mutual_trust::identity::{KeyReader, KeyType, RenewalSchedule};
use mutual_trust::limits::MAX_RENEWAL_FRACTION;
use mutual_trust::tls::{IdentityFolder, Renewal, RenewalOutcome, RotationPhase};
use mutual_trust::{Certificate, CurrentTime};
use rcgen::KeyPair;

use crate::support::folder::Folder;
use crate::support::pki::{Made, spec};
use crate::support::*;

const YEAR: u64 = 365 * DAY;

fn year() -> i64 {
    i64::try_from(YEAR).unwrap()
}

struct Place(Folder);

impl Place {
    fn new(test: &str, made: &Made, issuers: &[&Made]) -> Self {
        let place = Self(Folder::new(&format!("renewal-{test}")));
        place.put("own.pem", &chain(&made.certificate, issuers));
        place.put("own.key", &made.key.serialize_pem());
        let created = place
            .at(0)
            .create(place.0.file("own.pem"), place.0.file("own.key"));
        created.unwrap();
        place
    }

    fn put(&self, name: &str, content: &str) {
        fs::write(self.0.file(name), content).unwrap();
        fs::set_permissions(self.0.file(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The folder, at a time after the certificate was made.
    fn at(&self, later: u64) -> IdentityFolder<'static> {
        let clock = CurrentTime::Known(at(NOW + later));
        let folder = IdentityFolder::new(self.0.file("identity"), KeyReader::new(), provider());
        folder.with_clock(Arc::new(clock))
    }

    fn key_files(&self) -> usize {
        let all = fs::read_dir(self.0.file("identity")).unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".key")).count()
    }
}

fn chain(leaf: &Certificate, issuers: &[&Made]) -> String {
    let issuers = issuers.iter().map(|issuer| issuer.certificate.to_pem());
    leaf.to_pem() + &issuers.collect::<String>()
}

fn for_a_year() -> Made {
    spec("array-7").valid(0, year()).self_signed()
}

#[test]
fn a_certificate_is_due_at_its_share_of_life_and_never_later() {
    let schedule = RenewalSchedule::new();
    let start = i64::try_from(NOW).unwrap();
    let mut all = Vec::new();
    for _ in 0..20 {
        let made = for_a_year().certificate;
        let due = schedule.due(&made).seconds() - start;
        // The same at each call: a timer gets one answer.
        assert_eq!(schedule.due(&made).seconds() - start, due);
        assert!(due <= year() * 667 / 1000, "{due}");
        assert!(due >= year() * (667 - 50) / 1000, "{due}");
        let late = schedule.late(&made).seconds() - start;
        assert!((late - year() * 833 / 1000).abs() < year() / 1000, "{late}");
        for (clock, is_due, is_late) in [
            (due - 1, false, false),
            (due, true, false),
            (late, true, true),
        ] {
            let clock = CurrentTime::Known(at(NOW + u64::try_from(clock).unwrap()));
            assert_eq!(schedule.is_due(&made, clock), Some(is_due));
            assert_eq!(schedule.is_late(&made, clock), Some(is_late));
        }
        assert_eq!(schedule.is_due(&made, CurrentTime::Unset), None);
        all.push(due);
    }
    // A fleet is spread.
    all.sort_unstable();
    all.dedup();
    assert!(all.len() > 15, "{all:?}");
    let exact = schedule.with_jitter(0).unwrap().with_fraction(500).unwrap();
    let due = exact.due(&for_a_year().certificate).seconds() - start;
    assert_eq!(due, year() / 2);
    for bad in [0, MAX_RENEWAL_FRACTION + 1] {
        assert!(schedule.with_fraction(bad).is_err());
    }
    assert!(schedule.with_jitter(501).is_err());
    // The jitter is longer than the share: at once, and not before the certificate is valid.
    let early = schedule.with_fraction(1).unwrap().with_jitter(500).unwrap();
    for _ in 0..10 {
        assert!(early.due(&for_a_year().certificate).seconds() >= start);
    }
}

#[test]
fn a_certificate_of_its_own_key_is_renewed_once_and_told_to_be_late() {
    let old = for_a_year();
    let place = Place::new("own", &old, &[]);
    let renewal = Renewal::new(RenewalSchedule::new()).with_days(100);
    let before = place.at(YEAR / 2).renew_when_due(&renewal).unwrap();
    assert!(
        matches!(before, RenewalOutcome::NotDue { due, .. } if due == RenewalSchedule::new().due(&old.certificate))
    );
    let folder = place.at(YEAR * 7 / 10);
    let done = folder.renew_when_due(&renewal).unwrap();
    let RenewalOutcome::Renewed {
        certificate,
        is_used: false,
        ..
    } = done
    else {
        panic!("{done:?}");
    };
    assert_eq!(folder.state().unwrap().phase(), RotationPhase::Staged);
    let next = folder.chain(certificate).unwrap().leaf().clone();
    assert_eq!(next.key_pin(), old.certificate.key_pin());
    assert!(
        next.validity().not_before().seconds() > old.certificate.validity().not_before().seconds()
    );
    assert_eq!(
        folder.identities().unwrap().next().unwrap().certificate(),
        &next
    );
    // It is staged, and waits for a person. A timer changes nothing more.
    for (later, late) in [
        (YEAR * 7 / 10, false),
        (YEAR * 8 / 10, false),
        (YEAR * 9 / 10, true),
        (YEAR * 2, true),
    ] {
        let again = place.at(later).renew_when_due(&renewal).unwrap();
        assert!(
            matches!(again, RenewalOutcome::Staged { certificate: found, is_late, .. } if found == certificate && is_late == late)
        );
        assert_eq!(again.is_late(), late);
    }
    folder.force_finish().unwrap();
    let after = folder.renew_when_due(&renewal).unwrap();
    assert!(matches!(after, RenewalOutcome::NotDue { .. }));
}

#[test]
fn a_renewal_takes_a_new_key_or_is_used_at_once_if_that_is_asked_for() {
    let old = for_a_year();
    let place = Place::new("new-key", &old, &[]);
    let renewal = Renewal::new(RenewalSchedule::new())
        .with_new_key(KeyType::P384)
        .with_use_at_once();
    let folder = place.at(YEAR * 7 / 10);
    let done = folder.renew_when_due(&renewal).unwrap();
    let RenewalOutcome::Renewed {
        certificate,
        is_used: true,
        ..
    } = done
    else {
        panic!("{done:?}");
    };
    let state = folder.state().unwrap();
    assert_eq!((state.current(), state.next()), (certificate, None));
    let current = folder.identities().unwrap().current();
    assert_ne!(current.certificate().key_pin(), old.certificate.key_pin());
    assert_eq!(place.key_files(), 1, "the old key is deleted");
    // What a person staged is left alone.
    place.put("next.pem", &old.certificate.to_pem());
    place.put("next.key", &old.key.serialize_pem());
    folder
        .stage(place.0.file("next.pem"), place.0.file("next.key"))
        .unwrap();
    let later = place.at(YEAR * 3).renew_when_due(&renewal).unwrap();
    assert!(matches!(later, RenewalOutcome::Staged { .. }));
    assert_eq!(folder.state().unwrap().current(), certificate);
}

#[test]
fn a_certificate_of_a_ca_is_asked_for_once_and_taken_when_its_answer_belongs_to_the_request() {
    for new_key in [false, true] {
        let ca = spec("ca").ca().valid(0, 3 * year()).self_signed();
        let old = spec("array-7")
            .dns("array-7.example")
            .valid(0, year())
            .signed_by(&ca);
        let place = Place::new(&format!("ca-{new_key}"), &old, &[&ca]);
        let answer = place.0.file("answer.pem");
        let mut renewal = Renewal::new(RenewalSchedule::new()).with_answer(&answer);
        if new_key {
            renewal = renewal.with_new_key(KeyType::P256);
        }
        let folder = place.at(YEAR * 7 / 10);
        let wait = |later: u64, new: bool, late: bool| -> (std::path::PathBuf, Option<String>) {
            let waits = place.at(later).renew_when_due(&renewal).unwrap();
            let RenewalOutcome::Waiting {
                request,
                is_new,
                is_late,
                answer,
                ..
            } = waits
            else {
                panic!("{waits:?}");
            };
            assert_eq!((is_new, is_late), (new, late));
            (request, answer)
        };
        let (request, _) = wait(YEAR * 7 / 10, true, false);
        assert!(folder.state().unwrap().requested().is_some());
        let text = fs::read(&request).unwrap();
        let asked = mutual_trust::identity::CertificateRequest::from_pem(&text).unwrap();
        let same = asked.key_pin() == old.certificate.key_pin();
        assert_eq!(same, !new_key);
        assert_eq!(place.key_files(), if new_key { 2 } else { 1 });
        let (again, _) = wait(YEAR * 8 / 10, false, false);
        assert_eq!(again, request, "one request, however often the timer runs");
        assert_eq!(fs::read(&request).unwrap(), text);
        // Half a file, and the answer to another request: it waits, and says why.
        let other = spec("array-7").signed_by(&ca);
        let pem = other.certificate.to_pem();
        for (answer, part) in [(&pem[..300], "no end"), (pem.as_str(), "key")] {
            place.put("answer.pem", answer);
            let (_, why) = wait(YEAR * 9 / 10, false, true);
            let why = why.unwrap();
            assert!(why.contains(part), "{why}");
        }
        assert!(folder.stage_answer(&answer).is_err());
        let spec = spec("array-7")
            .dns("array-7.example")
            .valid(year() * 7 / 10, 2 * year());
        let signed = if new_key {
            let key = fs::read_to_string(request.with_extension("key")).unwrap();
            spec.key(KeyPair::from_pem(&key).unwrap())
                .signed_by(&ca)
                .certificate
        } else {
            spec.for_key_of(&old.certificate, &ca)
        };
        place.put("answer.pem", &chain(&signed, &[&ca]));
        let done = folder.renew_when_due(&renewal).unwrap();
        assert!(
            matches!(done, RenewalOutcome::Renewed { certificate, is_used: false, .. } if certificate == signed.fingerprint())
        );
        let state = folder.state().unwrap();
        assert_eq!(
            (state.next(), state.requested()),
            (Some(signed.fingerprint()), None)
        );
        assert_eq!(
            folder.identities().unwrap().next().unwrap().certificate(),
            &signed
        );
        assert!(!request.exists(), "it is answered");
        folder.force_finish().unwrap();
        assert_eq!(place.key_files(), 1);
    }
}

/// A timer takes an answer while no person looks, and can delete the old key: what it takes must be better than what is there.
#[test]
fn an_answer_that_is_no_better_than_the_current_certificate_is_not_taken() {
    let ca = spec("ca").ca().valid(-3 * year(), 6 * year()).self_signed();
    let old = spec("array-7")
        .dns("array-7.example")
        .valid(0, year())
        .signed_by(&ca);
    let own = |from: i64, until: i64| spec("array-7").dns("array-7.example").valid(from, until);
    let place = Place::new("bad-answers", &old, &[&ca]);
    let answer = place.0.file("answer.pem");
    let renewal = Renewal::new(RenewalSchedule::new())
        .with_answer(&answer)
        .with_use_at_once();
    let folder = place.at(YEAR * 7 / 10);
    let _ = folder.renew_when_due(&renewal).unwrap();
    let before = folder.state().unwrap();
    let month = year() / 12;
    for (spec, said) in [
        (own(-2 * year(), -year()), "now it is"),
        (own(9 * month, 2 * year()), "now it is"),
        (own(0, 11 * month), "no later than the current one"),
        (own(month, year()), "no later than the current one"),
        (
            own(8 * month, 2 * year()).dns("more.example"),
            "other names",
        ),
        (
            spec("array-8")
                .dns("array-7.example")
                .valid(8 * month, 2 * year()),
            "another subject",
        ),
    ] {
        place.put(
            "answer.pem",
            &chain(&spec.for_key_of(&old.certificate, &ca), &[&ca]),
        );
        let waits = folder.renew_when_due(&renewal).unwrap();
        let RenewalOutcome::Waiting {
            answer: Some(why), ..
        } = waits
        else {
            panic!("{said}: {waits:?}");
        };
        assert!(why.contains(said), "{why}");
        assert_eq!(folder.state().unwrap(), before);
        assert_eq!(place.key_files(), 1);
    }
    // A person may take other names, but no expired certificate.
    let others = own(8 * month, 2 * year()).dns("more.example");
    let others = others.for_key_of(&old.certificate, &ca);
    let expired = own(-2 * year(), -year()).for_key_of(&old.certificate, &ca);
    place.put("answer.pem", &chain(&expired, &[&ca]));
    let refused = folder.stage_answer(&answer).unwrap_err();
    assert!(
        matches!(refused, FolderError::NotValidNow { .. }),
        "{refused:?}"
    );
    let good = own(8 * month, 2 * year()).for_key_of(&old.certificate, &ca);
    place.put("answer.pem", &chain(&good, &[&ca]));
    let done = folder.renew_when_due(&renewal).unwrap();
    assert!(matches!(
        done,
        RenewalOutcome::Renewed { is_used: true, .. }
    ));
    assert_eq!(folder.state().unwrap().current(), good.fingerprint());
    let again = Place::new("other-names", &old, &[&ca]);
    let folder = again.at(YEAR * 7 / 10);
    let asked = Renewal::new(RenewalSchedule::new());
    let _ = folder.renew_when_due(&asked).unwrap();
    again.put("answer.pem", &chain(&others, &[&ca]));
    let staged = folder.stage_answer(again.0.file("answer.pem")).unwrap();
    assert_eq!(staged.next(), Some(others.fingerprint()));
}
