//! What is said of a certificate to an operator: names of its algorithms, and why it is no CA.

use super::{Certificate, KeyKind, KeyUsage, algorithms, der, dotted};

impl Certificate {
    /// The kind and size of the public key as a text, with the object identifier of what is not usual.
    pub fn key_name(&self) -> String {
        let kind = self.key_kind();
        match self.unnamed_key_oid() {
            Some(oid) => format!("{kind} ({oid})"),
            None => kind.to_string(),
        }
    }

    /// The object identifier of the kind of key, in dotted form, if the kind has no name.
    pub(crate) fn unnamed_key_oid(&self) -> Option<String> {
        let algorithm = der::algorithm_of_spki(self.subject_public_key_info())?;
        let unnamed = self.key_kind() == KeyKind::Other;
        unnamed.then(|| algorithms::key_oid(algorithm))?
    }

    /// The object identifier of the algorithm with which the certificate was signed, in dotted form.
    pub fn signature_algorithm(&self) -> String {
        der::signature_algorithm(self.der())
            .and_then(der::take)
            .map(|(oid, _)| dotted(oid.content))
            .unwrap_or_default()
    }

    /// What the algorithm is called with which the certificate was signed; its object identifier stands in
    /// parentheses unless it is a usual one.
    pub fn signature_algorithm_name(&self) -> String {
        algorithms::signature_name(der::signature_algorithm(self.der()).unwrap_or(&[]))
    }

    /// Why the certificate may not issue others (rule I2); `None` if it may.
    pub(crate) fn cannot_issue(&self) -> Option<&'static str> {
        if self.version() != 3 {
            return Some("it is of an old X.509 version, which does not say that it is a CA");
        }
        if !self.is_ca() {
            return Some("it does not say that it is a CA (basicConstraints)");
        }
        let usage = self.key_usage();
        let may_sign = usage.is_none_or(KeyUsage::key_cert_sign);
        (!may_sign).then_some("its keyUsage lacks keyCertSign")
    }
}
