//! The machines are set up, and the fleet is founded.

use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use mutual_trust::admin::bundle::Part;

use super::authority::make;
use super::process::Process;
use super::{ALONE, ARRAYS, BY_CA, Fault, GROUP, PATIENCE, Play, SIGNING, shown};
use crate::Outcome;
use crate::machine::{Folder, make_identity, private_folder, provider};
use crate::site::{InGroup, KeyServer, Site};

pub(super) fn play(play: &mut Play) -> Outcome<()> {
    play.step("A primary and three secondaries are set up with one certificate, and one key server stands alone.");
    set_up(play)?;
    start(play)?;
    found(play)?;
    if play.has(Fault::NoDistribution) {
        cut_off(play, "keys-3")?;
    }
    play.step(
        "The arrays learn the one certificate of the group, and the one of the stand-alone server.",
    );
    introduce(play)
}

/// The site's file, the folders, the one certificate of the group, and the keys that the key servers keep for the arrays.
fn set_up(play: &mut Play) -> Outcome<()> {
    let mut free = Ports::default();
    let mut servers = Vec::new();
    for name in Play::key_servers() {
        let group = match name {
            ALONE | BY_CA => None,
            name => Some(InGroup {
                signs: SIGNING.contains(&name),
                hubs: vec![
                    (Part::All, free.next()?),
                    (Part::Systems, free.next()?),
                    (Part::Servers, free.next()?),
                ],
                for_arrays: free.next()?,
            }),
        };
        let (id, keys) = (name.parse()?, free.next()?);
        servers.push(KeyServer { id, keys, group });
    }
    play.site = Site(servers);
    play.site.write(&play.site_file())?;
    let mut keys = String::new();
    for array in ARRAYS {
        let mut key = [0; 16];
        let made = provider().secure_random.fill(&mut key);
        made.map_err(|_| "no random numbers")?;
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(keys, "{array} {hex}")?;
        private_folder(&play.folder(array))?;
    }
    for name in Play::key_servers() {
        private_folder(&play.folder(name))?;
        fs::write(play.folder(name).join("keys"), &keys)?;
    }
    make_certificate(play, "group-1")?;
    share_certificate(play, "group-1")?;
    make(play)
}

/// Makes a key and a certificate for the group.
pub(super) fn make_certificate(play: &Play, name: &str) -> Outcome<()> {
    let made = Folder(play.folder("group"));
    private_folder(&made.0)?;
    let (chain, key) = made.pair(name);
    make_identity(&chain, &key, "keys").map(drop)
}

/// Puts them into the folders of its members. Key servers that replicate their keys bring this pair to each other by the
/// same protected channel.
pub(super) fn share_certificate(play: &Play, name: &str) -> Outcome<()> {
    let (chain, key) = Folder(play.folder("group")).pair(name);
    let shared = if play.has(Fault::SharedByAll) {
        &[ALONE][..]
    } else {
        &[]
    };
    for server in GROUP.iter().chain(shared) {
        let folder = play.folder(server);
        // The mode of the file, 0600, is copied with it. The rename replaces the file in one step.
        for (from, to) in [(&key, "served.key"), (&chain, "served.pem")] {
            fs::copy(from, folder.join("arriving"))?;
            fs::rename(folder.join("arriving"), folder.join(to))?;
        }
    }
    Ok(())
}

fn start(play: &mut Play) -> Outcome<()> {
    for name in Play::key_servers() {
        start_key_server(play, name)?;
    }
    // Each key server of the group has a certificate of its own for the others. Each is read out and installed once.
    for name in GROUP {
        for other in GROUP.into_iter().filter(|other| *other != name) {
            let file = shown(&play.folder(other).join("node.pem"));
            let heard = play.read_out(other, "node.pem")?;
            play.ask(name, &format!("peer {other} {file} {heard}"))?;
        }
    }
    let shared = play.read_out("keys-1", "served.pem")?;
    let mut same = 0;
    for name in GROUP {
        same += usize::from(play.read_out(name, "served.pem")? == shared);
    }
    play.holds(
        same == GROUP.len(),
        "the four servers of the group have one certificate",
    )?;
    let own = play.read_out(ALONE, "served.pem")? != shared;
    play.holds(own, "the stand-alone server has its own")?;
    private_keys_are_private(play)
}

/// Whether each private key can be read by its owner alone, and so can what a copy of the folder would have.
fn private_keys_are_private(play: &Play) -> Outcome<()> {
    let (mut keys, mut private) = (0, 0);
    for name in Play::key_servers() {
        for file in fs::read_dir(play.folder(name))? {
            let file = file?;
            if file
                .path()
                .extension()
                .is_some_and(|ending| ending == "key")
            {
                keys += 1;
                private +=
                    usize::from(is_private(&file.path())? && is_private(&play.folder(name))?);
            }
        }
    }
    let claim =
        format!("the {keys} private keys of the key servers can be read by their owner alone");
    play.holds(keys == private && keys >= 9, &claim)
}

