"""nginx, started for one measurement and always stopped after it."""

import os
import re
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.certificate import Certificate

#: A page marked LIMITED is refused with 503 while more such requests are in flight.
MAX_LIMITED_REQUESTS = 20
#: Marks the name of a page whose host refuses too many requests at once.
LIMITED = "limited-"
#: Real pages, if there are any. Whatever their package lacks is some page.
DOCUMENTATION = "/documentation/"
PORTS = range(18100, 18200)
PACKAGES = "apt-get install nginx libnginx-mod-http-lua"

# nginx listens on each loopback address separately, so that it is not reachable from outside.
CONFIG = r"""
{modules}
worker_processes {workers};
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log {folder}/nginx.err;
events {{ worker_connections {connections}; }}
http {{
    types {{
        text/html html; text/css css; application/javascript js; text/plain txt;
        image/png png; image/svg+xml svg; application/octet-stream bin;
    }}
    log_format times '$msec $request_time';
    access_log {log};
    sendfile on; tcp_nopush on;
    open_file_cache max=1000;
    keepalive_requests 1000000;
    {shared}
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        {listen}
        root {bodies};
        {certificate}
        location ^~ {documentation} {{ try_files $uri $uri/index.html /fixed.html; }}
        location = /bugs.html {{ rewrite ^ /fixed.html break; }}
        location = /license.html {{ rewrite ^ /fixed.html break; }}
        location ~ "-tiny\.html$" {{ default_type text/html; return 200 'x'; }}
        {latency}
        location ~ "-(?<body>[a-z0-9]+\.(html|bin))$" {{ rewrite ^ /$body break; }}
    }}
}}
"""
#: Pages with latency, which needs Lua.
LATENCY = r"""
        location ~ "-w(?<wait>[0-9]+)-limited-(?<body>[a-z0-9]+\.html)$" {
            rewrite ^ /$body break;
            access_by_lua_block {
                ngx.ctx.counted = true
                local busy = ngx.shared.busy:incr("requests", 1, 0)
                if busy > %d then return ngx.exit(503) end
                ngx.sleep(tonumber(ngx.var.wait) / 1000)
            }
            log_by_lua_block {
                if ngx.ctx.counted then ngx.shared.busy:incr("requests", -1) end
            }
        }
        location ~ "-w(?<wait>[0-9]+)-(?<body>[a-z0-9]+\.html)$" {
            rewrite ^ /$body break;
            access_by_lua_block { ngx.sleep(tonumber(ngx.var.wait) / 1000) }
        }
"""


class ServerError(Exception):
    """The server of the benchmarks cannot be started."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running nginx; the ports of TLS are 0 without a certificate."""

    process: int
    port: int
    log: Path
    http1_port: int = 0  # TLS, HTTP/1.1 only
    http2_port: int = 0  # TLS, HTTP/2 or HTTP/1.1

    def cpu(self) -> float:
        """Return the seconds of CPU that nginx and its workers have used."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        return sum(cpu_seconds(process) for process in (str(self.process), *children))

    def since_first_request(self, began: float, seconds: float) -> float:
        """Return the seconds of a run after its first request; 0 if there is no log."""
        if not self.log.exists():
            return 0
        times = (line.split() for line in self.log.read_text().splitlines())
        starts = (float(end) - float(duration) for end, duration in times)
        # The log has a resolution of milliseconds, and also has the lines of earlier runs.
        first = min((start for start in starts if start > began - 0.001), default=began)
        return began + seconds - first


@contextmanager
def serving(folder: Path, config: str, url: str) -> Iterator[int]:
    """Run nginx with *config*, and yield its process id once it listens at the address of *url*."""
    file = folder / "nginx.conf"
    file.write_text(config)
    if shutil.which("nginx") is None:
        raise ServerError(f"nginx is missing: {PACKAGES}")
    server = subprocess.Popen(["nginx", "-c", file, "-g", "daemon off;"])
    try:
        host, port = url.removeprefix("http://").split("/")[0].split(":")
        while not reachable(host, int(port)):
            if server.poll() is not None:
                raise ServerError(f"nginx ended with status {server.returncode}")
            time.sleep(0.02)
        yield server.pid
    finally:
        server.terminate()
        server.wait()


@contextmanager
def pages_server(
    folder: Path,
    hosts: Sequence[str],
    *,
    workers: int,
    log: bool = False,
    certificate: Certificate | None = None,
) -> Iterator[Server]:
    """Serve the bodies in *folder*`/bodies` at every host, by the name at the end of a URL.

    With a *certificate*, also over TLS, and no page has latency.
    """
    ports = free_ports(hosts, 3 if certificate else 1)
    port = ports[0]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = 65_536 if files == resource.RLIM_INFINITY else files
    log_file = folder / "access.log"
    config = CONFIG.format(
        modules="" if certificate else lua_modules(),
        shared="" if certificate else "lua_shared_dict busy 1m;",
        latency="" if certificate else LATENCY % MAX_LIMITED_REQUESTS,
        workers=workers,
        files=files,
        connections=min(8192, files // 2) + len(hosts),
        folder=folder,
        log=f"{log_file} times" if log else "off",
        listen="\n".join(
            f"listen {host}:{number} backlog=4096 {protocol};"
            for host in hosts
            for number, protocol in zip(ports, ("", "ssl", "ssl http2"), strict=False)
        ),
        certificate="" if certificate is None else certificate.configuration,
        documentation=DOCUMENTATION,
        bodies=folder / "bodies",
    )
    with serving(folder, config, f"http://{hosts[0]}:{port}/") as process:
        yield Server(process, port, log_file, *ports[1:])


def lua_modules() -> str:
    """Return the configuration lines that load the Lua modules."""
    if shutil.which("nginx") is None:
        raise ServerError(f"nginx is missing: {PACKAGES}")
    output = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    match = re.search(r"--modules-path=(\S+)", output)
    folder = Path(match[1] if match else "/usr/lib/nginx/modules")
    modules = [folder / "ndk_http_module.so", folder / "ngx_http_lua_module.so"]
    if not all(module.exists() for module in modules):
        raise ServerError(f"nginx has no Lua module: {PACKAGES}")
    return "\n".join(f"load_module {module};" for module in modules)


def free_ports(hosts: Sequence[str], count: int) -> list[int]:
    """Return ports that are free at the first and the last host."""
    free = (
        port for port in PORTS if not any(reachable(host, port) for host in (hosts[0], hosts[-1]))
    )
    ports = [*islice(free, count)]
    if len(ports) < count:
        raise ServerError(f"no free port from {PORTS.start} to {PORTS.stop}")
    return ports


def reachable(host: str, port: int) -> bool:
    """Return whether something listens at this port."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def cpu_seconds(process: str) -> float:
    """Return the CPU seconds of a process, from /proc."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
