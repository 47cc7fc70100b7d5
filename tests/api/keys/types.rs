//! What types that hold secrets must not implement. Checked at compile time.

use mutual_trust::Identity;
use mutual_trust::identity::PrivateKey;

/// Compiles only if `$type` does not implement `$trait`: otherwise `_` would be ambiguous.
macro_rules! has_none_of {
    ($type:ty: $($trait:path),+ $(,)?) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn one() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Second;
            impl<T: ?Sized + $trait> Ambiguous<Second> for T {}
            let _ = <$type as Ambiguous<_>>::one;
        };
    )+};
}

has_none_of!(
    PrivateKey:
        Clone,
        Copy,
        Default,
        PartialEq,
        Eq,
        PartialOrd,
        Ord,
        core::hash::Hash,
        core::fmt::Display,
        core::fmt::LowerHex,
        core::ops::Deref,
        AsRef<[u8]>,
        AsRef<str>,
        core::borrow::Borrow<[u8]>,
        Into<Vec<u8>>,
        Into<Box<[u8]>>,
        Into<pki_types::PrivateKeyDer<'static>>,
        ToString,
        IntoIterator,
        std::io::Read,
        zeroize::Zeroize,
);

#[cfg(feature = "encrypted-keys")]
has_none_of!(
    mutual_trust::identity::Passphrase:
        Clone,
        Copy,
        Default,
        PartialEq,
        Eq,
        PartialOrd,
        Ord,
        core::hash::Hash,
        core::fmt::Display,
        core::ops::Deref,
        AsRef<[u8]>,
        AsRef<str>,
        core::borrow::Borrow<[u8]>,
        Into<Vec<u8>>,
        Into<String>,
        // Only from types that are taken by value and wiped.
        From<&'static str>,
        From<&'static [u8]>,
        core::str::FromStr,
);

// An identity can be shared, but its contents cannot be taken out.
has_none_of!(
    Identity: PartialEq, core::hash::Hash, core::fmt::Display, AsRef<[u8]>, core::ops::Deref, Into<Vec<u8>>
);

const fn is_send_and_sync<T: Send + Sync>() {}
const _: () = is_send_and_sync::<PrivateKey>();
const _: () = is_send_and_sync::<Identity>();

#[test]
fn no_secret_can_be_serialised() {
    // A trait of a crate that is not a dependency cannot be named here, so no file of this module may name it.
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    for file in [
        "identity/key.rs",
        "identity/encrypted.rs",
        "identity/pkcs8.rs",
        "identity/reader.rs",
        "tls/identity.rs",
    ] {
        let text = std::fs::read_to_string(format!("{root}/{file}")).unwrap();
        for word in ["serde", "Serialize", "derive(Debug"] {
            let lines = text.lines().filter(|line| line.contains(word));
            let found: Vec<&str> = lines.collect();
            // The options of the reader may be shown: a passphrase in them does not show itself.
            let allowed = file == "identity/reader.rs" || found.is_empty();
            assert!(allowed, "{file}: {found:?}");
        }
    }
}
