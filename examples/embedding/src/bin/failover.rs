//! A blocking loop that keeps a connection to each of four key servers. What our rules refuse is not tried again until
//! the trust store changes; what fails is, ever more slowly.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use mutual_trust::{ClientConfigs, EntryOptions, LiveTrust, PinScope, ServerId, tls};
use mutual_trust_embedding::{Link, Machine, Outcome, client, dial, expect, four};

const FIRST_WAIT: Duration = Duration::from_millis(5);

enum State {
    Up(Box<Link>),
    Refused { generation: u64 },
    Down(Instant, Duration),
}

struct KeyServer {
    at: (ServerId, u16),
    state: State,
    attempts: u32,
}

impl KeyServer {
    fn new(at: (ServerId, u16)) -> Self {
        Self {
            at,
            state: down(Duration::ZERO),
            attempts: 0,
        }
    }

    /// One turn of the loop for this server.
    fn tend(&mut self, links: &ClientConfigs, trust: &LiveTrust) {
        // Read before the attempt: a change during it makes another one worthwhile.
        let generation = trust.current().generation();
        let wait = match self.state {
            State::Refused { generation: seen } if seen != generation => FIRST_WAIT,
            State::Down(until, wait) if Instant::now() >= until => wait.max(FIRST_WAIT) * 2,
            State::Up(_) | State::Refused { .. } | State::Down(..) => return,
        };
        self.attempts += 1;
        self.state = match self.connect(links) {
            Ok(link) => State::Up(Box::new(link)),
            Err(error) if tls::refusal(&*error).is_some() => State::Refused { generation },
            Err(_) => down(wait.min(FIRST_WAIT * 10_000)),
        };
    }

    fn connect(&self, links: &ClientConfigs) -> Outcome<Link> {
        let mut link = dial(links.config_for(&self.at.0)?, self.at.1)?;
        ask(&mut link)?; // Only an answer shows that the server has accepted us, too.
        Ok(link)
    }

    /// Whether it answers; a connection that fails is down from then on.
    fn answers(&mut self) -> bool {
        let State::Up(link) = &mut self.state else {
            return false;
        };
        let answered = ask(link).is_ok();
        if !answered {
            self.state = down(FIRST_WAIT);
        }
        answered
    }
}

fn down(wait: Duration) -> State {
    State::Down(Instant::now() + wait, wait)
}

fn ask(link: &mut Link) -> std::io::Result<()> {
    link.write_all(b"?")?;
    link.read_exact(&mut [0; 1])
}

#[expect(clippy::indexing_slicing, reason = "there are four")]
fn main() -> Outcome<()> {
    let array = Machine::new("array-7")?;
    let mut four = four(&array)?;
    let trust = LiveTrust::new(four.installed.snapshot());
    let links = client(trust.clone(), &array).client_configs()?;
    let mut all: Vec<_> = four.servers.drain(..).map(KeyServer::new).collect();
    let turn = |all: &mut [KeyServer]| all.iter_mut().for_each(|one| one.tend(&links, &trust));
    (0..50).for_each(|_| turn(&mut all));
    let first = all.iter_mut().position(KeyServer::answers);
    expect(first == Some(2), "the first failed, the second is refused")?;
    expect(all[1].attempts == 1, "what is refused was tried once")?;
    let second = PinScope::Server(all[1].at.0.clone());
    four.installed
        .install_pin(second, four.not_installed, EntryOptions::new())?;
    trust.publish(four.installed.snapshot())?;
    turn(&mut all);
    expect(all[1].answers(), "after the change it was tried again")?;
    std::thread::sleep(Duration::from_millis(50));
    turn(&mut all);
    expect(all[0].answers(), "the first is back")
}
