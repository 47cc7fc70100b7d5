//! Reads the files that the command line names, within bounds.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use clap::Args;
use mutual_trust::certificate::is_der;
use mutual_trust::error::WriteError;
use mutual_trust::identity::CertificateChain;
use mutual_trust::limits::MAX_CRL_PEM_BYTES;
use mutual_trust::{Certificate, Crl, Fingerprint};
use zeroize::Zeroizing;

use crate::output::Failure;
use crate::{facts, formats, plain};

/// Reading a larger file takes seconds, so a person at a terminal is told.
const LARGE: u64 = 4 * 1024 * 1024;

/// Reads a file into one buffer of its size. The buffer is wiped: it may hold a private key.
pub(crate) fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    bytes_within(path, MAX_CRL_PEM_BYTES)
}

/// The path that means standard input.
pub(crate) fn is_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads standard input. What is longer than the limit is not read to its end, and is no whole file then.
pub(crate) fn input() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let limit = u64::try_from(MAX_CRL_PEM_BYTES).unwrap_or(u64::MAX);
    let mut content = Zeroizing::new(Vec::new());
    let input = io::stdin().lock();
    input
        .take(limit.saturating_add(1))
        .read_to_end(&mut content)?;
    if content.len() > MAX_CRL_PEM_BYTES {
        let text = format!("standard input has more than {limit} bytes, the limit");
        return Err(Failure::new("io", text));
    }
    Ok(content)
}

/// The same for a file of at most `limit` bytes.
pub(crate) fn bytes_within(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    content(path, limit).map_err(|error| Failure::from(error).about(path.display()))
}

fn content(path: &Path, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if metadata.len() > limit {
        let text = format!(
            "the file has {} bytes, the limit is {limit}",
            metadata.len()
        );
        return Err(io::Error::other(text));
    }
    let progress = Progress::start(path, metadata.len());
    // One byte more than the file, so that its end is found without a larger buffer: growing would leave a copy behind.
    let size = usize::try_from(metadata.len()).unwrap_or(0).max(64 * 1024);
    let mut content = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    file.take(limit).read_to_end(&mut content)?;
    drop(progress);
    Ok(content)
}

/// Tells a person at a terminal what takes time.
struct Progress(bool);

impl Progress {
    fn start(path: &Path, size: u64) -> Self {
        let shown = size >= LARGE && io::stderr().is_terminal();
        if shown {
            let megabytes = size.div_ceil(1024 * 1024);
            let _ = write!(
                io::stderr(),
                "reading {} ({megabytes} MiB) …",
                plain::path(path)
            );
        }
        Self(shown)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.0 {
            let _ = writeln!(io::stderr(), " done");
        }
    }
}

/// Whether a file is to be read as PEM. For a text without sections, the reader of PEM has the best error.
pub(crate) fn is_pem(content: &[u8]) -> bool {
    !is_der(content)
}

/// The certificates of a file: PEM, DER, and with the feature `formats` what vendors hand out.
pub(crate) fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    all(
        path,
        formats::certificates,
        Certificate::many_from_pem,
        Certificate::from_der,
    )
}

/// The one certificate of a file, PEM or DER.
pub(crate) fn certificate(path: &Path) -> Result<Certificate, Failure> {
    let mut all = certificates(path)?;
    match (all.pop(), all.len()) {
        (Some(only), 0) => Ok(only),
        (last, _) => {
            all.extend(last);
            Err(not_one(path, &all, ""))
        }
    }
}

/// How many certificates of a file are listed. A file of a vendor has a chain; a longer list is no help.
const MAX_LISTED: usize = 16;

/// The error for a file with several certificates, which lists them.
fn not_one(path: &Path, all: &[Certificate], what_to_do: &str) -> Failure {
    let mut text = format!(
        "{}: {} certificates, but one is needed{what_to_do}",
        plain::path(path),
        all.len()
    );
    for one in all.iter().take(MAX_LISTED) {
        let kind = if one.is_ca() { " (CA)" } else { "" };
        let subject = plain::line(&facts::subject(one));
        text.push_str(&format!("\n  {} {subject}{kind}", one.fingerprint()));
    }
    if let more @ 1.. = all.len().saturating_sub(MAX_LISTED) {
        text.push_str(&format!("\n  and {more} more: `inspect` shows them"));
    }
    Failure::new("certificate/NotOne", text)
}

