//! `openssl s_server` and `openssl s_client`.

use std::path::PathBuf;
use std::process::Command;

use super::{Ask, Expected, Peer, Tools, number};
use crate::process::{Running, is_there, last_line};

#[derive(Debug)]
pub struct OpenSsl {
    work: PathBuf,
    running: Option<Running>,
}

impl OpenSsl {
    pub fn find(tools: &Tools) -> Option<Self> {
        is_there("openssl").then(|| Self {
            work: tools.work.clone(),
            running: None,
        })
    }

    fn command(verb: &str, ask: Ask<'_>) -> Command {
        let mut command = Command::new("openssl");
        command
            .arg(verb)
            .arg(format!("-tls{}", number(ask.version).replace('.', "_")))
            .args(["-verify_return_error", "-CAfile"])
            .arg(ask.ca)
            .arg("-cert")
            .arg(ask.leaf())
            .arg("-key")
            .arg(ask.key());
        let rest = ask.folder.join("rest.pem");
        if rest.exists() {
            command.arg("-cert_chain").arg(rest);
        }
        command
    }

    fn s_client(ask: Ask<'_>, port: u16) -> Command {
        let mut command = Self::command("s_client", ask);
        command.args(["-verify_hostname", "localhost", "-servername", "localhost"]);
        command.args(["-connect", &format!("127.0.0.1:{port}")]);
        command
    }
}

impl Peer for OpenSsl {
    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        let mut command = Self::command("s_server", ask);
        command.args(["-accept", "127.0.0.1:0", "-Verify", "5", "-rev"]);
        let mut running = Running::start(&mut command, &self.work.join("openssl.log"));
        let found = running.wait_for(&["ACCEPT 127.0.0.1:"]);
        let log = running.log();
        self.running = Some(running);
        found
            .and_then(|text| {
                log.split(text)
                    .nth(1)?
                    .split_whitespace()
                    .next()?
                    .parse()
                    .ok()
            })
            .ok_or_else(|| last_line(&log).to_owned())
    }

    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        let mut command = Self::s_client(ask, port);
        command.arg("-quiet");
        let mut running = Running::start(&mut command, &self.work.join("openssl.log"));
        running.write("ping\n");
        self.running = Some(running);
        Ok(())
    }

    fn saw(&mut self, expected: Expected) -> Result<(), String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        let texts: &[&str] = match expected {
            // A server that reverses lines says nothing of a link that works.
            Expected::Link => &["pong", "alert", "CONNECTION CLOSED", "error:"],
            Expected::Failure => &["alert", "error:"],
        };
        let server = running.log().contains("ACCEPT");
        let found = running.wait_for(texts);
        match found {
            Some("pong" | "CONNECTION CLOSED") => Ok(()),
            None if server && expected == Expected::Link => Ok(()),
            _ => Err(last_line(&running.log()).to_owned()),
        }
    }

    /// In TLS 1.2 one process reconnects with its session; in TLS 1.3 it has a session only if it got a ticket, which we
    /// do not send.
    fn twice(&mut self, ask: Ask<'_>, port: u16) -> Option<Result<(), String>> {
        let mut command = Self::s_client(ask, port);
        command.args(["-reconnect", "-no_ign_eof"]);
        self.running = Some(Running::start(&mut command, &self.work.join("openssl.log")));
        Some(Ok(()))
    }

    fn resumed(&mut self) -> Result<bool, String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        running.wait_for(&["drop connection and then reconnect"]);
        std::thread::sleep(std::time::Duration::from_millis(300));
        let log = running.log();
        if log.matches("New, TLSv1").count() < 2 && !log.contains("Reused,") {
            return Err(last_line(&log).to_owned());
        }
        Ok(log.contains("Reused,"))
    }

    fn end(&mut self) {
        self.running = None;
    }
}
