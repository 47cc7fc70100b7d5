//! The file of a member: what it holds of its fleet, in one text with a digest and a seal.

use core::fmt::Write;
use std::sync::Arc;

use super::state::{Kept, State};
use crate::admin::bundle::{Held, Publication};
use crate::admin::file::Seal;
use crate::certificate::{Fingerprint, KeyPin};
use crate::store::fleet::Made;

const TITLE: &str = "mutual-trust fleet-member 1.0";
/// Bytes for the lines between the publications, and for the key set.
const ROOM: usize = 16 * 1024;

/// Why a file of a member is not taken.
pub(super) enum Fault {
    /// It is damaged.
    Damaged(String),
    /// It has no valid seal.
    Seal,
}

fn damaged(why: impl Into<String>) -> Fault {
    Fault::Damaged(why.into())
}

/// What a file says: all but the digest and the seal at its end.
pub(super) fn content(state: &State) -> Vec<u8> {
    let publications = state.newest.iter().chain(&state.earlier);
    let bytes = publications.map(|kept| kept.bytes.len());
    // What is large, and some lines: the text need not be moved while it grows.
    let room = bytes.fold(ROOM, usize::saturating_add);
    let mut out = Vec::with_capacity(room);
    section(&mut out, TITLE.as_bytes());
    line(&mut out, format_args!("least {}", state.least));
    line(&mut out, format_args!("since {}", state.since));
    made(&mut out, "", &state.made);
    if let Some((over, before)) = &state.attempt {
        line(&mut out, format_args!("over {over}"));
        made(&mut out, "before-", before);
    }
    let held = state.held.to_bytes();
    line(&mut out, format_args!("held {}", held.len()));
    section(&mut out, &held);
    if let Some(newest) = &state.newest {
        publication(&mut out, "newest", newest);
    }
    for earlier in &state.earlier {
        match &state.newest {
            Some(newest) if newest == earlier => line(&mut out, format_args!("earlier newest")),
            _ => publication(&mut out, "earlier", earlier),
        }
    }
    out
}

/// Writes a state, with a seal if there is one. Also returns the length of the [`content`].
pub(super) fn write(state: &State, seal: Option<&dyn Seal>) -> (Vec<u8>, usize) {
    let mut out = content(state);
    let length = out.len();
    let digest = Fingerprint::over(&out);
    line(&mut out, format_args!("digest {digest}"));
    if let Some(seal) = seal {
        let mut code = String::new();
        for byte in seal.seal(&out) {
            // Writing to a string cannot fail.
            let _ = write!(code, "{byte:02x}");
        }
        line(&mut out, format_args!("seal {code}"));
    }
    (out, length)
}

/// A state up to its seal. A file that begins so says the same, whatever its seal.
pub(super) fn unsealed(state: &State) -> Vec<u8> {
    write(state, None).0
}

fn line(out: &mut Vec<u8>, text: core::fmt::Arguments<'_>) {
    out.extend_from_slice(text.to_string().as_bytes());
    out.push(b'\n');
}

fn section(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.push(b'\n');
}

fn made(out: &mut Vec<u8>, start: &str, made: &Made) {
    for id in &made.servers {
        line(out, format_args!("{start}server {id}"));
    }
    for id in &made.groups {
        line(out, format_args!("{start}group {id}"));
    }
    for (id, name) in &made.names {
        line(out, format_args!("{start}name {id} {name}"));
    }
}

fn publication(out: &mut Vec<u8>, name: &str, kept: &Kept) {
    let mut head = format!("{name} {}", kept.bytes.len());
    for signer in &kept.signers {
        let _ = write!(head, " {signer}");
    }
    line(out, format_args!("{head}"));
    section(out, &kept.bytes);
}

