//! Keys that are made in the token.

use core::fmt;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::Session;
use rustls::crypto::CryptoProvider;

use crate::error::Error;
use crate::fault::Fault;
use crate::find::found;
use crate::key::TokenKey;
use crate::kind::{Curve, Level};
use crate::{Token, Uri, der};

/// The type of a key to make in a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// ECDSA on NIST P-256, the default: every token and every key server has it.
    #[default]
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// ECDSA on NIST P-521. The provider `ring` does not verify it.
    P521,
    /// Ed25519, which few HSMs have.
    Ed25519,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits. Making one takes a token seconds to minutes.
    Rsa4096,
    /// ML-DSA-44, post-quantum: TLS 1.3 only. It needs a module of PKCS#11 3.2.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
            Self::Ed25519 => "Ed25519",
            Self::Rsa2048 => "RSA 2048",
            Self::Rsa3072 => "RSA 3072",
            Self::Rsa4096 => "RSA 4096",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        })
    }
}

/// The public exponent of RSA keys: 65,537, which tokens and peers expect.
const EXPONENT: [u8; 3] = [1, 0, 1];

/// How many random bytes an identifier has that was not given: two keys of a token never have the same.
const ID_BYTES: u32 = 8;

impl KeyType {
    /// The mechanism, and what it needs in the template of the public key.
    fn making(self) -> (Mechanism<'static>, Vec<Attribute>) {
        let ec = |curve: Curve| {
            let params = Attribute::EcParams(curve.oid().to_vec());
            (Mechanism::EccKeyPairGen, vec![params])
        };
        let rsa = |bits: u64| {
            let template = vec![
                Attribute::ModulusBits(bits.into()),
                Attribute::PublicExponent(EXPONENT.to_vec()),
            ];
            (Mechanism::RsaPkcsKeyPairGen, template)
        };
        let ml_dsa = |level: Level| {
            let set = Attribute::ParameterSet(level.set().into());
            (Mechanism::MlDsaKeyPairGen, vec![set])
        };
        match self {
            Self::P256 => ec(Curve::P256),
            Self::P384 => ec(Curve::P384),
            Self::P521 => ec(Curve::P521),
            Self::Ed25519 => {
                let params = Attribute::EcParams(der::ED25519.to_vec());
                (Mechanism::EccEdwardsKeyPairGen, vec![params])
            }
            Self::Rsa2048 => rsa(2048),
            Self::Rsa3072 => rsa(3072),
            Self::Rsa4096 => rsa(4096),
            Self::MlDsa44 => ml_dsa(Level::L44),
            Self::MlDsa65 => ml_dsa(Level::L65),
            Self::MlDsa87 => ml_dsa(Level::L87),
        }
    }
}

impl Token {
    /// Makes a key in the token, under the label (`object`) of the URI and its identifier (`id`), or a random one. The key
    /// is sensitive and not extractable: it cannot leave the token.
    ///
    /// # Errors
    /// The URI has no label, or the token has a key with this label or identifier; or the token cannot make such a key, or
    /// made one that could leave it.
    pub fn generate(
        &self,
        uri: &Uri,
        key_type: KeyType,
        provider: &CryptoProvider,
    ) -> Result<TokenKey, Error> {
        let is_private = uri
            .object_type
            .as_deref()
            .is_none_or(|kind| kind == "private");
        let label = uri.object.as_deref().filter(|_| is_private);
        let label = label.ok_or(Error::NoKey)?;
        let id = self.with_writing_session(|session| {
            let id = match &uri.id {
                Some(id) => id.clone(),
                None => session.generate_random_vec(ID_BYTES)?,
            };
            for name in [Attribute::Label(label.into()), Attribute::Id(id.clone())] {
                let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), name];
                if !found(session, &template)?.is_empty() {
                    return Err(Fault::from(Error::KeyExists {
                        token: self.label().to_owned(),
                        wanted: uri.to_string(),
                    }));
                }
            }
            self.make(session, key_type, label, &id)?;
            Ok(id)
        })?;
        self.key(&uri.clone().with_id(id), provider)
    }

    fn make(
        &self,
        session: &Session,
        key_type: KeyType,
        label: &str,
        id: &[u8],
    ) -> Result<(), Fault> {
        let (mechanism, mut public) = key_type.making();
        let named = [Attribute::Label(label.into()), Attribute::Id(id.to_vec())];
        public.extend([Attribute::Token(true), Attribute::Private(false)]);
        public.push(Attribute::Verify(true));
        public.extend(named.clone());
        let mut private = vec![
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        private.extend(named);
        let made = session.generate_key_pair(&mechanism, &public, &private);
        let (public, private) = made.map_err(Fault::from).map_err(|fault| {
            if fault.is_unable() {
                let reason = format!("the token makes no {key_type} keys");
                return Fault::from(Error::UnusableKey { reason });
            }
            fault
        })?;
        if stays(session, private)? {
            return Ok(());
        }
        // What happens to a key that is not used is told by the next error alone.
        let _ = session.destroy_object(private);
        let _ = session.destroy_object(public);
        Err(Fault::from(Error::UnusableKey {
            reason: String::from("the token made a key that could leave it"),
        }))
    }
}

/// Whether the token says that the key cannot leave it: a template may be ignored.
fn stays(session: &Session, key: cryptoki::object::ObjectHandle) -> Result<bool, Fault> {
    let wanted = [AttributeType::Sensitive, AttributeType::Extractable];
    let found = session.get_attributes(key, &wanted)?;
    Ok(found.contains(&Attribute::Sensitive(true))
        && found.contains(&Attribute::Extractable(false)))
}
