//! The state of an identity folder as a small text: which certificate is ours, which one is next, and which servers are
//! presented the next one. There is no secret in it.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use pki_types::UnixTime;

use crate::certificate::{CurrentTime, Fingerprint, Timestamp};
use crate::limits::MAX_SEEN_SERVERS;
use crate::store::ServerId;
use crate::tls::error::{FolderError, RotationError};

/// Where a rotation of our identity stands, as the state of an [`IdentityFolder`](super::IdentityFolder) has it.
///
/// ```
/// use mutual_trust::tls::{IdentityState, RotationPhase};
///
/// fn show(state: &IdentityState) {
///     println!("{}: {}", state.phase(), state.current());
///     for server in state.lagging(&[]) {
///         println!("{server}"); // what is missing before the current identity can go
///     }
///     if state.phase() == RotationPhase::None {
///         println!("no next identity is staged");
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityState {
    pub(super) current: Fingerprint,
    pub(super) next: Option<NextState>,
    /// A request for the next certificate, to which a CA has not answered.
    pub(super) request: Option<RequestState>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NextState {
    pub(super) certificate: Fingerprint,
    pub(super) staged: When,
    /// When it was activated for all servers, but for those that are listed otherwise.
    pub(super) all: Option<When>,
    /// Servers for which it was activated or taken back by name, and when.
    pub(super) servers: BTreeMap<ServerId, (bool, When)>,
    /// Servers that accepted it since they are presented it.
    pub(super) accepted: BTreeMap<ServerId, When>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestState {
    /// The name of its files.
    pub(super) name: String,
    /// Whether it has a key of its own, beside that of the current certificate.
    pub(super) has_new_key: bool,
    pub(super) since: When,
}

/// A time; `None` if the clock was unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When(pub(super) Option<UnixTime>);

impl From<CurrentTime> for When {
    fn from(clock: CurrentTime) -> Self {
        Self(match clock {
            CurrentTime::Known(time) => Some(time),
            CurrentTime::Unset => None,
        })
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => Timestamp::from(time).fmt(f),
            None => f.write_str(super::text::UNSET),
        }
    }
}

/// The phase of a rotation of our identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotationPhase {
    /// Nothing is staged.
    None,
    /// The next identity is ready and presented to no server.
    Staged,
    /// Some servers are presented the next identity.
    Activating,
    /// All servers are presented the next identity.
    Activated,
}

impl RotationPhase {
    /// The phase as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Staged => "staged",
            Self::Activating => "activating",
            Self::Activated => "activated",
        }
    }
}

impl fmt::Display for RotationPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A server and the identity that it is presented while another one is staged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerRotation {
    /// The server.
    pub server: ServerId,
    /// Whether it is presented the next identity.
    #[doc(hidden)]
    pub is_activated: bool,
    /// Since when; `None` if the clock was unset, or if it was never activated.
    #[doc(hidden)]
    pub since: Option<UnixTime>,
    /// When it was last seen to accept the next identity; `None` if that was not seen or the clock was unset.
    #[doc(hidden)]
    pub accepted: Option<UnixTime>,
    /// Whether it was seen to accept the next identity.
    pub is_accepted: bool,
}

impl fmt::Display for ServerRotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server {}: ", self.server)?;
        let at = |time: Option<UnixTime>| time.map(Timestamp::from);
        match (self.is_activated, self.is_accepted) {
            (false, _) => f.write_str("we present the current certificate")?,
            (true, false) => f.write_str("we present the next certificate")?,
            (true, true) => f.write_str("it accepted the next certificate")?,
        }
        match (self.is_activated, self.is_accepted) {
            (true, true) => at(self.accepted).map_or(Ok(()), |at| write!(f, " at {at}")),
            (activated, _) => {
                if let Some(since) = at(self.since) {
                    write!(f, " since {since}")?;
                }
                f.write_str(if activated {
                    ", and it was not seen to accept that"
                } else {
                    ""
                })
            }
        }
    }
}

impl IdentityState {
    pub(super) fn new(current: Fingerprint) -> Self {
        Self {
            current,
            next: None,
            request: None,
        }
    }

    /// The fingerprint of the current certificate.
    pub fn current(&self) -> Fingerprint {
        self.current
    }

    /// The fingerprint of the next certificate, if one is staged.
    pub fn next(&self) -> Option<Fingerprint> {
        self.next.as_ref().map(|next| next.certificate)
    }

