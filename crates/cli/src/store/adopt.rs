//! Adopts what is trusted today: a bundle, or a folder of PEM files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use mutual_trust::error::StoreError;
use mutual_trust::store::{Decision, Report, SuggestedSlot};
use mutual_trust::{AuthorityScope, Certificate, EntryOptions, PinScope, TrustStore};
use serde_json::{Value, json};

use super::change::Edit;
use super::make::{Common, change};
use super::scope::ScopeArguments;
use crate::output::{Failure, Outcome, identified, shown};
use crate::{facts, files};

/// A folder with more files is not a folder of certificates.
const MAX_FILES: usize = 10_000;

/// What is adopted.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// A PEM file, or a folder of them
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    scope: ScopeArguments,
    /// What a self-signed CA alone is installed as: it can be a server's own certificate or an authority
    #[arg(long, value_enum)]
    undecided: Option<Undecided>,
    /// Install what is proposed; without this option, it is only shown
    #[arg(long)]
    accept: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Undecided {
    /// The certificate that a peer itself presents
    Pin,
    /// A CA that vouches for others
    Authority,
}

/// One certificate, what is proposed for it, and why that would be refused, if so.
struct Item {
    from: String,
    certificate: Certificate,
    decision: Decision,
    refused: Option<String>,
}

/// Shows what would be installed and what would be refused; installs it with `--accept`.
pub(super) fn run(common: &Common, arguments: &Arguments, whole: bool) -> Result<Outcome, Failure> {
    let store = common.look()?;
    let (certificates, mut unread) = read(&arguments.path)?;
    if whole && let Some((file, why)) = unread.first() {
        return Err(Failure::new("certificate", format!("{file}: {why}")));
    }
    let (from, certificates): (Vec<String>, Vec<Certificate>) = certificates.into_iter().unzip();
    let bundle = store.classify_bundle(certificates);
    let scopes = Scopes {
        pins: arguments.scope.pin().unwrap_or_default(),
        authorities: match arguments.scope.authority() {
            Ok(scope) => Some(scope.unwrap_or(AuthorityScope::AnyServer)),
            Err(_) => None,
        },
    };
    let items: Vec<Item> = bundle
        .items()
        .iter()
        .zip(from)
        .map(|(item, from)| {
            let decision = decided(item.proposal(), arguments.undecided);
            let refused = scopes.try_one(&store, item.certificate(), decision).err();
            Item {
                from,
                certificate: item.certificate().clone(),
                decision,
                refused,
            }
        })
        .collect();
    let refused = items.iter().filter(|item| item.refused.is_some()).count();
    let mut lines: Vec<String> = items.iter().map(line).collect();
    lines.extend(
        unread
            .iter()
            .map(|(file, why)| format!("refused: {file}: {why}")),
    );
    let shown: Vec<Value> = items.iter().map(fact).collect();
    let count = unread.len();
    let unread: Vec<Value> = unread
        .drain(..)
        .map(|(file, why)| json!({ "file": file, "why": why }))
        .collect();
    let facts =
        json!({ "items": shown, "unread": unread, "refused_count": refused.saturating_add(count) });
    if !arguments.accept || (whole && refused > 0) {
        let text = if whole && refused > 0 {
            "nothing is installed: a bundle is installed whole or not at all"
        } else {
            "nothing was installed; say --accept to install it"
        };
        lines.push(text.to_owned());
        let mut json = facts;
        if let Value::Object(fields) = &mut json {
            fields.insert(String::from("changed"), json!(false));
        }
        let code = (whole && arguments.accept).then(|| String::from("BundleRefused"));
        return Ok(Outcome::done("store-adopt", lines.join("\n"), json).or_refused(code));
    }
    let good: Vec<(Certificate, Decision)> = items
        .into_iter()
        .filter(|item| item.refused.is_none())
        .map(|item| (item.certificate, item.decision))
        .collect();
    let calls = move |store: &mut TrustStore| Ok(scopes.install(store, &good)?.into());
    let mut made = change(common, |_| Ok(Edit::Calls(Box::new(calls))))?;
    made.schema = "store-adopt";
    made.text = format!("{}\n{}", lines.join("\n"), made.text);
    if let (Value::Object(fields), Value::Object(more)) = (&mut made.json, facts) {
        fields.extend(more);
    }
    Ok(made)
}

