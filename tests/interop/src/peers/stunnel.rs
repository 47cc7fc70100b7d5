//! stunnel: as a server in front of `cat`, as a client for a plain socket.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use super::{Ask, Expected, Peer, Tools, number};
use crate::process::{PATIENCE, Running, free_port, is_there, last_line};

#[derive(Debug)]
pub struct Stunnel {
    work: PathBuf,
    running: Option<Running>,
    plain: Option<TcpStream>,
}

impl Stunnel {
    pub fn find(tools: &Tools) -> Option<Self> {
        let work = tools.work.clone();
        is_there("stunnel").then(|| Self {
            work,
            running: None,
            plain: None,
        })
    }

    fn start(&mut self, ask: Ask<'_>, port: u16, service: &str) -> Result<(), String> {
        let settings = format!(
            "foreground = yes\npid =\ndebug = 6\nsyslog = no\n[link]\naccept = 127.0.0.1:{port}\nsslVersion = TLSv{}\n\
             cert = {}\nkey = {}\nCAfile = {}\nverifyChain = yes\nTIMEOUTclose = 0\n{service}\n",
            number(ask.version),
            ask.full().display(),
            ask.key().display(),
            ask.ca.display(),
        );
        let file = self.work.join("stunnel.conf");
        fs::write(&file, settings).unwrap();
        let mut running = Running::start(
            Command::new("stunnel").arg(file),
            &self.work.join("stunnel.log"),
        );
        running.wait_listening(port)?;
        self.running = Some(running);
        Ok(())
    }
}

impl Peer for Stunnel {
    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        let port = free_port();
        self.start(ask, port, "exec = /bin/cat\nexecArgs = cat")?;
        Ok(port)
    }

    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        let own = free_port();
        let service = format!(
            "client = yes\nconnect = 127.0.0.1:{port}\ncheckHost = localhost\nsni = localhost"
        );
        self.start(ask, own, &service)?;
        let mut plain =
            TcpStream::connect(("127.0.0.1", own)).map_err(|error| error.to_string())?;
        plain.set_read_timeout(Some(PATIENCE / 2)).unwrap();
        plain
            .write_all(b"ping\n")
            .map_err(|error| error.to_string())?;
        self.plain = Some(plain);
        Ok(())
    }

    fn saw(&mut self, expected: Expected) -> Result<(), String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        if let Some(mut plain) = self.plain.take() {
            let mut answer = [0; 16];
            return match plain.read(&mut answer) {
                Ok(count) if answer[..count].starts_with(b"pong") => Ok(()),
                _ => Err(last_line(&running.log()).to_owned()),
            };
        }
        let failed = match expected {
            Expected::Link => running.log().contains("SSL_accept:"),
            Expected::Failure => running.wait_for(&["SSL_accept:", "SSL_read:"]).is_some(),
        };
        if failed {
            Err(last_line(&running.log()).to_owned())
        } else {
            Ok(())
        }
    }

    fn end(&mut self) {
        self.plain = None;
        self.running = None;
    }
}
