//! PyKMIP: a key server, and its client. TLS 1.2 alone.

use std::path::Path;
use std::process::Command;

use mutual_trust::tls::TlsVersion;

use super::{Ask, Expected, Peer, Tools};
use crate::process::Worker;

#[derive(Debug)]
pub struct PyKmip {
    worker: Worker,
    serves: bool,
}

impl PyKmip {
    pub fn find(tools: &Tools) -> Option<Self> {
        let python = tools.python.as_ref()?;
        let script = tools.scripts.join("pykmip.py");
        let mut command = Command::new(python);
        command
            .args(["-W", "ignore"])
            .arg(script)
            .env("HOME", &tools.work);
        Some(Self {
            worker: Worker::start(&mut command),
            serves: false,
        })
    }

    fn say(&mut self, verb: &str, ask: Ask<'_>, port: &str) {
        let (folder, ca) = (ask.folder.display(), ask.ca.display());
        self.worker.say(&format!("{verb} {folder} {ca} {port}"));
    }

    /// PyKMIP's own client makes, fetches and destroys a key at `port`.
    pub fn keys(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        self.say("keys", ask, &port.to_string());
        self.serves = false;
        self.saw(Expected::Link)
    }
}

impl PyKmip {
    /// The IDs of three keys that the user of a certificate gets at `port`: active, not active yet, compromised.
    pub fn made(&mut self, folder: &Path, ca: &Path, port: u16) -> Result<[String; 3], String> {
        let (folder, ca) = (folder.display(), ca.display());
        self.worker.say(&format!("made {folder} {ca} {port}"));
        let answer = self.worker.hear();
        let ids: Vec<String> = answer.split(' ').skip(1).map(str::to_owned).collect();
        match ids.try_into() {
            Ok(ids) if answer.starts_with("KEYS ") => Ok(ids),
            _ => Err(answer),
        }
    }
}

impl Peer for PyKmip {
    fn versions(&self) -> &'static [TlsVersion] {
        &[TlsVersion::Tls12]
    }

    /// Discover Versions in KMIP 1.1 (tag, type and length of each field, as KMIP encodes them).
    fn request(&self) -> &'static [u8] {
        const FIELDS: &[u8] = &[
            0x42, 0x00, 0x78, 0x01, 0x00, 0x00, 0x00, 0x60, // request message
            0x42, 0x00, 0x77, 0x01, 0x00, 0x00, 0x00, 0x38, // header
            0x42, 0x00, 0x69, 0x01, 0x00, 0x00, 0x00, 0x20, // protocol version
            0x42, 0x00, 0x6a, 0x02, 0x00, 0x00, 0x00, 0x04, 0, 0, 0, 1, 0, 0, 0, 0, // major
            0x42, 0x00, 0x6b, 0x02, 0x00, 0x00, 0x00, 0x04, 0, 0, 0, 1, 0, 0, 0, 0, // minor
            0x42, 0x00, 0x0d, 0x02, 0x00, 0x00, 0x00, 0x04, 0, 0, 0, 1, 0, 0, 0,
            0, // batch count
            0x42, 0x00, 0x0f, 0x01, 0x00, 0x00, 0x00, 0x18, // batch item
            0x42, 0x00, 0x5c, 0x05, 0x00, 0x00, 0x00, 0x04, 0, 0, 0, 0x1e, 0, 0, 0,
            0, // Discover Versions
            0x42, 0x00, 0x79, 0x01, 0x00, 0x00, 0x00, 0x00, // no payload
        ];
        FIELDS
    }

    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        self.say("server", ask, "");
        self.serves = true;
        self.worker.hear_port()
    }

    fn connect(&mut self, ask: Ask<'_>, port: u16) -> Result<(), String> {
        self.say("client", ask, &port.to_string());
        self.serves = false;
        Ok(())
    }

    fn saw(&mut self, _: Expected) -> Result<(), String> {
        if self.serves {
            self.worker.say("end");
            self.serves = false;
        }
        match self.worker.hear().as_str() {
            "OK" => Ok(()),
            other => Err(other.to_owned()),
        }
    }

    fn end(&mut self) {
        if self.serves {
            let _ = self.saw(Expected::Failure);
        }
    }
}