/// The scopes of what is installed.
struct Scopes {
    pins: Option<PinScope>,
    /// None for a group.
    authorities: Option<AuthorityScope>,
}

impl Scopes {
    /// Why a certificate would be refused.
    fn try_one(
        &self,
        store: &TrustStore,
        certificate: &Certificate,
        decision: Decision,
    ) -> Result<(), String> {
        let why = if decision == Decision::Undecided {
            "a self-signed CA alone: say --undecided pin or --undecided authority"
        } else if decision == Decision::Pin && self.pins.is_none() {
            "a pin needs a scope: say --server, --name, --group or --clients"
        } else if decision == Decision::Authority && self.authorities.is_none() {
            "an authority is not for a group: say --server, --any-server or --clients"
        } else {
            let mut draft = store.draft();
            let tried = self.install(draft.store(), &[(certificate.clone(), decision)]);
            return tried.map(|_| ()).map_err(|error| shown(&error));
        };
        Err(String::from(why))
    }

    fn install(
        &self,
        store: &mut TrustStore,
        all: &[(Certificate, Decision)],
    ) -> Result<Vec<Report>, StoreError> {
        let options = EntryOptions::new;
        let mut reports = Vec::new();
        for (certificate, decision) in all {
            let certificate = certificate.clone();
            let report = match (decision, &self.pins, &self.authorities) {
                (Decision::Pin, Some(scope), _) => {
                    store.install_pin(scope.clone(), certificate, options())?
                }
                (Decision::Authority, _, Some(scope)) => {
                    store.install_authority(scope.clone(), certificate, options())?
                }
                (Decision::Intermediate, _, _) => {
                    store.install_intermediate(certificate, options())?
                }
                _ => continue,
            };
            reports.push(report);
        }
        Ok(reports)
    }
}

fn decided(proposal: SuggestedSlot, undecided: Option<Undecided>) -> Decision {
    match (proposal, undecided) {
        (SuggestedSlot::Undecided, Some(Undecided::Pin)) => Decision::Pin,
        (SuggestedSlot::Undecided, Some(Undecided::Authority)) => Decision::Authority,
        (proposal, _) => proposal.into(),
    }
}

fn word(decision: Decision) -> &'static str {
    let words = [
        (Decision::Pin, "pin"),
        (Decision::Authority, "authority"),
        (Decision::Intermediate, "intermediate"),
        (Decision::Skip, "left out"),
    ];
    let found = words.iter().find(|(known, _)| *known == decision);
    found.map_or("undecided", |(_, word)| word)
}

fn line(item: &Item) -> String {
    let subject = facts::subject(&item.certificate);
    let fingerprint = identified(item.certificate.fingerprint());
    let head = match (&item.refused, item.decision) {
        (Some(why), decision) => {
            return format!(
                "refused: {}: {subject} {fingerprint} as {}: {why}",
                item.from,
                word(decision)
            );
        }
        (None, Decision::Skip) => "left out (its issuer vouches for it)",
        (None, decision) => word(decision),
    };
    format!("{head}: {}: {subject} {fingerprint}", item.from)
}

fn fact(item: &Item) -> Value {
    json!({
        "file": item.from,
        "as": word(item.decision),
        "why_not": item.refused,
        "certificate": facts::certificate(&item.certificate),
    })
}

/// The certificates of each file, and why others were not read.
type Read = (Vec<(String, Certificate)>, Vec<(String, String)>);

fn read(path: &Path) -> Result<Read, Failure> {
    let mut read = Read::default();
    let files = if path.is_dir() {
        listed(path)?
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let name = file.display().to_string();
        match files::certificates(&file) {
            // A folder of hashed links names each certificate twice.
            Ok(all) => {
                for one in all {
                    if !read.0.iter().any(|(_, known)| *known == one) {
                        read.0.push((name.clone(), one));
                    }
                }
            }
            Err(failure) => read.1.push((
                name.clone(),
                failure.message().replace(&format!("{name}: "), ""),
            )),
        }
    }
    Ok(read)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in
        fs::read_dir(folder).map_err(|error| Failure::from(error).about(folder.display()))?
    {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            let text = format!("{}: more than {MAX_FILES} files", folder.display());
            return Err(Failure::new("usage", text));
        }
    }
    files.sort();
    Ok(files)
}