/// Reads what [`write`] wrote. With a seal, a file without that seal is refused.
pub(super) fn read(bytes: &[u8], seal: Option<&dyn Seal>) -> Result<State, Fault> {
    let content = check_end(bytes, seal)?;
    let mut rest = Rest(content);
    if rest.line()? != TITLE {
        return Err(damaged(
            "it is no file of a member, or one of a later version",
        ));
    }
    let mut state = Parts::default();
    while !rest.0.is_empty() {
        let text = rest.line()?.to_owned();
        let (name, value) = text.split_once(' ').unwrap_or((&text, ""));
        let wrong = || damaged(format!("the line `{name}` is not right"));
        match name {
            "least" => state.least = value.parse().map_err(|_| wrong())?,
            "since" => state.since = value.parse().map_err(|_| wrong())?,
            "server" | "before-server" => {
                let id = value.parse().map_err(|_| wrong())?;
                state.made(name).servers.insert(id);
            }
            "group" | "before-group" => {
                let id = value.parse().map_err(|_| wrong())?;
                state.made(name).groups.insert(id);
            }
            "name" | "before-name" => {
                let (id, of) = value.split_once(' ').ok_or_else(wrong)?;
                let id = id.parse().map_err(|_| wrong())?;
                let of = of.parse().map_err(|_| wrong())?;
                state.made(name).names.insert((id, of));
            }
            "over" => state.over = Some(value.parse().map_err(|_| wrong())?),
            "held" => {
                let held = rest.section(value)?;
                state.held = Some(Held::read(held).map_err(|_| wrong())?);
            }
            "newest" => state.newest = Some(rest.publication(value)?),
            "earlier" if value == "newest" => {
                let newest = state.newest.clone();
                state.earlier.push(newest.ok_or_else(wrong)?);
            }
            "earlier" => state.earlier.push(rest.publication(value)?),
            _ => return Err(wrong()),
        }
    }
    let Some(held) = state.held else {
        return Err(damaged("it does not say what the node holds"));
    };
    let newest = state.newest.as_ref();
    if newest.map(|newest| newest.bundle.digest()) != held.digest() {
        return Err(damaged("it has another bundle than it says"));
    }
    Ok(State {
        held,
        least: state.least,
        since: state.since,
        newest: state.newest,
        earlier: state.earlier,
        made: state.made,
        attempt: state.over.map(|over| (over, state.before)),
    })
}

/// Checks the seal and the digest at the end. Returns what they are about.
fn check_end<'a>(bytes: &'a [u8], seal: Option<&dyn Seal>) -> Result<&'a [u8], Fault> {
    let (before, last) = last_line(bytes)?;
    let (content, digest) = match last.strip_prefix("seal ") {
        None if seal.is_some() => return Err(Fault::Seal),
        None => (before, last),
        Some(code) => {
            let code = from_hex(code).ok_or_else(|| damaged("its seal is no seal"))?;
            if seal.is_some_and(|seal| !seal.verify(before, &code)) {
                return Err(Fault::Seal);
            }
            last_line(before)?
        }
    };
    let named = digest.strip_prefix("digest ");
    match named.and_then(|named| named.parse::<Fingerprint>().ok()) {
        Some(named) if named == Fingerprint::over(content) => Ok(content),
        Some(_) => Err(damaged("its digest is not that of its content")),
        None => Err(damaged("it does not end with a digest: it was cut off")),
    }
}

/// The last line of a text, and what is before it.
fn last_line(bytes: &[u8]) -> Result<(&[u8], &str), Fault> {
    let cut = || damaged("it was cut off");
    let text = bytes.strip_suffix(b"\n").ok_or_else(cut)?;
    let start = text.iter().rposition(|byte| *byte == b'\n');
    let (before, last) = bytes.split_at(start.map_or(0, |at| at.saturating_add(1)));
    let last = core::str::from_utf8(last).map_err(|_| cut())?;
    Ok((before, last.trim_end_matches('\n')))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect();
    let pairs = digits?;
    let whole = pairs.len() % 2 == 0;
    let bytes = pairs.chunks_exact(2).map(|pair| match pair {
        [high, low] => high << 4 | low,
        _ => 0,
    });
    whole.then(|| bytes.collect())
}

/// What was read so far.
#[derive(Default)]
struct Parts {
    least: u64,
    since: u64,
    made: Made,
    over: Option<u64>,
    before: Made,
    held: Option<Held>,
    newest: Option<Kept>,
    earlier: Vec<Kept>,
}

impl Parts {
    fn made(&mut self, name: &str) -> &mut Made {
        match name.starts_with("before-") {
            true => &mut self.before,
            false => &mut self.made,
        }
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn line(&mut self) -> Result<&'a str, Fault> {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let (line, rest) = end
            .and_then(|end| self.0.split_at_checked(end))
            .ok_or_else(|| damaged("a line is cut off"))?;
        self.0 = rest.get(1..).unwrap_or(&[]);
        core::str::from_utf8(line).map_err(|_| damaged("a line is no text"))
    }

    /// The bytes of a section, whose length is in the line before it.
    fn section(&mut self, length: &str) -> Result<&'a [u8], Fault> {
        let wrong = || damaged("a section is cut off");
        let length: usize = length.parse().map_err(|_| wrong())?;
        let (section, rest) = self.0.split_at_checked(length).ok_or_else(wrong)?;
        self.0 = rest.strip_prefix(b"\n").ok_or_else(wrong)?;
        Ok(section)
    }

    fn publication(&mut self, head: &str) -> Result<Kept, Fault> {
        let wrong = || damaged("a publication is not right");
        let (length, signers) = head.split_once(' ').unwrap_or((head, ""));
        let bytes = self.section(length)?;
        let signers: Result<Vec<KeyPin>, _> = signers.split_whitespace().map(str::parse).collect();
        let read = Publication::read(bytes).map_err(|_| wrong())?;
        Ok(Kept {
            bytes: Arc::from(bytes),
            bundle: read.bundle().clone(),
            signers: signers.map_err(|_| wrong())?,
        })
    }
}
