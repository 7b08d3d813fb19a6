#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the laboratory at work: real TCP, real TLS, real answers read to the end.

Usage: engine.py PLAN GROUP KIND RESULTS [RATE]. Runs inside the namespace of the group until it is
ended. KIND is

    python   the group's clients that use Python's ssl; office clients go through the CONNECT proxy
    tools    the group's clients that run curl (OpenSSL) or wget (GnuTLS), one process a request
    swarm    the hidden controller: RATE requests a second over all exits, least recently used exit
             first, a new connection through CONNECT or SOCKS5 for each, one templated prompt, TLS
             end to end

Each request becomes one line of JSON in RESULTS:
    {"t", "client", "source", "class", "stack", "ok", "ms", "error"}
"""

import asyncio
import collections
import functools
import ipaddress
import json
import os
import random
import ssl
import sys
import time

CONNECT_SEC = 6.0       # until TLS is up
SWARM_CONNECT_SEC = 3.0 # the swarm has other exits, and no time to wait for a dead one
SILENCE_SEC = 6.0       # without a byte of the answer
TOOL_SEC = 20           # one run of curl
KEEP_SEC = 20.0         # an idle connection is not used again; the server closes it later
SWARM_PROMPT = 620      # words; all prompts of a template are about the same
SWARM_ANSWER = 180      # tokens
TEXT = "word " * 32768


class Failed(Exception):
    """A request that did not end with a whole answer; the text says why."""


class Lab:
    """What all clients of this process share."""

    def __init__(self, plan_path, results_path):
        with open(plan_path, encoding="ascii") as file:
            self.plan = json.load(file)
        self.results = os.open(results_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.ca = self.plan["files"]["ca"]
        self.tls = ssl.create_default_context(cafile=self.ca)

    def server(self, bind):
        return self.plan["server"]["ipv6" if ":" in bind else "ipv4"]

    def record(self, client, started, error):
        line = {"t": round(started, 3), "client": client["id"], "source": client["source"],
                "class": client["class"], "stack": client["stack"], "ok": not error,
                "ms": round((time.time() - started) * 1000), "error": error}
        os.write(self.results, json.dumps(line).encode() + b"\n")


def body(words, answer):
    return json.dumps({"model": "lab", "stream": True, "max_tokens": answer,
                       "messages": [{"role": "user", "content": TEXT[:5 * words]}]}).encode()


def client_body(lab, rng, client):
    limits = lab.plan["limits"]
    prompt = rng.lognormvariate(0, client["prompt_sigma"]) * client["prompt_tokens"]
    answer = rng.lognormvariate(0, client["answer_sigma"]) * client["answer_tokens"]
    return body(int(min(prompt, limits["prompt"]) * 0.8), int(min(answer, limits["answer"])) + 1)


async def read_chunks(reader):
    """Reads a chunked body to its end and returns its last bytes."""
    tail = b""
    while True:
        async with asyncio.timeout(SILENCE_SEC):
            size = int((await reader.readline()).strip() or b"0", 16)
            tail = (tail + await reader.readexactly(size))[-200:]
            await reader.readexactly(2)
        if size == 0:
            return tail


async def exchange(lab, reader, writer, payload):
    """One request and its whole answer on an open TLS connection."""
    name = lab.plan["server"]["name"]
    head = (f"POST /v1/messages HTTP/1.1\r\nHost: {name}\r\nUser-Agent: sdk-python/1.0\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n\r\n")
    writer.write(head.encode() + payload)
    async with asyncio.timeout(SILENCE_SEC):
        head = await reader.readuntil(b"\r\n\r\n")
    status = head.split(b" ", 2)[1]
    tail = await read_chunks(reader)
    if status != b"200" or b"message_stop" not in tail:
        raise Failed(f"status {status.decode()}")


async def connect_direct(lab, client):
    server = lab.plan["server"]
    return await asyncio.open_connection(
        lab.server(client["bind"]), server["port"], local_addr=(client["bind"], 0), ssl=lab.tls,
        server_hostname=server["name"])


async def connect_http_proxy(lab, proxy, local_addr=None):
    """TLS to the server through an HTTP CONNECT proxy."""
    server = lab.plan["server"]
    target = f"{server['ipv4']}:{server['port']}"
    reader, writer = await asyncio.open_connection(*proxy, local_addr=local_addr)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        writer.close()
        raise Failed("proxy refused")
    await writer.start_tls(lab.tls, server_hostname=server["name"])
    return reader, writer


async def connect_socks(lab, proxy):
    """TLS to the server through a SOCKS5 proxy (RFC 1928)."""
    server = lab.plan["server"]
    reader, writer = await asyncio.open_connection(*proxy)
    writer.write(b"\x05\x01\x00")
    await reader.readexactly(2)
    writer.write(b"\x05\x01\x00\x01" + ipaddress.ip_address(server["ipv4"]).packed
                 + server["port"].to_bytes(2, "big"))
    reply = await reader.readexactly(10)
    if reply[1] != 0:
        writer.close()
        raise Failed("proxy refused")
    await writer.start_tls(lab.tls, server_hostname=server["name"])
    return reader, writer


async def attempt(lab, client, started, work):
    """Runs one request and records how it ended."""
    error = None
    try:
        await work
    except TimeoutError:
        error = "timeout"
    except (Failed, OSError, ssl.SSLError, EOFError, ValueError) as problem:
        error = f"{type(problem).__name__}: {problem}"[:120]
    lab.record(client, started, error)
    return not error


async def live(lab, client, ask):
    """A user at work: a request, a pause, again. ask(rng) makes one; rng is the user's own."""
    rng = random.Random(f"{lab.plan['seed']} {client['id']}")
    await asyncio.sleep(min(client["think_sec"], lab.plan["limits"]["first_sec"]) * rng.random())
    while True:
        await attempt(lab, client, time.time(), ask(rng))
        await asyncio.sleep(rng.lognormvariate(0, client["think_sigma"]) * client["think_sec"])


