//! How a store is opened.

use core::sync::atomic::{AtomicI64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex};

use mutual_trust::admin::{DurableSettings, SealKey};
use mutual_trust::certificate::{SystemClock, TimeSource};
use mutual_trust::{CurrentTime, KeyPolicy, tls};
use pki_types::UnixTime;

use crate::argument::{Data, Out, Owned, Ref, Seconds, U32, U64};
use crate::entry::{ignore, status};
use crate::status::{ARGUMENT, FAULT, Failed, OK, TIME_SYSTEM, TIME_UNSET};

/// Settings of a store. The lock is for programs that share a handle by mistake.
#[derive(Debug)]
pub(crate) struct Settings(Mutex<Kept>);

#[derive(Clone, Debug)]
struct Kept {
    settings: DurableSettings,
    /// The first time of the clock of a store that is opened with them.
    seconds: i64,
}

impl Kept {
    /// The clock of the system, no seal, any generation.
    fn usual() -> Self {
        Self {
            settings: DurableSettings::new(keys()),
            seconds: TIME_SYSTEM,
        }
    }
}

/// A clock that C sets: a time in seconds, or one of the constants.
#[derive(Debug)]
pub(crate) struct Clock(AtomicI64);

impl Clock {
    pub(crate) fn new(seconds: i64) -> Result<Self, Failed> {
        time(seconds)?;
        Ok(Self(AtomicI64::new(seconds)))
    }

    pub(crate) fn set(&self, seconds: i64) -> Result<u32, Failed> {
        time(seconds)?;
        self.0.store(seconds, Ordering::Release);
        Ok(OK)
    }

    pub(crate) fn time(&self) -> Result<CurrentTime, Failed> {
        time(self.0.load(Ordering::Acquire))
    }
}

impl TimeSource for Clock {
    fn now(&self) -> CurrentTime {
        self.time().unwrap_or(CurrentTime::Unset)
    }
}

/// The keys that the provider of this build verifies.
pub(crate) fn keys() -> KeyPolicy {
    tls::key_policy(&tls::provider::default_provider())
}

/// A time as C says it.
fn time(seconds: i64) -> Result<CurrentTime, Failed> {
    match seconds {
        TIME_SYSTEM => Ok(SystemClock::new().now()),
        TIME_UNSET => Ok(CurrentTime::Unset),
        _ => Ok(CurrentTime::Known(moment(seconds)?)),
    }
}

/// A moment, in seconds since 1970.
pub(crate) fn moment(seconds: i64) -> Result<UnixTime, Failed> {
    let seconds = u64::try_from(seconds).map_err(|_| ARGUMENT)?;
    Ok(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
}

/// The settings of a handle, or the usual ones, for one store, and the clock that this store reads.
pub(crate) fn or_default(
    settings: Option<&Settings>,
) -> Result<(DurableSettings, Arc<Clock>), Failed> {
    let Kept { settings, seconds } = match settings {
        Some(settings) => settings.0.lock().map_err(|_| FAULT)?.clone(),
        None => Kept::usual(),
    };
    let clock = Arc::new(Clock::new(seconds)?);
    Ok((settings.with_clock(clock.clone()), clock))
}

impl Settings {
    fn change(
        &self,
        change: impl FnOnce(DurableSettings) -> Result<DurableSettings, Failed>,
    ) -> Result<u32, Failed> {
        let mut settings = self.0.lock().map_err(|_| FAULT)?;
        settings.settings = change(settings.settings.clone())?;
        Ok(OK)
    }
}

entries! { "Settings of a store";
    /// Makes settings: the clock of the system, no seal, any generation, at most 10 seconds of waiting for another process.
    /// Free them with mt_settings_free.
    /// Threads: any.
    fn mt_settings_new(settings: Out<Settings>) -> u32, else status {
        settings.give(Settings(Mutex::new(Kept::usual())));
        Ok(OK)
    }

    /// Sets the time by which a store judges ends and keeps its floor: seconds since 1970, MT_TIME_SYSTEM or
    /// MT_TIME_UNSET. Seconds are a clock that stands still: it needs mt_store_set_time again and again.
    /// It counts for the stores that are opened with these settings afterwards. An open store takes mt_store_set_time.
    /// Threads: any.
    fn mt_settings_set_time(settings: Ref<Settings>, seconds: Seconds) -> u32, else status {
        time(seconds)?;
        settings.0.lock().map_err(|_| FAULT)?.seconds = seconds;
        Ok(OK)
    }

    /// Demands that the store file is sealed with this key by HMAC-SHA-256, and seals what is written. A key is 32 to 1024
    /// random bytes. The library keeps a copy and wipes it; the caller wipes its own.
    /// Threads: any.
    fn mt_settings_set_seal(settings: Ref<Settings>, key: Data) -> u32, else status {
        let key = SealKey::new(key.to_vec()).map_err(|_| ARGUMENT)?;
        settings.change(|settings| Ok(settings.with_seal(Arc::new(key))))
    }

    /// Refuses a store file of a lower generation: an old file that was put back. A product keeps the last generation
    /// (mt_store_generation) where the writers of the folder cannot change it.
    /// Threads: any.
    fn mt_settings_set_minimum_generation(settings: Ref<Settings>, generation: U64) -> u32, else status {
        settings.change(|settings| Ok(settings.with_minimum_generation(generation)))
    }

    /// Sets how long a change waits for another process that is changing the store.
    /// Threads: any.
    fn mt_settings_set_lock_wait(settings: Ref<Settings>, milliseconds: U32) -> u32, else status {
        let wait = Duration::from_millis(milliseconds.into());
        settings.change(|settings| Ok(settings.with_lock_wait(wait)))
    }

    /// Frees settings. Stores that were opened with them keep theirs. NULL is nothing to do.
    /// Threads: any, when no other uses them.
    fn mt_settings_free(settings: Owned<Settings>) -> (), else ignore {
        drop(settings);
        Ok(())
    }
}
