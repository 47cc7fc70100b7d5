//! Revocation lists and checked issuers: stored, put back without judging, and never lost by a recovery (rules C4,
//! I8, S4).

use std::fs;

use base64ct::{Base64, Encoding};
use mutual_trust::admin::DurableStore;
use mutual_trust::certificate::Crl;
use mutual_trust::policy::{ExpectedServer, VerifyRequest};
use mutual_trust::store::CrlIssuer;
use mutual_trust::{AuthorityScope, Fingerprint, ReasonCode, TrustSnapshot, TrustStore, decide};
use sha2::{Digest, Sha256};

use crate::durable::common::*;
use crate::support::Lists as _;
use crate::support::crl::{crl, standard};
use crate::support::der::{INTEGER, bytes};
use crate::support::facts::facts;
use crate::support::folder::Folder;
use crate::support::pki::{Made, spec};
use crate::support::*;

const CURRENT: &str = "trust-store";

fn leaf(ca: &Made) -> Made {
    spec("kms").dns("kms.example").signed_by(ca)
}

/// A store that knows `keys-1` and trusts a CA for any server.
fn trusting(ca: &Made) -> TrustStore {
    let mut store = store();
    let names = [host("kms.example")];
    store.add_server(server_id("keys-1"), names).unwrap();
    let scope = AuthorityScope::AnyServer;
    store
        .install_authority(scope, ca.certificate(), options())
        .unwrap();
    store
}

fn verdict(view: &TrustSnapshot, leaf: &Made) -> ReasonCode {
    let id = server_id("keys-1");
    let der = leaf.certificate.der();
    let question = VerifyRequest::server(ExpectedServer::id(&id, None), der, &[], now());
    decide(view, &policy(), &question).reason()
}

fn over(der: &[u8]) -> Fingerprint {
    Fingerprint::from_bytes(Sha256::digest(der).into())
}

/// The text of a store with one list, with another one in its place, whatever that is.
fn with_list(text: &str, der: &[u8]) -> String {
    let head = text.lines().find(|line| line.starts_with("crl ")).unwrap();
    let words: Vec<&str> = head.split(' ').collect();
    let other = over(der).to_string();
    let new = head.replace(words[4], &other);
    let (before, rest) = text.split_once("-----BEGIN X509 CRL-----\n").unwrap();
    let (_, after) = rest.split_once("-----END X509 CRL-----\n").unwrap();
    let body = Base64::encode_string(der);
    let mut section = String::from("-----BEGIN X509 CRL-----\n");
    for line in body.as_bytes().chunks(64) {
        section.push_str(str::from_utf8(line).unwrap());
        section.push('\n');
    }
    section.push_str("-----END X509 CRL-----\n");
    fitting(&format!("{before}{section}{after}").replace(head, &new))
}

