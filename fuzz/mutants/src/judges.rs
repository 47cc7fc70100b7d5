//! Who judges a case: the library in both profiles, plain webpki, OpenSSL and structured-pkix, all of them at the same
//! time, for the same name, and for TLS servers.

mod openssl;
mod ours;
mod structured;
mod webpki;

pub(crate) use openssl::clean;
pub(crate) use ours::Ours;

use crate::world::Signed;

/// What a judge says: the reason why the peer is refused.
pub(crate) type Judged = Result<(), String>;

/// The other judges, by name.
pub(crate) const OTHERS: [&str; 3] = ["webpki", "OpenSSL", "structured-pkix"];

/// What they say, in that order.
pub(crate) fn others(world: &Signed) -> [Judged; 3] {
    [
        webpki::judge(world),
        openssl::judge(world),
        structured::judge(world),
    ]
}

pub(crate) fn ours(world: &Signed) -> Ours {
    ours::judge(world)
}
