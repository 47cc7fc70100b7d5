//! PKCS#12 archives (RFC 7292), as OpenSSL, keytool and Windows write them.
//!
//! Read by the types of RustCrypto. Libraries for the whole decrypt every private key with the certificates, or return
//! no certificate of an archive without an attribute of Java.

use ::pkcs12::cms::cert::x509::attr::Attributes;
use ::pkcs12::cms::content_info::ContentInfo;
use ::pkcs12::cms::encrypted_data::EncryptedData;
use ::pkcs12::pfx::Pfx;
use ::pkcs12::safe_bag::{SafeBag, SafeContents};
use ::pkcs12::{AuthenticatedSafe, BagType, CertBag, CrlBag, MacData};
use der::asn1::{BmpString, ContextSpecific, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode};
use zeroize::Zeroizing;

use super::decrypt::{self, Budget};
use super::{Held, HeldCertificate, HeldKey, KeyContent, behind_header, ber, damaged};
use crate::output::Failure;

const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
const X509_CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.23.1");
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");

/// Bags in bags, of which no program writes more than one level.
const MAX_DEPTH: usize = 4;

const WHAT: &str = "the PKCS#12 archive";

/// Whether this is an archive, whole or not: version 3, and a ContentInfo.
pub(super) fn is_one(content: &[u8]) -> bool {
    behind_header(content).is_some_and(|inner| inner.starts_with(&[0x02, 0x01, 0x03, 0x30]))
}

/// An archive whose outer form was read.
pub(crate) struct Archive {
    content: Vec<u8>,
    mac: Option<MacData>,
    safes: Vec<ContentInfo>,
}

impl Archive {
    pub(super) fn read(content: &[u8]) -> Result<Self, Failure> {
        let pfx = Pfx::from_der(&ber::as_der(content)).map_err(|_| damaged(WHAT))?;
        if pfx.auth_safe.content_type != DATA {
            let text = "a PKCS#12 archive that is signed with a public key, which is not read";
            return Err(Failure::new("file/Unsupported", text));
        }
        let content = octets(&pfx.auth_safe.content).map_err(|_| damaged(WHAT))?;
        let safes =
            AuthenticatedSafe::from_der(&ber::as_der(&content)).map_err(|_| damaged(WHAT))?;
        Ok(Self {
            content,
            mac: pfx.mac_data,
            safes,
        })
    }

    /// Whether it has a MAC or encrypted certificates.
    pub(crate) fn needs_passphrase(&self) -> bool {
        let mut safes = self.safes.iter();
        self.mac.is_some() || safes.any(|safe| safe.content_type == ENCRYPTED_DATA)
    }

    /// Reads what is in it. Private keys stay encrypted.
    pub(crate) fn open(&self, passphrase: Option<&[u8]>) -> Result<Held, Failure> {
        let mut budget = Budget::new();
        let passphrase = passphrase.unwrap_or_default();
        if let Some(mac) = &self.mac {
            decrypt::check_mac(mac, &self.content, passphrase, &mut budget)?;
        }
        let mut held = Held::default();
        for safe in &self.safes {
            // What does not have the right form where nothing checks the passphrase was decrypted with a wrong one.
            let bags = match safe.content_type {
                DATA => Zeroizing::new(octets(&safe.content).map_err(|_| damaged(WHAT))?),
                ENCRYPTED_DATA => self.decrypted(&safe.content, passphrase, &mut budget)?,
                other => {
                    let text = format!("a part of the archive is of an unknown kind ({other})");
                    return Err(Failure::new("file/Unsupported", text));
                }
            };
            held.add(of_bags(&bags, MAX_DEPTH)?);
        }
        Ok(held)
    }

