"""PyKMIP, which reads one command a line and answers each:

    server FOLDER CA        -> PORT n; a PyKMIP server in a process of its own
    end                     -> OK, or FAILED with what its session said; ends that server
    client FOLDER CA PORT   -> OK, or FAILED; PyKMIP's connection, with a line sent and one read
    keys FOLDER CA PORT     -> OK, or FAILED; Create, Get and Destroy of a key with PyKMIP's own client
    made FOLDER CA PORT     -> KEYS a b c, the IDs of three new keys: active, not active yet, compromised; or FAILED

A folder has `full.pem` and `key.pem`, the chain and the key to present.
"""

import logging
import os
import signal
import socket
import sys
import tempfile
import time

from kmip.core import enums
from kmip.pie.client import ProxyKmipClient
from kmip.services import auth
from kmip.services.kmip_client import KMIPProxy
from kmip.services.server.server import KmipServer

# PyKMIP offers AES-GCM with ECDSA keys alone, as the profiles of KMIP 1 have it; rustls has nothing but AEAD suites.
auth.TLS12AuthenticationSuite._default_cipher_suites += [
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
]


def serve(folder, ca, port, work):
    os.setsid()
    # What the server prints goes nowhere: our answers are on the standard output.
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    server = KmipServer(
        hostname="127.0.0.1",
        port=port,
        certificate_path=folder + "/full.pem",
        key_path=folder + "/key.pem",
        ca_path=ca,
        auth_suite="TLS1.2",
        config_path=None,
        log_path=work + "/log",
        policy_path=work + "/policies",
        enable_tls_client_auth=True,
        logging_level="DEBUG",
        database_path=work + "/database",
    )
    server.start()
    server.serve()


class Server:
    def __init__(self, folder, ca):
        self.work = tempfile.mkdtemp(prefix="pykmip-")
        os.mkdir(self.work + "/policies")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                serve(folder, ca, self.port, self.work)
            finally:
                os._exit(1)
        self.wait("Starting connection service")

    def log(self):
        try:
            with open(self.work + "/log") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait(self, text):
        for _ in range(400):
            if text in self.log():
                return
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                raise RuntimeError("the server ended: " + self.log()[-300:])
            time.sleep(0.025)
        raise RuntimeError("the server did not start")

    def end(self):
        for _ in range(80):
            if "Stopping session" in self.log():
                break
            time.sleep(0.025)
        try:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        lines = self.log().splitlines()
        failed = [line for line in lines if "SSLError" in line or "ssl." in line or "Failure" in line]
        if failed:
            return "FAILED " + failed[-1]
        return "OK"


def proxy(folder, ca, port):
    return dict(
        certfile=folder + "/full.pem",
        keyfile=folder + "/key.pem",
        ca_certs=ca,
        cert_reqs="CERT_REQUIRED",
        ssl_version="PROTOCOL_TLSv1_2",
    )


def client(folder, ca, port):
    # The configuration file of PyKMIP is not consulted: everything is said here.
    link = KMIPProxy(host="127.0.0.1", port=port, config_file=os.devnull, **proxy(folder, ca, port))
    link.open()
    try:
        link.socket.sendall(b"ping\n")
        answer = link.socket.recv(64)
    finally:
        link.close()
    return "OK" if answer.startswith(b"pong") else "FAILED no answer"


def connected(folder, ca, port):
    arguments = proxy(folder, ca, port)
    return ProxyKmipClient(
        hostname="127.0.0.1",
        port=port,
        cert=arguments["certfile"],
        key=arguments["keyfile"],
        ca=ca,
        ssl_version="PROTOCOL_TLSv1_2",
        config_file=os.devnull,
    )


def keys(folder, ca, port):
    with connected(folder, ca, port) as link:
        uid = link.create(enums.CryptographicAlgorithm.AES, 256)
        key = link.get(uid)
        link.destroy(uid)
    return "OK" if len(key.value) == 32 else "FAILED a key of %d bytes" % len(key.value)


def made(folder, ca, port):
    with connected(folder, ca, port) as link:
        ids = [link.create(enums.CryptographicAlgorithm.AES, 256, name="interop") for _ in range(3)]
        for uid in (ids[0], ids[2]):
            link.activate(uid)
        link.revoke(enums.RevocationReasonCode.KEY_COMPROMISE, ids[2])
    return "KEYS " + " ".join(ids)


def main():
    logging.disable(logging.NOTSET)
    logging.getLogger("kmip").addHandler(logging.NullHandler())
    server = None
    for line in sys.stdin:
        command, *rest = line.split()
        try:
            if command == "server":
                server = Server(*rest)
                answer = "PORT %d" % server.port
            elif command == "end":
                answer = server.end()
            else:
                folder, ca, port = rest
                answer = {"client": client, "keys": keys, "made": made}[command](folder, ca, int(port))
        except Exception as error:
            answer = "FAILED %s: %s" % (type(error).__name__, error)
        print(" ".join(answer.split()), flush=True)


main()
