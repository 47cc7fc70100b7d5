//! `identity`: makes and renews the identity of a system.

#[cfg(feature = "formats")]
mod import;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::identity::{
    CertificateRequest, CertificateSpec, GeneratedKey, IfExists, write_certificates,
};
use mutual_trust::tls::SigningKeyPair;
use mutual_trust::{Certificate, CurrentTime, HostName, Identity};
use rustls::crypto::CryptoProvider;

use crate::describe::describe;
use crate::files::absent;
use crate::json::{IdentityFiles, RequestFiles};
use crate::ours::{self, IdentityArguments, Kind};
use crate::output::{Failure, Outcome};
use crate::passphrase::PassphraseArguments;
use crate::plain;
use crate::rotation::{
    self, ActivateArguments, BackArguments, CreateArguments, DueArguments, FinishArguments,
    StageArguments, StatusArguments,
};
use crate::{facts, files, hardware};

/// The subcommand.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a private key, and a certificate that it signs itself
    New {
        /// The common name, by which some key servers identify their clients
        name: String,
        #[command(flatten)]
        spec: Spec,
        /// The certificate's file, which must not exist
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        /// The private key's file, which must not exist, and which only its owner can read; or the `pkcs11:` URI of a key to
        /// make in hardware
        #[arg(long, value_name = "FILE|URI")]
        key: PathBuf,
        /// Days for which the certificate is valid
        #[arg(long, default_value_t = 730)]
        days: u32,
        #[command(flatten)]
        passphrase: PassphraseArguments,
    },
    /// Make a certificate request for a CA; the key is made if it does not exist
    Request {
        /// The common name
        name: String,
        #[command(flatten)]
        spec: Spec,
        /// The private key's file, or the `pkcs11:` URI of a key in hardware
        #[arg(long, value_name = "FILE|URI")]
        key: PathBuf,
        /// The request's file, which must not exist
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArguments,
    },
    /// Make an identity from a CA's answer to a request
    Install {
        /// The answer: our certificate, with its issuers
        answer: PathBuf,
        /// The request
        #[arg(long, value_name = "FILE")]
        request: PathBuf,
        /// The private key with which it was made: its file, or its `pkcs11:` URI
        #[arg(long, value_name = "FILE|URI")]
        key: PathBuf,
        /// The chain's file, which must not exist
        #[arg(long, value_name = "FILE")]
        identity: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArguments,
    },
    /// Take a private key and its chain out of a PKCS#12 archive, into an encrypted key file and a chain file
    #[cfg(feature = "formats")]
    #[command(long_about = import::ABOUT)]
    Import(import::Import),
    /// Make the next certificate with the same subject and names, for the same key or with --new-key for a new one; or with
    /// --when-due renew the identity of a folder by a timer
    Renew {
        #[command(flatten)]
        identity: IdentityArguments,
        /// The next certificate's file, which must not exist
        #[arg(long, value_name = "FILE", required_unless_present_any = ["when_due", "folder"])]
        out: Option<PathBuf>,
        /// Make a new private key in this file, which only its owner can read, or in hardware under this `pkcs11:` URI
        #[arg(long, value_name = "FILE|URI")]
        new_key: Option<PathBuf>,
        /// The kind of the new key
        #[arg(long = "type", value_enum, default_value_t = Kind::P256)]
        kind: Kind,
        /// Days for which the certificate is valid
        #[arg(long, default_value_t = 730)]
        days: u32,
        #[command(flatten)]
        due: DueArguments,
    },
    /// Keep an identity in a folder, so that it can be rotated: copy its files there
    Create(CreateArguments),
    /// Make the next identity ready in the folder; no server is presented it yet
    Stage(StageArguments),
    /// Present the next identity to these servers
    Activate(ActivateArguments),
    /// Present the current identity again
    Back(BackArguments),
    /// Make the next identity the current one, and delete the old key; refused while a server was not seen to accept it
    Finish(FinishArguments),
    /// Show the phase of a rotation: which servers accepted the next identity, and which ones lag
    Status(StatusArguments),
    /// Show an identity, whether its key belongs to it, and what some peers refuse about it
    Show {
        #[command(flatten)]
        identity: IdentityArguments,
    },
}

