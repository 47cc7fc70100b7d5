//! The file of the state of an identity folder.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;

use super::state::{IdentityState, NextState, RequestState, When, is_name};
use crate::certificate::{Fingerprint, Timestamp};

/// The first line. A version that changes the meaning of a line gets another number.
const NAME: &str = "mutual-trust identity ";
const VERSION: &str = "1";
const SUM: &str = "sha256 ";
/// In place of a time.
pub(super) const UNSET: &str = "unset";

impl IdentityState {
    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{NAME}{VERSION}\ncurrent {}\n", self.current);
        let mut line = |line: fmt::Arguments<'_>| {
            // Writing into a string does not fail.
            let _ = text.write_fmt(line);
            text.push('\n');
        };
        if let Some(next) = &self.next {
            line(format_args!("next {} {}", next.certificate, next.staged));
            if let Some(all) = next.all {
                line(format_args!("all {all}"));
            }
            for (server, (is_next, when)) in &next.servers {
                let word = if *is_next { "activated" } else { "back" };
                line(format_args!("{word} {server} {when}"));
            }
            for (server, when) in &next.accepted {
                line(format_args!("accepted {server} {when}"));
            }
        }
        if let Some(request) = &self.request {
            let key = if request.has_new_key {
                "new-key"
            } else {
                "same-key"
            };
            line(format_args!(
                "request {} {key} {}",
                request.name, request.since
            ));
        }
        let sum = Fingerprint::over(text.as_bytes());
        text.push_str(&format!("{SUM}{sum}\n"));
        text
    }

    /// Reads the text of the file. The error has the line.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let first = text.lines().next().unwrap_or("");
        let version = first.strip_prefix(NAME).ok_or(Unreadable::Line(1))?;
        if version != VERSION {
            return Err(Unreadable::Version(version.chars().take(16).collect()));
        }
        let (body, sum) = text.rsplit_once(SUM).ok_or(Unreadable::Sum)?;
        if sum.strip_suffix('\n') != Some(Fingerprint::over(body.as_bytes()).to_string().as_str()) {
            return Err(Unreadable::Sum);
        }
        let mut state: Option<Self> = None;
        for (index, line) in body.lines().enumerate().skip(1) {
            let words: Vec<&str> = line.split(' ').collect();
            let read = match (words.as_slice(), &mut state) {
                (["current", current], None) => {
                    state = current.parse().ok().map(Self::new);
                    state.is_some()
                }
                (words, Some(state)) => state.add(words).is_some(),
                (_, None) => false,
            };
            if !read {
                return Err(Unreadable::Line(index.saturating_add(1)));
            }
        }
        state.ok_or(Unreadable::Line(2))
    }

    fn add(&mut self, words: &[&str]) -> Option<()> {
        match (words, self.next.as_mut()) {
            (["next", certificate, staged], None) => {
                self.next = Some(NextState {
                    certificate: certificate.parse().ok()?,
                    staged: when(staged)?,
                    all: None,
                    servers: BTreeMap::new(),
                    accepted: BTreeMap::new(),
                });
            }
            (["all", since], Some(next)) => next.all = Some(when(since)?),
            ([word @ ("activated" | "back"), server, since], Some(next)) => {
                let choice = (*word == "activated", when(since)?);
                next.servers.insert(server.parse().ok()?, choice);
                next.bounded().ok()?;
            }
            (["accepted", server, at], Some(next)) => {
                next.accepted.insert(server.parse().ok()?, when(at)?);
                next.bounded().ok()?;
            }
            (["request", name, key, since], _) if self.request.is_none() && is_name(name) => {
                self.request = Some(RequestState {
                    name: (*name).to_owned(),
                    has_new_key: match *key {
                        "new-key" => true,
                        "same-key" => false,
                        _ => return None,
                    },
                    since: when(since)?,
                });
            }
            _ => return None,
        }
        Some(())
    }
}

fn when(text: &str) -> Option<When> {
    if text == UNSET {
        return Some(When(None));
    }
    let time: Timestamp = text.parse().ok()?;
    Some(When(Some(time.try_into().ok()?)))
}

/// Why the text of a state is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Version(String),
    Line(usize),
    Sum,
}

#[cfg(test)]
mod tests {
    use pki_types::UnixTime;

    use super::*;
    use crate::certificate::CurrentTime;
    use crate::store::ServerId;
    use crate::tls::folder::state::file_name;

    fn at(seconds: u64) -> CurrentTime {
        CurrentTime::Known(UnixTime::since_unix_epoch(core::time::Duration::from_secs(
            seconds,
        )))
    }

    fn print(byte: u8) -> Fingerprint {
        Fingerprint::from_bytes([byte; 32])
    }

    fn id(text: &str) -> ServerId {
        text.parse().unwrap()
    }

    fn full() -> IdentityState {
        let mut state = IdentityState::new(print(1));
        state.stage(print(2), at(10)).unwrap();
        state.choose(&[id("a"), id("b")], true, at(20)).unwrap();
        assert!(
            state
                .accept(&id("a"), print(2), CurrentTime::Unset)
                .unwrap()
        );
        state.choose_all(true, at(30)).unwrap();
        state.choose(&[id("c")], false, at(40)).unwrap();
        state.request = Some(RequestState {
            name: file_name(print(3)),
            has_new_key: true,
            since: at(5).into(),
        });
        state
    }

    #[test]
    fn a_state_is_read_as_it_was_written_and_every_cut_or_change_is_found() {
        let state = full();
        let text = state.text();
        assert_eq!(IdentityState::read(&text), Ok(state));
        for cut in 0..text.len() {
            assert!(IdentityState::read(&text[..cut]).is_err(), "{cut}");
        }
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(IdentityState::read(&changed).is_err(), "{place}");
        }
        let later = text.replace("identity 1", "identity 2");
        assert_eq!(
            IdentityState::read(&later),
            Err(Unreadable::Version(String::from("2")))
        );
    }

    #[test]
    fn a_line_that_is_not_known_is_refused() {
        let [current, other] = [print(1), print(2)];
        for line in [
            "more",
            "all unset",
            "activated a unset",
            "next x unset",
            "request ../key new-key unset",
            "request identity-0101010101010101 other unset",
            &format!("current {other}"),
        ] {
            let body = format!("{NAME}{VERSION}\ncurrent {current}\n{line}\n");
            let text = format!("{body}{SUM}{}\n", Fingerprint::over(body.as_bytes()));
            assert_eq!(
                IdentityState::read(&text),
                Err(Unreadable::Line(3)),
                "{line}"
            );
        }
    }
}
