//! Finds the objects of a key: its private and its public one, and its certificate.

use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use mutual_trust::certificate::Certificate;

use crate::error::Error;
use crate::fault::Fault;
use crate::kind::Kind;
use crate::limits::MAX_FOUND;
use crate::public::public_of;
use crate::token::Token;
use crate::uri::Uri;

impl Token {
    /// The certificate that is kept beside the key, under the same label or identifier.
    ///
    /// # Errors
    /// There is none or more than one, or it is malformed.
    pub fn certificate(&self, uri: &Uri) -> Result<Certificate, Error> {
        let der = self.with_session(|session, _| {
            let template = template(uri, ObjectClass::CERTIFICATE);
            let object = only(
                session,
                &template,
                || self.not_found(uri),
                || self.several(uri),
            )?;
            let found = session.get_attributes(object, &[AttributeType::Value])?;
            let value = found.into_iter().find_map(|attribute| {
                if let Attribute::Value(value) = attribute {
                    return Some(value);
                }
                None
            });
            value.ok_or_else(|| Fault::from(self.not_found(uri)))
        })?;
        Certificate::from_der(&der).map_err(|error| Error::UnusableKey {
            reason: format!("its certificate in the token cannot be read: {error}"),
        })
    }

    fn not_found(&self, uri: &Uri) -> Error {
        Error::KeyNotFound {
            token: self.label().to_owned(),
            wanted: uri.to_string(),
        }
    }

    fn several(&self, uri: &Uri) -> Error {
        Error::SeveralKeys {
            token: self.label().to_owned(),
            wanted: uri.to_string(),
        }
    }

    /// The one private key.
    pub(crate) fn find(&self, session: &Session, uri: &Uri) -> Result<ObjectHandle, Fault> {
        let template = template(uri, ObjectClass::PRIVATE_KEY);
        only(
            session,
            &template,
            || self.not_found(uri),
            || self.several(uri),
        )
    }

    /// Whether TLS can use the key. Gives its type.
    pub(crate) fn usable(&self, session: &Session, handle: ObjectHandle) -> Result<KeyType, Fault> {
        let wanted = [
            AttributeType::KeyType,
            AttributeType::Sign,
            AttributeType::AlwaysAuthenticate,
        ];
        let mut key_type = None;
        for attribute in session.get_attributes(handle, &wanted)? {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "a hundred attributes, of which these were asked for"
            )]
            match attribute {
                Attribute::KeyType(found) => key_type = Some(found),
                Attribute::Sign(false) => {
                    return Err(unusable("it may not sign (CKA_SIGN)").into());
                }
                Attribute::AlwaysAuthenticate(true) => {
                    return Err(Error::AlwaysAuthenticate.into());
                }
                _ => {}
            }
        }
        key_type.ok_or_else(|| unusable("TLS has no use for keys of its type").into())
    }

    /// The public part of a private key: of the object itself, or of the public object of the same identifier and label.
    pub(crate) fn public(
        &self,
        session: &Session,
        uri: &Uri,
        private: ObjectHandle,
    ) -> Result<Option<(Kind, Vec<u8>)>, Fault> {
        if let Some(found) = public_of(session, private, true)? {
            return Ok(Some(found));
        }
        let named = session.get_attributes(private, &[AttributeType::Id])?;
        let mut wanted = uri.clone();
        for attribute in named {
            // PKCS#11 2.40 section 4.8: the identifier is what a pair has in common.
            if let Attribute::Id(id) = attribute
                && !id.is_empty()
            {
                wanted.id = Some(id);
                wanted.object = None;
            }
        }
        let template = template(&wanted, ObjectClass::PUBLIC_KEY);
        match found(session, &template)?.as_slice() {
            [only] => Ok(public_of(session, *only, false)?),
            _ => Ok(None),
        }
    }
}

pub(crate) fn unusable(reason: &str) -> Error {
    Error::UnusableKey {
        reason: reason.to_owned(),
    }
}

pub(crate) fn template(uri: &Uri, class: ObjectClass) -> Vec<Attribute> {
    let mut template = vec![Attribute::Class(class), Attribute::Token(true)];
    if let Some(label) = &uri.object {
        template.push(Attribute::Label(label.clone().into_bytes()));
    }
    if let Some(id) = &uri.id {
        template.push(Attribute::Id(id.clone()));
    }
    template
}

/// The objects that fit, two at most.
pub(crate) fn found(session: &Session, template: &[Attribute]) -> Result<Vec<ObjectHandle>, Fault> {
    let objects = session.iter_objects(template)?.take(MAX_FOUND);
    let found: Result<_, _> = objects.collect();
    Ok(found?)
}

fn only(
    session: &Session,
    template: &[Attribute],
    none: impl FnOnce() -> Error,
    several: impl FnOnce() -> Error,
) -> Result<ObjectHandle, Fault> {
    match found(session, template)?.as_slice() {
        [only] => Ok(*only),
        [] => Err(none().into()),
        _ => Err(several().into()),
    }
}
