//! The URIs of PKCS#11 (RFC 7512): which module, token and key are meant.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};

use crate::error::UriError;
use crate::limits::{MAX_LABEL_BYTES, MAX_URI_BYTES};
use crate::percent;
use crate::pin::Pin;

/// Which module, token and key are meant, as a URI of RFC 7512 says it:
/// `pkcs11:token=array;object=link?module-path=/usr/lib/softhsm/libsofthsm2.so`.
///
/// What is not named is not compared. A token or key is taken only if it is the only one that fits.
///
/// ```
/// use mutual_trust_pkcs11::Uri;
///
/// let read: Uri = "pkcs11:token=array;object=link;id=%01?module-name=softhsm2".parse()?;
/// let made = Uri::new()
///     .with_module_name("softhsm2")
///     .with_token("array")
///     .with_object("link")
///     .with_id(vec![1]);
/// assert_eq!(read, made);
/// assert_eq!(read.to_string(), "pkcs11:token=array;object=link;id=%01?module-name=softhsm2");
/// # Ok::<(), mutual_trust_pkcs11::UriError>(())
/// ```
///
/// # Security
/// The module is code that this process runs: a URI comes from who configures the process, never from a peer. A PIN in a
/// URI (`pin-value`) is refused, since lists of processes, histories of shells and logs show it:
/// [`parse_with_pin`](Self::parse_with_pin) takes it all the same.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Uri {
    pub(crate) token: Option<String>,
    pub(crate) manufacturer: Option<String>,
    pub(crate) serial: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) library_manufacturer: Option<String>,
    pub(crate) library_description: Option<String>,
    pub(crate) library_version: Option<String>,
    pub(crate) slot_manufacturer: Option<String>,
    pub(crate) slot_description: Option<String>,
    pub(crate) slot_id: Option<u64>,
    pub(crate) object: Option<String>,
    pub(crate) object_type: Option<String>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) module_path: Option<PathBuf>,
    pub(crate) module_name: Option<String>,
    pub(crate) pin_source: Option<PathBuf>,
}

impl Uri {
    /// Names nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a URI that may have a PIN in it (`pin-value`).
    ///
    /// # Errors
    /// As [`from_str`](Self::from_str), but for the PIN.
    pub fn parse_with_pin(text: &str) -> Result<(Self, Option<Pin>), UriError> {
        let mut pin = None;
        let uri = Self::read(text, Some(&mut pin))?;
        Ok((uri, pin))
    }

    /// The module's file: an absolute path. [`Token::open`](crate::Token::open) refuses another.
    pub fn with_module_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.module_path = Some(path.into());
        self
    }

    /// The module's name: `softhsm2` is `libsofthsm2.so` or `softhsm2.so` in one of the folders of the system in which
    /// modules are installed. [`Token::open`](crate::Token::open) refuses a name with folders.
    pub fn with_module_name(mut self, name: impl Into<String>) -> Self {
        self.module_name = Some(name.into());
        self
    }

    /// The token's label.
    pub fn with_token(mut self, label: impl Into<String>) -> Self {
        self.token = Some(label.into());
        self
    }

    /// The token's serial number.
    pub fn with_serial(mut self, serial: impl Into<String>) -> Self {
        self.serial = Some(serial.into());
        self
    }

    /// The key's label (`CKA_LABEL`).
    pub fn with_object(mut self, label: impl Into<String>) -> Self {
        self.object = Some(label.into());
        self
    }

    /// The key's identifier (`CKA_ID`).
    pub fn with_id(mut self, id: impl Into<Vec<u8>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The file of the PIN (`pin-source`), if the URI names one.
    pub fn pin_source(&self) -> Option<&Path> {
        self.pin_source.as_deref()
    }

    /// The key's label, if the URI names one.
    pub fn object(&self) -> Option<&str> {
        self.object.as_deref()
    }

    /// The key's identifier, if the URI names one.
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// Reads all attributes. A PIN goes to `pin`, if there is a place for it.
    fn read(text: &str, mut pin: Option<&mut Option<Pin>>) -> Result<Self, UriError> {
        if text.len() > MAX_URI_BYTES {
            return Err(UriError::TooLong {
                limit: MAX_URI_BYTES,
            });
        }
        // RFC 3986 section 3.1: a scheme has no case.
        let (scheme, rest) = text.split_once(':').ok_or(UriError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkcs11") {
            return Err(UriError::Scheme);
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut uri = Self::default();
        let mut seen = Vec::new();
        if !path.is_empty() {
            for part in path.split(';') {
                let (name, value) = attribute(part, &mut seen)?;
                uri.set_path(name, value)?;
            }
        }
        for part in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = attribute(part, &mut seen)?;
            if name == "pin-value" {
                let place = pin.as_deref_mut().ok_or(UriError::PinValue)?;
                *place = Some(percent::pin(value).ok_or(UriError::Encoding { attribute: name })?);
            } else {
                uri.set_query(name, value)?;
            }
        }
        Ok(uri)
    }

    fn set_path(&mut self, name: Name, value: &str) -> Result<(), UriError> {
        let text = || percent::text(value, percent::in_path).ok_or(encoding(name));
        let place = match name {
            "token" => &mut self.token,
            "manufacturer" => &mut self.manufacturer,
            "serial" => &mut self.serial,
            "model" => &mut self.model,
            "library-manufacturer" => &mut self.library_manufacturer,
            "library-description" => &mut self.library_description,
            "library-version" => &mut self.library_version,
            "slot-manufacturer" => &mut self.slot_manufacturer,
            "slot-description" => &mut self.slot_description,
            "object" => &mut self.object,
            "type" => &mut self.object_type,
            "id" => {
                let id = percent::bytes(value, percent::in_path).ok_or(encoding(name))?;
                bounded(name, id.len())?;
                self.id = Some(id);
                return Ok(());
            }
            "slot-id" => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let number = value.parse().ok().filter(|_| digits);
                self.slot_id = Some(number.ok_or(encoding(name))?);
                return Ok(());
            }
            _ => return Err(UriError::Misplaced { attribute: name }),
        };
        let text = text()?;
        bounded(name, text.len())?;
        if name == "type" && !TYPES.contains(&text.as_str()) {
            return Err(UriError::Value {
                attribute: name,
                expected: "public, private, cert, secret-key or data",
            });
        }
        *place = Some(text);
        Ok(())
    }

    fn set_query(&mut self, name: Name, value: &str) -> Result<(), UriError> {
        let text = percent::text(value, percent::in_query).ok_or(encoding(name))?;
        match name {
            "module-path" => self.module_path = Some(absolute(name, &text)?),
            "module-name" => {
                if !is_module_name(&text) {
                    return Err(UriError::Value {
                        attribute: name,
                        expected: "a name without folders",
                    });
                }
                self.module_name = Some(text);
            }
            "pin-source" => self.pin_source = Some(pin_source(&text)?),
            _ => return Err(UriError::Misplaced { attribute: name }),
        }
        Ok(())
    }
}

