#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An HTTP CONNECT proxy that says yes before it has dialled, as many proxy networks do.

Usage: optimistic.py PORT. Leaves by the address it was asked on. Such a proxy saves its client a
round trip, so the first gap of a connection is shorter by that much, or not there at all.
"""

import asyncio
import contextlib
import sys

HEAD_MAX = 4096
CHUNK = 65536
DIAL_SEC = 20


async def pump(reader, writer):
    """What comes in on one side goes out on the other, and so does its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def serve(reader, writer):
    upstream = None
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        host, _, port = target.decode("ascii").rpartition(":")
        if method != b"CONNECT":
            return
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        own = writer.get_extra_info("sockname")[0]
        from_server, upstream = await asyncio.wait_for(
            asyncio.open_connection(host, int(port), local_addr=(own, 0)), DIAL_SEC)
        await asyncio.gather(pump(reader, upstream), pump(from_server, writer))
    except (OSError, ValueError, EOFError, asyncio.LimitOverrunError, asyncio.TimeoutError):
        pass                    # the client sees the end
    finally:
        writer.close()
        if upstream:
            upstream.close()


async def main(port):
    server = await asyncio.start_server(serve, "0.0.0.0", port, limit=HEAD_MAX, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