    /// When the next identity was staged; `None` if none is, or if the clock was unset.
    #[doc(hidden)]
    pub fn staged(&self) -> Option<UnixTime> {
        self.next.as_ref()?.staged.0
    }

    /// Since when a CA has not answered the request for the next certificate; the inner `None` if the clock was unset.
    #[doc(hidden)]
    pub fn requested(&self) -> Option<Option<UnixTime>> {
        self.request.as_ref().map(|request| request.since.0)
    }

    /// The phase.
    pub fn phase(&self) -> RotationPhase {
        let Some(next) = &self.next else {
            return RotationPhase::None;
        };
        let any = |wanted: bool| next.servers.values().any(|(is_next, _)| *is_next == wanted);
        match (next.all, any(true), any(false)) {
            (Some(_), _, false) => RotationPhase::Activated,
            (Some(_), _, true) | (None, true, _) => RotationPhase::Activating,
            (None, false, _) => RotationPhase::Staged,
        }
    }

    /// Whether a server is presented the next identity.
    pub fn is_activated(&self, server: &ServerId) -> bool {
        self.next.as_ref().is_some_and(|next| next.is_for(server))
    }

    /// What the servers are presented, ordered by id: `known`, or if that is empty those that the state names. Nothing if
    /// no identity is staged.
    #[doc(hidden)]
    pub fn servers(&self, known: &[ServerId]) -> Vec<ServerRotation> {
        let Some(next) = &self.next else {
            return Vec::new();
        };
        let named: BTreeSet<&ServerId> = if known.is_empty() {
            next.servers.keys().chain(next.accepted.keys()).collect()
        } else {
            known.iter().collect()
        };
        let of = |server: &ServerId| {
            let is_activated = next.is_for(server);
            let own = next.servers.get(server).map(|(_, when)| *when);
            let since = own.or(next.all.filter(|_| is_activated));
            let accepted = next.accepted.get(server).filter(|_| is_activated);
            ServerRotation {
                server: server.clone(),
                is_activated,
                since: since.and_then(|when| when.0),
                accepted: accepted.and_then(|when| when.0),
                is_accepted: accepted.is_some(),
            }
        };
        named.into_iter().map(of).collect()
    }

    /// The servers that are not presented the next identity, or were not seen to accept it, ordered by id: of `known`, or
    /// if that is empty of those that the state names.
    pub fn lagging(&self, known: &[ServerId]) -> Vec<ServerRotation> {
        let mut servers = self.servers(known);
        servers.retain(|server| !server.is_activated || !server.is_accepted);
        servers
    }

    /// Whether the current identity can go: every server of `known` is presented the next one and was seen to accept it.
    /// Without `known`, the next one is also activated for all, and at least one server was seen to accept it.
    pub fn may_finish(&self, known: &[ServerId]) -> bool {
        let covers_all = !known.is_empty() || self.phase() == RotationPhase::Activated;
        let servers = self.servers(known);
        let has_accepted = |server: &ServerRotation| server.is_activated && server.is_accepted;
        covers_all && !servers.is_empty() && servers.iter().all(has_accepted)
    }

    /// Which identities are presented, in the terms of [`Identities`](crate::tls::Identities): whether the next one is for
    /// all servers, and for which ones it is otherwise.
    pub(super) fn choice(&self) -> (bool, BTreeSet<ServerId>) {
        let Some(next) = &self.next else {
            return (false, BTreeSet::new());
        };
        let all = next.all.is_some();
        let except = next
            .servers
            .iter()
            .filter(|(_, (is_next, _))| *is_next != all);
        (all, except.map(|(server, _)| server.clone()).collect())
    }

    pub(super) fn stage(
        &mut self,
        certificate: Fingerprint,
        now: CurrentTime,
    ) -> Result<(), RotationError> {
        if self.current == certificate {
            return Err(RotationError::AlreadyCurrent { certificate });
        }
        if let Some(next) = &self.next
            && self.phase() != RotationPhase::Staged
        {
            let certificate = next.certificate;
            return Err(RotationError::InUse { certificate });
        }
        self.next = Some(NextState {
            certificate,
            staged: now.into(),
            all: None,
            servers: BTreeMap::new(),
            accepted: BTreeMap::new(),
        });
        Ok(())
    }

