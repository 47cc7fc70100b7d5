//! nginx with `ssl_verify_client`: a server alone.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use mutual_trust::tls::TlsVersion;

use super::{Ask, Expected, Peer, Tools, number};
use crate::process::{Running, free_port, is_there, last_line};

#[derive(Debug)]
pub struct Nginx {
    work: PathBuf,
    running: Option<Running>,
}

impl Nginx {
    pub fn find(tools: &Tools) -> Option<Self> {
        is_there("nginx").then(|| Self {
            work: tools.work.join("nginx"),
            running: None,
        })
    }
}

impl Peer for Nginx {
    fn versions(&self) -> &'static [TlsVersion] {
        &[TlsVersion::Tls12, TlsVersion::Tls13]
    }

    fn connects(&self) -> bool {
        false
    }

    fn request(&self) -> &'static [u8] {
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    }

    fn serve(&mut self, ask: Ask<'_>) -> Result<u16, String> {
        let port = free_port();
        fs::create_dir_all(&self.work).unwrap();
        let folder = self.work.display();
        let settings = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log stderr info; events {{}}\n\
             http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
             fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
             server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv{version}; ssl_certificate {cert};\n\
             ssl_certificate_key {key}; ssl_client_certificate {ca}; ssl_verify_client on;\n\
             location / {{ return 200 \"pong\\n\"; }} }} }}\n",
            version = number(ask.version),
            cert = ask.full().display(),
            key = ask.key().display(),
            ca = ask.ca.display(),
        );
        fs::write(self.work.join("conf"), settings).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(&self.work)
            .arg("-c")
            .arg(self.work.join("conf"));
        let mut running = Running::start(&mut command, &self.work.join("log"));
        running.wait_listening(port)?;
        self.running = Some(running);
        Ok(port)
    }

    fn connect(&mut self, _: Ask<'_>, _: u16) -> Result<(), String> {
        Err("nginx is a server".into())
    }

    fn saw(&mut self, expected: Expected) -> Result<(), String> {
        let running = self.running.as_mut().ok_or("nothing runs")?;
        let failed = match expected {
            Expected::Link => running.log().contains("SSL_do_handshake() failed"),
            Expected::Failure => running
                .wait_for(&["SSL_do_handshake() failed", "client SSL certificate"])
                .is_some(),
        };
        if failed {
            Err(last_line(&running.log()).to_owned())
        } else {
            Ok(())
        }
    }

    fn end(&mut self) {
        self.running = None;
    }
}
