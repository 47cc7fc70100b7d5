//! Planted violations, each of which its check must find, and what it must let pass.

use crate::layering::checks::{self, File};

fn found(check: fn(&File) -> Vec<String>, path: &str, source: &str) -> usize {
    check(&File::new(path, source)).len()
}

#[test]
fn rooms_below_are_found_however_they_are_named() {
    let check = checks::rooms;
    for (path, source) in [
        ("src/store/a.rs", "use crate::policy::Policy;"),
        (
            "src/store/a.rs",
            "use crate::{certificate::Certificate, tls};",
        ),
        ("src/store/a.rs", "fn f() { crate::admin::g() }"),
        ("src/store/a.rs", "use super::super::policy;"),
        ("src/store/mod.rs", "use super::tls::Identity;"),
        ("src/store/a/b.rs", "use super::super::super::tls;"),
        ("src/certificate/a.rs", "use crate::store::View;"),
        ("src/certificate/a.rs", "use crate::TrustStore;"),
        ("src/certificate/a.rs", "use crate::*;"),
        (
            "src/certificate/a.rs",
            "macro_rules! m { () => { $crate::tls::f() } }",
        ),
        ("src/identity/a.rs", "use crate::store::View;"),
        ("src/limits.rs", "use crate::certificate::Certificate;"),
        ("src/store/a.rs", "use crate::error::StoreError;"),
    ] {
        assert_eq!(found(check, path, source), 1, "{path}: {source}");
    }
    for (path, source) in [
        (
            "src/tls/a.rs",
            "use crate::{store::LiveTrust, certificate::Clock, policy::decide};",
        ),
        (
            "src/store/a.rs",
            "use super::View; use crate::store::Slot; use crate::certificate::error::PemError;",
        ),
        (
            "src/store/a.rs",
            "/// See [`crate::policy::decide`].\n// crate::tls\nconst A: &str = \"crate::tls\";",
        ),
        (
            "src/store/a.rs",
            "#[cfg(test)]\nmod tests { use crate::tls; }",
        ),
        (
            "src/store/mod.rs",
            "pub(super) mod a; pub(crate) use a::super_thing; struct B(pub(in crate::store) u8);",
        ),
        (
            "src/error.rs",
            "pub use crate::store::error::StoreError; pub use crate::tls::error::ConfigError;",
        ),
        ("src/lib.rs", "pub use crate::tls::Identity;"),
    ] {
        assert_eq!(found(check, path, source), 0, "{path}: {source}");
    }
}

#[test]
fn names_from_behind_a_feature_are_found() {
    let check = checks::features;
    for (path, source) in [
        ("src/tls/server.rs", "use crate::admin::Enrolment;"),
        ("src/tls/mod.rs", "mod probe;"),
        ("src/tls/mod.rs", "pub use probe::Probe;"),
        (
            "src/admin/mod.rs",
            "#[cfg(feature = \"admin\")]\nmod enrol;\npub mod file;",
        ),
        ("src/lib.rs", "pub use admin::Enrolment;"),
        ("src/lib.rs", "pub mod admin;"),
        (
            "src/error.rs",
            "pub use crate::admin::plan::error::PlanError;",
        ),
    ] {
        assert_eq!(found(check, path, source), 1, "{path}: {source}");
    }
    for (path, source) in [
        (
            "src/tls/server.rs",
            "#[cfg(feature = \"enrol\")]\nuse crate::admin::Enrolment;",
        ),
        ("src/tls/probe.rs", "use crate::admin::Enrolment;"),
        ("src/admin/plan/mod.rs", "use crate::admin::Seen;"),
        ("src/tls/mod.rs", "#[cfg(feature = \"enrol\")]\nmod probe;"),
        (
            "src/lib.rs",
            "#[cfg(feature = \"enrol\")]\npub use admin::Enrolment;",
        ),
        ("src/store/a.rs", "/// [`crate::admin::plan`]\nfn plan() {}"),
    ] {
        assert_eq!(found(check, path, source), 0, "{path}: {source}");
    }
}

#[test]
fn modules_of_the_command_that_name_later_ones_are_found() {
    let check = checks::modules;
    let place = "crates/cli/src/";
    for (file, source) in [
        ("facts.rs", "use crate::connect::run;"),
        ("store/look.rs", "use crate::{facts, serve};"),
        ("trust.rs", "fn f() { crate::link::dial() }"),
        ("other.rs", "fn f() {}"),
    ] {
        assert_eq!(found(check, &format!("{place}{file}"), source), 1, "{file}");
    }
    for (file, source) in [
        ("connect.rs", "use crate::{check::judged, facts};"),
        ("store/look.rs", "use crate::store::make::Common;"),
        ("main.rs", "use crate::serve::run;"),
    ] {
        assert_eq!(found(check, &format!("{place}{file}"), source), 0, "{file}");
    }
    assert_eq!(found(check, "src/store/a.rs", "use crate::tls;"), 0);
    // It may do what the library may not, and may not panic.
    let program = format!("{place}link.rs");
    let (io, stop) = ("use std::net::TcpStream;", "fn f() { unreachable!() }");
    assert_eq!(found(checks::only_in, &program, io), 0);
    assert_eq!(found(checks::only_in, &program, "use webpki::Error;"), 1);
    assert_eq!(found(checks::names, &program, "fn f() { println!() }"), 0);
    assert_eq!(found(checks::names, &program, stop), 1);
}

