//! When a certificate of ours is to be renewed.

use crate::certificate::error::SettingError;
use crate::certificate::{Certificate, CurrentTime, Timestamp, seconds};
use crate::limits::MAX_RENEWAL_FRACTION;

/// Thousandths: the unit of the shares.
const WHOLE: i64 = 1000;

/// When a certificate is due for renewal: at a share of its life, a little earlier on some machines than on others.
///
/// The time depends on the certificate alone: a timer that asks each hour gets one answer, and a fleet whose certificates
/// were made on the same day does not renew in the same hour.
///
/// ```
/// use mutual_trust::Certificate;
/// use mutual_trust::certificate::{SystemClock, TimeSource};
/// use mutual_trust::identity::RenewalSchedule;
///
/// let certificate = Certificate::from_pem(include_bytes!("../../tests/fixtures/ee-p256.pem"))?;
/// let schedule = RenewalSchedule::new();
/// let (due, late) = (schedule.due(&certificate), schedule.late(&certificate));
/// assert!(due < late && late < certificate.validity().not_after());
/// if schedule.is_due(&certificate, SystemClock::new().now()) == Some(true) {
///     println!("renew it: it was due at {due}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewalSchedule {
    fraction: u32,
    jitter: u32,
}

impl RenewalSchedule {
    /// At two thirds of the life, and up to a twentieth of the life before that.
    ///
    /// A third of the life is left for what can go wrong, eight months of two years: for the administrators of all key
    /// servers to install the certificate, and for a renewal that fails to be seen and repaired. The usual tools for short
    /// lives renew at the same share. A twentieth of a year is 18 days, enough to spread a fleet.
    pub const fn new() -> Self {
        Self {
            fraction: 667,
            jitter: 50,
        }
    }

    /// Renews at this share of the life at the latest, in thousandths.
    ///
    /// # Errors
    /// It is 0 or over 950: then too little is left to repair a renewal that fails.
    pub fn with_fraction(mut self, thousandths: u32) -> Result<Self, SettingError> {
        let most = u64::from(MAX_RENEWAL_FRACTION);
        SettingError::check(
            "share of life in thousandths",
            u64::from(thousandths),
            1,
            most,
        )?;
        self.fraction = thousandths;
        Ok(self)
    }

    /// Renews up to this share of the life before [`with_fraction`](Self::with_fraction), in thousandths.
    ///
    /// # Errors
    /// It is over 500: renewals would come at any time of the life.
    pub fn with_jitter(mut self, thousandths: u32) -> Result<Self, SettingError> {
        SettingError::check(
            "jitter in thousandths of life",
            u64::from(thousandths),
            0,
            500,
        )?;
        self.jitter = thousandths;
        Ok(self)
    }

    /// When a certificate is due. It is never after the share of its life.
    pub fn due(&self, certificate: &Certificate) -> Timestamp {
        let start = certificate.validity().not_before();
        let latest = share(certificate, self.fraction);
        let most = share(certificate, self.jitter).seconds();
        let range = most.saturating_sub(start.seconds()).max(0);
        let [a, b, c, d, e, f, g, h, ..] = *certificate.fingerprint().as_bytes();
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let range = u64::try_from(range).unwrap_or(0).saturating_add(1);
        let earlier = i64::try_from(number.checked_rem(range).unwrap_or(0)).unwrap_or(0);
        let due = latest.seconds().saturating_sub(earlier);
        Timestamp::from_seconds(due.max(start.seconds()))
    }

    /// When a renewal is late, that was not finished: half of the time between the share of the life and its end is over.
    pub fn late(&self, certificate: &Certificate) -> Timestamp {
        let latest = share(certificate, self.fraction).seconds();
        let end = certificate.validity().not_after().seconds();
        let half = end.saturating_sub(latest).max(0).checked_div(2);
        Timestamp::from_seconds(latest.saturating_add(half.unwrap_or(0)))
    }

    /// Whether a certificate is due. `None` if the clock is unset.
    pub fn is_due(&self, certificate: &Certificate, clock: CurrentTime) -> Option<bool> {
        is_past(self.due(certificate), clock)
    }

    /// Whether a renewal that is not finished is late. `None` if the clock is unset.
    pub fn is_late(&self, certificate: &Certificate, clock: CurrentTime) -> Option<bool> {
        is_past(self.late(certificate), clock)
    }
}

impl Default for RenewalSchedule {
    fn default() -> Self {
        Self::new()
    }
}

fn is_past(time: Timestamp, clock: CurrentTime) -> Option<bool> {
    match clock {
        CurrentTime::Known(now) => Some(seconds(now) >= time.seconds()),
        CurrentTime::Unset => None,
    }
}

/// The time at a share of a certificate's life.
fn share(certificate: &Certificate, thousandths: u32) -> Timestamp {
    let validity = certificate.validity();
    let start = validity.not_before().seconds();
    let life = validity.not_after().seconds().saturating_sub(start).max(0);
    let part = life.saturating_mul(i64::from(thousandths));
    let part = part.checked_div(WHOLE).unwrap_or(0);
    Timestamp::from_seconds(start.saturating_add(part))
}
