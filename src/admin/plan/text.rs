//! What a change does to peers, as text.

use core::fmt;

use super::{Effect, Evidence, Impact, PeerOutcome};

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seen => "judged by what it last presented",
            Self::SeenByName => "only if it is dialled by its name",
            Self::Installed => "it was not seen yet: judged by what is installed for it",
            Self::InstalledByName => {
                "only if it is dialled by its name; it was not seen yet: judged by what is installed for it"
            }
            Self::Floor => {
                "only while the clock is unset or earlier than the floor, which moves past an end"
            }
            Self::ClockRight => {
                "once the clock is right: judged at the clock floor, since the clock is not right now"
            }
        })
    }
}

/// `accepted by authority … for any server (ChainVerified)`, with a short fingerprint; `{:#}` has the whole one.
impl fmt::Display for PeerOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_accepted() {
            "accepted"
        } else {
            "refused"
        })?;
        if let Some(by) = &self.by {
            f.write_str(" by ")?;
            by.fmt(f)?;
        }
        write!(f, " ({}, rule {})", self.reason, self.rule())
    }
}

/// The peer, what it is told now, what it is told then, and on what this is based. `{:#}` shows fingerprints in full.
impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.peer.fmt(f)?;
        f.write_str(": now ")?;
        self.before.fmt(f)?;
        f.write_str(", then ")?;
        self.after.fmt(f)?;
        if self.basis == Evidence::Seen {
            return Ok(());
        }
        write!(f, "; {}", self.basis)?;
        match &self.dialled {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = 0_usize;
        for (title, effects) in [
            ("lost", &self.lost),
            ("at risk", &self.at_risk),
            ("gained", &self.gained),
            ("moved", &self.moved),
        ] {
            for effect in effects {
                let start = if lines == 0 { "" } else { "\n" };
                lines = lines.saturating_add(1);
                write!(f, "{start}{title}: ")?;
                effect.fmt(f)?;
            }
            if effects.omitted() > 0 {
                write!(f, "\n{title}: and {} more", effects.omitted())?;
            }
        }
        if lines == 0 {
            f.write_str("no peer is gained or lost")?;
        }
        match self.floor {
            Some(floor) => write!(f, "\n{floor}"),
            None => Ok(()),
        }
    }
}
