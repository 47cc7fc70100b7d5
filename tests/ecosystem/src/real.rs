//! The real servers, two of each: one presents a self-signed certificate, the other one of the CA. All of them demand a
//! certificate of the client, and accept the pinned client and those of the CA.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use mutual_trust_ecosystem::pki::Pki;

use crate::process::{Running, free_port, is_root, is_there};

/// Where the server with the self-signed certificate listens, and where the one with a certificate of the CA.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub pinned: u16,
    pub of_ca: u16,
}

impl Ports {
    fn free() -> Self {
        Self {
            pinned: free_port(),
            of_ca: free_port(),
        }
    }

    fn each(self) -> [(&'static str, u16); 2] {
        [("server", self.pinned), ("server-of-ca", self.of_ca)]
    }

    fn all(self) -> [u16; 2] {
        [self.pinned, self.of_ca]
    }
}

/// What is started, and where it listens: `None` if it cannot be had here.
#[derive(Debug, Default)]
pub struct Servers {
    pub nginx: Option<Ports>,
    pub postgresql: Option<Ports>,
    pub redis: Option<Ports>,
    pub etcd: Option<Ports>,
    pub nats: Option<Ports>,
    pub websocket: Option<Ports>,
    pub mosquitto: Option<Ports>,
    pub caddy: Option<Ports>,
    running: Vec<(Running, Vec<u16>)>,
}

impl Servers {
    /// Starts all that are there.
    pub fn start(pki: &Pki) -> Self {
        let mut servers = Self::default();
        servers.nginx = servers.if_there("nginx", pki, Self::start_nginx);
        servers.redis = servers.if_there("redis-server", pki, Self::start_redis);
        servers.etcd = servers.if_there("etcd", pki, Self::start_etcd);
        let nats = servers.if_there("nats-server", pki, Self::start_nats);
        servers.nats = nats.map(|(nats, _)| nats);
        servers.websocket = nats.map(|(_, websocket)| websocket);
        servers.mosquitto = servers.if_there("mosquitto", pki, Self::start_mosquitto);
        servers.caddy = servers.if_there("caddy", pki, Self::start_caddy);
        servers.postgresql =
            postgresql_programs().map(|programs| servers.start_postgresql(pki, &programs));
        for (running, ports) in &mut servers.running {
            running.wait_listening(ports);
        }
        servers
    }

    fn if_there<T>(
        &mut self,
        program: &str,
        pki: &Pki,
        start: fn(&mut Self, &Pki) -> T,
    ) -> Option<T> {
        is_there(program).then(|| start(self, pki))
    }

    fn run(&mut self, name: &str, pki: &Pki, program: &str, arguments: &[&str], ports: &[u16]) {
        let log = pki.folder().join(format!("{name}.log"));
        self.running.push((
            Running::start(program, None, arguments, &log),
            ports.to_vec(),
        ));
    }

    fn start_nginx(&mut self, pki: &Pki) -> Ports {
        let ports = Ports::free();
        let folder = pki.folder().display();
        // One process, which we can end.
        let mut text = format!(
            "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.err;\n\
             events {{}}\n\
             http {{ access_log off; keepalive_timeout 600s;\n\
             ssl_client_certificate {folder}/clients.pem; ssl_verify_client on;\n"
        );
        for directory in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            text += &format!("{directory}_temp_path {folder}/nginx-{directory};\n");
        }
        for (name, port) in ports.each() {
            text += &format!(
                "server {{ listen 127.0.0.1:{port} ssl http2;\n\
                 ssl_certificate {folder}/{name}.pem; ssl_certificate_key {folder}/{name}.key;\n\
                 location / {{ return 200 \"$ssl_client_s_dn $server_protocol $connection\"; }} }}\n"
            );
        }
        let file = write(pki, "nginx.conf", &(text + "}\n"));
        self.run("nginx", pki, "nginx", &["-c", &file], &ports.all());
        ports
    }

