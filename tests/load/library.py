"""Ten thousand documents: the console's library page, one document's page and one retrieval, each timed.

python -m tests.load.library [--documents 10000] [--passages 3] [--times 15]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app import build_services, create_app, load_settings, migrate
from assistant.records.accounts import Password
from assistant.records.staff import StaffMember
from tests.load.figures import load_average, percentile, print_table
from tests.load.following import load
from tests.scenarios.console_house import Member, good_hash

CURATOR = "curator1"
QUESTION = "一年期存款利率是多少"


def main() -> None:
    """Fill a home, then look at it as a curator does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--passages", type=int, default=3)
    parser.add_argument("--times", type=int, default=15)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wainao-library-") as folder:
        settings = load_settings().model_copy(update={"home": Path(folder), "database_url": ""})
        migrate(settings)
        services = build_services(settings)
        loaded_s = load(services.store, args.documents, args.passages)
        with services.records.database.writing() as conn:
            services.records.staff.save(conn, StaffMember(CURATOR, "许宁", "curator", None, services.now()))
        with services.records.database.writing() as conn:
            services.records.accounts.save_password(conn, Password(CURATOR, good_hash(), services.now()))
        member = Member(create_app(settings, services.records, services=lambda: services))
        member.sign_in(CURATOR)
        scope, today = services.asking.scope_of(services.records.staff.get(CURATOR)), services.today()
        first_s = _seconds(lambda: services.retriever.search(QUESTION, scope=scope, on=today))
        figures = {
            "documents": args.documents,
            "passages": args.documents * args.passages,
            "loaded_s": round(loaded_s, 1),
            "first search, index built (s)": round(first_s, 1),
            "library page (ms)": _times(lambda: _page(member, "/library"), args.times),
            "library page, searched (ms)": _times(lambda: _page(member, "/library?text=1234"), args.times),
            "one retrieval (ms)": _times(
                lambda: services.retriever.search(QUESTION, scope=scope, on=today), args.times
            ),
            "load_average": load_average(),
        }
        services.close()
    print_table(figures)


def _page(member: Member, path: str) -> None:
    answer = member.get(path)
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code}")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _times(work: Callable[[], object], times: int) -> dict[str, float]:
    taken = [_seconds(work) * 1000 for _ in range(times)]
    return {"p50": round(statistics.median(taken), 1), "p95": percentile(taken, 95)}


if __name__ == "__main__":
    main()
