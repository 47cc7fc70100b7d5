//! How a certificate is encoded: facts that are rarely needed, so they are read from the DER on request.

pub(crate) use super::der::REGISTERED_ID;
use super::time::read_time;
use super::{Certificate, der, dotted};
use crate::limits::{KNOWN_CRITICAL_IN_CA, KNOWN_CRITICAL_IN_PIN};

/// An extension of a certificate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    /// The content bytes of the object identifier.
    pub(crate) id: &'a [u8],
    pub(crate) critical: bool,
    /// That it is not critical is written, although it is the default.
    pub(crate) default_written: bool,
    /// The DER of the value.
    pub(crate) value: &'a [u8],
}

// Slots in which a critical extension is not understood: bits of a set.
pub(super) const IN_PIN: u8 = 1;
pub(super) const IN_CA: u8 = 2;

/// The number of an extension below `2.5.29` (id-ce).
pub(super) fn number(id: &[u8]) -> Option<u8> {
    match id {
        [0x55, 0x1d, last] => Some(*last),
        _ => None,
    }
}

/// Whether the object identifier is one below `2.5.29` (id-ce) whose last number is in a list. Its bytes are compared:
/// the walk that ran before has let each identifier in in one form alone.
pub(super) fn is_listed(id: &[u8], list: &[u8]) -> bool {
    number(id).is_some_and(|own| list.contains(&own))
}

/// The base of a subtree in `nameConstraints` (RFC 5280 section 4.2.1.10).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subtree<'a> {
    /// The form of the name: its tag byte.
    pub(crate) form: u8,
    pub(crate) name: &'a [u8],
}

/// Tags of `GeneralName` (RFC 5280 section 4.2.1.6).
pub(crate) const RFC822_NAME: u8 = 0x81;
pub(crate) const DNS_NAME: u8 = 0x82;
pub(crate) const DIRECTORY_NAME: u8 = 0xa4;
pub(crate) const URI: u8 = 0x86;
pub(crate) const IP_ADDRESS: u8 = 0x87;
pub(crate) const OTHER_NAME: u8 = 0xa0;
pub(crate) const X400_ADDRESS: u8 = 0xa3;
pub(crate) const EDI_PARTY_NAME: u8 = 0xa5;

/// All of them: the `CHOICE` has no others (RFC 5280 appendix A.2).
pub(super) const GENERAL_NAMES: [u8; 9] = [
    RFC822_NAME,
    DNS_NAME,
    URI,
    IP_ADDRESS,
    REGISTERED_ID,
    OTHER_NAME,
    X400_ADDRESS,
    DIRECTORY_NAME,
    EDI_PARTY_NAME,
];

/// The name of a form of names whose constraints the path builder does not process. `None` if it does.
pub(crate) fn unprocessed(form: u8) -> Option<&'static str> {
    match form {
        DNS_NAME | IP_ADDRESS => None,
        DIRECTORY_NAME => Some("directory names (directoryName)"),
        RFC822_NAME => Some("e-mail addresses (rfc822Name)"),
        URI => Some("URIs (uniformResourceIdentifier)"),
        _ => Some("names of another form"),
    }
}

/// Consecutive DER values, up to the first malformed one.
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = der::Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (value, rest) = der::take(self.0)?;
        self.0 = rest;
        Some(value)
    }
}

/// The parts of a constructed value. Empty if it is malformed.
pub(crate) fn parts(value: &[u8]) -> impl Iterator<Item = der::Value<'_>> {
    Values(der::take(value).map_or(&[], |(value, _)| value.content))
}

/// The identifier and the value of each attribute of a name in DER.
pub(crate) fn attributes(name: &[u8]) -> impl Iterator<Item = (&[u8], der::Value<'_>)> {
    parts(name).flat_map(|set| attributes_of(&set))
}

/// The same of one part of a name.
pub(crate) fn attributes_of<'a>(
    set: &der::Value<'a>,
) -> impl Iterator<Item = (&'a [u8], der::Value<'a>)> + use<'a> {
    parts(set.whole).filter_map(|attribute| {
        let mut fields = parts(attribute.whole);
        Some((fields.next()?.content, fields.next()?))
    })
}