    fn start_redis(&mut self, pki: &Pki) -> Ports {
        let ports = Ports::free();
        for (name, port) in ports.each() {
            let [pem, key] = [pki.pem(name), pki.key(name)].map(path);
            let [clients, folder] = [pki.pem("clients"), pki.folder().to_owned()].map(path);
            let port = port.to_string();
            let arguments = [
                "--port",
                "0",
                "--tls-port",
                &port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                &folder,
                "--tls-cert-file",
                &pem,
                "--tls-key-file",
                &key,
                "--tls-ca-cert-file",
                &clients,
            ];
            self.run(
                &format!("redis-{name}"),
                pki,
                "redis-server",
                &arguments,
                &[],
            );
        }
        self.wait_for(ports);
        ports
    }

    fn start_etcd(&mut self, pki: &Pki) -> Ports {
        let ports = Ports::free();
        for (name, port) in ports.each() {
            let [pem, key, clients] = [pki.pem(name), pki.key(name), pki.pem("clients")].map(path);
            let data = path(pki.folder().join(format!("etcd-{name}")));
            let clients_at = format!("https://127.0.0.1:{port}");
            let peers_at = format!("http://127.0.0.1:{}", free_port());
            let cluster = format!("{name}={peers_at}");
            let arguments = [
                "--name",
                name,
                "--data-dir",
                &data,
                "--listen-client-urls",
                &clients_at,
                "--advertise-client-urls",
                &clients_at,
                "--listen-peer-urls",
                &peers_at,
                "--initial-advertise-peer-urls",
                &peers_at,
                "--initial-cluster",
                &cluster,
                "--cert-file",
                &pem,
                "--key-file",
                &key,
                "--trusted-ca-file",
                &clients,
                "--client-cert-auth",
            ];
            self.run(&format!("etcd-{name}"), pki, "etcd", &arguments, &[]);
        }
        self.wait_for(ports);
        ports
    }

    fn start_nats(&mut self, pki: &Pki) -> (Ports, Ports) {
        let (ports, websockets) = (Ports::free(), Ports::free());
        for ((name, port), (_, websocket)) in ports.each().into_iter().zip(websockets.each()) {
            let [pem, key, clients] = [pki.pem(name), pki.key(name), pki.pem("clients")].map(path);
            let tls = format!(
                "tls {{ cert_file: \"{pem}\", key_file: \"{key}\", ca_file: \"{clients}\", verify: true }}"
            );
            let text = format!(
                "listen: \"127.0.0.1:{port}\"\n{tls}\n\
                 websocket {{ listen: \"127.0.0.1:{websocket}\", {tls} }}\n"
            );
            let file = write(pki, &format!("nats-{name}.conf"), &text);
            self.run(
                &format!("nats-{name}"),
                pki,
                "nats-server",
                &["-c", &file],
                &[],
            );
        }
        self.wait_for(ports);
        self.wait_for(websockets);
        (ports, websockets)
    }

    fn start_mosquitto(&mut self, pki: &Pki) -> Ports {
        let ports = Ports::free();
        // It would become another user, who cannot read the keys.
        let mut text = String::from("per_listener_settings true\nuser root\n");
        for (name, port) in ports.each() {
            let [pem, key, clients] = [pki.pem(name), pki.key(name), pki.pem("clients")].map(path);
            text += &format!(
                "listener {port} 127.0.0.1\ncafile {clients}\ncertfile {pem}\nkeyfile {key}\n\
                 require_certificate true\nuse_identity_as_username true\n"
            );
        }
        let file = write(pki, "mosquitto.conf", &text);
        self.run("mosquitto", pki, "mosquitto", &["-c", &file], &ports.all());
        ports
    }

