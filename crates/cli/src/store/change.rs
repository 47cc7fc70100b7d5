//! The changes of a store, as the command line names them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use mutual_trust::certificate::KeyPin;
use mutual_trust::error::StoreError;
use mutual_trust::store::{BlockSelector, EntryKey, Report};
use mutual_trust::{Fingerprint, GroupId, ServerId, TrustSnapshot, TrustStore};

use super::calls::Calls;
use super::clock::ClockChange;
use super::crl::CrlArguments;
use super::replace::MigrateArguments;
use super::scope::{OptionArguments, ScopeArguments};
use super::servers::ServerChange;
use super::update::UpdateArguments;
use crate::facts;
use crate::files::{self, Chosen};
use crate::fingerprints::{self, in_full};
use crate::output::{Failure, Outcome, identified};

/// A change that can be tried and made. Its files are already read.
pub(super) enum Edit {
    /// Anything but a block.
    Calls(Calls),
    /// A block: it is made even if it locks a peer out.
    Block(BlockSelector),
    /// There is nothing to change. This is the result.
    Nothing(Outcome),
}

/// A change of the store.
#[derive(Subcommand, Clone, Debug)]
pub(super) enum Change {
    /// Servers, and the names by which they are dialled
    #[command(subcommand)]
    Server(ServerChange),
    /// Install a certificate that the peer itself must present
    // The option of authorities is refused for a pin.
    #[command(mut_arg("pattern", |arg| arg.hide(true)))]
    Pin {
        /// The certificate's file, or just its SHA-256 fingerprint, in full
        #[arg(value_name = "FILE|SHA-256")]
        certificate: PathBuf,
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        scope: ScopeArguments,
        #[command(flatten)]
        options: OptionArguments,
    },
    /// Install a CA certificate in which chains may end
    // The options of pins are refused for an authority.
    #[command(
        mut_arg("match_key", |arg| arg.hide(true)),
        mut_arg("grace", |arg| arg.hide(true)),
        mut_arg("any_role", |arg| arg.hide(true))
    )]
    Authority {
        /// The certificate's file
        #[arg(value_name = "FILE")]
        certificate: PathBuf,
        #[command(flatten)]
        chosen: Chosen,
        #[command(flatten)]
        scope: ScopeArguments,
        #[command(flatten)]
        options: OptionArguments,
    },
    /// Install a CA certificate that completes chains and ends none
    Intermediate {
        /// The certificate's file
        #[arg(value_name = "FILE")]
        certificate: PathBuf,
        #[command(flatten)]
        chosen: Chosen,
    },
    /// Install revocation lists, and check their issuers from then on; remove a list, or stop checking an issuer
    Crl(CrlArguments),
    /// Groups of servers that share one certificate
    #[command(subcommand)]
    Group(GroupChange),
    /// Let a claimed server present a chain as well, until a time; or show how far that is
    Migrate(MigrateArguments),
    /// End a server's claim: its pins are removed, and authorities decide about it
    Release {
        /// The server
        #[arg(value_name = "ID", required_unless_present = "group")]
        server: Option<ServerId>,
        /// All current members of this group, and its pins, instead
        #[arg(long, value_name = "ID", conflicts_with = "server")]
        group: Option<GroupId>,
    },
    /// Never accept a certificate and its key, or what an option names, whatever is installed
    Block {
        #[command(flatten)]
        what: Blocked,
    },
    /// Remove a block; name it as it was blocked (`store list --full` shows the blocks)
    Unblock {
        #[command(flatten)]
        what: Blocked,
    },
    /// The clock of the machine, and the floor: the newest time at which the store was changed
    #[command(subcommand)]
    Clock(ClockChange),
    /// Change the label or another option of an entry, which stays installed
    Update(UpdateArguments),
    /// Remove an entry: a pin, an authority or an intermediate
    Remove {
        /// The file of the entry's certificate, or its fingerprint in full (`store list --full` shows it)
        #[arg(value_name = "FILE|SHA-256")]
        certificate: PathBuf,
        #[command(flatten)]
        scope: ScopeArguments,
        /// Remove all entries of the certificate, if there are several
        #[arg(long)]
        all: bool,
    },
}

/// Groups.
#[derive(Subcommand, Clone, Debug)]
pub(super) enum GroupChange {
    /// Add a group, and let servers join it
    Add {
        /// Its id
        id: GroupId,
        /// Servers that join it
        servers: Vec<ServerId>,
    },
    /// Delete a group, with its pins
    Remove {
        /// The group
        id: GroupId,
    },
    /// Let a server join a group
    Join {
        /// The group
        id: GroupId,
        /// The server
        server: ServerId,
    },
    /// Let a server leave its group
    Leave {
        /// The server
        server: ServerId,
    },
}

/// What a block names.
#[derive(clap::Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Blocked {
    /// A certificate and its key, by the certificate's file
    #[arg(value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// One certificate, by its SHA-256 fingerprint in either form of an ECDSA signature; its key is not blocked
    #[arg(long, value_name = "SHA-256", value_parser = in_full::<Fingerprint>)]
    fingerprint: Option<Fingerprint>,
    /// Every certificate of a key, by its key pin (`inspect` shows it)
    #[arg(long, value_name = "SHA-256", value_parser = fingerprints::key_pin)]
    key_pin: Option<KeyPin>,
    /// The issuer and serial number of the certificate in this file
    #[arg(long, value_name = "FILE")]
    issuer_serial: Option<PathBuf>,
}

