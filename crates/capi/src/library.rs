//! The library itself.

use crate::argument::Buffer;
use crate::entry::nothing;
use crate::status::ABI_VERSION;

entries! { "The library";
    /// The version of the interface that the library has. A program compares it with MT_ABI_VERSION, with which it was
    /// compiled, before it uses anything else.
    /// Threads: any.
    fn mt_abi_version() -> u32, else nothing {
        Ok(ABI_VERSION)
    }

    /// Writes the version of the library, as "0.1.0".
    /// Returns the length of the whole text (see "Texts" above).
    /// Threads: any.
    fn mt_version(text/capacity: Buffer) -> usize, else nothing {
        Ok(text.put(env!("CARGO_PKG_VERSION")))
    }
}
