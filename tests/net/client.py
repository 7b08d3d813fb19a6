#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS clients of server.py, each behind the address it is told to use.

    client.py once [OPTION]... ADDRESS...    one connection and one request from each, all at the same moment
    client.py talk [OPTION]... ADDRESS       one connection, a request every 50 ms, until killed
    client.py hammer [OPTION]... ADDRESS...  many connections from each, requests without a pause
    client.py greet [OPTION]... ADDRESS...   what the server says on a port without TLS

`once` writes how far each came, "ADDRESS STAGE": "none", "tcp" when a TCP connection was all it got, "tls" when the
handshake was, "answer". `talk` writes "port PORT", its own, then "answer" for each answer, and the stage when it ends
by itself. `hammer` writes nothing; the server knows what came through. `greet` writes "ADDRESS TEXT".
"""

import argparse
import socket
import ssl
import threading
import time

TARGETS = {socket.AF_INET: "198.51.100.1", socket.AF_INET6: "2001:db8:1::1"}
PAUSE_SEC = 0.05
REQUEST = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Connection:
    """How far a connection from `source` came stands in `stage`."""

    def __init__(self, source, options):
        self.source, self.options = source, options
        self.stage = "none"
        self.socket = self.tls = None
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()

    def connect(self):
        family = socket.AF_INET6 if ":" in self.source else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((self.source, 0))
        self.socket.settimeout(self.options.connect)
        self.socket.connect((self.options.to or TARGETS[family], self.options.port))
        self.stage = "tcp"
        self.socket.settimeout(self.options.patience)

    def open(self):
        self.connect()
        self.tls = self.options.context.wrap_bio(self.received, self.to_send)
        self.run(self.tls.do_handshake)
        self.stage = "tls"

    def ask(self):
        self.run(lambda: self.tls.write(REQUEST))
        answer = b""
        while not answer.endswith(b"xxxx"):
            answer += self.run(lambda: self.tls.read(65536))
        self.stage = "answer"

    def run(self, step):
        """One step of TLS, with the socket's help as often as it asks for it."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionResetError("ended by the server") from None
                self.received.write(data)
            else:
                self.flush()
                return result

    def flush(self):
        data = self.to_send.read()
        if self.stage == "tcp" and self.options.split:
            self.socket.sendall(data[:self.options.split])
            data = data[self.options.split:]
            time.sleep(PAUSE_SEC)
        if data:
            self.socket.sendall(data)

    def close(self):
        if self.socket:
            self.socket.close()


def together(work, jobs):
    """Runs each job in a thread of its own; all begin at the same moment."""
    gate = threading.Barrier(len(jobs))

    def run(job):
        gate.wait()
        work(job)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def once(options):
    connections = [Connection(a, options) for a in options.addresses for _ in range(options.connections)]

    def work(c):
        try:
            c.open()
            c.ask()
        except OSError:
            pass

    together(work, connections)
    for c in connections:
        print(c.source, c.stage)
        c.close()


def talk(options):
    c = Connection(options.addresses[0], options)
    try:
        c.open()
        print("port", c.socket.getsockname()[1], flush=True)
        while True:
            c.ask()
            print("answer", flush=True)
            time.sleep(PAUSE_SEC)
    except OSError:
        print("ended after", c.stage, flush=True)


def hammer(options):
    end = time.monotonic() + options.seconds

    def work(source):
        while time.monotonic() < end:
            c = Connection(source, options)
            try:
                c.open()
                while time.monotonic() < end:
                    c.ask()
            except OSError:
                pass
            finally:
                c.close()

    for source in [a for a in options.addresses for _ in range(options.connections)]:
        threading.Thread(target=work, args=(source,), daemon=True).start()
    time.sleep(options.seconds)


def greet(options):
    for address in options.addresses:
        c = Connection(address, options)
        try:
            c.connect()
            print(address, c.socket.recv(64).decode("ascii").strip())
        except OSError as error:
            print(address, error)
        c.close()


def read_options():
    p = argparse.ArgumentParser()
    p.add_argument("verb", choices=VERBS)
    p.add_argument("--cipher", help="of TLS 1.2: another list is another ClientHello")
    p.add_argument("--to", help="the server's address")
    p.add_argument("--port", type=int, default=443)
    p.add_argument("--tls", choices=VERSIONS, help="this version alone")
    p.add_argument("--split", type=int, default=0, metavar="BYTES",
                   help="ClientHello in two segments, the first of so many")
    p.add_argument("--connections", type=int, default=1, help="from each address")
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--connect", type=float, default=1.3,
                   help="seconds to wait for a connection: a SYN is repeated after one")
    p.add_argument("--patience", type=float, default=10,
                   help="seconds to wait for the handshake, and for the answer")
    p.add_argument("addresses", nargs="+")
    options = p.parse_args()

    options.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    options.context.check_hostname = False
    options.context.verify_mode = ssl.CERT_NONE
    if options.cipher:
        options.context.set_ciphers(options.cipher)
    if options.tls:
        options.context.minimum_version = options.context.maximum_version = VERSIONS[options.tls]
    return options


VERBS = {"once": once, "talk": talk, "hammer": hammer, "greet": greet}

if __name__ == "__main__":
    given = read_options()
    VERBS[given.verb](given)
