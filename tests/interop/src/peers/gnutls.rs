//! `gnutls-serv` and `gnutls-cli`.

use std::path::PathBuf;
use std::process::Command;

use super::{Ask, Expected, Peer, Tools, number};
use crate::process::{Running, free_port, is_there, last_line};

#[derive(Debug)]
pub struct GnuTls {
    work: PathBuf,
    running: Option<Running>,
}

impl GnuTls {
    pub fn find(tools: &Tools) -> Option<Self> {
        (is_there("gnutls-serv") && is_there("gnutls-cli")).then(|| Self {
            work: tools.work.clone(),
            running: None,
        })
    }

    fn command(program: &str, ask: Ask<'_>, port: u16) -> Command {
        let mut command = Command::new(program);
        command
            .arg("--priority")
            .arg(format!("NORMAL:-VERS-ALL:+VERS-TLS{}", number(ask.version)))
            .arg("--x509cafile")
            .arg(ask.ca)
            .arg("--x509certfile")
            .arg(ask.full())
            .arg("--x509keyfile")
            .arg(ask.key())
            .args(["--port", &port.to_string()]);
        command
    }

    fn cli(ask: Ask<'_>, port: u16) -> Command {
        let mut command = Self::command("gnutls-cli", ask, port);
        command.args([
            "--sni-hostname",
            "localhost",
            "--verify-hostname",
            "localhost",
            "127.0.0.1",
        ]);
        command
    }
}

impl Peer for GnuTls {
    /// It binds the wildcard address and nothing else.
    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        let port = free_port();
        let mut command = Self::command("gnutls-serv", ask, port);
        command.args(["--echo", "--require-client-cert", "--verify-client-cert"]);
        let mut running = Running::start(&mut command, &self.work.join("gnutls.log"));
        running.wait_listening(port)?;
        self.running = Some(running);
        Ok(port)
    }

    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        let mut running = Running::start(&mut Self::cli(ask, port), &self.work.join("gnutls.log"));
        running.write("ping\n");
        self.running = Some(running);
        Ok(())
    }

    fn saw(&mut self, expected: Expected) -> Result<(), String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        let server = running.log().contains("Server listening");
        if server && expected == Expected::Link {
            let log = running.log();
            return if log.contains("Error") {
                Err(last_line(&log).to_owned())
            } else {
                Ok(())
            };
        }
        match running.wait_for(&["pong", "Error", "Fatal error", "alert"]) {
            Some("pong") => Ok(()),
            _ => Err(last_line(&running.log()).to_owned()),
        }
    }

    fn twice(&mut self, ask: Ask<'_>, port: u16) -> Option<Result<(), String>> {
        let mut command = Self::cli(ask, port);
        command.arg("--resume");
        self.running = Some(Running::start(&mut command, &self.work.join("gnutls.log")));
        Some(Ok(()))
    }

    fn resumed(&mut self) -> Result<bool, String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        // Without a ticket it waits for one, which a closed standard input does not end.
        running.wait_for(&[
            "Resume Handshake was completed",
            "This is a resumed session",
            "not",
            "Error",
        ]);
        let log = running.log();
        Ok(log.contains("This is a resumed session"))
    }

    fn end(&mut self) {
        self.running = None;
    }
}
