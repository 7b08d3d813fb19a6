#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A TLS server that many clients can use at once, and that tells what reached it.

Usage: server.py CERT KEY LOG [PLAIN_PORT]. Answers GET requests on port 443, over IPv4 and IPv6, and keeps
connections open. LOG gets a line for each connection that completes its handshake, "TIME SOURCE PORT tls", and for
each request, "TIME SOURCE PORT request". On PLAIN_PORT each connection gets a line and its end.
"""

import asyncio
import socket
import ssl
import sys
import time

PORT = 443
BACKLOG = 1024
HANDSHAKE_SEC = 30
BODY = b"x" * 400
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def listen(port):
    """Dual stack; clients over IPv4 have ::ffff: before their address."""
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind(("::", port))
    return s


class Service:
    def __init__(self, log):
        self.log = log

    def tell(self, writer, what):
        source, port = writer.get_extra_info("peername")[:2]
        print(f"{time.monotonic():.6f}", source.removeprefix("::ffff:"), port, what, file=self.log, flush=True)

    async def serve(self, reader, writer):
        self.tell(writer, "tls")
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.tell(writer, "request")
                writer.write(ANSWER)
                await writer.drain()
                if b"HTTP/1.0" in head:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    @staticmethod
    async def greet(_, writer):
        writer.write(b"hello\n")
        writer.close()


async def main(cert, key, log, plain_port=None):
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    with open(log, "a", encoding="ascii") as out:
        service = Service(out)
        if plain_port:
            await asyncio.start_server(service.greet, sock=listen(int(plain_port)))
        server = await asyncio.start_server(service.serve, sock=listen(PORT), ssl=tls, backlog=BACKLOG,
                                            ssl_handshake_timeout=HANDSHAKE_SEC)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
