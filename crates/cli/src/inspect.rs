//! `inspect`: shows what is in a file, and what it could be installed as.

use std::path::{Path, PathBuf};

use clap::Args;
use mutual_trust::error::IdentityError;
use mutual_trust::identity::{CertificateChain, CertificateRequest, KeyReader, PrivateKey};
use mutual_trust::{Certificate, Crl, Identity, KeyPolicy, admin, tls};

use crate::describe::{Found, certificates_of, lists_of};
use crate::json::{Disabled, Inspected, InspectedFile, Item};
use crate::output::{Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::plain;
use crate::{facts, files, formats, ours};

/// The files.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Certificates, bundles, revocation lists, requests, private keys, or the file of a store; `-` is standard input, which
    /// is not read for a private key
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Say whether private keys belong to this certificate
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseArguments,
}

/// Shows each file.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    arguments.passphrase.unlock_files();
    let keys = tls::key_policy(&ours::provider());
    let with = arguments
        .certificate
        .as_deref()
        .map(files::certificate)
        .transpose()?;
    let mut text = Vec::new();
    let mut all = Vec::new();
    let mut failed = None;
    for path in &arguments.files {
        text.push(format!("{}:", plain::path(path)));
        let file = path.display().to_string();
        match look(path, keys, with.as_ref(), &arguments.passphrase) {
            Ok((lines, items)) => {
                text.extend(lines.into_iter().map(|line| format!("  {line}")));
                all.push(InspectedFile {
                    file,
                    items,
                    error: None,
                });
            }
            // The other files are still shown.
            Err(failure) => {
                // The error of one file is printed at the end, and of several which one it is of.
                if arguments.files.len() > 1 {
                    text.push(format!(
                        "  error[{}]: {}",
                        failure.kind(),
                        failure.message()
                    ));
                }
                let message = failure.message().to_owned();
                failed = failed.or(Some(failure.about(&file)));
                all.push(InspectedFile {
                    file,
                    items: Vec::new(),
                    error: Some(message),
                });
            }
        }
    }
    let mut outcome = Outcome::of(text.join("\n"), &Inspected { files: all });
    outcome.failed = failed;
    Ok(outcome)
}

fn look(
    path: &Path,
    keys: KeyPolicy,
    with: Option<&Certificate>,
    passphrase: &PassphraseArguments,
) -> Result<Found, Failure> {
    let content = match files::is_input(path) {
        true => files::input()?,
        false => files::bytes(path)?,
    };
    if content.starts_with(b"mutual-trust store") {
        return store(&content, keys);
    }
    if let Some(found) = formats::look(path, &content, keys)? {
        return Ok(found);
    }
    if !files::is_pem(&content) {
        return der(path, &content, keys, with, passphrase);
    }
    let labels = labels(&content);
    let of_kind = |ending: &str| labels.iter().any(|label| label.ends_with(ending));
    let (certificates, lists) = (of_kind("CERTIFICATE"), of_kind("X509 CRL"));
    let (requests, private) = (of_kind("CERTIFICATE REQUEST"), of_kind("PRIVATE KEY"));
    match (certificates, lists, requests, private) {
        (true, false, false, true) => {
            let mut found = certificates_of(
                CertificateChain::from_combined_pem(&content)?.certificates(),
                keys,
            );
            add(&mut found, private_key(path, with, passphrase)?);
            Ok(found)
        }
        (false, true, false, false) => Ok(lists_of(&Crl::many_from_pem(&content)?)),
        (false, false, true, false) => Ok(request(&CertificateRequest::from_pem(&content)?)),
        (false, false, false, true) => private_key(path, with, passphrase),
        (_, true, _, _) | (_, _, true, _) => {
            let text = format!(
                "sections of several kinds ({}): put each kind in a file of its own",
                labels
                    .iter()
                    .map(|label| shown(label))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            Err(Failure::new("file/Mixed", text))
        }
        // For anything else, the reader of certificates has the best error.
        _ => Ok(certificates_of(
            &Certificate::many_from_pem(&content)?,
            keys,
        )),
    }
}

fn add(found: &mut Found, more: Found) {
    found.0.extend(more.0);
    found.1.extend(more.1);
}

/// Labels that are printed; any other may hold what a terminal interprets.
const LABELS: [&str; 8] = [
    "CERTIFICATE",
    "CERTIFICATE REQUEST",
    "NEW CERTIFICATE REQUEST",
    "X509 CRL",
    "PRIVATE KEY",
    "EC PRIVATE KEY",
    "RSA PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
];

/// A label as a text shows it.
fn shown(label: &str) -> &str {
    if LABELS.contains(&label) {
        label
    } else {
        "another label"
    }
}

/// The labels of the sections, each once.
fn labels(content: &[u8]) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for line in content.split(|byte| *byte == b'\n') {
        let label = line.strip_prefix(b"-----BEGIN ").and_then(|rest| {
            let end = rest.windows(5).position(|window| window == b"-----")?;
            core::str::from_utf8(rest.get(..end)?).ok()
        });
        let is_plain = |label: &str| {
            label
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ')
        };
        let label = label.filter(|label| label.len() <= 64 && is_plain(label));
        if let Some(label) = label.filter(|label| !labels.iter().any(|known| known == label)) {
            labels.push(label.to_owned());
        }
    }
    labels
}