#[test]
fn logic_in_lib_is_found() {
    let check = checks::no_logic_in_lib;
    assert_eq!(found(check, "src/lib.rs", "pub mod a;\npub use a::B;"), 0);
    assert_eq!(found(check, "src/lib.rs", "pub mod a;\nfn b() {}"), 1);
    assert_eq!(found(check, "src/lib.rs", "impl A {}"), 1);
}

#[test]
fn libraries_clocks_and_io_out_of_place_are_found() {
    let check = checks::only_in;
    for (path, source) in [
        ("src/store/a.rs", "use rustls::ClientConfig;"),
        ("src/store/a.rs", "fn f(_: ::rustls::Error) {}"),
        ("src/store/a.rs", "use rustls as other;"),
        ("src/store/a.rs", "use webpki;"),
        ("src/tls/a.rs", "use webpki::{EndEntityCert};"),
        ("src/certificate/keys.rs", "use webpki::KeyUsage;"),
        (
            "src/certificate/mod.rs",
            "fn f() { webpki::KeyUsage::server_auth(); }",
        ),
        (
            "src/policy/decide/mod.rs",
            "fn f() { webpki::anchor_from_trusted_cert(a); }",
        ),
        ("src/policy/a.rs", "use std::{sync::Arc, fs};"),
        ("src/policy/a.rs", "fn f() { std::env::var(a); }"),
        ("src/policy/a.rs", "use std::time::SystemTime;"),
        ("src/policy/a.rs", "use std::time::*;"),
        ("src/tls/a.rs", "use std::net::TcpStream;"),
        (
            "src/tls/a.rs",
            "fn f() { Ok(ServerCertVerified::assertion()) }",
        ),
        (
            "src/tls/verifier.rs",
            "fn f() { Ok(HandshakeSignatureValid::assertion()) }",
        ),
    ] {
        assert_eq!(found(check, path, source), 1, "{path}: {source}");
    }
    for (path, source) in [
        ("src/tls/a.rs", "use rustls::ClientConfig;"),
        (
            "src/policy/linear.rs",
            "use webpki::{EndEntityCert, KeyUsage, Error};",
        ),
        (
            "src/certificate/keys.rs",
            "fn f() { webpki::RawPublicKeyEntity::try_from(a); }",
        ),
        (
            "src/certificate/time.rs",
            "use std::time::{SystemTime, UNIX_EPOCH};",
        ),
        (
            "src/certificate/a.rs",
            "use core::net::IpAddr; use core::time::Duration;",
        ),
        (
            "src/store/a.rs",
            "/// ```\n/// std::fs::read(rustls::a)\n/// ```\nfn f() {}",
        ),
    ] {
        assert_eq!(found(check, path, source), 0, "{path}: {source}");
    }
}

#[test]
fn names_out_of_place_are_found() {
    let check = checks::names;
    for (path, source) in [
        ("src/tls/a.rs", "fn f() { cert.verify_for_usage(a); }"),
        (
            "src/policy/pinned.rs",
            "fn f() { anchor_from_trusted_cert(a); }",
        ),
        ("src/tls/a.rs", "fn f() { SystemTime::now(); }"),
        ("src/tls/a.rs", "fn f() { Instant::now(); }"),
        ("src/tls/a.rs", "fn f() { println!(\"a\"); }"),
        ("src/admin/a.rs", "fn f() { dbg!(a) }"),
        ("src/policy/a.rs", "struct A(Mutex<u8>);"),
        ("src/store/a.rs", "static A: AtomicU64 = b;"),
        ("src/policy/timing.rs", "struct A(RwLock<u8>);"),
        ("src/policy/memory.rs", "struct A(Mutex<u8>);"),
        ("src/policy/decide/mod.rs", "struct A(Cell<u8>);"),
        ("src/certificate/a.rs", "static A: OnceLock<u8> = b;"),
    ] {
        assert_eq!(found(check, path, source), 1, "{path}: {source}");
    }
    for (path, source) in [
        (
            "src/policy/linear.rs",
            "fn f() { cert.verify_for_usage(a); }",
        ),
        ("src/admin/a.rs", "struct A(RwLock<u8>);"),
        ("src/policy/memory.rs", "struct A(RwLock<u8>);"),
        ("src/policy/timing.rs", "struct A(Cell<u8>);"),
        ("src/tls/a.rs", "/// println!(a)\nfn print() { print(); }"),
        (
            "src/tls/a.rs",
            "#[cfg(test)]\nmod tests { fn f() { panic!() } }",
        ),
    ] {
        assert_eq!(found(check, path, source), 0, "{path}: {source}");
    }
}

