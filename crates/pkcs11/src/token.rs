//! A token: found by its URI, logged in to once, and used by many threads.

use core::fmt;
use std::process;
use std::sync::Arc;

use cryptoki::context::Pkcs11;
use cryptoki::error::Error as CallError;
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};

use crate::access::Access;
use crate::error::Error;
use crate::fault::{Fault, Sessions};
use crate::module::Module;
use crate::pin::PinSource;
use crate::pool::{Lease, Pool};
use crate::settings::TokenSettings;
use crate::uri::Uri;

/// A token, which was found and logged in to. Cheap to clone: all clones share the sessions and the log-in.
///
/// After a reset, the next signature opens new sessions, logs in again and finds the key again; it does so once, and the
/// error says what was wrong then. A token that comes back in another slot is found by its label, model and serial number.
///
/// # Security
/// - A log-in that was refused is not repeated until its source has another PIN or [`set_pin`](Self::set_pin) gives one:
///   each wrong PIN counts, and some HSMs erase themselves. What the token says of its tries is looked at before each log-in.
/// - PKCS#11 logs in a process as a whole: while this token is open, all that runs in the process can use its keys.
/// - A key is used by its process only. In a child that was forked from it, every use is [`Error::Forked`]; the child can
///   open the token again.
#[derive(Clone)]
pub struct Token(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    module: Arc<Module>,
    /// What the token is found by.
    wanted: Wanted,
    pool: Pool,
    access: Access,
    settings: TokenSettings,
}

/// What a token is found by: at first what the URI says, then what the token itself says.
struct Wanted {
    uri: Uri,
    found: Option<Found>,
}

/// What stays the same when a token moves to another slot.
struct Found {
    label: String,
    manufacturer: String,
    model: String,
    serial: String,
}

impl Token {
    /// Loads the module, finds the token and logs in. Of the URI, all attributes count but those of a key. Without a source
    /// of the PIN (`None`), the file that the URI names by `pin-source` is read, if it names one.
    ///
    /// # Errors
    /// There is no such module or token, or several tokens fit; the token refuses the log-in, or a log-in could lock it.
    pub fn open(uri: &Uri, pin: Option<PinSource>, settings: TokenSettings) -> Result<Self, Error> {
        let module = Module::open(uri)?;
        let mut wanted = Wanted {
            uri: uri.clone(),
            found: None,
        };
        let (_, info) = slot(&module, &wanted)?;
        let pin = pin.unwrap_or_else(|| match uri.pin_source() {
            Some(file) => PinSource::file(file),
            None => PinSource::none(),
        });
        wanted.found = Some(Found {
            label: info.label().to_owned(),
            manufacturer: info.manufacturer_id().to_owned(),
            model: info.model().to_owned(),
            serial: info.serial_number().to_owned(),
        });
        let access = Access::new(&module, &info, pin);
        if settings.again {
            access.forget(&module);
        }
        let token = Self(Arc::new(Inner {
            pool: Pool::new(settings.sessions),
            module,
            wanted,
            access,
            settings,
        }));
        token.with_session(|_, _| Ok(()))?;
        Ok(token)
    }

    /// Gives another PIN, after a log-in was refused or before the PIN of the token is changed. It is used at the next
    /// log-in.
    pub fn set_pin(&self, pin: PinSource) {
        self.0.access.set(&self.0.module, pin);
    }

    /// Its label.
    pub fn label(&self) -> &str {
        self.0.access.label()
    }

    /// Does something in a session that is logged in. If the token was away, it is done again in a new session, once.
    ///
    /// The number tells sessions before a loss from those after it.
    pub(crate) fn with_session<T>(
        &self,
        work: impl Fn(&Session, u64) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let inner = &*self.0;
        let mut is_again = false;
        // Whose session was lost.
        let mut again = None;
        loop {
            self.is_of_this_process()?;
            let has_lost = again.is_some();
            let mut lease = match again.take() {
                Some(lease) => lease,
                None => self.lease()?,
            };
            let fault = match self.in_session(&mut lease, has_lost, &work) {
                Ok(done) => {
                    lease.give_back();
                    return Ok(done);
                }
                Err(fault) => fault,
            };
            match fault.lost() {
                Some(Sessions::OneGone) if !is_again => {
                    lease.lose();
                    again = Some(lease);
                    is_again = true;
                }
                Some(left) => {
                    let epoch = lease.epoch;
                    lease.discard(left);
                    inner.pool.give_up(epoch, left);
                    if fault.is_not_initialised() {
                        // The next call says whether it helped.
                        let _ = inner.module.initialise();
                    }
                    if is_again {
                        return Err(fault.into());
                    }
                    is_again = true;
                }
                // Another session is open, and becomes free. At most as often as there are sessions.
                None if fault.is_too_many() && inner.pool.shrink() => lease.discard(Sessions::Gone),
                None => {
                    lease.discard(Sessions::Stale);
                    return Err(fault.into());
                }
            }
        }
    }