impl Blocked {
    fn selector(&self) -> Result<BlockSelector, Failure> {
        if let Some(file) = &self.certificate
            && fingerprints::named(file)?.is_some()
            && !file.exists()
        {
            let text = "this is a fingerprint, and a file is needed: name a fingerprint with --fingerprint";
            return Err(Failure::new("usage", text));
        }
        let fingerprint = self.fingerprint.map(BlockSelector::Fingerprint);
        let by_value = fingerprint.or(self.key_pin.map(BlockSelector::Key));
        match (by_value, &self.certificate, &self.issuer_serial) {
            (Some(selector), _, _) => Ok(selector),
            (None, Some(file), _) => Ok(BlockSelector::certificate(&files::certificate(file)?)),
            (None, None, Some(file)) => {
                Ok(BlockSelector::issuer_serial(&files::certificate(file)?))
            }
            (None, None, None) => Err(Failure::new("usage", "name what is blocked")),
        }
    }
}

pub(super) fn one(calls: impl Fn(&mut TrustStore) -> Result<Report, StoreError> + 'static) -> Edit {
    Edit::Calls(Box::new(move |store| Ok(vec![calls(store)?].into())))
}

impl Change {
    /// Reads what the change needs.
    pub(super) fn prepare(self, view: &TrustSnapshot) -> Result<Edit, Failure> {
        Ok(match self {
            Self::Server(change) => change.prepare(),
            Self::Group(change) => change.prepare(),
            Self::Clock(change) => change.prepare(view),
            Self::Pin {
                certificate,
                chosen,
                scope,
                options,
            } => {
                let scope = scope.pin()?.ok_or_else(no_scope)?;
                let options = options.options();
                match fingerprints::named(&certificate)? {
                    Some(_) if chosen.is_named() => {
                        let text = "--certificate belongs to a file, and a fingerprint is given";
                        return Err(Failure::new("usage", text));
                    }
                    Some(fingerprint) => one(move |store| {
                        store.install_pin_fingerprint(scope.clone(), fingerprint, options.clone())
                    }),
                    None => {
                        let certificate = fingerprints::chosen(&certificate, &chosen)?;
                        one(move |store| {
                            store.install_pin(scope.clone(), certificate.clone(), options.clone())
                        })
                    }
                }
            }
            Self::Authority {
                certificate,
                chosen,
                scope,
                options,
            } => {
                let scope = scope.authority()?.ok_or_else(no_scope)?;
                let options = options.options();
                let certificate = chosen.of(&certificate)?;
                one(move |store| {
                    store.install_authority(scope.clone(), certificate.clone(), options.clone())
                })
            }
            Self::Intermediate {
                certificate,
                chosen,
            } => {
                let certificate = chosen.of(&certificate)?;
                one(move |store| {
                    store.install_intermediate(
                        certificate.clone(),
                        mutual_trust::EntryOptions::new(),
                    )
                })
            }
            Self::Crl(arguments) => arguments.prepare(view)?,
            Self::Update(update) => update.prepare(view)?,
            Self::Migrate(arguments) => arguments.prepare()?,
            Self::Release {
                server: Some(id), ..
            } => one(move |store| store.release(&id)),
            Self::Release {
                group: Some(id), ..
            } => one(move |store| store.release_group(&id)),
            Self::Release { .. } => return Err(no_scope()),
            Self::Block { what } => Edit::Block(what.selector()?),
            Self::Unblock { what } => {
                let selector = what.selector()?;
                one(move |store| store.unblock(&selector))
            }
            Self::Remove {
                certificate,
                scope,
                all,
            } => {
                let keys = entries(&certificate, &scope, all, view)?;
                Edit::Calls(Box::new(move |store| {
                    let removed = keys.iter().map(|key| store.remove(key));
                    Ok(removed.collect::<Result<Vec<Report>, StoreError>>()?.into())
                }))
            }
        })
    }
}

pub(super) fn no_scope() -> Failure {
    let text = "name a scope: --server, --name, --group, --any-server or --clients";
    Failure::new("usage", text)
}

impl GroupChange {
    fn prepare(self) -> Edit {
        match self {
            Self::Add { id, servers } => Edit::Calls(Box::new(move |store| {
                let mut reports = vec![store.add_group(id.clone())?];
                for server in &servers {
                    reports.push(store.join_group(&id, server)?);
                }
                Ok(reports.into())
            })),
            Self::Remove { id } => one(move |store| store.remove_group(&id)),
            Self::Join { id, server } => one(move |store| store.join_group(&id, &server)),
            Self::Leave { server } => one(move |store| store.leave_group(&server)),
        }
    }
}

/// The selected entries: one, unless all are asked for.
pub(super) fn entries(
    certificate: &Path,
    scope: &ScopeArguments,
    all: bool,
    view: &TrustSnapshot,
) -> Result<Vec<EntryKey>, Failure> {
    let fingerprint = match fingerprints::named(certificate)? {
        Some(fingerprint) => fingerprint,
        None => fingerprints::certificate(certificate)?.fingerprint(),
    };
    let entries = view.entries();
    let keys = entries.iter().map(|entry| entry.key());
    let meant = keys.filter(|key| key.fingerprint == fingerprint && scope.covers(&key.scope, view));
    let meant: Vec<EntryKey> = meant.collect();
    if meant.is_empty() {
        let text = format!("there is no such entry of {}", identified(fingerprint));
        return Err(Failure::new("store/NoSuchEntry", text));
    }
    if meant.len() > 1 && !all {
        let list: Vec<String> = meant
            .iter()
            .map(|key| format!("{} for {}", facts::slot(key.slot), key.scope))
            .collect();
        let text = format!(
            "several entries have this certificate ({}): select one with --server, --group, --clients or --any-server, or all with --all",
            list.join(", ")
        );
        return Err(Failure::new("store/Ambiguous", text));
    }
    Ok(meant)
}