#[test]
fn a_list_that_is_not_read_any_more_is_kept_and_its_issuer_stays_checked() {
    let root = ca("root");
    let (good, gone) = (leaf(&root), leaf(&root));
    let mut store = trusting(&root);
    store.set_actor(Some("carol")).unwrap();
    let list = crl().revoke(&gone.certificate);
    store.install_crl(list.signed_by(&root)).unwrap();
    let unread = [0x30, 3, 2, 1, 5];
    let text = with_list(&text_of(store.contents()), &unread);

    let loaded = load(&text).unwrap();
    let view = loaded.store.contents();
    let fingerprint = over(&unread);
    assert_eq!(loaded.report.crls, 1);
    let [(disabled, why)] = loaded.report.disabled_crls.items() else {
        panic!("{}", loaded.report);
    };
    assert!(*disabled == fingerprint && !why.is_empty());
    let short = fingerprint.short().to_string();
    assert!(loaded.report.to_string().contains(&short));
    assert!(format!("{:#}", loaded.report).contains(&fingerprint.to_string()));
    let held = view.unread_crls().next().unwrap();
    assert_eq!((held.der(), held.fingerprint()), (&unread[..], fingerprint));
    assert_eq!(*held.issuer(), CrlIssuer::of(&root.certificate));
    assert_eq!(held.installed(), Some(at(NOW)));
    assert_eq!(held.installed_by(), Some("carol"));
    assert_eq!(view.revocation_checked_issuers().count(), 1);
    assert_eq!(verdict(view, &good), ReasonCode::RevocationUnknown);
    // Again to the byte.
    assert_eq!(text_of(view), text);
    let again = load(&text_of(view)).unwrap();
    assert_eq!(facts(again.store.contents()), facts(view));
    // Also one that was disabled before.
    let section = "-----BEGIN X509 CRL";
    let disabled = fitting(&text.replace(section, &format!("  disabled a reason\n{section}")));
    let kept = load(&disabled).unwrap();
    assert_eq!(text_of(kept.store.contents()), disabled);

    // A list that is read stands beside it; and it can be removed by its fingerprint.
    let mut store = loaded.store.with_clock(std::sync::Arc::new(now()));
    store.install_crl(list.signed_by(&root)).unwrap();
    assert_eq!(verdict(store.contents(), &good), ReasonCode::ChainVerified);
    assert_eq!(verdict(store.contents(), &gone), ReasonCode::Revoked);
    let report = store.remove_crl(fingerprint).unwrap();
    assert!(report.warnings().is_empty(), "{report}");
    assert_eq!(store.contents().unread_crls().count(), 0);
    let mut other = load(&text).unwrap().store;
    let report = other.remove_crl(fingerprint).unwrap();
    assert_eq!(report.warnings().len(), 1, "no list is left");
    assert_eq!(
        verdict(other.contents(), &good),
        ReasonCode::RevocationUnknown
    );
    let mut other = load(&text).unwrap().store;
    other
        .disable_revocation_checks(&CrlIssuer::of(&root.certificate))
        .unwrap();
    assert_eq!(other.contents().unread_crls().count(), 0);
    assert_eq!(verdict(other.contents(), &good), ReasonCode::ChainVerified);
}

#[test]
fn a_list_of_a_kind_that_is_not_installed_any_more_revokes_and_tells_nothing() {
    let root = ca("root");
    let (good, gone) = (leaf(&root), leaf(&root));
    let mut store = trusting(&root);
    store.install_crl(crl().signed_by(&root)).unwrap();
    let base = standard(27, true, &bytes(INTEGER, &[1]));
    let delta = crl().revoke(&gone.certificate).extension(base);
    let delta = delta.signed_by(&root);
    assert!(delta.refusal().is_some());
    let loaded = load(&with_list(&text_of(store.contents()), delta.der())).unwrap();
    assert_eq!(loaded.report.disabled_crls.len(), 1, "{}", loaded.report);
    let view = loaded.store.contents();
    assert_eq!(verdict(view, &gone), ReasonCode::Revoked);
    assert_eq!(verdict(view, &good), ReasonCode::RevocationUnknown);
}

