//! Which key servers there are and where: one small file that every machine has.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use mutual_trust::ServerId;
use mutual_trust::admin::bundle::Part;

use crate::Outcome;

/// A key server.
#[derive(Clone, Debug)]
pub(crate) struct KeyServer {
    pub(crate) id: ServerId,
    /// Where it serves keys.
    pub(crate) keys: SocketAddr,
    /// What it does in the group. `None`: it stands alone.
    pub(crate) group: Option<InGroup>,
}

/// What a key server does in its group.
#[derive(Clone, Debug)]
pub(crate) struct InGroup {
    /// Whether it has a signing key: it is the primary, or can be promoted.
    pub(crate) signs: bool,
    /// Where it serves each part of the trust set to the other key servers.
    pub(crate) hubs: Vec<(Part, SocketAddr)>,
    /// Where it serves to arrays what they need.
    pub(crate) for_arrays: SocketAddr,
}

impl InGroup {
    /// What this server takes over: what key servers need, or all if it can be promoted.
    pub(crate) fn part(&self) -> Part {
        if self.signs { Part::All } else { Part::Systems }
    }

    pub(crate) fn hub(&self, part: Part) -> Outcome<SocketAddr> {
        let found = self.hubs.iter().find(|(served, _)| *served == part);
        found
            .map(|(_, address)| *address)
            .ok_or_else(|| format!("no address for the part {part}").into())
    }
}

/// All key servers, the primary first.
#[derive(Clone, Debug)]
pub(crate) struct Site(pub(crate) Vec<KeyServer>);

impl Site {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = fs::read_to_string(path)?;
        Ok(Self(text.lines().map(read_line).collect::<Outcome<_>>()?))
    }

    /// Writes the file.
    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        let mut text = String::new();
        for KeyServer { id, keys, group } in &self.0 {
            text.push_str(&format!("{id} {keys}"));
            if let Some(group) = group {
                let InGroup {
                    signs,
                    hubs,
                    for_arrays,
                } = group;
                let role = if *signs { "signs" } else { "takes" };
                text.push_str(&format!(" {role} {for_arrays}"));
                let hubs = hubs
                    .iter()
                    .map(|(part, address)| format!(" {part} {address}"));
                text.extend(hubs);
            }
            text.push('\n');
        }
        Ok(fs::write(path, text)?)
    }

    pub(crate) fn server(&self, id: &ServerId) -> Outcome<&KeyServer> {
        let found = self.0.iter().find(|server| server.id == *id);
        found.ok_or_else(|| format!("no key server {id} in the site's file").into())
    }

    /// The ids of the group, the primary first.
    pub(crate) fn group(&self) -> Vec<ServerId> {
        let members = self.0.iter().filter(|server| server.group.is_some());
        members.map(|server| server.id.clone()).collect()
    }

    /// Who can publish.
    pub(crate) fn publishers(&self) -> impl Iterator<Item = (&ServerId, &InGroup)> {
        let members = self.0.iter();
        let members = members.filter_map(|server| Some((&server.id, server.group.as_ref()?)));
        members.filter(|(_, group)| group.signs)
    }
}

fn read_line(line: &str) -> Outcome<KeyServer> {
    let mut words = line.split_whitespace();
    let missing = || format!("a word is missing in the site's file: {line}");
    let id = words.next().ok_or_else(missing)?.parse()?;
    let keys = words.next().ok_or_else(missing)?.parse()?;
    let mut group = None;
    if let Some(role) = words.next() {
        let for_arrays = words.next().ok_or_else(missing)?.parse()?;
        let mut hubs = Vec::new();
        while let Some(part) = words.next() {
            let address = words.next().ok_or_else(missing)?;
            hubs.push((part.parse()?, address.parse()?));
        }
        group = Some(InGroup {
            signs: role == "signs",
            hubs,
            for_arrays,
        });
    }
    Ok(KeyServer { id, keys, group })
}