    fn start_caddy(&mut self, pki: &Pki) -> Ports {
        let ports = Ports::free();
        let storage = pki.folder().join("caddy");
        // Its HTTP/3 tells the layer above neither the name that the client asked for nor the client's certificate, so the
        // two cannot be compared there. The handshake judges the client all the same.
        let mut text = format!(
            "{{\nservers {{\nstrict_sni_host insecure_off\n}}\nadmin off\nauto_https off\nstorage file_system {}\n}}\n",
            path(storage)
        );
        for (name, port) in ports.each() {
            let [pem, key] = [pki.pem(name), pki.key(name)].map(path);
            let [client, ca] = [pki.pem("client"), pki.pem("ca")].map(path);
            text += &format!(
                "https://localhost:{port}, https://127.0.0.1:{port} {{\nbind 127.0.0.1\n\
                 tls {pem} {key} {{\nclient_auth {{\nmode require_and_verify\n\
                 trusted_ca_cert_file {client}\ntrusted_ca_cert_file {ca}\n}}\n}}\n\
                 respond \"{{http.request.proto}}\"\n}}\n"
            );
        }
        let file = write(pki, "Caddyfile", &text);
        let arguments = ["run", "--config", &file, "--adapter", "caddyfile"];
        self.run("caddy", pki, "caddy", &arguments, &ports.all());
        ports
    }

    /// PostgreSQL refuses to run as root.
    fn start_postgresql(&mut self, pki: &Pki, programs: &Path) -> Ports {
        let ports = Ports::free();
        for (name, port) in ports.each() {
            let data = pki.folder().join(format!("postgresql-{name}"));
            fs::create_dir(&data).unwrap();
            let clients = data.join("clients.pem");
            fs::copy(pki.pem("clients"), &clients).unwrap();
            let (pem, key) = (data.join("server.pem"), data.join("server.key"));
            fs::copy(pki.pem(name), &pem).unwrap();
            fs::copy(pki.key(name), &key).unwrap();
            fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
            let cluster = path(data.join("cluster"));
            let mut make = if is_root() {
                let owner = Command::new("chown")
                    .args(["-R", "postgres:postgres"])
                    .arg(&data)
                    .status();
                assert!(owner.unwrap().success());
                let mut command = Command::new("setpriv");
                command.args([
                    "--reuid",
                    "postgres",
                    "--regid",
                    "postgres",
                    "--clear-groups",
                    "--",
                ]);
                command.arg(programs.join("initdb"));
                command
            } else {
                Command::new(programs.join("initdb"))
            };
            // The only role is the one that the certificates of the clients name.
            make.args([
                "-D",
                &cluster,
                "-U",
                "array",
                "-A",
                "trust",
                "--no-locale",
                "-E",
                "UTF8",
                "-N",
            ]);
            let made = make.current_dir(&data).output().unwrap();
            assert!(
                made.status.success(),
                "{}",
                String::from_utf8_lossy(&made.stderr)
            );
            let rules =
                "local all all trust\nhostssl all all 127.0.0.1/32 cert clientcert=verify-full\n";
            fs::write(data.join("cluster/pg_hba.conf"), rules).unwrap();
            let [pem, key, clients, sockets] = [pem, key, clients, data].map(path);
            let settings = format!(
                "listen_addresses='127.0.0.1'\nport={port}\nunix_socket_directories='{sockets}'\nfsync=off\n\
                 ssl=on\nssl_cert_file='{pem}'\nssl_key_file='{key}'\nssl_ca_file='{clients}'\n"
            );
            fs::write(format!("{cluster}/postgresql.conf"), settings).unwrap();
            let log = pki.folder().join(format!("postgresql-{name}.log"));
            let program = path(programs.join("postgres"));
            let running = Running::start(&program, Some("postgres"), &["-D", &cluster], &log);
            self.running.push((running, Vec::new()));
        }
        self.wait_for(ports);
        ports
    }

    /// The last two processes that were started listen on these ports.
    fn wait_for(&mut self, ports: Ports) {
        let count = self.running.len();
        for ((_, waits), port) in self.running.iter_mut().skip(count - 2).zip(ports.all()) {
            waits.push(port);
        }
    }
}

/// Where Debian keeps the programs of PostgreSQL, the newest of them.
fn postgresql_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|entry| entry.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").is_file())
        .max()
}

fn path(path: PathBuf) -> String {
    path.to_str().unwrap().to_owned()
}

fn write(pki: &Pki, name: &str, text: &str) -> String {
    let file = pki.folder().join(name);
    fs::write(&file, text).unwrap();
    path(file)
}