/// RFC 5280 section 7.1: the issuer of both lists is one name and one key.
#[test]
fn lists_of_one_issuer_that_is_written_in_two_ways_are_kept_and_recovered() {
    let root = ca("Lab CA");
    let printable = rcgen::DnValue::PrintableString("LAB  ca".try_into().unwrap());
    let again = spec("").ca().key_of(&root).params(|params| {
        let name = rcgen::DnType::CommonName;
        params.distinguished_name.push(name, printable);
    });
    let again = again.self_signed();
    let (first, second) = (leaf(&root), leaf(&again));
    let lists = |store: &mut TrustStore| {
        let any = AuthorityScope::AnyServer;
        store.install_authority(any.clone(), root.certificate(), options())?;
        store.install_authority(any, again.certificate(), options())?;
        store.install_crl(crl().revoke(&first.certificate).signed_by(&root))?;
        let beside = crl().no_number().revoke(&second.certificate);
        store.install_crl(beside.signed_by(&again))
    };
    let check = |view: &TrustSnapshot| {
        assert_eq!(view.revocation_checked_issuers().count(), 1);
        assert_eq!(view.crls().count(), 2);
        assert!(view.crls().all(|list| list.disabled().is_none()));
        for gone in [&first, &second] {
            assert_eq!(verdict(view, gone), ReasonCode::Revoked);
        }
        for issuer in [&root, &again] {
            assert_eq!(verdict(view, &leaf(issuer)), ReasonCode::ChainVerified);
        }
    };
    let names = [host("kms.example")];
    let folder = Folder::new("crls-two-ways");
    let mut store = DurableStore::create(folder.path(), settings()).unwrap();
    store
        .change(|store| {
            store.add_server(server_id("keys-1"), names)?;
            lists(store)
        })
        .unwrap();
    check(store.contents());
    let text = text_of(store.contents());
    drop(store);
    apart(folder.path());
    let loaded = load(&text).unwrap();
    assert!(loaded.report.disabled_crls.is_empty(), "{}", loaded.report);
    check(loaded.store.contents());
    assert_eq!(text_of(loaded.store.contents()), text);

    // What stands whole in a damaged file is the same; the servers are named again.
    let damaged = text.replacen("  name ", "  ???? ", 1);
    assert_ne!(damaged, text);
    fs::write(folder.file(CURRENT), damaged).unwrap();
    let (store, report) = DurableStore::recover(folder.path(), settings()).unwrap();
    assert!(report.lost_crls.is_empty(), "{report}");
    assert_eq!(report.crls.len(), 2, "{report}");
    assert_eq!(store.contents().revocation_checked_issuers().count(), 1);
}

