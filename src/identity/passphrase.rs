//! The passphrase of an encrypted key.

use core::fmt;

use zeroize::Zeroizing;

/// The passphrase of an encrypted key. It is wiped when dropped, and cannot be cloned, compared or printed.
///
/// It is made from a `Vec<u8>` or a `String` by value, so that no second copy stays in memory. The UTF-8 of a `String`
/// is used as it is.
///
/// ```compile_fail,E0599
/// let passphrase = mutual_trust::identity::Passphrase::from(String::new());
/// let copy = passphrase.clone();
/// ```
/// ```compile_fail,E0369
/// # fn passphrase() -> mutual_trust::identity::Passphrase { unimplemented!() }
/// let same = passphrase() == passphrase();
/// ```
/// ```compile_fail,E0277
/// # fn passphrase() -> mutual_trust::identity::Passphrase { unimplemented!() }
/// println!("{}", passphrase());
/// ```
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Passphrase {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
