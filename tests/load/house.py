"""A whole house for load tests: a fresh home, the sample bank, a local WeCom and `wainao serve`, all as processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

CORP_ID, AGENT_ID, SECRET = "wwloadcorp", "1000002", "s" * 43
TOKEN, AES_KEY = "loadtoken", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
START_PATIENCE_S = 120.0


@dataclass
class House:
    """Its processes; `serve` may be killed and started again."""

    home: Path
    port: int
    wecom_port: int
    serve: subprocess.Popen[bytes] | None = None
    wecom: subprocess.Popen[bytes] | None = None
    starts: int = field(default=0)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the caller's own settings, and everything that the app needs."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("WAINAO_")}
        return {
            **kept,
            "WAINAO_HOME": str(self.home),
            "WAINAO_PORT": str(self.port),
            "WAINAO_WECOM_CORP_ID": CORP_ID,
            "WAINAO_WECOM_AGENT_ID": AGENT_ID,
            "WAINAO_WECOM_SECRET": SECRET,
            "WAINAO_WECOM_TOKEN": TOKEN,
            "WAINAO_WECOM_AES_KEY": AES_KEY,
            "WAINAO_WECOM_API_BASE": f"http://127.0.0.1:{self.wecom_port}/cgi-bin/",
        }

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.home / "wainao.db"

    def run(self, *words: str) -> None:
        """One `wainao` command; raises when it fails."""
        subprocess.run(
            [sys.executable, "-m", "app", *words], env=self.environment, cwd=self.home, check=True, capture_output=True
        )

    def start_wecom(self) -> None:
        """The other side."""
        words = ["--port", str(self.wecom_port), "--corp-id", CORP_ID, "--secret", SECRET, "--agent-id", AGENT_ID]
        root = Path(__file__).resolve().parents[2]
        self.wecom = subprocess.Popen([sys.executable, "-m", "tests.load.local_wecom", *words], cwd=root)
        wait_for(f"http://127.0.0.1:{self.wecom_port}/report")

    def start_serve(self) -> float:
        """`wainao serve`; returns the seconds until `/healthz` answers."""
        started = time.monotonic()
        self.starts += 1
        with (self.home / "serve.log").open("ab") as log:
            self.serve = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"], env=self.environment, cwd=self.home, stderr=log, stdout=log
            )
        wait_for(f"http://127.0.0.1:{self.port}/healthz")
        return time.monotonic() - started

    def children(self) -> list[int]:
        """Process ids of what `serve` started."""
        if self.serve is None:
            return []
        path = Path(f"/proc/{self.serve.pid}/task/{self.serve.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def cpu(self) -> dict[str, float]:
        """Processor seconds so far of the web process, its workers and the local WeCom."""
        return {
            "web": cpu_seconds(self.serve.pid) if self.serve else 0.0,
            "worker": sum(cpu_seconds(pid) for pid in self.children()),
            "local_wecom": cpu_seconds(self.wecom.pid) if self.wecom else 0.0,
        }

    def kill_serve(self) -> list[int]:
        """`kill -9` of the parent alone; returns the ids of its children, which have to leave by themselves."""
        children = self.children()
        if self.serve is not None:
            self.serve.send_signal(signal.SIGKILL)
            self.serve.wait()
        return children

    def stop(self) -> None:
        """End what runs, politely first."""
        for process in (self.serve, self.wecom):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


def cpu_seconds(pid: int) -> float:
    """Processor time of one process so far, 0.0 when it is gone: unlike wall time, not stretched by other programs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(url: str, patience_s: float = START_PATIENCE_S) -> None:
    """Until `url` answers 200."""
    deadline = time.monotonic() + patience_s
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        try:
            with opener.open(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"{url} did not answer within {patience_s} s")


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_house(home: Path) -> Iterator[House]:
    """A loaded house, up and ready; stopped at the end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what runs is stopped
    house = House(home, free_port(), free_port())
    house.run("sample", "load")
    try:
        house.start_wecom()
        house.start_serve()
        wait_for(f"http://127.0.0.1:{house.port}/readyz")
        yield house
    finally:
        house.stop()