    /// Presents the next identity, or the current one again, to these servers.
    pub(super) fn choose(
        &mut self,
        servers: &[ServerId],
        is_next: bool,
        now: CurrentTime,
    ) -> Result<(), FolderError> {
        let next = self.next.as_mut().ok_or(RotationError::NothingStaged)?;
        for server in servers {
            if next.is_for(server) == is_next {
                continue;
            }
            next.servers.insert(server.clone(), (is_next, now.into()));
            next.accepted.remove(server);
        }
        next.bounded()
    }

    /// Presents the next identity, or the current one again, to all servers.
    pub(super) fn choose_all(
        &mut self,
        is_next: bool,
        now: CurrentTime,
    ) -> Result<(), FolderError> {
        let next = self.next.as_mut().ok_or(RotationError::NothingStaged)?;
        if is_next {
            // A server for which it was activated before keeps its date, and what was seen of it.
            next.servers.retain(|_, (was_next, _)| *was_next);
            next.all = next.all.or(Some(now.into()));
        } else {
            next.servers.clear();
            next.accepted.clear();
            next.all = None;
        }
        Ok(())
    }

    /// Records that a server accepted a certificate. `false` if that is not the one that it is presented next.
    pub(super) fn accept(
        &mut self,
        server: &ServerId,
        certificate: Fingerprint,
        now: CurrentTime,
    ) -> Result<bool, FolderError> {
        let Some(next) = self.next.as_mut() else {
            return Ok(false);
        };
        if next.certificate != certificate || !next.is_for(server) {
            return Ok(false);
        }
        next.accepted.insert(server.clone(), now.into());
        next.bounded()?;
        Ok(true)
    }
}

impl NextState {
    fn is_for(&self, server: &ServerId) -> bool {
        let named = self.servers.get(server).map(|(is_next, _)| *is_next);
        named.unwrap_or(self.all.is_some())
    }

    pub(super) fn bounded(&self) -> Result<(), FolderError> {
        let limit = MAX_SEEN_SERVERS;
        if self.servers.len() > limit || self.accepted.len() > limit {
            return Err(FolderError::TooManyServers { limit });
        }
        Ok(())
    }
}

/// The names that files of an identity have: they never change their content.
pub(super) fn file_name(of: Fingerprint) -> String {
    let start = of.as_bytes().iter().take(8);
    start.fold(String::from("identity-"), |mut name, byte| {
        name.push_str(&format!("{byte:02x}"));
        name
    })
}

/// Whether a file of ours could have this name, without its ending.
pub(super) fn is_name(name: &str) -> bool {
    let digits = name.strip_prefix("identity-").unwrap_or("");
    digits.len() == 16
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn the_phases_and_who_lags() {
        let mut state = IdentityState::new(print(1));
        let known = [id("a"), id("b")];
        assert_eq!(state.phase(), RotationPhase::None);
        assert!(state.servers(&known).is_empty() && !state.may_finish(&known));
        state.stage(print(2), at(10)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Staged);
        assert_eq!(state.lagging(&known).len(), 2);
        state.choose(&[id("a")], true, at(20)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Activating);
        assert!(!state.accept(&id("b"), print(2), at(21)).unwrap());
        assert!(!state.accept(&id("a"), print(1), at(21)).unwrap());
        assert!(state.accept(&id("a"), print(2), at(21)).unwrap());
        let lagging = state.lagging(&known);
        assert_eq!(lagging.len(), 1);
        assert_eq!(lagging[0].server, id("b"));
        state.choose_all(true, at(30)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Activated);
        // It was presented the next one before, and its date stays.
        assert!(state.servers(&known)[0].is_accepted);
        assert!(!state.may_finish(&known));
        assert!(state.accept(&id("b"), print(2), at(31)).unwrap());
        assert!(state.may_finish(&known) && state.may_finish(&[]));
        // What was seen before it went back is not seen after.
        state.choose(&[id("a")], false, at(40)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Activating);
        state.choose(&[id("a")], true, at(50)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Activated);
        assert!(!state.servers(&known)[0].is_accepted);
        assert!(matches!(
            state.stage(print(3), at(60)),
            Err(RotationError::InUse { .. })
        ));
        state.choose_all(false, at(70)).unwrap();
        assert_eq!(state.phase(), RotationPhase::Staged);
        state.stage(print(3), at(80)).unwrap();
        assert_eq!(state.next(), Some(print(3)));
    }
}
