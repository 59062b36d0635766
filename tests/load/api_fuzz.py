"""`make bench-api`: the API asked for minutes with what its description allows and what it does not; prints counts."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

from assistant.records.migrate import upgrade
from knowledge.stores.database import Database
from tests.unit.connectors.api.fuzzing import MODES, ROLES, fuzz
from tests.unit.connectors.api.house import open_house


def main() -> None:
    """Fuzz a small bank in a temporary folder; any failure ends it with the request that caused it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=30, help="requests per operation, role and mode")
    examples = parser.parse_args().examples
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/wainao.db"
        database = Database(url)
        upgrade(database)
        database.close()
        with open_house(Path(folder) / "home", url) as house:
            began = time.perf_counter()
            fuzzed = fuzz(house, examples=examples, seeded=False)
            report = {
                "operations": len(fuzzed.operations),
                "roles": len(ROLES),
                "modes": len(MODES),
                "requests": fuzzed.asked,
                "server_errors": sum(count for status, count in fuzzed.statuses.items() if status >= 500),
                "statuses": {str(status): count for status, count in sorted(fuzzed.statuses.items())},
                "seconds": round(time.perf_counter() - began, 1),
                "audit_whole": house.services.records.audit.verify().whole,
            }
    json.dump(report, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