/// Consecutive extensions, in order.
pub(super) fn extensions_of(list: &[u8]) -> impl Iterator<Item = Extension<'_>> {
    Values(list).filter_map(|extension| {
        let mut fields = Values(extension.content);
        let id = fields.next()?.content;
        let (mut critical, mut default_written, mut value) = (false, false, fields.next()?);
        if let Some(last) = fields.next() {
            critical = value.content != [0];
            default_written = !critical;
            value = last;
        }
        Some(Extension {
            id,
            critical,
            default_written,
            value: value.content,
        })
    })
}

impl Certificate {
    /// The extensions, in their order.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        let wrapper = parts(self.to_be_signed()).find(|field| field.tag == 0xa3);
        extensions_of(wrapper.map_or(&[], |wrapper| {
            der::take(wrapper.content).map_or(&[], |(list, _)| list.content)
        }))
    }

    /// The extension with this object identifier.
    pub(crate) fn extension(&self, id: &[u8]) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.id == id)
    }

    /// The first of the two validity fields that the path builder cannot read. It only reads times from 1970 on, in the
    /// form of RFC 5280 section 4.1.2.5.
    pub(crate) fn unread_time(&self) -> Option<&'static str> {
        // serialNumber, signature, issuer, validity
        let mut fields = parts(self.to_be_signed()).skip_while(|field| field.tag == 0xa0);
        let period = fields.nth(3)?;
        let is_unread = |time: &der::Value<'_>| {
            read_time(time.tag, time.content).is_none_or(|seconds| seconds < 0)
        };
        let times = Values(period.content).zip(["notBefore", "notAfter"]);
        let mut unread = times.filter(|(time, _)| is_unread(time));
        unread.next().map(|(_, field)| field)
    }

    /// The permitted and excluded subtrees of the name constraints.
    pub(crate) fn constraints(&self) -> impl Iterator<Item = Subtree<'_>> {
        let extension = self.extension(&[0x55, 0x1d, 30]);
        let value = extension.map_or(&[][..], |extension| extension.value);
        parts(value)
            .flat_map(|list| Values(list.content))
            .filter_map(|subtree| {
                let base = Values(subtree.content).next()?;
                Some(Subtree {
                    form: base.tag,
                    name: base.content,
                })
            })
    }

    /// The forms and contents of the subject alternative names, as encoded.
    pub(crate) fn name_forms(&self) -> impl Iterator<Item = Subtree<'_>> {
        self.name_values().map(|name| Subtree {
            form: name.tag,
            name: name.content,
        })
    }

    /// The number of subject alternative names.
    pub(crate) fn count_names(&self) -> usize {
        self.name_values().count()
    }

    pub(super) fn name_values(&self) -> impl Iterator<Item = der::Value<'_>> {
        let value = self.facts().names.map(|place| place.get(self.der()));
        parts(value.unwrap_or(&[]))
    }

    /// The first critical extension that is unknown for pins, in dotted form.
    pub(crate) fn unknown_critical_in_pin(&self) -> Option<String> {
        let any = self.facts().unknown_critical & IN_PIN != 0;
        any.then(|| self.critical_beyond(KNOWN_CRITICAL_IN_PIN))
    }

    /// The first critical extension that is unknown for authorities and intermediates, in dotted form.
    pub(crate) fn unknown_critical_in_ca(&self) -> Option<String> {
        let any = self.facts().unknown_critical & IN_CA != 0;
        any.then(|| self.critical_beyond(KNOWN_CRITICAL_IN_CA))
    }

    /// The first critical extension that is not in `known`, in dotted form. Empty if there is none.
    pub(crate) fn critical_beyond(&self, known: &[u8]) -> String {
        let mut critical = self.extensions().filter(|extension| extension.critical);
        let found = critical.find(|extension| !is_listed(extension.id, known));
        found.map_or_else(String::new, |extension| dotted(extension.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_listed_under_its_own_bytes() {
        for number in 0..=u8::MAX {
            for id in 0..=u8::MAX {
                let found = is_listed(&[0x55, 0x1d, id], &[number]);
                assert_eq!(found, id == number, "{id} in {number}");
            }
        }
        for other in [
            &[0x55, 0x1d, 0x81, 0x00][..],
            &[0x55, 0x1d, 0x80, 0x1e],
            &[0x55, 0x1e, 0x1e],
            &[0x55, 0x1d],
            &[0x1e],
        ] {
            assert!(!is_listed(other, &[0, 0x1e, 0x80]), "{other:02x?}");
        }
    }
}
