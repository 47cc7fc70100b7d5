//! Gauges of enrolment.

use super::{Gauges, Part};
use crate::admin::Enrolment;

impl Gauges {
    /// Sets the gauges of enrolment: whether it is open, and how many clients wait.
    #[cfg_attr(docsrs, doc(cfg(feature = "enrol")))]
    pub fn set_enrolment(&mut self, enrolment: &Enrolment) {
        let mut found = self.found();
        found.is("mutual_trust_enrolment_open", &[], enrolment.is_open());
        let pending = enrolment.pending().len();
        found.count("mutual_trust_enrolment_pending", &[], pending);
        self.put(Part::Enrolment, found);
    }
}