#[test]
fn another_place_that_says_yes_is_found() {
    let check = checks::accepted;
    let make = "fn f() -> A { Ok(Accepted { reason, presented }) }";
    assert_eq!(found(check, "src/policy/pinned.rs", make), 1);
    assert_eq!(
        found(check, "src/policy/verdict.rs", "impl Accepted { }"),
        1
    );
    assert_eq!(found(check, "src/policy/result.rs", make), 0);
    let make = "fn f() -> A { Ok(Acceptance { reason, presented }) }";
    for path in ["src/policy/decide/mod.rs", "src/policy/result.rs"] {
        assert_eq!(found(check, path, make), 1, "{path}");
    }
    assert_eq!(found(check, "src/policy/decide/acceptance.rs", make), 0);
    let call = "fn f() -> A { Acceptance::by_pin(leaf, entry, reason) }";
    assert_eq!(found(check, "src/policy/pinned.rs", call), 1);
    assert_eq!(found(check, "src/policy/decide/mod.rs", call), 0);
    assert_eq!(
        found(
            check,
            "src/policy/verdict.rs",
            "fn f(a: &Accepted) { a.reason() }"
        ),
        0
    );
}

#[test]
fn a_catch_all_arm_that_says_yes_is_found() {
    let check = checks::catch_all;
    for source in [
        "match a { B => Err(c), _ => Ok(d) }",
        "match a { B => c, _ => { log(); accept_pin(d) } }",
        "match a { B => false, _ if c => true, }",
        "match a { B => c,\n _ => Ok(ServerCertVerified::assertion()), }",
    ] {
        assert_eq!(found(check, "src/tls/a.rs", source), 1, "{source}");
        assert_eq!(found(check, "src/store/a.rs", source), 0, "{source}");
    }
    for source in [
        "match a { _ => Err(b), C => Ok(d) }",
        "match a { B(_) => Ok(c), D { .. } => Err(e) }",
        "match a { (B, _) => Ok(c), _ => { Err(e) } }",
        "let _ = a; fn f() -> B { Ok(c) }",
    ] {
        assert_eq!(found(check, "src/tls/a.rs", source), 0, "{source}");
    }
}

#[test]
fn a_bare_self_signed_is_found() {
    let check = checks::self_signed;
    for source in [
        "/// The self-signed of a server.",
        "/// Whether it is self-signed.",
        "//! A Self-Signed, or another.",
        "/// It is self-signed\n/// or not.",
        "/// self-signed",
    ] {
        assert_eq!(found(check, "src/a.rs", source), 1, "{source}");
    }
    for source in [
        "/// A self-signed end entity.",
        "/// A self-signed\n/// CA, and self-signed certificates.",
        "// It is self-signed.",
        "const A: &str = \"self-signed\";",
    ] {
        assert_eq!(found(check, "src/a.rs", source), 0, "{source}");
    }
    assert_eq!(
        found(check, "src/policy/a.md", "| a | it is self-signed |"),
        1
    );
    assert_eq!(
        found(check, "src/policy/a.md", "| a | a self-signed CA |"),
        0
    );
}

#[test]
fn lints_switched_off_without_a_reason_are_found() {
    let check = checks::lint_attributes;
    for source in [
        "#[allow(dead_code)]\nfn f() {}",
        "#[allow(dead_code, reason = \"a\")]\nfn f() {}",
        "#![allow(dead_code)]",
        "#[expect(dead_code)]\nfn f() {}",
        "#![cfg_attr(test, allow(clippy::unwrap_used))]",
        "#[cfg(test)]\nmod tests { #[allow(dead_code)] fn f() {} }",
    ] {
        assert_eq!(found(check, "src/a.rs", source), 1, "{source}");
    }
    for source in [
        "#[expect(dead_code, reason = \"a\")]\nfn f() {}",
        "#![cfg_attr(test, allow(clippy::unwrap_used, reason = \"a\"))]",
        "#[derive(Debug)]\n#[non_exhaustive]\nstruct A([u8; 2]);",
        "fn f() { a.expect(b) }",
    ] {
        assert_eq!(found(check, "src/a.rs", source), 0, "{source}");
    }
}

#[test]
fn a_long_file_is_found() {
    let check = checks::length;
    let short = "fn f() {}\n".repeat(399);
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "fn f() {}\n".repeat(300)
    );
    assert_eq!(found(check, "src/a.rs", &short), 0);
    assert_eq!(found(check, "src/a.rs", &format!("{short}{tests}")), 0);
    assert_eq!(
        found(check, "src/a.rs", &format!("{short}fn g() {{}}\n")),
        1
    );
    // Tests in the middle hide nothing.
    assert_eq!(
        found(check, "src/a.rs", &format!("{tests}{short}fn g() {{}}\n")),
        1
    );
}
