//! Ids that an administrator chooses and that never change.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use super::ids_error::IdError;
use crate::certificate::apart::clone_text;
use crate::limits::MAX_ID_BYTES;

macro_rules! id_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<&str> for $name {
            type Error = IdError;

            fn try_from(text: &str) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id_type! {
    /// The id of a server, as the administrator chose it. It never changes and is never read as a name.
    ///
    /// Up to 253 letters and digits of ASCII and `-_.:@/`.
    ServerId
}

id_type! {
    /// The id of a group of servers that replicate one certificate. The same characters as a [`ServerId`].
    GroupId
}

impl ServerId {
    /// A clone that does not write to the count of this one if the thread asks for it again and again.
    pub(crate) fn clone_apart(&self) -> Self {
        Self(clone_text(&self.0))
    }

    /// How many hold its text.
    #[cfg(all(test, any(feature = "aws-lc-rs", feature = "ring")))]
    pub(crate) fn count(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(IdError::TooLong {
            length: text.len(),
            limit: MAX_ID_BYTES,
        });
    }
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:@/".contains(&byte);
    match text.bytes().position(|byte| !good(byte)) {
        None => Ok(()),
        Some(offset) => Err(IdError::Character { offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_text_within_bounds() {
        assert!("keys-1.example:5696/a_b@c".parse::<ServerId>().is_ok());
        assert!(matches!("".parse::<ServerId>(), Err(IdError::Empty)));
        assert!(matches!(
            "a b".parse::<GroupId>(),
            Err(IdError::Character { offset: 1 })
        ));
        assert!(matches!(
            "a\n".parse::<GroupId>(),
            Err(IdError::Character { offset: 1 })
        ));
        assert!(matches!(
            "x".repeat(MAX_ID_BYTES + 1).parse::<GroupId>(),
            Err(IdError::TooLong { .. })
        ));
    }
}
