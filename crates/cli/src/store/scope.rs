//! The scope and the options of what is installed.

use core::str::FromStr;
use core::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use mutual_trust::certificate::{SystemClock, TimeSource, Timestamp};
use mutual_trust::error::{IdError, StoreError};
use mutual_trust::store::{SanPattern, Scope, ValidityRule};
use mutual_trust::{
    AuthorityScope, CurrentTime, EntryOptions, GroupId, HostName, PinMatch, PinScope, ServerId,
    TrustSnapshot,
};
use pki_types::UnixTime;

use crate::output::Failure;

/// The scope: a server, a group, or clients.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(super) struct ScopeArguments {
    /// A server of the store
    #[arg(long, value_name = "ID")]
    server: Option<ServerId>,
    /// The server with this name; `pin` and `authority` add it if there is none
    #[arg(long, value_name = "NAME")]
    name: Option<HostName>,
    /// The members of this group (pins only)
    #[arg(long, value_name = "ID")]
    group: Option<GroupId>,
    /// Clients: the systems, seen from a key server
    #[arg(long)]
    clients: bool,
    /// Every server without an authority of its own (authorities only)
    #[arg(long)]
    any_server: bool,
}

impl ScopeArguments {
    /// The scope of a pin, if one is named.
    pub(super) fn pin(&self) -> Result<Option<PinScope>, Failure> {
        if self.any_server {
            let text = "a pin belongs to one server: name it with --server";
            return Err(Failure::new("usage", text));
        }
        let server = self.server.clone().map(PinScope::Server);
        let name = self.name.clone().map(PinScope::Name);
        let group = self.group.clone().map(PinScope::Group);
        let clients = self.clients.then_some(PinScope::Clients);
        Ok(server.or(name).or(group).or(clients))
    }

    /// The scope of an authority, if one is named.
    pub(super) fn authority(&self) -> Result<Option<AuthorityScope>, Failure> {
        if self.group.is_some() {
            let text = "an authority is installed for a --server, for --any-server or for --clients, not for a group";
            return Err(Failure::new("usage", text));
        }
        let server = self.server.clone().map(AuthorityScope::Server);
        let name = self.name.clone().map(AuthorityScope::Name);
        let any = self.any_server.then_some(AuthorityScope::AnyServer);
        let clients = self.clients.then_some(AuthorityScope::Clients);
        Ok(server.or(name).or(any).or(clients))
    }

    /// The server that is named, or the scope of entries that is.
    pub(super) fn selected(
        &self,
        view: &TrustSnapshot,
    ) -> Result<(Option<ServerId>, Option<Scope>), Failure> {
        if let Some(id) = &self.server {
            let unknown = || Failure::from(StoreError::UnknownServer(id.clone()));
            view.server(id).ok_or_else(unknown)?;
            return Ok((Some(id.clone()), None));
        }
        if let Some(name) = &self.name {
            let server = view.server_of(name);
            let unknown =
                || Failure::new("store/NoSuchName", format!("no server has the name {name}"));
            let id = server.ok_or_else(unknown)?.id().clone();
            return Ok((Some(id), None));
        }
        if let Some(id) = &self.group {
            let unknown = || Failure::from(StoreError::UnknownGroup(id.clone()));
            view.group(id).ok_or_else(unknown)?;
        }
        let group = self.group.clone().map(Scope::Group);
        let clients = self.clients.then_some(Scope::Clients);
        let any_server = self.any_server.then_some(Scope::AnyServer);
        Ok((None, group.or(clients).or(any_server)))
    }

    pub(super) fn is_group(&self) -> bool {
        self.group.is_some()
    }

    /// Whether an entry of this scope is meant; without a named scope, every entry is.
    pub(super) fn covers(&self, scope: &Scope, view: &TrustSnapshot) -> bool {
        let named = self
            .name
            .as_ref()
            .map(|name| view.server_of(name).map(|server| server.id()));
        let server = self.server.as_ref().map(Some).or(named);
        match (server, &self.group, self.clients, self.any_server) {
            (Some(id), _, _, _) => {
                matches!((scope, id), (Scope::Server(has), Some(id)) if has == id)
            }
            (None, Some(group), _, _) => matches!(scope, Scope::Group(has) if has == group),
            (None, None, true, _) => *scope == Scope::Clients,
            (None, None, false, true) => *scope == Scope::AnyServer,
            (None, None, false, false) => true,
        }
    }
}