/// The names and the key of a certificate.
#[derive(Args, Debug)]
struct Spec {
    /// A name or address for the subject alternative names
    #[arg(long, value_name = "NAME")]
    host: Vec<HostName>,
    /// The kind of the key
    #[arg(long = "type", value_enum, default_value_t = Kind::P256)]
    kind: Kind,
}

impl Spec {
    fn certificate(&self, name: &str) -> Result<CertificateSpec, Failure> {
        let mut spec = CertificateSpec::new(name)?;
        for host in &self.host {
            spec = spec.with_dns_name(host.clone());
        }
        Ok(spec)
    }
}

fn now() -> CurrentTime {
    SystemClock::new().now()
}

/// Runs the subcommand.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let provider = ours::provider();
    match &arguments.command {
        Command::New {
            name,
            spec,
            identity,
            key,
            days,
            passphrase,
        } => {
            let certificate = spec.certificate(name)?;
            absent(identity)?;
            let (own, made) = made(key, spec.kind, passphrase, &provider)?;
            let new = own.self_signed(&certificate, *days, now())?;
            write(identity, &new)?;
            made.keep();
            Ok(outcome_of(&new, Some(identity), Some(key)))
        }
        Command::Request {
            name,
            spec,
            key,
            request,
            passphrase,
        } => {
            let certificate = spec.certificate(name)?;
            absent(request)?;
            let (own, new) = match existing(key, passphrase, &provider)? {
                Some(own) => (own, None),
                None => {
                    let (own, new) = made(key, spec.kind, passphrase, &provider)?;
                    (own, Some(new))
                }
            };
            let made = own.request(&certificate)?;
            let written = made.write(request, IfExists::Refuse);
            written.map_err(|error| Failure::from(error).about(request.display()))?;
            if let Some(new) = new {
                new.keep();
            }
            let text = format!(
                "request for the CA: {}\nprivate key: {}\nkey pin: {}",
                plain::path(request),
                plain::path(key),
                made.key_pin()
            );
            let files = RequestFiles {
                request: request.display().to_string(),
                key_file: key.display().to_string(),
                key_pin: made.key_pin().to_string(),
            };
            Ok(Outcome::of(text, &files))
        }
        Command::Install {
            answer,
            request,
            key,
            identity,
            passphrase,
        } => {
            let asked = CertificateRequest::from_pem(&files::bytes(request)?)?;
            let own = existing(key, passphrase, &provider)?;
            let own = match own {
                Some(own) => own,
                // The error names the file.
                None => SigningKeyPair::new(passphrase.key(key)?, &provider)?,
            };
            let new = own.install(&asked, files::chain(answer)?)?;
            write(identity, &new)?;
            Ok(outcome_of(&new, Some(identity), Some(key)))
        }
        #[cfg(feature = "formats")]
        Command::Import(import) => import.run(&provider),
        Command::Renew {
            identity,
            out,
            new_key,
            kind,
            days,
            due,
        } => {
            if due.when_due {
                return rotation::when_due(due, identity.passphrase(), *days);
            }
            let needs = || Failure::new("usage", "name the next certificate's file with --out");
            let out = out.as_deref().ok_or_else(needs)?;
            let old = needed(identity, &provider)?;
            absent(out)?;
            let (new, key) = match new_key {
                Some(path) => {
                    let (key, made) = made(path, *kind, identity.passphrase(), &provider)?;
                    (old.rekey(&key, *days, now())?, Some(made))
                }
                None => (old.renew(*days, now(), &provider)?, None),
            };
            write(out, &new)?;
            if let Some(key) = key {
                key.keep();
            }
            let mut outcome = outcome_of(&new, Some(out), new_key.as_deref());
            outcome.text.push_str("\nto do: have it installed beside the old one at every key server before you use it");
            Ok(outcome)
        }
        Command::Create(arguments) => rotation::create(arguments),
        Command::Stage(arguments) => rotation::stage(arguments),
        Command::Activate(arguments) => rotation::activate(arguments),
        Command::Back(arguments) => rotation::back(arguments),
        Command::Finish(arguments) => rotation::finish(arguments),
        Command::Status(arguments) => rotation::status(arguments),
        Command::Show { identity } => Ok(outcome_of(&needed(identity, &provider)?, None, None)),
    }
}

