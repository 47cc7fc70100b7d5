//! The library as a C program finds it: installed below a folder, with pkg-config.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use mutual_trust_test_support::skips::skipped;

/// Where the package is.
pub fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What C programs are compiled with.
pub struct Kit {
    folder: PathBuf,
    pub flags: Vec<String>,
}

/// A TLS stack of which the headers are here, with what its programs are linked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    OpenSsl,
    MbedTls,
    GnuTls,
}

impl Stack {
    pub const ALL: [Self; 3] = [Self::OpenSsl, Self::MbedTls, Self::GnuTls];

    pub fn name(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl",
            Self::MbedTls => "mbedtls",
            Self::GnuTls => "gnutls",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Self::OpenSsl => "openssl/ssl.h",
            Self::MbedTls => "mbedtls/ssl.h",
            Self::GnuTls => "gnutls/gnutls.h",
        }
    }

    fn libraries(self) -> &'static [&'static str] {
        match self {
            Self::OpenSsl => &["-lssl", "-lcrypto"],
            Self::MbedTls => &["-lmbedtls", "-lmbedx509", "-lmbedcrypto"],
            Self::GnuTls => &["-lgnutls"],
        }
    }

    /// Another copy than the system's: a folder with `include` and `lib`, as `MUTUAL_TRUST_MBEDTLS`, `MUTUAL_TRUST_OPENSSL` or
    /// `MUTUAL_TRUST_GNUTLS` names it. The tests of mbedTLS then are those of TLS 1.3 as well.
    pub fn other(self) -> Option<PathBuf> {
        let variable = format!("MUTUAL_TRUST_{}", self.name().to_uppercase());
        std::env::var_os(variable).map(PathBuf::from)
    }

    fn package(self) -> &'static str {
        match self {
            Self::OpenSsl => "libssl-dev",
            Self::MbedTls => "libmbedtls-dev",
            Self::GnuTls => "libgnutls28-dev",
        }
    }
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// What a command says; it must succeed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    said(command, &output)
}

pub fn said(command: &Command, output: &Output) -> String {
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{shown}",
        output.status
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The folder with the libraries that cargo built for this test.
pub fn built() -> PathBuf {
    std::env::current_exe()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned()
}

/// The kit, made once. `None` without a C compiler; the skip is reported.
pub fn kit() -> Option<&'static Kit> {
    static KIT: OnceLock<Option<Kit>> = OnceLock::new();
    KIT.get_or_init(make).as_ref()
}

fn make() -> Option<Kit> {
    if !succeeds(Command::new("cc").arg("--version")) {
        skipped("C programs: no cc");
        return None;
    }
    if !succeeds(Command::new("pkg-config").arg("--version")) {
        skipped("C programs: no pkg-config");
        return None;
    }
    // One folder for all runs: what is in a static is never dropped, and the libraries are large.
    let folder = built().ancestors().nth(2).unwrap().join("tmp/capi-kit");
    let _ = fs::remove_dir_all(&folder);
    let prefix = folder.join("prefix");
    fs::create_dir_all(&prefix).unwrap();
    run(Command::new(package().join("install"))
        .args([&prefix, &built()])
        .env_remove("DESTDIR"));
    let shown = run(Command::new("pkg-config")
        .args(["--cflags", "--libs", "mutual-trust"])
        .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")));
    let flags = shown.split_whitespace().map(str::to_owned).collect();
    Some(Kit { folder, flags })
}

impl Kit {
    pub fn prefix(&self) -> PathBuf {
        self.folder.join("prefix")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A compiler with the warnings that make a product's build fail.
    pub fn compiler(&self, name: &str, standard: &str) -> Command {
        let mut compiler = Command::new(name);
        compiler
            .arg(format!("-std={standard}"))
            .args("-Wall -Wextra -Werror -Wpedantic -Wshadow -Wconversion -g".split(' '));
        compiler
    }

    /// Compiles files of `tests/c`, and an adapter.
    pub fn program(&self, name: &str, sources: &[PathBuf], libraries: &[&str]) -> PathBuf {
        let program = self.file(name);
        let mut compiler = self.compiler("cc", "gnu11");
        compiler
            .arg("-o")
            .arg(&program)
            .args(sources)
            .arg("-I")
            .arg(package().join("tests/c"))
            .args(&self.flags)
            .arg(format!(
                "-Wl,-rpath,{}",
                self.prefix().join("lib").display()
            ))
            .args(libraries)
            .args(["-lpthread", "-ldl"]);
        run(&mut compiler);
        program
    }

    /// The test program of a stack. `None` where its headers are missing; the skip is reported.
    pub fn peer(&self, stack: Stack) -> Option<&'static Path> {
        static PEERS: [OnceLock<Option<PathBuf>>; 3] = [const { OnceLock::new() }; 3];
        let index = Stack::ALL.iter().position(|one| *one == stack).unwrap();
        let made = PEERS[index].get_or_init(|| {
            if !self.has(stack) {
                skipped(&format!(
                    "links of C programs over {}: no {}",
                    stack.name(),
                    stack.package()
                ));
                return None;
            }
            let name = stack.name();
            let adapters = self.prefix().join("share/mutual-trust/adapters");
            let sources = [
                package().join(format!("tests/c/{name}_peer.c")),
                adapters.join(format!("{name}.c")),
            ];
            let mut libraries = stack.libraries().to_vec();
            let folders = stack.other().map(|folder| {
                let folder = folder.display();
                [format!("-I{folder}/include"), format!("-L{folder}/lib")]
            });
            let folders = folders.iter().flatten().map(String::as_str);
            libraries.splice(0..0, folders);
            Some(self.program(&format!("{name}_peer"), &sources, &libraries))
        });
        made.as_deref()
    }

    fn has(&self, stack: Stack) -> bool {
        let source = self.file(&format!("has_{}.c", stack.name()));
        fs::write(&source, format!("#include <{}>\n", stack.header())).unwrap();
        succeeds(Command::new("cc").args([OsStr::new("-fsyntax-only"), source.as_os_str()]))
    }
}
