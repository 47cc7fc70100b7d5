//! Connections to key servers, kept by a blocking loop.
//!
//! What our rules refuse is not tried again until the trust store changes; what fails is, ever more slowly.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use mutual_trust::{Links, LiveTrust, ServerId, tls};
use mutual_trust_embedding::{Link, Outcome, dial};

pub enum State {
    Up(Box<Link>),
    Refused { generation: u64 },
    Down { until: Instant, wait: Duration },
}

pub struct KeyServer {
    pub id: ServerId,
    pub port: u16,
    pub state: State,
    pub attempts: u32,
}

impl KeyServer {
    pub fn new(id: ServerId, port: u16) -> Self {
        Self {
            id,
            port,
            state: down(),
            attempts: 0,
        }
    }

    /// One turn of the loop for this server.
    pub fn tend(&mut self, links: &Links, trust: &LiveTrust) {
        // Read before the attempt: a change during it makes another one worthwhile.
        let generation = trust.view().generation();
        let wait = match self.state {
            State::Up(_) => return,
            State::Refused { generation: seen } if seen == generation => return,
            State::Refused { .. } => Duration::from_millis(10),
            State::Down { until, .. } if Instant::now() < until => return,
            State::Down { wait, .. } => (wait * 2).min(Duration::from_secs(60)),
        };
        self.attempts += 1;
        self.state = match self.connect(links) {
            Ok(link) => State::Up(Box::new(link)),
            Err(error) if tls::refusal(&*error).is_some() => State::Refused { generation },
            Err(_) => State::Down {
                until: Instant::now() + wait,
                wait,
            },
        };
    }

    fn connect(&self, links: &Links) -> Outcome<Link> {
        let mut link = dial(links.link(&self.id)?, self.port)?;
        ask(&mut link)?; // Only an answer shows that the server has accepted us, too.
        Ok(link)
    }
}

fn ask(link: &mut Link) -> io::Result<()> {
    link.write_all(b"?")?;
    link.read_exact(&mut [0; 1])
}

/// The first server that answers; a connection that fails is down from then on.
pub fn first(servers: &mut [KeyServer]) -> Option<usize> {
    servers.iter_mut().position(|server| {
        let State::Up(link) = &mut server.state else {
            return false;
        };
        let answered = ask(link).is_ok();
        if !answered {
            server.state = down();
        }
        answered
    })
}

fn down() -> State {
    State::Down {
        until: Instant::now(),
        wait: Duration::from_millis(5),
    }
}