/// The name of an attribute that is known.
type Name = &'static str;

/// All attributes of RFC 7512 section 2.3.
const NAMES: [Name; 17] = [
    "token",
    "manufacturer",
    "serial",
    "model",
    "library-manufacturer",
    "library-description",
    "library-version",
    "slot-manufacturer",
    "slot-description",
    "slot-id",
    "object",
    "type",
    "id",
    "module-path",
    "module-name",
    "pin-source",
    "pin-value",
];

/// What `type` may be.
const TYPES: [&str; 5] = ["public", "private", "cert", "secret-key", "data"];

/// Splits an attribute. One that is unknown or stands twice is an error: a key is not chosen by half of what is asked for.
fn attribute<'a>(part: &'a str, seen: &mut Vec<Name>) -> Result<(Name, &'a str), UriError> {
    let (name, value) = part.split_once('=').ok_or(UriError::NoValue)?;
    let Some(name) = NAMES.iter().find(|known| **known == name) else {
        return Err(UriError::Unknown);
    };
    if seen.contains(name) {
        return Err(UriError::Twice { attribute: name });
    }
    seen.push(name);
    Ok((name, value))
}

/// Whether a module is searched by this name in the folders of the system: it leads to no other.
pub(crate) fn is_module_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\\']) && !name.contains("..")
}

fn encoding(attribute: Name) -> UriError {
    UriError::Encoding { attribute }
}

fn bounded(attribute: Name, length: usize) -> Result<(), UriError> {
    if length > MAX_LABEL_BYTES {
        return Err(UriError::Value {
            attribute,
            expected: "255 bytes at most",
        });
    }
    Ok(())
}

fn absolute(attribute: Name, text: &str) -> Result<PathBuf, UriError> {
    let path = PathBuf::from(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(UriError::Value {
            attribute,
            expected: "an absolute path",
        })
    }
}

/// RFC 7512 section 2.4: a file by its path or by its URI. A program (`|program`) is refused: a URI starts none.
fn pin_source(text: &str) -> Result<PathBuf, UriError> {
    const NAME: Name = "pin-source";
    if text.starts_with('|') {
        return Err(UriError::PinCommand);
    }
    let Some(rest) = text.strip_prefix("file:") else {
        return absolute(NAME, text);
    };
    // RFC 8089: `file:/path`, `file:///path`, and `localhost` between the slashes.
    let path = match rest.strip_prefix("//") {
        Some(with_host) => with_host.strip_prefix("localhost").unwrap_or(with_host),
        None => rest,
    };
    let path = percent::text(path, percent::in_query).ok_or(encoding(NAME))?;
    absolute(NAME, &path)
}

impl FromStr for Uri {
    type Err = UriError;

    /// Reads a URI. An attribute that is unknown, twice or in the wrong part is an error.
    ///
    /// # Errors
    /// It is no URI of RFC 7512, or has a PIN in it.
    fn from_str(text: &str) -> Result<Self, UriError> {
        Self::read(text, None)
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pkcs11:")?;
        let slot = self.slot_id.map(|number| number.to_string());
        let path = [
            ("token", &self.token),
            ("manufacturer", &self.manufacturer),
            ("serial", &self.serial),
            ("model", &self.model),
            ("library-manufacturer", &self.library_manufacturer),
            ("library-description", &self.library_description),
            ("library-version", &self.library_version),
            ("slot-manufacturer", &self.slot_manufacturer),
            ("slot-description", &self.slot_description),
            ("slot-id", &slot),
            ("object", &self.object),
            ("type", &self.object_type),
        ];
        let mut between = "";
        for (name, value) in path {
            if let Some(value) = value {
                write!(f, "{between}{name}=")?;
                percent::write(f, value.as_bytes(), percent::in_path)?;
                between = ";";
            }
        }
        if let Some(id) = &self.id {
            // RFC 7512 section 2.3: the whole value, since it is binary.
            write!(f, "{between}id=")?;
            percent::write(f, id, |_| false)?;
        }
        let lossy = |path: &Option<PathBuf>| Some(path.as_ref()?.to_string_lossy().into_owned());
        let query = [
            ("module-path", lossy(&self.module_path)),
            ("module-name", self.module_name.clone()),
            ("pin-source", lossy(&self.pin_source)),
        ];
        let mut between = "?";
        for (name, value) in query {
            if let Some(value) = value {
                write!(f, "{between}{name}=")?;
                percent::write(f, value.as_bytes(), percent::in_query)?;
                between = "&";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

#[cfg(test)]
mod tests;
