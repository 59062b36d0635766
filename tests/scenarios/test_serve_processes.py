"""The real `wainao serve` and `wainao demo` as processes: nothing is left behind, the next start takes over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from app import build_envelope
from connectors.wecom.local_server import create_local_wecom
from connectors.wecom.local_state import LocalWeCom
from tests.scenarios.house import AES_KEY, AGENT, CORP, MEMBERS, SECRET, TOKEN, settings_of
from tests.serving import running

ROOT = Path(__file__).resolve().parents[2]
NewHome = Callable[[], tuple[Path, str]]


def now() -> datetime:
    return datetime.now(UTC)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str, *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"within {within_s} s it did not happen that {what}")
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class Serve:
    """One `wainao serve` and what it wrote to standard error."""

    process: subprocess.Popen[str]
    address: str
    said: list[str]

    def is_ready(self) -> bool:
        try:
            return requests.get(self.address + "/readyz", timeout=5).status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            return False

    def post(self, userid: str, words: str, msg_id: int) -> int:
        """An encrypted callback; its status."""
        xml = (
            f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>{userid}</FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType><Content>{words}</Content>"
            f"<MsgId>{msg_id}</MsgId><AgentID>{AGENT}</AgentID></xml>"
        )
        body, signed = build_envelope(settings_of(Path(), "")).seal(xml, now=now(), agent_id=AGENT)
        query = {"msg_signature": signed.signature, "timestamp": signed.timestamp, "nonce": signed.nonce}
        return requests.post(self.address + "/wecom/app", params=query, data=body.encode(), timeout=30).status_code


@contextmanager
def started(command: str, environment: dict[str, str], port: int, *options: str) -> Iterator[Serve]:
    """A process of the product, killed at the end if it still runs, with its children."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", command, *options],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("WAINAO_")}, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        said: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(target=said.extend, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            yield Serve(process, f"http://127.0.0.1:{port}", said)
        finally:
            left = children_of(process.pid)
            process.kill()
            process.wait()
            until(lambda: not any(is_running(pid) for pid in left), "the children left", within_s=15)
            reader.join(10)
            sys.stderr.write("".join(said))  # shown only when the test fails


@pytest.mark.parametrize("engine", ["sqlite"])  # on PostgreSQL a dead host's leases run out by themselves
def test_a_killed_service_leaves_nothing_behind_and_the_next_start_takes_over(new_home: NewHome) -> None:
    home, url = new_home()
    in_hand = 8
    local = LocalWeCom(CORP, SECRET, AGENT, now, members=MEMBERS)
    port = free_port()

    def answered(count: int) -> bool:
        return len(local.received()) == 2 * count

    with running(create_local_wecom(local)) as api:
        environment = {
            "WAINAO_HOME": str(home),
            "WAINAO_DATABASE_URL": url,
            "WAINAO_PORT": str(port),
            "WAINAO_WECOM_CORP_ID": CORP,
            "WAINAO_WECOM_AGENT_ID": AGENT,
            "WAINAO_WECOM_SECRET": SECRET,
            "WAINAO_WECOM_TOKEN": TOKEN,
            "WAINAO_WECOM_AES_KEY": AES_KEY,
            "WAINAO_WECOM_API_BASE": api + "/cgi-bin/",
        }
        with started("serve", environment, port) as serve:
            until(serve.is_ready, "the first service is ready", within_s=40)
            workers = children_of(serve.process.pid)
            assert workers
            assert serve.post("rm001", "客户问：黄金还能买吗", 1) == 200
            until(lambda: answered(1), "the first draft arrives", within_s=30)
            for number in range(2, 2 + in_hand):
                assert serve.post(f"rm{number:03}", "客户问：黄金还能买吗", number) == 200
            serve.process.send_signal(signal.SIGKILL)
            until(lambda: not any(is_running(pid) for pid in workers), "the workers left with it", within_s=10)
            assert not serve.is_ready()

        with started("serve", environment, port) as serve:
            until(serve.is_ready, "the second service is ready", within_s=40)
            assert serve.post("rm010", "客户问：黄金还能买吗", 100) == 200
            assert serve.post("rm001", "客户问：黄金还能买吗", 1) == 200  # WeCom repeats what it thinks was lost
            until(lambda: answered(2 + in_hand), "everything acknowledged is answered", within_s=30)
            metrics = requests.get(serve.address + "/metrics", timeout=10).text
            assert f'wainao_inbox_messages{{status="done"}} {2 + in_hand}.0' in metrics
            workers = children_of(serve.process.pid)
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            until(lambda: bool(set(children_of(serve.process.pid)) - set(workers)), "they are replaced", within_s=15)
            assert serve.post("rm010", "短一点", 101) == 200
            until(lambda: answered(3 + in_hand), "the new worker answers", within_s=30)
            serve.process.send_signal(signal.SIGTERM)
            assert serve.process.wait(20) in (0, -signal.SIGTERM)
    told = "".join(serve.said)
    assert "chroma_owned_by_another_process" not in told
    assert "黄金" not in told
    assert {each.fate for each in local.deliveries} <= {"delivered", "duplicate"}


def test_the_demo_prints_a_drafted_answer(tmp_path: Path) -> None:
    port = free_port()
    with started("demo", {"WAINAO_HOME": str(tmp_path / "home")}, port, "--port", str(port)) as demo:
        until(demo.is_ready, "the demo is ready", within_s=60)
        until(lambda: "/phone" in "".join(demo.said), "it says where to look", within_s=30)
        assert requests.get(demo.address + "/phone", timeout=10).status_code == 200
        demo.process.send_signal(signal.SIGINT)
        demo.process.wait(20)
    told = "".join(demo.said)
    assert f"http://127.0.0.1:{port}/phone" in told
    assert "依据" in told
    assert "Traceback" not in told
