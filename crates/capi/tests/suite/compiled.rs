//! The header and the adapters, by compilers of C and C++.

use std::fs;
use std::path::Path;
use std::process::Command;

use mutual_trust_test_support::folder::Folder;
use mutual_trust_test_support::skips::skipped;

use super::kit::{Kit, Stack, kit, package, run};

/// Compiles a text without linking.
fn compiles(kit: &Kit, compiler: &str, standard: &str, extension: &str, text: &str) {
    let source = kit.file(&format!("header.{extension}"));
    fs::write(&source, text).unwrap();
    run(kit
        .compiler(compiler, standard)
        .args(&kit.flags)
        .arg("-c")
        .arg("-o")
        .arg(kit.file("header.o"))
        .arg(&source));
}

const USES: &str = "#include \"mutual_trust.h\"
#include \"mutual_trust.h\"
uint32_t use(void);
uint32_t use(void) {
    mt_store *store = NULL;
    uint32_t status = mt_store_open(mt_text(\"/nowhere\"), NULL, &store, NULL);
    mt_store_free(store);
    return status == MT_OK ? mt_reason_accepts(MT_REASON_PIN_MATCHED) : MT_ABI_VERSION;
}
";

#[test]
fn the_header_is_c11_and_cpp17() {
    let Some(kit) = kit() else { return };
    for standard in ["c11", "c17", "gnu11"] {
        compiles(kit, "cc", standard, "c", USES);
    }
    if Command::new("c++").arg("--version").output().is_err() {
        skipped("the header as C++: no c++");
        return;
    }
    for standard in ["c++17", "c++20"] {
        compiles(kit, "c++", standard, "cpp", USES);
    }
}

/// A product may compile its C as C++ compilers do, and its adapters with its own standard.
#[test]
fn the_adapters_are_c11_and_their_headers_are_cpp17() {
    let Some(kit) = kit() else { return };
    for stack in Stack::ALL {
        if kit.peer(stack).is_none() {
            continue;
        }
        let name = stack.name();
        let adapter = package().join(format!("adapters/{name}.c"));
        run(kit
            .compiler("cc", "c11")
            .args(&kit.flags)
            .args(["-D_POSIX_C_SOURCE=200809L", "-c", "-o"])
            .arg(kit.file("adapter.o"))
            .arg(&adapter));
        if Command::new("c++").arg("--version").output().is_ok() {
            let text = format!("#include \"mutual_trust_{name}.h\"\n");
            let source = kit.file("adapter.cpp");
            fs::write(&source, text).unwrap();
            run(Command::new("c++")
                .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"])
                .args(&kit.flags)
                .arg(&source));
        }
    }
}

/// What is installed names its place from everywhere, and a wrong call says what is asked for.
#[test]
fn the_library_is_installed_below_a_folder_that_is_named_from_elsewhere() {
    let folder = Folder::new("installed");
    fs::write(folder.file("libmutual_trust_capi.so"), "").unwrap();
    let install = || {
        let mut command = Command::new(package().join("install"));
        command.current_dir(folder.path()).env_remove("DESTDIR");
        command
    };
    run(install().args(["below/here", "."]));
    let written = folder.file("below/here/lib/pkgconfig/mutual-trust.pc");
    let written = fs::read_to_string(written).unwrap();
    let prefix = written
        .lines()
        .find_map(|line| line.strip_prefix("prefix="))
        .unwrap();
    let prefix = Path::new(prefix);
    assert!(prefix.is_absolute(), "{written}");
    assert!(prefix.join("include/mutual_trust.h").exists(), "{written}");
    assert!(!written.contains("@P"), "{written}");

    let output = install().output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("PREFIX is a folder"), "{said}");
}

#[test]
fn the_guide_names_functions_that_there_are() {
    let read = |name: &str| fs::read_to_string(package().join(name)).unwrap();
    let mut headers = read("include/mutual_trust.h");
    for stack in Stack::ALL {
        headers += &read(&format!("adapters/mutual_trust_{}.h", stack.name()));
    }
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter| !is_name(letter));
        words
            .filter(|word| word.starts_with("mt_") || word.starts_with("MT_"))
            .map(str::to_owned)
            .collect()
    };
    let known = words(&headers);
    let named = words(&read("README.md"));
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        // `MT_REASON_...` stands for all of them.
        let there = known.iter().any(|one| *one == name || name == "MT_REASON_");
        assert!(there, "{name}");
    }
}
