//! Formats that are given by mistake, and how to convert them.

use core::fmt;

/// A format that is often given instead of a certificate or list. Its text has the command that converts it, where there
/// is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[doc(hidden)]
pub enum OtherFormat {
    /// PKCS#7 or CMS (RFC 5652).
    Pkcs7,
    /// A PKCS#12 keystore (RFC 7292).
    Pkcs12,
    /// A keystore of Java, in its own format.
    JavaKeystore,
    /// A file that gzip compressed (RFC 1952).
    Gzip,
    /// A ZIP archive.
    Zip,
    /// Base64 of DER without the boundaries of PEM.
    Base64,
    /// Lines that end with a carriage return alone.
    CarriageReturn,
    /// A public key of SSH.
    SshKey,
    /// A private key in DER.
    PrivateKey,
    /// A public key in DER.
    PublicKey,
    /// A revocation list in DER.
    RevocationList,
    /// A certificate request in DER (RFC 2986).
    Request,
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pkcs7 => {
                "PKCS#7: extract its certificates with `openssl pkcs7 -inform DER -print_certs -in FILE -out NEW`"
            }
            Self::Pkcs12 => {
                "a PKCS#12 keystore: extract its certificates with `openssl pkcs12 -nokeys -in FILE -out NEW`"
            }
            Self::JavaKeystore => {
                "a Java keystore (JKS): list it with `keytool -list -keystore FILE`, and extract a certificate with `keytool -exportcert -rfc -keystore FILE -alias ALIAS -file NEW`"
            }
            Self::Gzip => "compressed with gzip: convert it with `gunzip -c FILE > NEW`",
            Self::Zip => "a ZIP archive: extract its files with `unzip FILE`",
            Self::Base64 => {
                "base64 without a BEGIN and an END line: convert it with `base64 -d FILE > NEW`"
            }
            Self::CarriageReturn => {
                "text with lines that end with a carriage return alone: convert it with `tr '\\r' '\\n' < FILE > NEW`"
            }
            Self::SshKey => "an SSH public key, which TLS does not use",
            Self::PrivateKey => {
                "a private key: name the file of its certificate, and pass the key on to no one"
            }
            Self::PublicKey => "a public key without a certificate",
            Self::RevocationList => "a revocation list, which is no certificate",
            Self::Request => {
                "a certificate request: the certificate is what the CA makes of it"
            }
        })
    }
}
