//! OpenSSL on the command line, the second opinion on what we make.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::folder::Folder;
use crate::support::skips::skipped;

/// A folder in which `openssl` works. `None`, said loudly, where there is none.
pub(crate) fn openssl(test: &str) -> Option<OpenSsl> {
    let found = Command::new("openssl").arg("version").output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(OpenSsl(Folder::new(test)));
    }
    skipped(&format!("no openssl, so {test} has no second opinion"));
    None
}

pub(crate) struct OpenSsl(Folder);

impl OpenSsl {
    /// Writes a file for it to read.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.file(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.file(name)).unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn try_run(&self, command: &str) -> Output {
        Command::new("openssl")
            .args(command.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// What a command prints, which must succeed.
    pub(crate) fn run(&self, command: &str) -> String {
        let output = self.try_run(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {command}: {errors}");
        String::from_utf8(output.stdout).unwrap() + &errors
    }
}

/// The line below `headline` in what `openssl … -text` prints.
pub(crate) fn below<'a>(text: &'a str, headline: &str) -> &'a str {
    let mut lines = text.lines().map(str::trim);
    let found = lines.find(|line| line.starts_with(headline));
    found.unwrap_or_else(|| panic!("no {headline} in {text}"));
    lines.next().unwrap()
}
