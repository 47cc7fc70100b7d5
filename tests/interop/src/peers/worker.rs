//! Java and Go: programs of ours in their languages, which serve all cells.

use std::process::Command;

use super::{Ask, Expected, Peer, Tools, number};
use crate::process::{Worker, is_there};

#[derive(Debug)]
pub struct Program {
    worker: Worker,
}

pub fn java(tools: &Tools) -> Option<Program> {
    let classes = tools.java.as_ref()?;
    let mut command = Command::new("java");
    command
        .args(["-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp"])
        .arg(classes)
        .arg("Peer");
    is_there("java").then(|| Program {
        worker: Worker::start(&mut command),
    })
}

pub fn go(tools: &Tools) -> Option<Program> {
    let program = tools.go.as_ref()?;
    Some(Program {
        worker: Worker::start(&mut Command::new(program)),
    })
}

impl Program {
    fn say(&mut self, verb: &str, ask: Ask<'_>, last: impl std::fmt::Display) {
        let (folder, ca) = (ask.folder.display(), ask.ca.display());
        self.worker.say(&format!(
            "{verb} {} {folder} {ca} {last}",
            number(ask.version)
        ));
    }
}

impl Peer for Program {
    fn answers_each_link(&self) -> bool {
        true
    }

    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        self.say("server", ask, ask.links);
        self.worker.hear_port()
    }

    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        self.say("client", ask, port);
        Ok(())
    }

    fn saw(&mut self, _: Expected) -> Result<(), String> {
        match self.worker.hear().as_str() {
            "OK" => Ok(()),
            other => Err(other.to_owned()),
        }
    }

    fn twice(&mut self, ask: Ask<'_>, port: u16) -> Option<Result<(), String>> {
        self.say("twice", ask, port);
        Some(Ok(()))
    }

    fn resumed(&mut self) -> Result<bool, String> {
        match self.worker.hear().as_str() {
            "FULL" => Ok(false),
            "RESUMED" => Ok(true),
            other => Err(other.to_owned()),
        }
    }

    fn end(&mut self) {}
}
