# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs in a laboratory besides clients: the API server, the corporate proxy, and the exits.

The server is nginx with TLS in front of a streaming model (backend.py). Exits are tinyproxy for
CONNECT, one process that leaves by whatever address it was asked on, and a microsocks each for
SOCKS5. The corporate proxy is a tinyproxy too.
"""

import shutil
import sys
from pathlib import Path

import plan as planning

HERE = Path(__file__).resolve().parent

NGINX = """\
user root; daemon off; worker_processes 1; pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log warn;
events {{ worker_connections 8192; }}
http {{
    log_format lab '$msec $remote_addr $status $request_length $bytes_sent $request_time '
                   '$ssl_protocol $http_user_agent';
    access_log {dir}/nginx-access.log lab;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi; uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    client_body_buffer_size 256k; keepalive_timeout 30s; keepalive_requests 10000;
    upstream model {{ server unix:{dir}/model.sock; keepalive 256; }}
    server {{
        listen 443 ssl http2 backlog=4096;
        listen [::]:443 ssl http2 ipv6only=on backlog=4096;
        server_name {name}; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {dir}/server.pem; ssl_certificate_key {dir}/server.key;
        location / {{
            proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""
TINYPROXY = """\
Port {port}
Listen 0.0.0.0
BindSame {same}
Timeout 60
MaxClients 8000
LogLevel Error
LogFile "{log}"
DisableViaHeader Yes
"""
SERVER_EXTENSIONS = f"""\
subjectAltName=DNS:{planning.SERVER_NAME},IP:{planning.SERVER4},IP:{planning.SERVER6}
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


def make_certificates(world):
    """An authority of the laboratory's own, and a server certificate strict clients accept."""
    where = world.dir
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    (where / "server.ext").write_text(SERVER_EXTENSIONS, encoding="ascii")
    world.run("openssl", "req", "-x509", *new_key, "-keyout", where / "ca.key", "-out",
              where / "ca.pem", "-days", "30", "-subj", "/CN=laboratory",
              "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    world.run("openssl", "req", *new_key, "-keyout", where / "server.key", "-out",
              where / "server.csr", "-subj", f"/CN={planning.SERVER_NAME}")
    world.run("openssl", "x509", "-req", "-in", where / "server.csr", "-CA", where / "ca.pem",
              "-CAkey", where / "ca.key", "-CAcreateserial", "-days", "30",
              "-extfile", where / "server.ext", "-out", where / "server.pem")


def start_server(world):
    conf = world.dir / "nginx.conf"
    conf.write_text(NGINX.format(dir=world.dir, name=planning.SERVER_NAME), encoding="ascii")
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    world.start("model", "api", sys.executable, HERE / "backend.py", world.dir / "model.sock")
    world.start("nginx", "api", nginx, "-e", world.dir / "nginx-error.log", "-p", world.dir,
                "-c", conf)


def start_connect_proxy(world, space, same):
    label = f"tinyproxy-{space}"
    conf = world.dir / f"{label}.conf"
    conf.write_text(encoding="ascii", data=TINYPROXY.format(
        port=planning.CONNECT["port"], same=same, log=world.dir / f"{label}.err"))
    world.start(label, space, "tinyproxy", "-d", "-c", conf)


def start(world, plan):
    """Starts everything and returns when all of it listens."""
    socks = [item["source"] for item in plan["exits"] if item["kind"] == "socks"]
    make_certificates(world)
    start_server(world)
    start_connect_proxy(world, "corp", "No")
    start_connect_proxy(world, "exits", "Yes")
    for source in socks:
        world.start(f"microsocks@{source}", "exits", "microsocks", "-i", source,
                    "-p", planning.SOCKS["port"], "-b", source)
    for space, count in {"api": 2, "corp": 1, "exits": 1 + len(socks)}.items():
        world.wait_for(
            lambda: len(world.run_inside(space, "ss", "-ltnH").splitlines()) >= count
            and (world.dir / "model.sock").exists(), f"what listens in {world.netns(space)}")
