//! What is trusted: a store, or the certificates that the command line names.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use mutual_trust::admin::{DurableSettings, DurableStore, SealKey};
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::error::StoreError;
use mutual_trust::store::{Decision, SuggestedSlot};
use mutual_trust::{
    AuthorityScope, ChainProfile, CurrentTime, EntryOptions, HostName, KeyPolicy, PinScope, Policy,
    ServerId, TrustSnapshot, TrustStore,
};
use pki_types::UnixTime;

use crate::account;
use crate::files;
use crate::fingerprints;
use crate::json::PolicyFacts;
use crate::ours;
use crate::output::Failure;

/// What is trusted, and what peers must fulfil.
#[derive(Args, Debug)]
pub(crate) struct TrustArguments {
    /// The folder of a store; nothing of it is changed, and `connect` notes beside it what the server presents
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["pin", "ca", "intermediate", "crl"])]
    store: Option<PathBuf>,
    /// The id of the expected server in the store; without it, the dialled name selects the server
    #[arg(long, value_name = "ID", requires = "store")]
    pub(crate) server: Option<ServerId>,
    #[command(flatten)]
    seal: SealArguments,
    /// A certificate that the peer itself must present: a file, or its SHA-256 fingerprint
    #[arg(long, value_name = "FILE|SHA-256")]
    pin: Vec<PathBuf>,
    /// A CA certificate, or a bundle of them, in which the peer's chain may end
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// A CA certificate that completes chains and ends none
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<PathBuf>,
    /// A revocation list
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) demands: Demands,
}

/// The seal of a store.
#[derive(Args, Clone, Debug)]
pub(crate) struct SealArguments {
    /// The file with the key of the store's seal; without it, a sealed store is read unverified and cannot be changed
    #[arg(long, global = true, value_name = "FILE", help_heading = "The store")]
    seal_key: Option<PathBuf>,
}

impl SealArguments {
    /// Settings with which the store is read.
    pub(crate) fn settings(&self, keys: KeyPolicy) -> Result<DurableSettings, Failure> {
        let settings = DurableSettings::new(keys);
        Ok(match &self.seal_key {
            Some(path) => settings.with_seal(Arc::new(SealKey::from_file(path)?)),
            None => settings,
        })
    }
}

/// How a store is opened for changes.
#[derive(Args, Clone, Debug)]
pub(crate) struct OpenArguments {
    #[command(flatten)]
    seal: SealArguments,
    /// Seconds to wait while another process changes the store
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=3600), help_heading = "The store")]
    wait: u64,
    /// Record the change in the journal if it is refused, as `store log` shows it
    #[arg(long, global = true, help_heading = "The store")]
    record_refused: bool,
}

impl OpenArguments {
    pub(crate) fn records_refused(&self) -> bool {
        self.record_refused
    }

    /// Settings with which the store is read and changed.
    pub(crate) fn settings(&self, keys: KeyPolicy) -> Result<DurableSettings, Failure> {
        let settings = self.seal.settings(keys)?;
        let settings = settings.with_lock_wait(Duration::from_secs(self.wait));
        Ok(match self.record_refused {
            true => settings.with_refusals_recorded(),
            false => settings,
        })
    }

    /// Opens the store for who asks for a change; without a name, that is the account of the process.
    pub(crate) fn open(&self, folder: &Path, by: Option<&str>) -> Result<DurableStore, Failure> {
        let (mut store, _) = DurableStore::open(folder, self.settings(ours::keys())?)?;
        let by = by.map_or_else(account::of_process, str::to_owned);
        store.set_actor(Some(&by))?;
        Ok(store)
    }
}

/// What peers must fulfil beside the installed entries.
#[derive(Args, Debug)]
pub(crate) struct Demands {
    #[command(flatten)]
    policy: PolicyArguments,
    /// Judge at this time instead of now: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// The policy of the service. For the subcommands of `store` as well: a prediction by another policy is about another
/// service.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct PolicyArguments {
    /// How strictly chains are checked against RFC 5280
    #[arg(long, global = true, value_enum, default_value_t = Profile::Compatible, help_heading = "The policy")]
    profile: Profile,
    /// Refuse chains if an issuer has no current revocation list installed
    #[arg(long, global = true, help_heading = "The policy")]
    require_crl: bool,
    /// Accept names of no server by the authorities for any server
    #[arg(long, global = true, help_heading = "The policy")]
    allow_unlisted: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Profile {
    /// Warn about harmless deviations
    #[default]
    Compatible,
    /// Refuse every deviation; only warn about an authority with the serial number 0
    Strict,
}

impl Profile {
    const fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::Strict => "strict",
        }
    }
}

/// The time that is asked about: of the clock, or a named one.
pub(crate) fn asked_time(at: Option<Timestamp>) -> Result<CurrentTime, Failure> {
    let Some(at) = at else {
        return Ok(SystemClock::new().now());
    };
    let time =
        UnixTime::try_from(at).map_err(|_| Failure::new("usage", "the time must be after 1970"))?;
    Ok(CurrentTime::Known(time))
}

impl PolicyArguments {
    /// The policy as a line of text.
    pub(crate) fn line(self) -> String {
        format!("policy of this call: {}", self.words())
    }

    /// The policy in words.
    pub(crate) fn words(self) -> String {
        let lists = if self.require_crl {
            "a current revocation list is required of every issuer"
        } else {
            "a current revocation list is required of checked issuers"
        };
        let unlisted = if self.allow_unlisted {
            "names of no server are accepted by the authorities for any server"
        } else {
            "names of no server are refused"
        };
        let profile = self.profile.word();
        format!("{profile} profile; {lists}; {unlisted}")
    }

