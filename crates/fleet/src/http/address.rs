//! Addresses that an administrator configured.

use hyper::Uri;

use crate::setting::SettingError;

/// The address of a server: scheme, host, port, and what every path starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    is_tls: bool,
    /// A name or an IP address, an IPv6 address without its brackets.
    host: String,
    port: u16,
    /// Path and query. Begins with a slash.
    path: String,
    text: String,
}

impl Address {
    /// Reads `https://host:port/path` or `http://…`.
    pub(crate) fn parse(text: &str) -> Result<Self, SettingError> {
        let wrong = |why: &str| SettingError::new("the address", format!("{text:?} {why}"));
        let uri: Uri = text.parse().map_err(|_| wrong("is no URL"))?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong("does not start with https:// or http://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("has no host"))?;
        // A name and a password in an address end up in logs.
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it"));
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") => {
                if is_tls {
                    443
                } else {
                    80
                }
            }
            _ => authority
                .port_u16()
                .ok_or_else(|| wrong("has no port that exists"))?,
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        if host.is_empty() {
            return Err(wrong("has no host"));
        }
        if text.contains('#') {
            return Err(wrong("has a fragment"));
        }
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port,
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
            text: text.to_owned(),
        })
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether paths can be put below it.
    pub(crate) fn has_query(&self) -> bool {
        self.path.contains('?')
    }

    /// The target of a request.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// As it was configured.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What the header `Host` must say.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    /// An address below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let slash = |text: &str| format!("{}/{name}", text.trim_end_matches('/'));
        Self {
            path: slash(&self.path),
            text: slash(&self.text),
            ..self.clone()
        }
    }
}
