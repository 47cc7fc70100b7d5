//! Keys in hardware: a `pkcs11:` URI where the file of a key is named.

use crate::folder::Folder;
use crate::run::{machine, run};

#[cfg(not(feature = "pkcs11"))]
#[test]
fn a_command_without_keys_in_hardware_says_so() {
    let folder = Folder::new("cli-hardware-off");
    machine(&folder, "array-7");
    for line in [
        "identity show --identity array-7.pem --key pkcs11:object=link",
        "identity new array-7 --identity new.pem --key PKCS11:object=link",
        "identity request array-7 --request new.csr --key pkcs11:object=link",
    ] {
        run(&folder, line).ends_with(2).says("--features pkcs11");
    }
    assert!(!folder.file("new.pem").exists() && !folder.file("new.csr").exists());
}

#[test]
fn a_folder_of_an_identity_has_its_keys_in_files() {
    let folder = Folder::new("cli-hardware-folder");
    machine(&folder, "array-7");
    let line = "identity create --folder identity --identity array-7.pem --key pkcs11:object=link";
    run(&folder, line).ends_with(2).says("keys in files");
    run(
        &folder,
        "identity create --folder identity --identity array-7.pem --key array-7.key",
    )
    .ends_with(0);
    let line = "identity stage --folder identity --identity array-7.pem --key pkcs11:object=link";
    run(&folder, line).ends_with(2).says("keys in files");
}

#[cfg(feature = "pkcs11")]
mod in_a_token {
    use std::fs;
    use std::io::Write;
    use std::process::{Command, Stdio};

    use mutual_trust::Certificate;

    use crate::folder::Folder;
    use crate::run::{Ran, Server, command, machine, private, run};
    use crate::support::skips::skipped;

    const PIN: &str = "739104";

    /// A folder with a token, if SoftHSM is here.
    fn token(test: &str) -> Option<Folder> {
        let folder = Folder::new(test);
        let tokens = folder.file("tokens");
        fs::create_dir(&tokens).unwrap();
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(folder.file("softhsm2.conf"), text).unwrap();
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "array", "--pin", PIN])
            .args(["--so-pin", "12345678"])
            .env("SOFTHSM2_CONF", folder.file("softhsm2.conf"))
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            skipped("keys in hardware: no softhsm2");
            return None;
        }
        private(&folder, "pin", &format!("{PIN}\n"));
        Some(folder)
    }

    /// A key of the token, whose PIN is in a file.
    fn uri(folder: &Folder, key: &str) -> String {
        let pin = folder.file("pin");
        format!(
            "pkcs11:token=array;object={key}?module-name=softhsm2&pin-source={}",
            pin.display()
        )
    }

    /// Runs the command with the token, and `input` to read.
    fn with(folder: &Folder, line: &str, input: &str) -> Ran {
        let mut command = command(folder.path(), line);
        command.env("SOFTHSM2_CONF", folder.file("softhsm2.conf"));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.all().contains(PIN), "{}", ran.all());
        ran
    }

    fn read(folder: &Folder, name: &str) -> Certificate {
        let all = Certificate::many_from_pem(&fs::read(folder.file(name)).unwrap()).unwrap();
        all[0].clone()
    }

    #[test]
    fn an_identity_is_made_in_the_token_shown_renewed_and_connects() {
        let Some(folder) = token("cli-hardware-new") else {
            return;
        };
        let (link, next) = (uri(&folder, "link"), uri(&folder, "next"));
        let line = format!("identity new array-7 --identity array-7.pem --key {link}");
        with(&folder, &line, "").ends_with(0).says("array-7");
        // A second key of this name is not made, and no file is left of it.
        let line = format!("identity new array-7 --identity other.pem --key {link}");
        with(&folder, &line, "")
            .ends_with(2)
            .says("error[pkcs11/KeyExists]");
        assert!(!folder.file("other.pem").exists());
        let ours = format!("--identity array-7.pem --key {link}");
        with(&folder, &format!("identity show {ours}"), "")
            .ends_with(0)
            .says("array-7");

        machine(&folder, "keys-1");
        run(&folder, "store create --store server-trust").ends_with(0);
        let pin = "store pin array-7.pem --clients --label array-7 --store server-trust";
        run(&folder, pin).ends_with(0);
        let server = Server::start(&folder, "");
        for version in ["1.2", "1.3"] {
            let line = format!(
                "connect {} --pin keys-1.pem {ours} --tls {version}",
                server.address
            );
            with(&folder, &line, "").ends_with(0).says("works:");
        }
        let (_, said) = server.end();
        assert!(said.contains("array-7"), "{said}");

        let line = format!("identity renew {ours} --new-key {next} --out next.pem");
        with(&folder, &line, "").ends_with(0);
        assert_ne!(
            read(&folder, "next.pem").subject_public_key_info(),
            read(&folder, "array-7.pem").subject_public_key_info()
        );
        with(
            &folder,
            &format!("identity show --identity next.pem --key {next}"),
            "",
        )
        .ends_with(0);
        with(
            &folder,
            &format!("identity show --identity next.pem --key {link}"),
            "",
        )
        .ends_with(2)
        .says("error[pkcs11/OtherKey]");
    }

    #[test]
    fn a_request_is_signed_by_a_key_that_is_made_once() {
        let Some(folder) = token("cli-hardware-request") else {
            return;
        };
        let link = uri(&folder, "link");
        for (name, made) in [("one", "one.csr"), ("two", "two.csr")] {
            let line =
                format!("identity request {name} --type rsa2048 --key {link} --request {made}");
            with(&folder, &line, "").ends_with(0).says("key pin");
        }
        let pem = |name| fs::read(folder.file(name)).unwrap();
        let request = |name| mutual_trust::identity::CertificateRequest::from_pem(&pem(name));
        assert_eq!(
            request("one.csr").unwrap().key_pin(),
            request("two.csr").unwrap().key_pin()
        );
    }

    #[test]
    fn a_key_that_nothing_belongs_to_is_deleted_again() {
        let Some(folder) = token("cli-hardware-undone") else {
            return;
        };
        let link = uri(&folder, "link");
        let line = format!("identity new array-7 --identity no/such/folder.pem --key {link}");
        with(&folder, &line, "").ends_with(2);
        let line = format!("identity new array-7 --identity array-7.pem --key {link}");
        with(&folder, &line, "").ends_with(0);
    }

    #[test]
    fn a_pin_comes_from_a_descriptor_and_stands_in_no_argument() {
        let Some(folder) = token("cli-hardware-pin") else {
            return;
        };
        let uri = "pkcs11:token=array;object=link?module-name=softhsm2";
        let line = format!("identity new array-7 --identity array-7.pem --key {uri}");
        let told = format!("{line} --passphrase-fd 0");
        with(&folder, &told, "000000\n")
            .ends_with(2)
            .says("error[pkcs11/LogIn]");
        with(&folder, &told, &format!("{PIN}\n")).ends_with(0);
        // The test runs without a terminal, or nothing is typed at it.
        let shown = format!("identity show --identity array-7.pem --key {uri}&pin-value={PIN}");
        let refused = with(&folder, &shown, "").ends_with(2);
        refused.says("error[pkcs11/PinValue]");
        let line = "identity show --identity array-7.pem --key pkcs11:token=array;object=link";
        with(&folder, line, "")
            .ends_with(2)
            .says("error[pkcs11/NoModule]");
    }
}