#[cfg(unix)]
fn is_private(path: &Path) -> Outcome<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode().trailing_zeros() >= 6)
}

#[cfg(not(unix))]
fn is_private(path: &Path) -> Outcome<bool> {
    Ok(path.exists())
}

pub(super) fn start_key_server(play: &mut Play, name: &str) -> Outcome<()> {
    let process = Process::start(name, "key-server", &play.folder(name), &play.site_file())?;
    play.processes.add(process);
    Ok(())
}

/// Pulls the network cable to the other key servers, but not that to the arrays.
pub(super) fn cut_off(play: &mut Play, name: &str) -> Outcome<()> {
    play.processes.take(name)?.stop()?;
    start_cut_off(play, name)
}

/// Starts a key server that reaches no other one.
pub(super) fn start_cut_off(play: &mut Play, name: &str) -> Outcome<()> {
    let mut site = play.site.clone();
    let mut nowhere = Ports::default();
    for server in site
        .0
        .iter_mut()
        .filter(|server| server.id.as_str() != name)
    {
        for (_, address) in server.group.iter_mut().flat_map(|group| &mut group.hubs) {
            *address = nowhere.next()?;
        }
    }
    drop(nowhere);
    let file = play.folder(name).join("site");
    site.write(&file)?;
    let process = Process::start(name, "key-server", &play.folder(name), &file)?;
    play.processes.add(process);
    Ok(())
}

/// Founds the fleet at the primary. The others join by the digest of its key set.
fn found(play: &mut Play) -> Outcome<()> {
    let group = shown(&play.folder("keys-1").join("served.pem"));
    let mut signing = String::new();
    for name in SIGNING {
        let key = play.ask(name, "signing-key")?;
        write!(signing, " {}", key.get("file")?)?;
    }
    let founded = play.ask("keys-1", &format!("found {group}{signing}"))?;
    let digest = founded.get("digest")?.to_owned();
    println!("    the digest of the key set is read out at keys-1: {digest}");
    let published = founded.get("published")?;
    for name in GROUP {
        let part = if SIGNING.contains(&name) {
            Part::All
        } else {
            Part::Systems
        };
        play.ask(
            name,
            &format!("join {published}/{part}/publication {digest}"),
        )?;
    }
    play.holds_within(
        PATIENCE,
        "all four hear from the primary, and from its standby",
        |play| Ok(hear(play, &GROUP)? && same_sequence(play, &GROUP)?),
    )
}

/// Whether these machines hear from both servers that can publish.
pub(super) fn hear(play: &mut Play, machines: &[&str]) -> Outcome<bool> {
    let mut hear = 0;
    for machine in machines {
        hear += usize::from(play.ask(machine, "status")?.get("heard")? == "keys-1,keys-2");
    }
    Ok(hear == machines.len())
}

/// Whether these servers hold the publication of the same sequence.
pub(super) fn same_sequence(play: &mut Play, servers: &[&str]) -> Outcome<bool> {
    let mut sequences = Vec::new();
    for name in servers {
        sequences.push(play.ask(name, "status")?.number("sequence")?);
    }
    sequences.dedup();
    Ok(sequences.len() == 1)
}

fn introduce(play: &mut Play) -> Outcome<()> {
    let published = shown(&play.folder("keys-1").join("published/servers/publication"));
    let digest = play.ask("keys-1", "key-set")?.get("digest")?.to_owned();
    let alone = shown(&play.folder(ALONE).join("served.pem"));
    let heard = play.read_out(ALONE, "served.pem")?;
    for array in ARRAYS {
        let folder = play.folder(array);
        let process = Process::start(array, "array", &folder, &play.site_file())?;
        play.processes.add(process);
        play.ask(array, &format!("join {published} {digest}"))?;
        play.ask(array, &format!("install {ALONE} {alone} {heard}"))?;
    }
    for array in ARRAYS {
        let pins = play.ask(array, "status")?.number("group-pins")?;
        play.holds(
            pins == 1,
            &format!("{array} has one certificate for the four servers"),
        )?;
    }
    Ok(())
}

/// Free ports. They are taken until this is dropped, so that none is given twice.
#[derive(Default)]
struct Ports(Vec<TcpListener>);

impl Ports {
    fn next(&mut self) -> Outcome<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        self.0.push(listener);
        Ok(address)
    }
}
