//! A CA: it vouches for a key server of which nothing else is installed, and for no other.

use std::fs;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use super::enrolling::{accept, wait_at};
use super::founding::start_key_server;
use super::process::Process;
use super::{ARRAYS, BY_CA, Fault, GROUP, PATIENCE, Play, shown};
use crate::Outcome;
use crate::machine::{make_private, private_folder};
use crate::site::Site;

/// Who presents a certificate of the CA in the name of keys-4.
const IMPOSTOR: &str = "impostor";

/// The CA, with a certificate for a key server that has no other, and one for a machine that it should not vouch for.
pub(super) fn make(play: &Play) -> Outcome<()> {
    let mut params = named("CA of the site");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    fs::write(play.folder("ca.pem"), params.self_signed(&key)?.pem())?;
    let ca = Issuer::new(params, key);
    for name in [BY_CA, IMPOSTOR] {
        let folder = play.folder(name);
        private_folder(&folder)?;
        let key = KeyPair::generate()?;
        let mut params = named(name);
        params.subject_alt_names = vec![rcgen::SanType::IpAddress([127, 0, 0, 1].into())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        fs::write(
            folder.join("served.pem"),
            params.signed_by(&key, &ca)?.pem(),
        )?;
        let file = folder.join("served.key");
        fs::write(&file, key.serialize_pem())?;
        make_private(&file, 0o600)?;
    }
    Ok(())
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    play.step(
        "A CA vouches for a key server of which nothing else is installed, and for no other.",
    );
    let [array, _] = ARRAYS;
    play.ask(array, &format!("add-server {BY_CA}"))?;
    refused_for(play, BY_CA, "NothingInstalled")?;
    let trust = format!("trust-authority {}", shown(&play.folder("ca.pem")));
    let claim = format!("{array} has the CA, by the fleet");
    play.follows("keys-2", &trust, &claim, |play| {
        Ok(play.ask(array, "status")?.number("authorities")? == 1)
    })?;
    play.ask(BY_CA, "open-enrolment 600")?;
    wait_at(play, BY_CA, &[array])?;
    accept(play, BY_CA, array, &[BY_CA])?;
    play.processes.take("keys-4")?.stop()?;
    let mut site = play.site.clone();
    site.0.retain(|server| server.id.as_str() == "keys-4");
    site.0.iter_mut().for_each(|server| server.group = None);
    start_impostor(play, &site)?;
    refused_for(play, "keys-4", "AuthoritiesNotAsked")?;
    play.processes.take("keys-4")?.stop()?;
    start_key_server(play, "keys-4")?;
    let claim = format!("{array} has links to all four again");
    play.holds_within(PATIENCE, &claim, |play| play.is_let_in(array, &GROUP))
}

/// Another machine has the address of keys-4, and a certificate of the CA for it.
fn start_impostor(play: &mut Play, site: &Site) -> Outcome<()> {
    let folder = play.folder(IMPOSTOR);
    fs::copy(play.folder("keys-4").join("keys"), folder.join("keys"))?;
    let presents = if play.has(Fault::ImpostorHasKey) {
        "keys-4"
    } else {
        IMPOSTOR
    };
    for file in ["served.pem", "served.key"] {
        let from = play.folder(presents).join(file);
        if presents != IMPOSTOR {
            fs::copy(from, folder.join(file))?;
        }
    }
    site.write(&folder.join("site"))?;
    let process = Process::start("keys-4", "key-server", &folder, &folder.join("site"))?;
    play.processes.add(process);
    Ok(())
}

/// Waits until the array refuses a server for a reason.
fn refused_for(play: &mut Play, server: &str, reason: &str) -> Outcome<()> {
    let [array, _] = ARRAYS;
    let claim = format!("{array} refuses what presents itself as {server}: {reason}");
    play.holds_within(PATIENCE, &claim, |play| {
        let answer = play.ask(array, "status")?;
        let why = answer.get(&format!("{server}.why"))?;
        Ok(why == format!("we_refuse_it:_{reason}") && play.is_kept_out(array, &[server])?)
    })
}