class PythonClient:
    """One honest user of an SDK, who may keep a connection open between requests."""

    def __init__(self, lab, client):
        self.lab = lab
        self.client = client
        self.connection = None
        self.idle_since = 0.0

    async def connect(self):
        async with asyncio.timeout(CONNECT_SEC):
            if self.client["group"] == "office":
                proxy = self.lab.plan["office_proxy"]
                return await connect_http_proxy(self.lab, (proxy["address"], proxy["port"]),
                                                (self.client["bind"], 0))
            return await connect_direct(self.lab, self.client)

    def drop_connection(self):
        if self.connection:
            self.connection[1].close()
        self.connection = None

    async def ask(self, rng):
        if time.monotonic() - self.idle_since > KEEP_SEC:
            self.drop_connection()
        if not self.connection:
            self.connection = await self.connect()
        whole = False
        try:
            await exchange(self.lab, *self.connection, client_body(self.lab, rng, self.client))
            whole = True
        finally:
            if not whole or not self.client["keep_alive"]:
                self.drop_connection()
        self.idle_since = time.monotonic()


def curl_command(lab, client):
    server = lab.plan["server"]
    command = ["curl", "-q", "-sS", "-N", "--fail", "--cacert", lab.ca,
               "--connect-timeout", str(int(CONNECT_SEC)), "--max-time", str(TOOL_SEC),
               "--interface", f"host!{client['bind']}",
               "-H", "Content-Type: application/json", "--data-binary", "@-"]
    if client["group"] == "office":
        proxy = lab.plan["office_proxy"]
        command += ["--proxy", f"http://{proxy['address']}:{proxy['port']}"]
    else:
        command += ["--noproxy", "*"]
    return [*command, "--connect-to", f"::[{lab.server(client['bind'])}]:{server['port']}",
            f"https://{server['name']}/v1/messages"]


def wget_command(lab, client, payload):
    address = lab.server(client["bind"])
    host = f"[{address}]" if ":" in address else address
    return ["wget", "-q", "-O", "-", "--no-config", "--no-hsts", "--no-proxy", "--tries=1",
            f"--ca-certificate={lab.ca}", f"--bind-address={client['bind']}",
            f"--timeout={int(SILENCE_SEC)}", "--header=Content-Type: application/json",
            f"--post-data={payload.decode()}",
            f"https://{host}/v1/messages"]


async def run_tool(lab, client, rng):
    payload = client_body(lab, rng, client)
    wget = client["stack"] == "wget"
    command = wget_command(lab, client, payload) if wget else curl_command(lab, client)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    output, errors = await process.communicate(None if wget else payload)
    if process.returncode:
        text = errors.decode(errors="replace").strip()[-100:]
        raise Failed(f"{client['stack']} exit {process.returncode} {text}".strip())
    if b"message_stop" not in output[-200:]:
        raise Failed("answer cut short")


async def swarm_request(lab, item, rng):
    connect = connect_socks if item["kind"] == "socks" else connect_http_proxy
    async with asyncio.timeout(SWARM_CONNECT_SEC):
        reader, writer = await connect(lab, (item["source"], item["port"]))
    try:
        await exchange(lab, reader, writer, body(SWARM_PROMPT + rng.randrange(-12, 13),
                                                 SWARM_ANSWER + rng.randrange(-25, 26)))
    finally:
        writer.close()


async def live_swarm(lab, rate):
    """An account pool behind a load balancer: the exit that rested longest takes the request."""
    rng = random.Random(f"{lab.plan['seed']} swarm")
    pool = collections.deque(lab.plan["exits"])
    running = set()
    due = time.monotonic()
    while True:
        item = pool.popleft()
        pool.append(item)
        client = {"id": f"exit-{item['source']}", "source": item["source"], "class": "swarm",
                  "stack": "python"}
        task = asyncio.create_task(
            attempt(lab, client, time.time(), swarm_request(lab, item, rng)))
        running.add(task)
        task.add_done_callback(running.discard)
        due += rng.gammavariate(4, 1 / (4 * rate))
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def main(plan_path, group, kind, results_path, rate="0"):
    lab = Lab(plan_path, results_path)
    if kind == "swarm":
        return await live_swarm(lab, float(rate))
    mine = [client for client in lab.plan["clients"] if client["group"] == group]
    if kind == "python":
        lives = [live(lab, client, PythonClient(lab, client).ask)
                 for client in mine if client["stack"] == "python"]
    else:
        lives = [live(lab, client, functools.partial(run_tool, lab, client))
                 for client in mine if client["stack"] in ("curl", "wget")]
    await asyncio.gather(*lives)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
