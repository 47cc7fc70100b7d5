//! `store crl`: installs and removes revocation lists, and stops checking an issuer (rule C4).

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use mutual_trust::store::CrlIssuer;
use mutual_trust::{Fingerprint, TrustSnapshot};

use super::calls::crls;
use super::change::{Edit, one};
use super::fetch::FetchArguments;
use crate::files;
use crate::fingerprints;
use crate::output::{Failure, identified};

/// A file of lists to install, or another change.
#[derive(Args, Clone, Debug)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct CrlArguments {
    /// A file of lists in any order; the newest of each issuer and scope is in force
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    #[command(subcommand)]
    change: Option<CrlChange>,
}

#[derive(Subcommand, Clone, Debug)]
enum CrlChange {
    /// Install revocation lists, and check their issuers from then on
    Add {
        /// A file of lists in any order; the newest of each issuer and scope is in force
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Fetch lists from addresses, once or as long as they are followed, and install them
    Fetch(FetchArguments),
    /// Remove a list; its issuer stays checked, so its certificates are refused in chains if no other list is left
    Remove {
        /// The file of the list, or its fingerprint in full (`store list --full` shows it)
        #[arg(value_name = "FILE|SHA-256")]
        list: PathBuf,
    },
    /// Stop checking the certificates of an issuer, and remove its lists
    #[command(after_help = "\
What its lists revoke is accepted again. If a list is merely out of date, install the current one instead.")]
    Stop {
        /// The file of the issuer's certificate; or the issuer's key pin, or the fingerprint of its certificate or of one
        /// of its lists, in full (`store list --full` shows them)
        #[arg(value_name = "FILE|SHA-256")]
        issuer: PathBuf,
    },
}

impl CrlArguments {
    /// What is fetched, if that is asked for.
    pub(super) fn fetch(&self) -> Option<&FetchArguments> {
        match &self.change {
            Some(CrlChange::Fetch(arguments)) => Some(arguments),
            Some(CrlChange::Add { .. } | CrlChange::Remove { .. } | CrlChange::Stop { .. })
            | None => None,
        }
    }

    pub(super) fn prepare(self, view: &TrustSnapshot) -> Result<Edit, Failure> {
        match (self.change, self.file) {
            (None, Some(file)) | (Some(CrlChange::Add { file }), None) => {
                let lists = files::crls(&file)?;
                Ok(Edit::Calls(Box::new(move |store| crls(store, &lists))))
            }
            (Some(CrlChange::Remove { list }), None) => {
                let lists = lists(&list)?;
                Ok(Edit::Calls(Box::new(move |store| {
                    let removed = lists.iter().map(|list| store.remove_crl(*list));
                    Ok(removed.collect::<Result<Vec<_>, _>>()?.into())
                })))
            }
            (Some(CrlChange::Stop { issuer }), None) => {
                let issuer = checked(&issuer, view)?;
                Ok(one(move |store| store.disable_revocation_checks(&issuer)))
            }
            (Some(CrlChange::Fetch(arguments)), None) => {
                let lists = arguments.planned()?;
                Ok(Edit::Calls(Box::new(move |store| crls(store, &lists))))
            }
            (Some(_), Some(_)) | (None, None) => {
                let text = "name a file of lists, or one of: add, fetch, remove, stop";
                Err(Failure::new("usage", text))
            }
        }
    }
}

/// The fingerprints of lists, by their file or by one of them.
fn lists(list: &Path) -> Result<Vec<Fingerprint>, Failure> {
    if let Some(fingerprint) = fingerprints::named(list)? {
        return Ok(vec![fingerprint]);
    }
    let lists = files::crls(list)?;
    Ok(lists.iter().map(|list| list.fingerprint()).collect())
}

/// The checked issuer that is named.
fn checked(issuer: &Path, view: &TrustSnapshot) -> Result<CrlIssuer, Failure> {
    let Some(named) = fingerprints::named(issuer)? else {
        return Ok(CrlIssuer::of(&fingerprints::certificate(issuer)?));
    };
    let mut of_key = view
        .revocation_checked_issuers()
        .filter(|issuer| issuer.key_pin().as_bytes() == named.as_bytes());
    let of_list = view.crls().find(|list| list.crl().fingerprint() == named);
    let entries = view.entries();
    let mut certificates = entries.iter().filter_map(|entry| entry.certificate());
    let of_certificate = certificates.find(|certificate| certificate.fingerprint() == named);
    let found = of_key
        .next()
        .or(of_list.map(|list| list.issuer().clone()))
        .or(of_certificate.map(CrlIssuer::of));
    found.ok_or_else(|| {
        let text = format!(
            "no checked issuer has the key, certificate or list {}",
            identified(named)
        );
        Failure::new("store/NotChecked", text)
    })
}
