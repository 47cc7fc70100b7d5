//! The certificates of a file or of the files of a folder, and the name of each file that gave none.

use std::fs;
use std::path::{Path, PathBuf};

use mutual_trust::Certificate;

use crate::files;
use crate::json::NotRead;
use crate::output::Failure;
use crate::plain;

/// A folder with more files is not a folder of certificates.
const MAX_FILES: usize = 10_000;
/// Files that an error lists.
const MAX_NAMED: usize = 8;

/// A file, and why nothing was read from it.
type Without = (String, String);

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    /// Each certificate once, with the first file that has it.
    pub(super) certificates: Vec<(String, Certificate)>,
    /// What should have been read and was not.
    pub(super) unread: Vec<Without>,
    /// Folders, which are not looked into, and files that have nothing new.
    passed_over: Vec<Without>,
}

impl Read {
    /// What was not read, as one error that names each file.
    pub(super) fn unread_failure(&self) -> Option<Failure> {
        if self.unread.is_empty() {
            return None;
        }
        let named = self.unread.iter().take(MAX_NAMED);
        let mut named: Vec<String> = named.map(shown).collect();
        let more = self.unread.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        Some(Failure::new("certificate", named.join("; ")))
    }

    pub(super) fn first_unread(&self) -> Option<String> {
        self.unread.first().map(shown)
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let unread = self.unread.iter();
        let mut lines: Vec<String> = unread
            .map(|file| format!("refused: {}", shown(file)))
            .collect();
        let passed_over = self.passed_over.iter();
        lines.extend(passed_over.map(|file| format!("passed over: {}", shown(file))));
        lines
    }

    pub(super) fn unread_fact(&self) -> Vec<NotRead> {
        fact(&self.unread)
    }

    pub(super) fn passed_over_fact(&self) -> Vec<NotRead> {
        fact(&self.passed_over)
    }
}

fn shown((file, why): &Without) -> String {
    format!("{}: {why}", plain::line(file))
}

fn fact(files: &[Without]) -> Vec<NotRead> {
    let all = files.iter().cloned();
    all.map(|(file, why)| NotRead { file, why }).collect()
}

/// Reads a file, or each file of a folder. Fails if there is no such path.
pub(super) fn read(path: &Path) -> Result<Read, Failure> {
    let about = |error| Failure::from(error).about(path.display());
    let mut read = Read::default();
    if !fs::metadata(path).map_err(about)?.is_dir() {
        let all = files::certificates(path)?;
        keep(&mut read, path.display().to_string(), all);
        return Ok(read);
    }
    for file in listed(path)? {
        let name = file.display().to_string();
        let folder = "a folder, which is not looked into";
        match fs::metadata(&file) {
            Ok(found) if found.is_dir() => read.passed_over.push((name, String::from(folder))),
            // A pipe could wait for ever.
            Ok(found) if !found.is_file() => {
                read.unread.push((name, String::from("not a regular file")));
            }
            Ok(_) => match files::certificates(&file) {
                Ok(all) => keep(&mut read, name, all),
                Err(failure) => {
                    let about = format!("{}: ", plain::line(&name));
                    let why = failure.message();
                    let why = why.strip_prefix(&about).unwrap_or(why).to_owned();
                    read.unread.push((name, why));
                }
            },
            Err(error) => {
                let is_link = fs::symlink_metadata(&file).is_ok_and(|found| found.is_symlink());
                let what = if is_link {
                    "a link whose target cannot be reached: "
                } else {
                    ""
                };
                read.unread.push((name, format!("{what}{error}")));
            }
        }
    }
    Ok(read)
}

/// A folder of hashed links names each certificate twice. A file that has nothing new is named as passed over.
fn keep(read: &mut Read, name: String, all: Vec<Certificate>) {
    let mut same = None;
    let before = read.certificates.len();
    for one in all {
        let known = read.certificates.iter().find(|(_, known)| *known == one);
        match known {
            Some((first, _)) => same = Some(first.clone()),
            None => read.certificates.push((name.clone(), one)),
        }
    }
    if let Some(first) = same.filter(|_| read.certificates.len() == before) {
        let why = format!("nothing new, its certificate is in {}", plain::line(&first));
        read.passed_over.push((name, why));
    }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let about = |error| Failure::from(error).about(folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(about)? {
        files.push(entry.map_err(about)?.path());
        if files.len() > MAX_FILES {
            let text = format!("{}: more than {MAX_FILES} files", plain::path(folder));
            return Err(Failure::new("usage", text));
        }
    }
    files.sort();
    Ok(files)
}