fn der(
    path: &Path,
    content: &[u8],
    keys: KeyPolicy,
    with: Option<&Certificate>,
    passphrase: &PassphraseArguments,
) -> Result<Found, Failure> {
    let error = match Certificate::from_der(content) {
        Ok(certificate) => return Ok(certificates_of([&certificate], keys)),
        Err(error) => error,
    };
    if let Ok(list) = Crl::from_der(content) {
        return Ok(lists_of(&[list]));
    }
    private_key(path, with, passphrase).map_err(|_| {
        let text = format!("neither PEM nor a certificate, revocation list or private key in DER; read as a certificate: {error}");
        Failure::new("file/Unknown", text)
    })
}

fn request(request: &CertificateRequest) -> Found {
    let pin = request.key_pin();
    let lines = vec![
        String::from("certificate request, for a CA"),
        format!("  key pin: {pin}"),
    ];
    let key_pin = pin.to_string();
    (lines, vec![Item::Request { key_pin }])
}

/// The kind of a key and whose it is. Nothing else of it is shown.
fn private_key(
    path: &Path,
    with: Option<&Certificate>,
    passphrase: &PassphraseArguments,
) -> Result<Found, Failure> {
    if files::is_input(path) {
        // Its bytes would be in memory more often than a key's may, and a pipe has no mode to check.
        let text = "a private key is not read from standard input: name its file";
        return Err(Failure::new("usage", text));
    }
    let strict = passphrase.with(path, |reader| reader.file(path));
    let (key, open): (PrivateKey, Option<String>) = match strict {
        Ok(key) => (key, None),
        Err(failure) => {
            // A key that others can read is shown with a warning.
            let any = |reader: KeyReader<'_>| reader.allow_shared_file().file(path);
            let why = match KeyReader::new().file(path) {
                Err(IdentityError::KeyFile { source, .. }) => source.to_string(),
                _ => return Err(failure),
            };
            (passphrase.with(path, any)?, Some(why))
        }
    };
    let kind = facts::key(key.kind());
    let mut lines = vec![format!("private key: {kind}")];
    lines.extend(open.iter().map(|why| format!("  warning: {why}")));
    let belongs = with
        .map(|certificate| belongs(certificate, key))
        .transpose()?;
    if let (Some(belongs), Some(certificate)) = (belongs, with) {
        let whose = facts::subject(certificate);
        let word = if belongs {
            "belongs"
        } else {
            "does NOT belong"
        };
        lines.push(format!("  it {word} to the certificate of {whose}"));
    }
    let fact = Item::PrivateKey {
        key: kind,
        belongs,
        warning: open,
    };
    Ok((lines, vec![fact]))
}

fn belongs(certificate: &Certificate, key: PrivateKey) -> Result<bool, Failure> {
    let chain = CertificateChain::new(vec![certificate.clone()])?;
    match Identity::new(chain, key, &ours::provider()) {
        Ok(_) => Ok(true),
        Err(IdentityError::KeyMismatch { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn store(content: &[u8], keys: KeyPolicy) -> Result<Found, Failure> {
    // Hidden in the library: a program opens a folder, and `inspect` shows a file on its own.
    let loaded = admin::file::read(content, keys, None)?;
    let view = loaded.store.contents();
    let (servers, groups, blocks) = (
        view.servers().count(),
        view.groups().count(),
        view.blocks().count(),
    );
    let mut lines = vec![String::from("trust store")];
    lines.extend(
        format!("{:#}", loaded.report)
            .lines()
            .map(|line| format!("  {line}")),
    );
    lines.push(format!(
        "  servers: {servers}, groups: {groups}, blocks: {blocks}, revocation lists: {}",
        loaded.report.crls
    ));
    let fact = Item::Store {
        generation: loaded.report.generation,
        digest: loaded.report.digest.to_string(),
        entries: loaded.report.entries,
        servers,
        groups,
        blocks,
        crls: loaded.report.crls,
        disabled: facts::bounded(&loaded.report.disabled, |(key, why)| Disabled {
            entry: facts::entry_key(key),
            why: why.to_string(),
        }),
    };
    Ok((lines, vec![fact]))
}
