//! The interface without a TLS stack: administration, wrong uses, threads, and NULL in every place.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use mutual_trust_test_support::NOW;
use mutual_trust_test_support::crl;
use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::pki::{self, pki};
use mutual_trust_test_support::skips::skipped;

use super::kit::{Kit, kit, package, run};
use super::peers::{Side, pin_server};

fn program(kit: &Kit, name: &str) -> PathBuf {
    let source = package().join(format!("tests/c/{name}.c"));
    kit.program(name, &[source], &[])
}

/// A store in which the server keys-1 has a pin, and the pin as DER.
fn pinned() -> (Side, PathBuf) {
    let peer = pki::self_signed("kms1.example");
    let side = Side::new("uses", |store| pin_server(store, &peer.certificate));
    let der = side.folder.file("pin.der");
    fs::write(&der, peer.certificate.der()).unwrap();
    (side, der)
}

/// valgrind, if it is here; the skip is reported.
pub fn valgrind(what: &str) -> Option<Command> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        skipped(&format!("{what} under valgrind: it is not installed"));
        return None;
    }
    let mut command = Command::new("valgrind");
    command.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite",
        "--show-leak-kinds=definite",
    ]);
    Some(command)
}

#[test]
fn a_product_administers_its_store_in_c_alone() {
    let Some(kit) = kit() else { return };
    let folder = Folder::new("admin");
    let store = folder.file("store");
    fs::create_dir(&store).unwrap();
    let pki = pki("ours");
    let (pin, other) = (
        pki::self_signed("kms1.example"),
        pki::self_signed("kms9.example"),
    );
    let write = |name: &str, content: &[u8]| {
        let path = folder.file(name);
        fs::write(&path, content).unwrap();
        path
    };
    let said = run(Command::new(program(kit, "admin"))
        .arg(&store)
        .arg(write("pin.pem", pin.certificate.to_pem().as_bytes()))
        .arg(write("other.der", other.certificate.der()))
        .arg(write("ca.pem", pki.root.certificate.to_pem().as_bytes()))
        .arg(write(
            "intermediate.pem",
            pki.intermediate.certificate.to_pem().as_bytes(),
        ))
        .arg(write("list.der", &crl::crl().der(&pki.root))));
    assert_eq!(said, "done\n");
}

