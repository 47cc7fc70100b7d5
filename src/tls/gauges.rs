//! Gauges of our own identity.

use super::Identities;
use crate::admin::Gauges;
use crate::admin::gauges::{Part, earliest};
use crate::identity::CertificateChain;

impl Gauges {
    /// Sets the gauges of our own certificates: when the current identity ends, and the next one if one is staged. The name is
    /// the label `identity`; give each identity of the program one name.
    ///
    /// A renewal changes the value and makes no new series. The counts of renewals begin with zero.
    pub fn set_identity(&mut self, name: &str, identities: &Identities) {
        let (current, next) = (identities.current(), identities.next());
        let states = [("current", Some(current)), ("next", next)];
        let mut found = self.found();
        for (state, identity) in states {
            let Some(identity) = identity else { continue };
            let mut all = CertificateChain::certificates(identity.chain());
            let own = all.next().into_iter();
            for (which, end) in [("own", earliest(own)), ("issuer", earliest(all))] {
                let Some(end) = end else { continue };
                let labels = [("identity", name), ("state", state), ("certificate", which)];
                let name = "mutual_trust_identity_not_after_timestamp_seconds";
                found.time(name, &labels, end);
            }
        }
        for succeeded in [true, false] {
            found.renewals(name, succeeded).add(0);
        }
        self.put(Part::Identity(name.to_owned()), found);
    }
}
