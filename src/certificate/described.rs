//! Facts about a certificate as text for operators: names of its algorithms, and why it is not a CA.

use super::{Certificate, KeyKind, KeyUsage, algorithms, der, dotted, shortest};

impl Certificate {
    /// Whether the certificate names its own key as its signer (rule I4). No signature is checked. `None` if it names
    /// its signer's key by an identifier, and has no identifier of its own to compare it with.
    pub(crate) fn names_own_key(&self) -> Option<bool> {
        if !self.is_self_issued() {
            return Some(false);
        }
        let facts = &self.facts();
        if facts
            .authority_serial
            .is_some_and(|serial| shortest(serial.get(self.der())) != shortest(self.serial()))
        {
            return Some(false);
        }
        match (self.authority_key_id(), self.subject_key_id()) {
            (None, _) => Some(true),
            (Some(authority), Some(own)) => Some(authority == own),
            (Some(_), None) => None,
        }
    }

    /// The kind and size of the public key as text. Includes the object identifier unless the kind is well known.
    #[doc(hidden)]
    pub fn key_name(&self) -> String {
        let kind = self.key_kind();
        match self.unnamed_key_oid() {
            Some(oid) => format!("{kind} ({oid})"),
            None => kind.to_string(),
        }
    }

    /// The object identifier of the kind of key in dotted form, if the kind has no name.
    pub(crate) fn unnamed_key_oid(&self) -> Option<String> {
        let algorithm = der::algorithm_of_spki(self.subject_public_key_info())?;
        let unnamed = self.key_kind() == KeyKind::Other;
        unnamed.then(|| algorithms::key_oid(algorithm))?
    }

    /// The object identifier of the signature algorithm, in dotted form.
    #[doc(hidden)]
    pub fn signature_algorithm(&self) -> String {
        der::signature_algorithm(self.der())
            .and_then(der::take)
            .map(|(oid, _)| dotted(oid.content))
            .unwrap_or_default()
    }

    /// The name of the signature algorithm. Its object identifier follows in parentheses unless the algorithm is well
    /// known.
    #[doc(hidden)]
    pub fn signature_algorithm_name(&self) -> String {
        algorithms::signature_name(der::signature_algorithm(self.der()).unwrap_or(&[]))
    }

    /// Why the certificate may not issue others (rule I2), or `None` if it may.
    pub(crate) fn cannot_issue(&self) -> Option<&'static str> {
        if self.version() != 3 {
            return Some("it has an old X.509 version, which cannot state that it is a CA");
        }
        if !self.is_ca() {
            return Some("it does not state that it is a CA (basicConstraints)");
        }
        let usage = self.key_usage();
        let may_sign = usage.is_none_or(KeyUsage::key_cert_sign);
        (!may_sign).then_some("its keyUsage lacks keyCertSign")
    }
}