    fn decrypted(
        &self,
        content: &Any,
        passphrase: &[u8],
        budget: &mut Budget,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let encrypted = content
            .to_der()
            .and_then(|der| EncryptedData::from_der(&der));
        let info = encrypted.map_err(|_| damaged(WHAT))?.enc_content_info;
        let bytes = info
            .encrypted_content
            .as_ref()
            .ok_or_else(|| damaged(WHAT))?;
        let bags = decrypt::open(&info.content_enc_alg, bytes.as_bytes(), passphrase, budget)?;
        // A wrong passphrase leaves a right padding once in 256 times.
        if self.mac.is_none() && SafeContents::from_der(&ber::as_der(&bags)).is_err() {
            return Err(decrypt::wrong());
        }
        Ok(bags)
    }
}

fn octets(content: &Any) -> der::Result<Vec<u8>> {
    let octets = OctetString::from_der(&content.to_der()?)?;
    Ok(octets.into_bytes().into())
}

fn of_bags(bags: &[u8], depth: usize) -> Result<Held, Failure> {
    let depth = depth.checked_sub(1).ok_or_else(|| damaged(WHAT))?;
    let mut held = Held::default();
    for bag in SafeContents::from_der(&ber::as_der(bags)).map_err(|_| damaged(WHAT))? {
        let (alias, key_id) = attributes(bag.bag_attributes.as_ref());
        match BagType::try_from(bag.bag_id) {
            Ok(BagType::Cert) => {
                let found: CertBag = value(&bag)?;
                if found.cert_id != X509_CERTIFICATE {
                    return Err(unsupported(found.cert_id));
                }
                held.certificates.push(HeldCertificate {
                    der: found.cert_value.into_bytes().into(),
                    alias,
                    key_id,
                });
            }
            Ok(BagType::Crl) => {
                let found: CrlBag = value(&bag)?;
                if found.crl_id != X509_CRL {
                    return Err(unsupported(found.crl_id));
                }
                held.lists.push(found.crl_value.into_bytes().into());
            }
            Ok(BagType::Key) => held.keys.push(HeldKey {
                alias,
                key_id,
                content: KeyContent::Plain(Zeroizing::new(whole(&bag)?)),
            }),
            Ok(BagType::Pkcs8) => held.keys.push(HeldKey {
                alias,
                key_id,
                content: KeyContent::Encrypted(whole(&bag)?),
            }),
            Ok(BagType::SafeContents) => held.add(of_bags(&whole(&bag)?, depth)?),
            // A secret that is neither a certificate nor a private key.
            Ok(BagType::Secret) => {}
            Err(_) => return Err(unsupported(bag.bag_id)),
        }
    }
    Ok(held)
}

fn unsupported(id: ObjectIdentifier) -> Failure {
    let text = format!("the archive holds something of an unknown kind ({id})");
    Failure::new("file/Unsupported", text)
}

fn value<T: for<'a> Decode<'a, Error = der::Error> + der::Tagged>(
    bag: &SafeBag,
) -> Result<T, Failure>
where
    for<'a> ContextSpecific<T>: Decode<'a, Error = der::Error>,
{
    let found = ContextSpecific::<T>::from_der(&bag.bag_value);
    Ok(found.map_err(|_| damaged(WHAT))?.value)
}

/// The DER of what is in a bag.
fn whole(bag: &SafeBag) -> Result<Vec<u8>, Failure> {
    let found: Any = value(bag)?;
    found.to_der().map_err(|_| damaged(WHAT))
}

/// The friendly name, and the identifier that a certificate shares with its key.
fn attributes(all: Option<&Attributes>) -> (Option<String>, Option<Vec<u8>>) {
    let first = |id: ObjectIdentifier| {
        let found = all?.iter().find(|one| one.oid == id)?;
        found.values.iter().next()?.to_der().ok()
    };
    let name = first(FRIENDLY_NAME).and_then(|der| BmpString::from_der(&der).ok());
    let key_id = first(LOCAL_KEY_ID).and_then(|der| OctetString::from_der(&der).ok());
    (
        name.map(|name| name.to_string()),
        key_id.map(|id| id.as_bytes().to_vec()),
    )
}