    pub(crate) const fn fact(self) -> PolicyFacts {
        PolicyFacts {
            profile: self.profile.word(),
            require_crl: self.require_crl,
            allow_unlisted: self.allow_unlisted,
        }
    }

    pub(crate) fn policy(self, keys: KeyPolicy) -> Policy {
        let mut policy = Policy::new(keys).with_chain_profile(match self.profile {
            Profile::Compatible => ChainProfile::Compatible,
            Profile::Strict => ChainProfile::Strict,
        });
        if self.require_crl {
            policy = policy.with_crl_required();
        }
        if self.allow_unlisted {
            policy = policy.with_unlisted_allowed();
        }
        policy
    }
}

/// Reads a store without opening it.
pub(crate) fn look(folder: &Path, settings: &DurableSettings) -> Result<TrustStore, Failure> {
    Ok(DurableStore::read(folder, settings)?.store)
}

/// The expected peer.
pub(crate) enum Whose<'a> {
    /// The server with this dialled name.
    Server(&'a HostName),
    /// A client.
    Client,
}

/// What one verdict is based on.
pub(crate) struct Trust {
    pub(crate) view: TrustSnapshot,
    pub(crate) policy: Policy,
    pub(crate) clock: CurrentTime,
    /// The expected server; without it, the dialled name selects the server.
    pub(crate) server: Option<ServerId>,
}

impl TrustArguments {
    /// The folder of the store, if what is judged is judged now.
    pub(crate) fn folder_now(&self) -> Option<&Path> {
        self.store.as_deref().filter(|_| self.demands.at.is_none())
    }

    /// Reads the store, or makes one from the named certificates.
    pub(crate) fn read(&self, keys: KeyPolicy, whose: &Whose<'_>) -> Result<Trust, Failure> {
        let clock = asked_time(self.demands.at)?;
        let policy = self.demands.policy.policy(keys);
        if let Some(folder) = &self.store {
            let mut store = look(folder, &self.seal.settings(keys)?)?;
            if self.demands.at.is_some() {
                // With --at, the floor does not apply: it is for a lost clock (rule M7). The store is a copy.
                store.reset_floor(None);
            }
            let view = store.contents().clone();
            if let Some(id) = self.server.clone().filter(|id| view.server(id).is_none()) {
                return Err(StoreError::UnknownServer(id).into());
            }
            let server = self.server.clone();
            return Ok(Trust {
                view,
                policy,
                clock,
                server,
            });
        }
        if self.seal.seal_key.is_some() {
            return Err(Failure::new("usage", "--seal-key belongs to --store"));
        }
        if self.pin.is_empty() && self.ca.is_empty() {
            let text = "nothing is trusted: give --store, --pin or --ca";
            return Err(Failure::new("usage", text));
        }
        let mut store = TrustStore::new(keys).with_clock(Arc::new(clock));
        let (pins, authorities, server) = match whose {
            Whose::Client => (PinScope::Clients, AuthorityScope::Clients, None),
            Whose::Server(name) => {
                let id: ServerId = name.to_string().parse()?;
                store.add_server(id.clone(), [(*name).clone()])?;
                let server = id.clone();
                (
                    PinScope::Server(id.clone()),
                    AuthorityScope::Server(id),
                    Some(server),
                )
            }
        };
        self.install(&mut store, &pins, &authorities)?;
        let view = store.snapshot();
        Ok(Trust {
            view,
            policy,
            clock,
            server,
        })
    }

    fn install(
        &self,
        store: &mut TrustStore,
        pins: &PinScope,
        authorities: &AuthorityScope,
    ) -> Result<(), Failure> {
        let options = EntryOptions::new;
        for pin in &self.pin {
            // 64 hexadecimal digits, with or without colons: no file has such a name by accident.
            let done = match fingerprints::named(pin)? {
                Some(fingerprint) => {
                    store.install_pin_fingerprint(pins.clone(), fingerprint, options())
                }
                None => {
                    let certificate = fingerprints::certificate(pin)?;
                    store.install_pin(pins.clone(), certificate, options())
                }
            };
            done.map_err(|error| Failure::from(error).about(pin.display()))?;
        }
        for path in &self.ca {
            let mut bundle = store.classify_bundle(files::certificates(path)?);
            let proposals: Vec<SuggestedSlot> =
                bundle.items().iter().map(|item| item.proposal()).collect();
            for (index, proposal) in proposals.into_iter().enumerate() {
                if proposal == SuggestedSlot::Undecided {
                    bundle.decide(index, Decision::Authority);
                }
                if proposal == SuggestedSlot::Pin {
                    let text = format!(
                        "certificate {index} (from 0) does not say that it is a CA (X.509 version 3 with basicConstraints CA:TRUE): name it with --pin to trust the peer that presents it; what it issued can be trusted once the CA has issued itself a certificate that says so"
                    );
                    return Err(Failure::new("store/NotCa", text).about(path.display()));
                }
            }
            let done = store.install_bundle(&bundle, pins, authorities, &options());
            done.map_err(|error| Failure::from(error).about(path.display()))?;
        }
        for path in &self.intermediate {
            for certificate in files::certificates(path)? {
                let done = store.install_intermediate(certificate, options());
                done.map_err(|error| Failure::from(error).about(path.display()))?;
            }
        }
        let mut lists = Vec::new();
        let mut paths = Vec::new();
        for path in &self.crl {
            for list in files::crls(path)? {
                lists.push(list);
                paths.push(path);
            }
        }
        // All at once: their order says nothing about their age.
        for (done, path) in store.install_crls(lists).into_iter().zip(paths) {
            done.map_err(|error| Failure::from(error).about(path.display()))?;
        }
        Ok(())
    }
}