    fn lease(&self) -> Result<Lease<'_>, Error> {
        let Inner { pool, settings, .. } = &*self.0;
        pool.take(settings.wait).ok_or_else(|| Error::Busy {
            token: self.label().to_owned(),
            sessions: pool.most(),
            waited: settings.wait,
        })
    }

    fn in_session<T>(
        &self,
        lease: &mut Lease<'_>,
        has_lost: bool,
        work: impl Fn(&Session, u64) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if lease.session().is_none() {
            let epoch = lease.epoch;
            let session = self.open_session(false, || {
                // A session was lost, and so was the log-in: this was a reset, which took all sessions.
                if has_lost {
                    self.0.pool.give_up(epoch, Sessions::Gone);
                }
            })?;
            lease.opened(session, has_lost);
        }
        match lease.session() {
            Some(session) => work(session, lease.finding),
            None => Err(CallError::NotSupported.into()),
        }
    }

    /// A session that is logged in. It is not closed by itself.
    fn open_session(&self, writes: bool, logged_in: impl FnOnce()) -> Result<Session, Fault> {
        let inner = &*self.0;
        let (slot, info) = slot(&inner.module, &inner.wanted)?;
        let context = &inner.module.context;
        let session = if writes {
            context.open_rw_session_no_drop(slot)?
        } else {
            context.open_ro_session_no_drop(slot)?
        };
        let (module, settings) = (&inner.module, &inner.settings);
        match inner
            .access
            .log_in(module, &session, (slot, &info), settings, logged_in)
        {
            Ok(()) => Ok(session),
            Err(fault) => {
                if matches!(fault.lost(), None | Some(Sessions::Stale)) {
                    let _ = session.close();
                }
                Err(fault)
            }
        }
    }

    /// Does something in a session that writes, which is closed then.
    pub(crate) fn with_writing_session<T>(
        &self,
        work: impl FnOnce(&Session) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        self.is_of_this_process()?;
        let session = self.open_session(true, || ())?;
        let done = work(&session);
        let _ = session.close();
        Ok(done?)
    }

    /// The module's context, and the slot of the token now.
    pub(crate) fn place(&self) -> Result<(&Pkcs11, Slot), Error> {
        let inner = &*self.0;
        let (slot, _) = slot(&inner.module, &inner.wanted)?;
        Ok((&inner.module.context, slot))
    }

    fn is_of_this_process(&self) -> Result<(), Error> {
        if self.0.module.process == process::id() {
            return Ok(());
        }
        Err(Error::Forked {
            token: self.label().to_owned(),
        })
    }
}

/// Finds the one token that fits.
fn slot(module: &Module, wanted: &Wanted) -> Result<(Slot, TokenInfo), Fault> {
    let mut found = Vec::new();
    for slot in module.context.get_slots_with_token()? {
        // A token that is taken out meanwhile is none, and no reason not to find another.
        let Ok(info) = module.context.get_token_info(slot) else {
            continue;
        };
        if info.token_initialized() && wanted.fits(module, slot, &info)? {
            found.push((slot, info));
        }
    }
    let count = found.len();
    match (found.pop(), count) {
        (Some(only), 1) => Ok(only),
        (None, _) => match wanted.found {
            // It was here, so it may come back.
            Some(_) => Err(Fault::absent()),
            None => Err(Fault::Own(Error::TokenNotFound {
                wanted: wanted.uri.to_string(),
            })),
        },
        (Some(_), count) => Err(Fault::Own(Error::SeveralTokens {
            wanted: wanted.uri.to_string(),
            count,
        })),
    }
}

impl Wanted {
    fn fits(&self, module: &Module, slot: Slot, info: &TokenInfo) -> Result<bool, CallError> {
        if let Some(found) = &self.found {
            return Ok(found.label == info.label()
                && found.manufacturer == info.manufacturer_id()
                && found.model == info.model()
                && found.serial == info.serial_number());
        }
        let uri = &self.uri;
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let fits = is(&uri.token, info.label())
            && is(&uri.manufacturer, info.manufacturer_id())
            && is(&uri.serial, info.serial_number())
            && is(&uri.model, info.model())
            && uri.slot_id.is_none_or(|number| number == slot.id());
        if !fits || (uri.slot_manufacturer.is_none() && uri.slot_description.is_none()) {
            return Ok(fits);
        }
        let slot = module.context.get_slot_info(slot)?;
        Ok(is(&uri.slot_manufacturer, slot.manufacturer_id())
            && is(&uri.slot_description, slot.slot_description()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?})", self.label())
    }
}
