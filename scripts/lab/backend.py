#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A language model as its network sees it: answers POST requests with a stream of events.

Usage: backend.py SOCKET. The request's JSON says how long the answer is to be ("max_tokens"); the
tokens come in chunks at the pace of a fast model, after a moment that grows with the prompt. nginx
stands in front and does TLS.
"""

import asyncio
import json
import random
import sys

TOKENS_PER_CHUNK = 16
CHUNK_SEC = 0.1                 # 160 tokens a second
PREFILL_TOKENS_PER_SEC = 20000
FIRST_TOKEN_SEC = 0.12
WORDS = ["net", "shoal", "tide", "current", "harbour", "signal", "vessel", "anchor", "the", "of"]
HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")


def event(name, data):
    text = f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
    return b"%x\r\n%s\r\n" % (len(text), text)


def tokens(count):
    return " ".join(random.choices(WORDS, k=count)) + " "


async def answer(writer, prompt_bytes, count):
    writer.write(HEAD + event("message_start", {"type": "message_start"}))
    await asyncio.sleep(FIRST_TOKEN_SEC + prompt_bytes / 4 / PREFILL_TOKENS_PER_SEC)
    while count > 0:
        size = min(count, TOKENS_PER_CHUNK)
        writer.write(event("content_block_delta", {
            "type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": tokens(size)}}))
        count -= size
        await asyncio.sleep(random.uniform(0.6, 1.4) * CHUNK_SEC)
    writer.write(event("message_stop", {"type": "message_stop"}) + b"0\r\n\r\n")
    await writer.drain()


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return await reader.readexactly(length)


async def serve(reader, writer):
    try:
        while True:
            body = await read_request(reader)
            await answer(writer, len(body), int(json.loads(body)["max_tokens"]))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(path):
    server = await asyncio.start_unix_server(serve, path, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