#[test]
fn a_record_of_a_list_says_one_thing_only() {
    let (root, other) = (ca("root"), ca("other"));
    let mut store = trusting(&root);
    store.install_crl(crl().signed_by(&root)).unwrap();
    let text = text_of(store.contents());
    let head = text.lines().find(|line| line.starts_with("crl ")).unwrap();
    let checked_line = text
        .lines()
        .find(|line| line.starts_with("checked "))
        .unwrap();
    let (name, key) = (root.certificate.subject_der(), root.certificate.key_pin());
    let checked = format!("checked {} key {key}", Base64::encode_string(name));
    assert!(checked_line.starts_with(&checked), "{checked_line}");
    let section = text.split_once("-----BEGIN X509 CRL-----").unwrap().1;
    let section = section.split_once("-----END").unwrap().0;
    let long = Base64::encode_string(&[name, &[0]].concat());
    let base64 = Base64::encode_string(name);
    for (from, to, said) in [
        // The list is not the one of the first line; there is none; it is called a certificate.
        (section, "\nMAMCAQU=\n", "the list"),
        (
            "X509 CRL-----",
            "CERTIFICATE-----",
            "a revocation list in PEM",
        ),
        // The issuer is not checked, or its name is none.
        (&format!("{checked_line}\n"), "", "a record `checked`"),
        (&base64, &long, "an issuer's name"),
        (" crls 1", " crls 2", " crls 1"),
        (" checked 1", " checked 0", " checked 1"),
        (
            "  installed 2027-01-01T00:00:00Z\n-----BEGIN X509",
            "  source x\n-----BEGIN X509",
            "a field",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = load(&fitting(&text.replace(from, to))).unwrap_err();
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    let none = text.replace(
        &format!("-----BEGIN X509 CRL-----{section}-----END X509 CRL-----\n"),
        "",
    );
    let error = load(&fitting(&none)).unwrap_err();
    assert!(error.to_string().contains("a list below it"), "{error}");
    // A list of another issuer than its record says is held as one that is not read.
    let foreign = crl().signed_by(&other);
    let loaded = load(&with_list(&text, foreign.der())).unwrap();
    assert_eq!(loaded.store.contents().unread_crls().count(), 1);
    assert!(head.contains(&key.to_string()));
}

/// The folder of a store whose newest change installed lists of two CAs; only the first is trusted.
struct Lists {
    folder: Folder,
    trusted: Made,
    other: Made,
    gone: [Made; 2],
}

impl Lists {
    fn new(test: &str) -> Self {
        let folder = Folder::new(test);
        let (trusted, other) = (ca("trusted"), ca("other"));
        let gone = [leaf(&trusted), leaf(&other)];
        let mut store = DurableStore::create(folder.path(), settings()).unwrap();
        let any = || AuthorityScope::AnyServer;
        store
            .change(|store| {
                store.add_server(server_id("keys-1"), [host("kms.example")])?;
                store.install_authority(any(), trusted.certificate(), options().with_label("first"))
            })
            .unwrap();
        store
            .change(|store| {
                let done = store.install_authority(any(), other.certificate(), options())?;
                let key = done.entries().items()[0].clone();
                for (ca, gone) in [&trusted, &other].into_iter().zip(&gone) {
                    let list = crl().revoke(&gone.certificate);
                    store.install_crl(list.signed_by(ca))?;
                }
                store.remove(&key)
            })
            .unwrap();
        drop(store);
        apart(folder.path());
        Self {
            folder,
            trusted,
            other,
            gone,
        }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.folder.file(CURRENT)).unwrap()
    }

    fn damage(&self, line: usize) {
        let text = self.text();
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        lines[line].replace_range(..3, "???");
        fs::write(self.folder.file(CURRENT), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn a_recovery_loses_no_checked_issuer_and_no_list_that_is_whole() {
    let lists = Lists::new("crls-kept");
    let line = line_of(&lists.text(), "  label first") - 1;
    lists.damage(line);
    let (mut store, report) = DurableStore::recover(lists.folder.path(), settings()).unwrap();
    let view = store.contents().clone();
    assert_eq!(
        (report.checked.len(), report.crls.len()),
        (2, 2),
        "{report}"
    );
    assert!(report.lost_crls.is_empty(), "{report}");
    assert_eq!(view.revocation_checked_issuers().count(), 2);
    // The list of the CA that is there is verified again: it is in force. Of the other one, only what it names is.
    for list in view.crls() {
        let trusted = *list.issuer() == CrlIssuer::of(&lists.trusted.certificate);
        assert_eq!(list.disabled().is_none(), trusted, "{list:?}");
    }
    let [gone, other_gone] = &lists.gone;
    assert_eq!(verdict(&view, gone), ReasonCode::Revoked);
    assert_eq!(
        verdict(&view, &leaf(&lists.trusted)),
        ReasonCode::ChainVerified
    );
    let said = report.to_string();
    assert!(
        said.contains("checked issuer kept") && said.contains("revocation list kept"),
        "{said}"
    );
    // It is stored so.
    let text = text_of(&view);
    let stored = DurableStore::read(lists.folder.path(), &settings()).unwrap();
    assert_eq!(text_of(stored.store.contents()), text);
    assert!(
        text.contains("  disabled taken from a damaged file"),
        "{text}"
    );
    assert_eq!(facts(load(&text).unwrap().store.contents()), facts(&view));

    // With the CA, what the list names is revoked, and nothing is known of others, until the list is installed again.
    let other = lists.other.certificate();
    store
        .change(|store| store.install_authority(AuthorityScope::AnyServer, other, options()))
        .unwrap();
    let ask = |store: &DurableStore, leaf: &Made| verdict(store.contents(), leaf);
    assert_eq!(ask(&store, other_gone), ReasonCode::Revoked);
    let good = leaf(&lists.other);
    assert_eq!(ask(&store, &good), ReasonCode::RevocationUnknown);
    let held = view.crls().find(|list| list.disabled().is_some()).unwrap();
    let again: Crl = held.crl().clone();
    store
        .change(|store| store.install_crl(again.clone()))
        .unwrap();
    assert_eq!(ask(&store, other_gone), ReasonCode::Revoked);
    assert_eq!(ask(&store, &good), ReasonCode::ChainVerified);
    let view = store.contents();
    assert!(view.crls().all(|list| list.disabled().is_none()));
    assert_eq!(view.crls().count(), 2);
}

#[test]
fn a_list_of_a_damaged_file_that_nobody_verified_keeps_no_genuine_one_out() {
    let lists = Lists::new("crls-genuine");
    let line = line_of(&lists.text(), "  label first") - 1;
    lists.damage(line);
    let (mut store, _) = DurableStore::recover(lists.folder.path(), settings()).unwrap();
    let other = lists.other.certificate();
    // Of an earlier date than the one that was taken from the damaged file.
    let day = i64::try_from(DAY).unwrap();
    let older = crl()
        .number(1)
        .valid(-3 * day, 3 * day)
        .signed_by(&lists.other);
    store
        .change(|store| {
            store.install_authority(AuthorityScope::AnyServer, other, options())?;
            store.install_crl(older)
        })
        .unwrap();
    assert_eq!(
        verdict(store.contents(), &leaf(&lists.other)),
        ReasonCode::ChainVerified
    );
    assert_eq!(
        verdict(store.contents(), &lists.gone[1]),
        ReasonCode::Revoked
    );
}

/// No certificate that is installed verifies them.
#[test]
fn of_the_lists_of_an_unknown_ca_a_recovery_takes_those_that_are_not_there_yet() {
    let lists = Lists::new("crls-both");
    let (mut store, _) = DurableStore::open(lists.folder.path(), settings()).unwrap();
    let gone = leaf(&lists.other);
    let newer = crl().number(9).revoke(&gone.certificate);
    let newer = newer.signed_by(&lists.other);
    let (other, list) = (lists.other.certificate(), newer.clone());
    store
        .change(|store| {
            let any = AuthorityScope::AnyServer;
            let done = store.install_authority(any, other, options())?;
            // The older one stays: it revokes what this one does not.
            store.install_crl(list)?;
            store.remove(&done.entries().items()[0])
        })
        .unwrap();
    drop(store);
    apart(lists.folder.path());
    let line = line_of(&lists.text(), "  label first") - 1;
    lists.damage(line);
    let (store, report) = DurableStore::recover(lists.folder.path(), settings()).unwrap();
    assert_eq!(report.crls.items(), [newer.fingerprint()], "{report}");
    let held = store.contents().crls();
    let mut held: Vec<_> = held.map(|list| list.crl().fingerprint()).collect();
    assert!(held.contains(&newer.fingerprint()));
    held.sort();
    held.dedup();
    assert_eq!(held.len(), store.contents().crls().count());
}

#[test]
fn a_list_that_is_damaged_is_lost_only_if_the_version_before_has_it_not() {
    let lists = Lists::new("crls-before");
    let before = lists.text();
    let (mut store, _) = DurableStore::open(lists.folder.path(), settings()).unwrap();
    let (id, name) = (server_id("keys-2"), host("other.example"));
    store.change(|store| store.add_server(id, [name])).unwrap();
    let head = before.lines().find(|line| line.starts_with("crl "));
    let damaged = head.and_then(|head| head.split(' ').nth(4)).unwrap();
    drop(store);
    apart(lists.folder.path());
    let line = line_of(&lists.text(), "-----BEGIN X509 CRL");
    lists.damage(line);
    let after = lists.text();
    let previous = lists.folder.file("trust-store.previous");
    // Whole; and with another one in its place, which is not read.
    for (before, lost) in [
        (before.clone(), vec![]),
        (with_list(&before, &[0x30, 3, 2, 1, 5]), vec![damaged]),
    ] {
        fs::write(lists.folder.file(CURRENT), &after).unwrap();
        fs::write(&previous, &before).unwrap();
        let (store, report) = DurableStore::recover(lists.folder.path(), settings()).unwrap();
        let told = report.lost_crls.items().iter();
        let told: Vec<String> = told.map(ToString::to_string).collect();
        assert_eq!(told, lost, "{report}");
        assert_eq!(store.contents().unread_crls().count(), lost.len());
    }
}

#[test]
fn whatever_line_is_damaged_what_the_others_say_of_lists_is_kept() {
    let lists = Lists::new("crls-lines");
    let (text, path) = (lists.text(), lists.folder.path());
    let previous = fs::read(lists.folder.file("trust-store.previous")).unwrap();
    let all: Vec<String> = text.lines().map(String::from).collect();
    // To which record a line belongs.
    let mut record = 0;
    for (number, line) in all.iter().enumerate() {
        if line.contains(" #") {
            record = number;
        }
        fs::write(lists.folder.file(CURRENT), &text).unwrap();
        fs::write(lists.folder.file("trust-store.previous"), &previous).unwrap();
        if !line.contains(' ') {
            // Other letters of the list or of its signature: still base64.
            let (before, after) = line.split_at(line.len() / 2);
            let other = if after.starts_with('A') { "B" } else { "A" };
            let changed = format!("{before}{other}{}", &after[1..]);
            fs::write(lists.folder.file(CURRENT), text.replace(line, &changed)).unwrap();
        } else {
            lists.damage(number);
        }
        let (store, report) = DurableStore::recover(path, settings()).unwrap();
        let view = store.contents();
        // Each issuer stands in two first lines.
        assert_eq!(view.revocation_checked_issuers().count(), 2, "{line}");
        let of_list = all[record].starts_with("crl ") && !line.starts_with("end ");
        let lost = usize::from(of_list && !line.starts_with("  "));
        assert_eq!(view.crls().count(), 2 - lost, "{line}: {report}");
        let named = usize::from(lost == 1 && !line.starts_with("crl "));
        assert_eq!(report.lost_crls.len(), named, "{line}: {report}");
        drop(store);
    }
}

/// The first line of a list alone tells that its issuer is checked.
#[test]
fn an_issuer_stays_checked_if_only_the_first_line_of_its_list_is_left() {
    let lists = Lists::new("crls-first-line");
    let start = |text: &str, start: &str| line_of(text, start) - 1;
    lists.damage(start(&lists.text(), "checked "));
    lists.damage(start(&lists.text(), "checked "));
    let lines: Vec<String> = lists.text().lines().map(String::from).collect();
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with("-----BEGIN X509") {
            lists.damage(number + 1);
        }
    }
    let (store, report) = DurableStore::recover(lists.folder.path(), settings()).unwrap();
    assert_eq!(
        store.contents().revocation_checked_issuers().count(),
        2,
        "{report}"
    );
    assert_eq!((report.crls.len(), report.lost_crls.len()), (0, 2));
    let good = leaf(&lists.trusted);
    assert_eq!(
        verdict(store.contents(), &good),
        ReasonCode::RevocationUnknown
    );
}

#[test]
fn a_file_that_cannot_be_written_changes_nothing_and_a_list_is_a_change_like_any_other() {
    let lists = Lists::new("crls-change");
    let (mut store, report) = DurableStore::open(lists.folder.path(), settings()).unwrap();
    assert_eq!(report.crls, 2);
    let before = store.contents().generation();
    let wrong = crl().number(9).wrong_signature().signed_by(&lists.trusted);
    store.change(|store| store.install_crl(wrong)).unwrap_err();
    assert_eq!(store.contents().generation(), before);
    let issuer = CrlIssuer::of(&lists.trusted.certificate);
    store
        .change(|store| store.disable_revocation_checks(&issuer))
        .unwrap();
    drop(store);
    let (store, report) = DurableStore::open(lists.folder.path(), settings()).unwrap();
    assert_eq!(report.crls, 1);
    assert_eq!(store.contents().revocation_checked_issuers().count(), 1);
    assert_eq!(
        verdict(store.contents(), &lists.gone[0]),
        ReasonCode::ChainVerified
    );
}