/// Which certificate of a file with several is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct Chosen {
    /// Take this certificate of a file that has several: its SHA-256 in full, its subject, or the CN of it
    #[arg(long = "certificate", value_name = "SHA-256|NAME")]
    chosen: Option<String>,
}

impl Chosen {
    /// Whether one is named.
    pub(crate) const fn is_named(&self) -> bool {
        self.chosen.is_some()
    }

    /// The certificate of the file.
    pub(crate) fn of(&self, path: &Path) -> Result<Certificate, Failure> {
        const CHOOSE: &str = "; choose it with --certificate:";
        let all = certificates(path)?;
        let meant = all.iter().filter(|one| {
            self.chosen
                .as_deref()
                .is_none_or(|name| is_called(one, name))
        });
        let meant: Vec<Certificate> = meant.cloned().collect();
        match (meant.as_slice(), &self.chosen) {
            ([only], _) => Ok(only.clone()),
            ([], Some(name)) => {
                let text = format!(
                    "no certificate in it is `{}`: `inspect` shows them",
                    plain::line(name)
                );
                Err(Failure::new("certificate/NotInFile", text).about(path.display()))
            }
            (several, _) => Err(not_one(path, several, CHOOSE)),
        }
    }
}

/// Whether this is the fingerprint, the subject or the common name of a certificate.
fn is_called(certificate: &Certificate, name: &str) -> bool {
    if let Ok(fingerprint) = name.parse::<Fingerprint>() {
        return certificate.fingerprint() == fingerprint;
    }
    let subject = certificate.subject();
    subject == name
        || subject
            .split(", ")
            .any(|part| part.strip_prefix("CN=") == Some(name))
}

/// A chain, in the same formats. In PEM, its private key may be in the file.
pub(crate) fn chain(path: &Path) -> Result<CertificateChain, Failure> {
    let about = |failure: Failure| failure.about(path.display());
    let content = bytes(path)?;
    let read = match formats::certificates(path, &content).map_err(about)? {
        Some(found) => CertificateChain::new(found),
        None if is_pem(&content) => CertificateChain::from_file(path),
        None => CertificateChain::new(certificates(path)?),
    };
    read.map_err(|error| about(error.into()))
}

/// The revocation lists of a file, in the same formats.
pub(crate) fn crls(path: &Path) -> Result<Vec<Crl>, Failure> {
    all(path, formats::crls, Crl::many_from_pem, Crl::from_der)
}

fn all<T, E>(
    path: &Path,
    converted: impl FnOnce(&Path, &[u8]) -> Result<Option<Vec<T>>, Failure>,
    many_from_pem: impl FnOnce(&[u8]) -> Result<Vec<T>, E>,
    from_der: impl FnOnce(&[u8]) -> Result<T, E>,
) -> Result<Vec<T>, Failure>
where
    Failure: From<E>,
{
    let content = bytes(path)?;
    let found = converted(path, &content).map_err(|failure| failure.about(path.display()))?;
    if let Some(found) = found {
        return Ok(found);
    }
    let read = if is_pem(&content) {
        many_from_pem(&content)
    } else {
        from_der(&content).map(|one| vec![one])
    };
    read.map_err(|error| Failure::from(error).about(path.display()))
}

/// The failure of a file that is written over on request.
pub(crate) fn not_replaced(error: WriteError) -> Failure {
    let to_do = "choose another name, or write over it with --replace";
    match &error {
        WriteError::Exists { path, .. } => Failure::new("write/Exists", plain::exists(path, to_do)),
        _ => error.into(),
    }
}

/// Refuses a file that is there, before a key is made.
pub(crate) fn absent(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        let text = plain::exists(path, "choose another name");
        return Err(Failure::new("write/Exists", text));
    }
    Ok(())
}
