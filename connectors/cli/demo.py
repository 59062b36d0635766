"""What `wainao demo` prints: one drafted answer and where to look."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.panel import Panel

from assistant.asking import AskRequest
from assistant.rendering import basis_message
from assistant.wording import Messages
from connectors.cli.output import labels
from connectors.services import Services

QUESTION = "客户问：黄金涨成这样还能买吗"
ASKER = "rm001"


def show_demo(services: Services, *, port: int, counts: Mapping[str, int], passwords: Mapping[str, str]) -> None:
    """Ask one question as the sample bank's first RM and print the draft, its sources and the addresses.

    `passwords` are the first ones of the console's accounts, by userid.
    """
    console = Console(highlight=False)
    answer = services.asking.ask(AskRequest(QUESTION, userid=ASKER), now=services.now())
    documents = counts["loaded"] + counts["unchanged"]
    console.print(f"示例银行已就绪：{documents} 份资料在库（本次新载入 {counts['loaded']} 份）。\n")
    console.print(Panel(QUESTION, title="客户经理 林晓 问", border_style="cyan"))
    console.print(Panel(answer.text or answer.holding_reply or "", title="外脑的草稿", border_style="green"))
    console.print(basis_message(answer, Messages.load()), style="dim", soft_wrap=True)
    console.print(f"\n手机页面  http://127.0.0.1:{port}/phone", style="bold")
    console.print(f"控制台    http://127.0.0.1:{port}/console", style="bold")
    roles = labels("roles")
    for userid, password in passwords.items():
        member = services.records.staff.get(userid)
        role = roles.get(member.role, member.role) if member else ""
        console.print(f"          {userid:<9} {password}  {role}", markup=False, style="dim")
    console.print(f"就绪检查  http://127.0.0.1:{port}/readyz")
    console.print(f"运行指标  http://127.0.0.1:{port}/metrics")
    console.print("按 Ctrl+C 结束。")