/// A span of time: `30d`, `12h`, `90m`, `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a span of time is a number and a unit, w, d, h or m: 30d";
        let unit = match text.chars().last() {
            Some('w') => 7 * 24 * 3600,
            Some('d') => 24 * 3600,
            Some('h') => 3600,
            Some('m') => 60,
            _ => return Err(WRONG),
        };
        let digits = text.get(..text.len().saturating_sub(1)).unwrap_or("");
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        let number: Option<u64> = digits.parse().ok().filter(|_| is_number);
        let seconds = number
            .and_then(|number| number.checked_mul(unit))
            .ok_or(WRONG)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// A time ahead, or the span until then: `2027-01-31`, `30d`.
pub(super) fn until(text: &str) -> Result<UnixTime, String> {
    let Ok(Span(span)) = text.parse::<Span>() else {
        return moment(text).map_err(|error| format!("{error}, or a span such as 30d"));
    };
    let CurrentTime::Known(now) = SystemClock::new().now() else {
        return Err(String::from(
            "the clock is not set: give a time, not a span",
        ));
    };
    let end = Duration::from_secs(now.as_secs()).checked_add(span);
    let end = end.ok_or("the span is too long")?;
    Ok(UnixTime::since_unix_epoch(end))
}

/// A time at which entries can end.
pub(super) fn moment(text: &str) -> Result<UnixTime, String> {
    let moment: Timestamp = text
        .parse()
        .map_err(|error: mutual_trust::error::TimestampError| error.to_string())?;
    UnixTime::try_from(moment).map_err(|_| String::from("the time must be after 1970"))
}

/// The id of a new server. An address with a port is refused: it would be an id that no name selects.
pub(super) fn new_id(text: &str) -> Result<ServerId, String> {
    let id: ServerId = text.parse().map_err(|error: IdError| error.to_string())?;
    let is_host = |host: &str| host.contains('.') && host.parse::<HostName>().is_ok();
    match text.rsplit_once(':') {
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Err(format!(
            "this is an address with a port: add the server by an id and the name `{host}`, and give the port to those that connect"
        )),
        _ => Ok(id),
    }
}

/// How an entry counts.
#[derive(Args, Clone, Debug)]
pub(super) struct OptionArguments {
    /// Who the peer is, for people and for authorisation
    // An empty label would make a client whose name is empty.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    label: Option<String>,
    /// Pins: accept every certificate of the same key, so that the peer can renew
    #[arg(long)]
    match_key: bool,
    /// Pins: accept the certificate this long after it expires: 30d
    #[arg(long, value_name = "SPAN")]
    grace: Option<Span>,
    /// Pins: accept it even if its extended key usage is for another role
    #[arg(long)]
    any_role: bool,
    /// The entry accepts nothing from this time on: 2027-01-31, 30d
    #[arg(long, value_name = "TIME", value_parser = until)]
    ends: Option<UnixTime>,
    /// Authorities for clients: a name of the client must match one of these patterns: dns:*.arrays.example
    #[arg(long, value_name = "PATTERN")]
    pattern: Vec<SanPattern>,
}

impl OptionArguments {
    pub(super) fn options(&self) -> EntryOptions {
        self.onto(EntryOptions::new())
    }

    /// These options with those that are named.
    pub(super) fn onto(&self, mut options: EntryOptions) -> EntryOptions {
        if !self.pattern.is_empty() {
            options = options.with_san_patterns(self.pattern.clone());
        }
        if let Some(label) = &self.label {
            options = options.with_label(label.as_str());
        }
        if self.match_key {
            options = options.with_matching(PinMatch::PublicKey);
        }
        if let Some(Span(grace)) = self.grace {
            options = options.with_validity(ValidityRule::Grace(grace));
        }
        if self.any_role {
            options = options.with_any_role();
        }
        if let Some(end) = self.ends {
            options = options.with_end(end);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_with_a_unit() {
        let span = |text: &str| text.parse::<Span>().map(|span| span.0.as_secs());
        assert_eq!(span("30d"), Ok(2_592_000));
        assert_eq!(span("2w"), Ok(1_209_600));
        assert_eq!(span("12h"), Ok(43_200));
        assert_eq!(span("90m"), Ok(5_400));
        for bad in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5d",
            "30 d",
            "30s",
            "99999999999999999999d",
            "3ö",
        ] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