fn needed(
    identity: &IdentityArguments,
    provider: &Arc<CryptoProvider>,
) -> Result<Identity, Failure> {
    let missing = || {
        Failure::new(
            "usage",
            "name our certificate with --identity, and its key with --key",
        )
    };
    identity.read(provider)?.ok_or_else(missing)
}

/// A key that was made here: its file, or the key in hardware. It is removed, unless what the key is for was written as
/// well: a key that nothing belongs to would stand in the way of the next try.
enum NewKey<'a> {
    File(Option<&'a Path>),
    Hardware(hardware::New),
}

impl<'a> NewKey<'a> {
    /// A file that was just written.
    fn at(path: &'a Path) -> Self {
        Self::File(Some(path))
    }

    fn keep(mut self) {
        match &mut self {
            Self::File(path) => *path = None,
            Self::Hardware(key) => key.keep(),
        }
    }
}

impl Drop for NewKey<'_> {
    fn drop(&mut self) {
        if let Self::File(Some(path)) = self {
            // If removing fails, nothing else can be done.
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes a key, and stores it before it is used.
fn made<'a>(
    path: &'a Path,
    kind: Kind,
    passphrase: &PassphraseArguments,
    provider: &CryptoProvider,
) -> Result<(SigningKeyPair, NewKey<'a>), Failure> {
    if hardware::is_uri(path) {
        let (pair, new) = hardware::made(path, kind.in_hardware(), passphrase, provider)?;
        return Ok((pair, NewKey::Hardware(new)));
    }
    let new = GeneratedKey::generate(kind.into())?;
    let written = new.write(path, IfExists::Refuse);
    written.map_err(|error| Failure::from(error).about(path.display()))?;
    let file = NewKey::at(path);
    Ok((SigningKeyPair::new(new.into_key()?, provider)?, file))
}

/// A key that is there already.
fn existing(
    path: &Path,
    passphrase: &PassphraseArguments,
    provider: &CryptoProvider,
) -> Result<Option<SigningKeyPair>, Failure> {
    if hardware::is_uri(path) {
        return hardware::existing(path, passphrase, provider);
    }
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(SigningKeyPair::new(passphrase.key(path)?, provider)?))
}

fn write(path: &Path, identity: &Identity) -> Result<(), Failure> {
    let written = write_certificates(path, identity.chain().certificates(), IfExists::Refuse);
    written.map_err(|error| Failure::from(error).about(path.display()))
}

fn outcome_of(identity: &Identity, chain: Option<&Path>, key: Option<&Path>) -> Outcome {
    outcome_without(identity, chain, key, &[])
}

/// The same, where some certificates were left out.
fn outcome_without(
    identity: &Identity,
    chain: Option<&Path>,
    key: Option<&Path>,
    left_out: &[Certificate],
) -> Outcome {
    let (mut lines, _) = describe(identity.certificate());
    let advice: Vec<String> = identity
        .advice(now())
        .iter()
        .map(ToString::to_string)
        .collect();
    let files = [("certificate", chain), ("private key", key)];
    lines.extend(
        files
            .iter()
            .filter_map(|(what, path)| Some(format!("  {what}: {}", plain::path((*path)?)))),
    );
    lines.extend(advice.iter().map(|advice| format!("  note: {advice}")));
    lines.extend(left_out.iter().map(|one| {
        let subject = facts::subject(one);
        format!("left out, since it is not of this chain: {subject}")
    }));
    let certificates = identity.chain().certificates();
    let files = IdentityFiles {
        chain: certificates.map(facts::certificate).collect(),
        identity_file: chain.map(|path| path.display().to_string()),
        key_file: key.map(|path| path.display().to_string()),
        advice,
        left_out: left_out.iter().map(facts::certificate).collect(),
    };
    Outcome::of(lines.join("\n"), &files)
}