/// Calls that answer MT_OK do what a program expects of them.
#[test]
fn calls_do_what_a_program_expects() {
    let Some(kit) = kit() else { return };
    let program = program(kit, "expected");
    let (pin, other) = (
        pki::self_signed("array-7.example"),
        pki::self_signed("array-8.example"),
    );
    let mut failed = Vec::new();
    for what in [
        "wait",
        "time of a store",
        "time of changes",
        "time of an enrolment",
        "generation",
        "address",
        "status",
    ] {
        let folder = Folder::new("expected");
        let mut arguments = vec![folder.path().join("store")];
        fs::create_dir(&arguments[0]).unwrap();
        for (name, made) in [("pin.der", &pin), ("other.der", &other)] {
            fs::write(folder.file(name), made.certificate.der()).unwrap();
            arguments.push(folder.file(name));
        }
        let mut command = Command::new(&program);
        let output = command.arg(what).args(&arguments).output().unwrap();
        if !output.status.success() {
            let shown = String::from_utf8_lossy(&output.stderr).into_owned();
            failed.push(format!("{what}: {shown}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn wrong_uses_are_answered() {
    let Some(kit) = kit() else { return };
    let (side, der) = pinned();
    let program = program(kit, "misuse");
    let arguments = [side.folder.file("store"), der, NOW.to_string().into()];
    assert_eq!(run(Command::new(&program).args(&arguments)), "done\n");

    let Some(mut command) = valgrind("wrong uses of the C library") else {
        return;
    };
    assert_eq!(run(command.arg(&program).args(&arguments)), "done\n");

    // That it would see one: a handle that is used after it was freed.
    let Some(mut command) = valgrind("a freed handle of the C library") else {
        return;
    };
    let output = command
        .arg(&program)
        .args(&arguments)
        .arg("freed")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(9), "{shown}");
    assert!(shown.contains("mt_verdict_reason"), "{shown}");
}

/// A nightly toolchain has the sanitizer. It builds everything again, which takes minutes: run it by its name, with
/// `--ignored`. valgrind sees less, and is part of every run.
#[test]
#[ignore = "builds everything again: cargo test --package mutual-trust-capi --test suite -- --ignored address_sanitizer"]
fn wrong_uses_and_threads_under_an_address_sanitizer() {
    let folder = super::kit::built()
        .ancestors()
        .nth(2)
        .unwrap()
        .join("capi-asan");
    let mut build = Command::new(package().join("asan"));
    let output = build.arg(&folder).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(77) {
        skipped(shown.trim().trim_start_matches("SKIPPED: "));
        return;
    }
    super::kit::said(&build, &output);
    let (side, der) = pinned();
    let store = side.folder.file("store");
    let run_it = |name: &str, last: &[&str]| {
        let mut command = Command::new(folder.join(name));
        command.args([&store, &der]).arg(NOW.to_string()).args(last);
        command.output().unwrap()
    };
    for (name, last) in [("misuse", &[][..]), ("threads", &["20"])] {
        let output = run_it(name, last);
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {shown}");
    }
    // That it would see one: a handle that is used after it was freed.
    let output = run_it("misuse", &["freed"]);
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{shown}");
    assert!(shown.contains("heap-use-after-free"), "{shown}");
    assert!(shown.contains("mt_verdict_reason"), "{shown}");
}

#[test]
fn eight_threads_publish_refresh_and_decide() {
    let Some(kit) = kit() else { return };
    let (side, der) = pinned();
    // MUTUAL_TRUST_CAPI_SECONDS: a longer run.
    let seconds = std::env::var("MUTUAL_TRUST_CAPI_SECONDS").unwrap_or_else(|_| "3".into());
    let said = run(Command::new(program(kit, "threads"))
        .arg(side.folder.file("store"))
        .arg(der)
        .args([NOW.to_string(), seconds]));
    let published = said.trim().strip_prefix("published=").unwrap();
    assert!(published.parse::<u32>().unwrap() > 10, "{said}");
}

/// Calls of a function with the least and the greatest of everything. Every pointer is NULL.
fn calls(declaration: &str) -> Vec<String> {
    let (start, arguments) = declaration.split_once('(').unwrap();
    let name = start.rsplit([' ', '*']).next().unwrap();
    let arguments = arguments.trim_end_matches(");");
    let kinds: Vec<&str> = arguments
        .split(',')
        .map(str::trim)
        .filter(|one| *one != "void")
        .collect();
    let answers_status = start.starts_with("uint32_t") && !name.contains("_is_");
    (0..2)
        .map(|greatest| {
            let values = kinds.iter().map(|kind| match (*kind, greatest == 1) {
                (kind, _) if kind.contains('*') => "NULL",
                (kind, false) if kind.starts_with("mt_bytes") => "mt_data(NULL, 0)",
                (kind, true) if kind.starts_with("mt_bytes") => "mt_data(NULL, SIZE_MAX)",
                (kind, true) if kind.starts_with("int64_t") => "INT64_MIN",
                (kind, true) if kind.starts_with("uint32_t") => "UINT32_MAX",
                (kind, true) if kind.starts_with("uint64_t") => "UINT64_MAX",
                (kind, true) if kind.starts_with("size_t") => "SIZE_MAX",
                _ => "0",
            });
            let call = format!("{name}({})", values.collect::<Vec<_>>().join(", "));
            // What judges answers no, what has a status does not answer MT_OK, and what takes no handle has nothing to refuse.
            let judges = [
                "mt_judge_server",
                "mt_judge_client",
                "mt_peer_judge",
                "mt_peer_finished",
                "mt_peer_recheck",
                "mt_peer_may_wait",
                "mt_reason_accepts",
                "mt_verdict_reason",
            ];
            if judges.contains(&name) {
                format!("    demand({call} == 0, \"{name}\");\n")
            } else if answers_status && !kinds.is_empty() {
                format!("    demand({call} != MT_OK, \"{name}\");\n")
            } else {
                format!("    (void){call};\n")
            }
        })
        .collect()
}

#[test]
fn every_function_takes_null_for_every_pointer() {
    let Some(kit) = kit() else { return };
    let header = fs::read_to_string(package().join("include/mutual_trust.h")).unwrap();
    let functions = header.split_once("/* ---- The library ---- */").unwrap().1;
    let code: String = functions
        .split("/*")
        .filter_map(|part| part.split_once("*/").map(|(_, code)| code))
        .collect();
    let code = code.split("#ifdef").next().unwrap();
    let declarations: Vec<String> = code
        .split_inclusive(';')
        .map(|one| one.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|one| one.contains('('))
        .collect();
    assert!(declarations.len() > 80, "{declarations:#?}");
    let mut text = String::from(
        "#include <stdio.h>\n#include <stdlib.h>\n#include \"mutual_trust.h\"\n\nstatic void demand(int ok, const char *name)\n{\n    if (!ok) {\n        fprintf(stderr, \"%s\\n\", name);\n        exit(4);\n    }\n}\n\nint main(void)\n{\n",
    );
    for declaration in &declarations {
        text.extend(calls(declaration));
    }
    text.push_str("    printf(\"done\\n\");\n    return 0;\n}\n");
    let source = kit.file("null.c");
    fs::write(&source, text).unwrap();
    let program = kit.program("null", &[source], &[]);
    assert_eq!(run(&mut Command::new(&program)), "done\n");
    if let Some(mut command) = valgrind("NULL for every pointer of the C library") {
        assert_eq!(run(command.arg(&program)), "done\n");
    }
}

/// A firmware links the static library, with what `pkg-config --static` says.
#[test]
fn the_static_library_is_linked_without_more_than_pkg_config_says() {
    let Some(kit) = kit() else { return };
    let (side, der) = pinned();
    let library = kit.prefix().join("lib/libmutual_trust.a");
    assert!(library.exists());
    let flags = run(Command::new("pkg-config")
        .args(["--static", "--libs", "mutual-trust"])
        .env("PKG_CONFIG_PATH", kit.prefix().join("lib/pkgconfig")));
    let program = kit.file("misuse_static");
    run(kit
        .compiler("cc", "gnu11")
        .arg("-o")
        .arg(&program)
        .arg(package().join("tests/c/misuse.c"))
        .arg("-I")
        .arg(kit.prefix().join("include"))
        .args(["-Wl,-Bstatic", "-Wl,--gc-sections"])
        .args(flags.split_whitespace().take(2))
        .arg("-Wl,-Bdynamic")
        .args(flags.split_whitespace().skip(2)));
    let arguments = [side.folder.file("store"), der, NOW.to_string().into()];
    assert_eq!(run(Command::new(&program).args(&arguments)), "done\n");
}

/// A library of Rust beside ours, each with a standard library of its own.
const SECOND: &str = "
#[unsafe(no_mangle)]
pub extern \"C\" fn second(number: u32) -> u32 {
    let caught = std::panic::catch_unwind(|| if number > 3 { panic!() } else { number + 1 });
    caught.unwrap_or(77)
}
";

#[test]
fn a_second_library_of_rust_goes_beside_the_hidden_one() {
    let Some(kit) = kit() else { return };
    for tool in ["ld", "objcopy", "readelf", "rustc"] {
        if Command::new(tool).arg("--version").output().is_err() {
            skipped(&format!("the C library beside another of Rust: no {tool}"));
            return;
        }
    }
    let (object, second) = (kit.file("hidden.o"), kit.file("libsecond.a"));
    let library = kit.prefix().join("lib/libmutual_trust.a");
    run(Command::new(package().join("hide"))
        .arg(library)
        .arg(&object));

    let symbols = run(Command::new("readelf").arg("-sW").arg(&object));
    let mut shown = 0;
    for line in symbols.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [_, _, _, _, "GLOBAL" | "WEAK", _, section, name, ..] = words[..]
            && section != "UND"
        {
            assert!(name.starts_with("mt_"), "{name}");
            shown += 1;
        }
    }
    assert!(shown > 80, "{shown}");

    let source = kit.file("second.rs");
    fs::write(&source, SECOND).unwrap();
    run(Command::new("rustc")
        .args(["--edition", "2024", "--crate-type", "staticlib", "-o"])
        .args([&second, &source]));
    for order in [[&object, &second], [&second, &object]] {
        let program = kit.file("two");
        run(kit
            .compiler("cc", "gnu11")
            .arg("-o")
            .arg(&program)
            .arg(package().join("tests/c/two.c"))
            .arg("-I")
            .arg(kit.prefix().join("include"))
            .arg("-Wl,--gc-sections")
            .args(order)
            .arg(&second)
            .args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]));
        assert_eq!(run(&mut Command::new(&program)), "0 Blocked 2 77\n");
    }
    fs::remove_file(&object).unwrap();
}
