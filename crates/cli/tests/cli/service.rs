//! The unit for systemd: its command, without systemd, and what systemd says of the unit.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::folder::Folder;
use crate::run::*;
use crate::support::skips::skipped;

const UNIT: &str = include_str!("../../../../contrib/mutual-trust.service");
const PROGRAM: &str = "/usr/bin/mutual-trust";

/// A user and group without any rights, as the unit's are.
const SERVICE: u32 = 65_534;

/// The value of a setting.
fn setting(name: &str) -> &'static str {
    let start = format!("{name}=");
    let mut lines = UNIT.lines().filter_map(|line| line.strip_prefix(&start));
    let only = lines.next().unwrap();
    assert!(lines.next().is_none(), "{name} is there twice");
    only
}

/// The arguments of the unit's command, with the paths of a test.
fn arguments(folder: &Folder) -> Vec<String> {
    let here = folder.path().display();
    let line = setting("ExecStart").strip_prefix(PROGRAM).unwrap();
    let line = line
        .replace("0.0.0.0:5696", "127.0.0.1:0")
        .replace("/var/lib/mutual-trust", &format!("{here}/state"))
        .replace("/etc/mutual-trust", &here.to_string())
        .replace("${CREDENTIALS_DIRECTORY}", &format!("{here}/credentials"));
    assert!(!line.contains('$') && !line.contains("/var/"), "{line}");
    line.split_whitespace().map(str::to_owned).collect()
}

/// Ended by its id at the latest when it is dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The files that the unit names: the store is the service's, the key is root's and its group may read it.
fn installed(folder: &Folder, owner: Option<u32>) {
    machine(folder, "server");
    machine(folder, "array-7");
    fs::create_dir(folder.file("state")).unwrap();
    run(folder, "store create --store state/trust").ends_with(0);
    fs::create_dir(folder.file("credentials")).unwrap();
    fs::copy(
        folder.file("server.key"),
        folder.file("credentials/server.key"),
    )
    .unwrap();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(folder.file(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(".", 0o755);
    if owner.is_some() {
        for name in [
            "state",
            "state/trust",
            "state/trust/trust-store",
            "state/trust/trust-store.lock",
        ] {
            chown(folder.file(name), owner, owner).unwrap();
        }
        chown(folder.file("credentials/server.key"), None, owner).unwrap();
        mode("credentials/server.key", 0o440);
    }
}

#[test]
fn the_service_runs_on_without_a_console_and_ends_on_sigterm() {
    let folder = Folder::new("cli-service");
    let probe = folder.file("probe");
    fs::write(&probe, "").unwrap();
    let is_root = chown(&probe, Some(SERVICE), Some(SERVICE)).is_ok();
    installed(&folder, is_root.then_some(SERVICE));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mutual-trust"));
    if is_root {
        // As the unit's user: without capabilities, and without a file that it may write but the store.
        let copy = folder.file("mutual-trust");
        fs::copy(env!("CARGO_BIN_EXE_mutual-trust"), &copy).unwrap();
        command = Command::new("setpriv");
        let ids = [format!("--reuid={SERVICE}"), format!("--regid={SERVICE}")];
        command.args(ids).args([
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]);
        command.arg(copy);
        if Command::new("setpriv").arg("--version").output().is_err() {
            skipped("no setpriv, so the service was not run as another user");
            return;
        }
    } else {
        skipped("not root, so the service was not run as another user");
    }
    command.args(arguments(&folder)).current_dir("/");
    assert_eq!(setting("StandardInput"), "null");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut service = Service(command.spawn().unwrap());
    let mut lines = BufReader::new(service.0.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    let address = line.strip_prefix("listening on ").expect(&line);
    let address = address.split(';').next().unwrap().to_owned();
    // Longer than the end of an input would take to be seen.
    thread::sleep(Duration::from_millis(1500));
    assert!(service.0.try_wait().unwrap().is_none(), "it has ended");
    // An administrator changes the store, and the service takes that over.
    let trust = "store pin array-7.pem --clients --store state/trust";
    run(&folder, trust).ends_with(0);
    line.clear();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("changed"), "{line}");
    let connect =
        format!("connect {address} --pin server.pem --identity array-7.pem --key array-7.key");
    run(&folder, &connect).ends_with(0).says("works:");
    let killed = Command::new("kill")
        .arg(service.0.id().to_string())
        .status();
    assert!(killed.unwrap().success());
    let asked = Instant::now();
    let ended = service.0.wait().unwrap();
    // systemd takes that for a clean end.
    assert_eq!(ended.signal(), Some(15), "{ended}");
    assert!(asked.elapsed() < Duration::from_secs(5));
    lines.read_to_string(&mut line).unwrap();
    assert!(!line.contains("error"), "{line}");
    run(&folder, "store verify --store state/trust").ends_with(0);
}

#[test]
fn a_wrong_file_is_the_exit_code_after_which_the_service_is_not_started_again() {
    let folder = Folder::new("cli-service-wrong");
    installed(&folder, None);
    fs::remove_file(folder.file("credentials/server.key")).unwrap();
    let line = arguments(&folder).join(" ");
    let code = setting("RestartPreventExitStatus").parse().unwrap();
    run(&folder, &line).ends_with(code);
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = Folder::new("cli-service-unit");
    let unit = UNIT.replace(PROGRAM, env!("CARGO_BIN_EXE_mutual-trust"));
    // The user of the unit is not on this machine.
    let unit = unit.replace("=mutual-trust\n", "=daemon\n");
    let path = folder.file("mutual-trust.service");
    fs::write(&path, unit).unwrap();
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["verify", "--man=no", "--recursive-errors=no"]);
    let Ok(output) = analyze.arg(&path).output() else {
        skipped("no systemd-analyze, so the unit was not verified by it");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let ours = |line: &&str| line.contains("mutual-trust.service") && line.contains(':');
    assert_eq!(said.lines().find(ours), None);
}
