"""The yardstick: Debian's nginx as a plain proxy to the same upstream, one worker, connections to the upstream kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

UNPACKED = Path(__file__).parent.parent / ".venv-bench" / "nginx"
"""Where fetch() puts nginx: beside the other gateways, never committed."""

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; scgi_temp_path scgi; uwsgi_temp_path uwsgi;
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 1024; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ proxy_pass http://provider; }} }}
    # Server-sent events must not wait for a buffer to fill.
    server {{ listen 127.0.0.1:{stream_port} backlog=4096; proxy_buffering off;
             location / {{ proxy_pass http://provider; }} }}
}}
"""


def find() -> str | None:
    """The nginx of this machine, or the one that fetch() unpacked."""
    return shutil.which("nginx", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin:{UNPACKED}/usr/sbin")


def fetch() -> None:
    """Download Debian's package and unpack it beside the virtualenv. Installing it would start a server on port 80 and
    need root; the program alone is enough here. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "--quiet", "nginx"], cwd=folder, check=True)
        (package,) = Path(folder).glob("nginx_*.deb")
        subprocess.run(["dpkg-deb", "--extract", str(package), str(UNPACKED)], check=True)


def configuration(port: int, stream_port: int, upstream: int) -> str:
    # As root, the worker would become a user who may not write into the temporary folder.
    user = "user root;" if os.geteuid() == 0 else ""
    return CONFIGURATION.format(user=user, port=port, stream_port=stream_port, upstream=upstream)
