//! A TPM 2.0, simulated by swtpm, behind `tpm2-pkcs11`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use mutual_trust_pkcs11::{Error, KeyType, Token, TokenSettings, Uri};
use mutual_trust_test_support::pki::self_signed;
use mutual_trust_test_support::skips::skipped;
use rustls::SignatureScheme;
use rustls::sign::SigningKey;

use crate::handshakes::links;
use crate::support::{PIN, alone_after, pin};

const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib64/pkcs11/libtpm2_pkcs11.so",
];

/// Ended by its id.
struct Tpm(Child);

impl Drop for Tpm {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a TPM with a token, if all that is needed is here.
fn started(folder: &Path) -> Option<(Vec<(&'static str, String)>, Tpm)> {
    let missing = |what: &str| {
        skipped(&format!("keys in a TPM: no {what}"));
        None
    };
    let Some(module) = MODULES.into_iter().find(|path| Path::new(path).exists()) else {
        return missing("libtpm2-pkcs11-1");
    };
    if Command::new("pkcs11-tool").arg("--help").output().is_err() {
        return missing("opensc");
    }
    let (port, control) = two_ports();
    let tpm = Command::new("swtpm")
        .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
        .arg("--tpmstate")
        .arg(format!("dir={}", folder.display()))
        .arg("--server")
        .arg(format!("type=tcp,port={port},bindaddr=127.0.0.1"))
        .arg("--ctrl")
        .arg(format!("type=tcp,port={control},bindaddr=127.0.0.1"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(tpm) = tpm else {
        return missing("swtpm");
    };
    let tpm = Tpm(tpm);
    let environment = vec![
        (
            "TPM2_PKCS11_TCTI",
            format!("swtpm:host=127.0.0.1,port={port}"),
        ),
        ("TPM2_PKCS11_STORE", folder.display().to_string()),
        ("MT_TPM", module.to_owned()),
    ];
    let tool = |arguments: &str| {
        let done = Command::new("pkcs11-tool")
            .args(["--module", module])
            .args(arguments.split(' '))
            .envs(environment.clone())
            .output()
            .unwrap();
        done.status.success()
    };
    // Until it listens.
    let init = "--init-token --label tpm --so-pin 12345678 --slot-index 0";
    let is_there = (0..50).any(|_| {
        let done = tool(init);
        if !done {
            thread::sleep(Duration::from_millis(100));
        }
        done
    });
    assert!(is_there, "the TPM does not answer");
    let init = format!(
        "--init-pin --so-pin 12345678 --login --login-type so --pin {PIN} --token-label tpm"
    );
    assert!(tool(&init));
    Some((environment, tpm))
}

/// Two ports in a row, as the interface of the TPM wants them.
fn two_ports() -> (u16, u16) {
    for _ in 0..100 {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if let Some(next) = port.checked_add(1)
            && TcpListener::bind(("127.0.0.1", next)).is_ok()
        {
            return (port, next);
        }
    }
    panic!("no two free ports");
}

#[test]
fn keys_in_a_tpm_serve_both_ends() {
    alone_after(
        "tpm::keys_in_a_tpm_serve_both_ends",
        |place| {
            let module = std::env::var("MT_TPM").unwrap();
            let uri = |key: &str| {
                let uri = Uri::new().with_module_path(module.clone());
                uri.with_token("tpm").with_object(key)
            };
            let file = self_signed("keys-1").identity(&[], &place.provider);
            for kind in [KeyType::P256, KeyType::P384] {
                let key = place.made(&uri(&kind.to_string()), kind);
                let identity = place.identity(&key, "array-7");
                links(&identity, &file, &format!("client with {kind} in a TPM"));
                links(&file, &identity, &format!("server with {kind} in a TPM"));
            }
            // This module pads PKCS#1 alone, which TLS 1.3 does not have: nothing else is offered.
            let key = place.made(&uri("rsa"), KeyType::Rsa2048);
            assert!(
                key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
                    .is_some()
            );
            assert!(
                key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])
                    .is_none()
            );
            let none = place
                .open(&uri("x"))
                .generate(&uri("x"), KeyType::Ed25519, &place.provider);
            assert!(matches!(none, Err(Error::UnusableKey { .. })), "{none:?}");
            // The application is logged in, so that no PIN is sent.
            Token::open(&uri("x"), Some(pin()), TokenSettings::new()).unwrap();
        },
        started,
    );
}
