//! Pins of public keys for curl.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mutual_trust::KeyPin;
use mutual_trust::store::{Entry, EntryKey, Scope, Slot};

use super::{Asked, Peers, Written, wider};
use crate::output::Failure;

/// As curl writes it.
fn pin(key: KeyPin) -> String {
    format!("sha256//{}", STANDARD.encode(key.as_bytes()))
}

/// The pins of one peer on a line, or a line for each server and one for clients.
pub(super) fn pins<'a>(asked: &Asked<'a>, peers: &Peers<'a>) -> Result<Written, Failure> {
    if asked.wider {
        let text = "--wider does not apply to --format curl: keys are compared one by one";
        return Err(Failure::new("usage", text));
    }
    if !matches!(peers, Peers::All) {
        let (content, entries, left_out) = of(asked, peers);
        return Ok(Written {
            content,
            entries,
            left_out,
            more_if_wider: false,
        });
    }
    let mut all = Written {
        content: String::new(),
        entries: 0,
        left_out: Vec::new(),
        more_if_wider: false,
    };
    let servers = asked.view.servers();
    let servers = servers.map(|server| (server.id().to_string(), Peers::Server(server)));
    let clients = Peers::Scope(Scope::Clients);
    for (name, one) in servers.chain([(String::from("(clients)"), clients)]) {
        let (line, entries, left_out) = of(asked, &one);
        if entries > 0 {
            all.content.push_str(&format!("{name} {line}\n"));
        }
        all.entries = all.entries.saturating_add(entries);
        all.left_out.extend(left_out);
    }
    Ok(all)
}

type Line = (String, usize, Vec<(EntryKey, String)>);

fn of<'a>(asked: &Asked<'a>, peers: &Peers<'a>) -> Line {
    let for_several = wider::for_several(asked, peers);
    let chosen = asked.chosen(peers);
    let mut left_out = chosen.left_out;
    // Several certificates of one key are one pin.
    let mut keys = BTreeSet::new();
    let mut entries = 0_usize;
    for entry in chosen.entries {
        match for_several.map_or_else(|| key_of(entry), Err) {
            Ok(key) => {
                keys.insert(pin(key));
                entries = entries.saturating_add(1);
            }
            Err(why) => left_out.push((entry.key(), why.to_owned())),
        }
    }
    let keys: Vec<String> = keys.into_iter().collect();
    (keys.join(";"), entries, left_out)
}

fn key_of(entry: &Entry) -> Result<KeyPin, &'static str> {
    match (entry.slot(), entry.certificate()) {
        (Slot::Authority | Slot::Intermediate, _) => {
            Err("curl compares the key of the peer itself, not that of a CA")
        }
        (Slot::Pin, None) => Err("only its fingerprint is known, not its key"),
        (Slot::Pin, Some(certificate)) => Ok(certificate.key_pin()),
    }
}
