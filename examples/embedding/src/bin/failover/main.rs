//! Plays `keeper.rs`: four key servers, of which one drops its connection and one has a certificate that nobody has
//! installed yet.

mod keeper;

use std::net::TcpListener;
use std::time::Duration;

use keeper::{KeyServer, State, first};
use mutual_trust::{EntryOptions, LiveTrust, PinScope, ServerId};
use mutual_trust_embedding::{
    Machine, Outcome, answer_bytes, client, client_pinned, expect, server, store,
};

fn main() -> Outcome<()> {
    let array = Machine::new("array-7")?;
    let (mut installed, mut servers, mut real) = (store(), Vec::new(), None);
    let pin = |id: &ServerId| PinScope::Server(id.clone());
    for name in ["keys-1", "keys-2", "keys-3", "keys-4"] {
        let (id, machine): (ServerId, _) = (name.parse()?, Machine::new(name)?);
        let mut known = machine.certificate.clone();
        if name == "keys-2" {
            known = Machine::new(name)?.certificate;
            real = Some(machine.certificate.clone());
        }
        installed.add_server(id.clone(), [])?;
        installed.install_pin(pin(&id), known, EntryOptions::new())?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        servers.push(KeyServer::new(id, listener.local_addr()?.port()));
        let trust = client_pinned("array-7", &array.certificate)?.view();
        answer_bytes(
            listener,
            &server(trust, &machine),
            usize::from(name == "keys-1"),
        )?;
    }

    let trust = LiveTrust::new(installed.view());
    let links = client(trust.clone(), &array).links()?;
    let turn = |servers: &mut [KeyServer]| {
        for server in servers {
            server.tend(&links, &trust);
        }
    };
    (0..50).for_each(|_| turn(&mut servers));
    let answered = first(&mut servers);
    expect(
        answered == Some(2),
        "the first has failed, the second is refused: the third answers",
    )?;
    expect(
        servers[1].attempts == 1,
        "what our rules refuse was tried once in fifty turns",
    )?;

    let real = real.ok_or("no second")?;
    installed.install_pin(pin(&servers[1].id), real, EntryOptions::new())?;
    trust.publish(installed.view())?;
    turn(&mut servers);
    let up = matches!(servers[1].state, State::Up(_));
    expect(
        up && servers[1].attempts == 2,
        "after the change it was tried again, and is up",
    )?;

    std::thread::sleep(Duration::from_millis(50));
    turn(&mut servers);
    expect(
        first(&mut servers) == Some(0) && servers[0].attempts == 2,
        "the first is back",
    )
}
