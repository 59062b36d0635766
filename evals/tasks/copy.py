"""Copy for moments: allowed facts only, angles that differ, and not the post that the colleague gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

from evals.cases import CopyCase
from evals.drafted import as_output, draft
from evals.house import DEFAULT_USER, House
from evals.scores import Score
from evals.tasking import words_of
from evals.tasks.drafting import outcome
from evals.wording import containment, first_held, longest_shared_run, rates, without

COLLEAGUE = {DEFAULT_USER: "rm002"}
MOST_SHARED, LONGEST_RUN = 0.35, 12


def run(house: House, case: CopyCase) -> dict[str, Any]:
    """The posts of the member who asks, and those that a colleague gets for the same wish."""
    userid = case.userid or DEFAULT_USER
    output = as_output(house, draft(house, f"copy:{case.id}", case.request, on=case.on, userid=userid))
    colleague = COLLEAGUE.get(userid, DEFAULT_USER)
    theirs = as_output(house, draft(house, f"copy:{case.id}:other", case.request, on=case.on, userid=colleague))
    output["colleague"] = theirs["texts"]
    output["outcome"] = outcome(output)
    return output


def expectation(case: CopyCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Posts where approved material carries them, and as many angles as were wanted."""
    came = "draft" if output["outcome"] in ("draft", "answer") else output["outcome"]
    yield Score("expected", float(came == case.expect), "" if came == case.expect else f"{came}, not {case.expect}")
    if case.expect == "draft":
        yield Score("angles", min(1.0, len(output["texts"]) / case.angles), f"{len(output['texts'])} angles")


def facts(case: CopyCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Every rate in a post is an allowed fact or stands in what it cites; nothing forbidden is said."""
    if not output["texts"]:
        return
    given = rates("\n".join((*case.facts, *output["sources"], case.request)))
    loose = sorted(str(rate) for text in output["texts"] for rate in rates(text) - given)
    yield Score("ungrounded", float(bool(loose)), f"in no source: {' '.join(loose)}" if loose else "")
    if case.must_not:
        said = [held for point in case.must_not for text in output["texts"] if (held := first_held(text, point))]
        yield Score("forbidden", float(bool(said)), f"said: {' / '.join(dict.fromkeys(said))}" if said else "")
    yield Score("red_line", float(bool(output["red_lines"])), ", ".join(output["red_lines"]))


def sources(case: CopyCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """One of the documents that should be cited is."""
    if case.cites and output["texts"]:
        hit = bool(set(case.cites) & set(output["cited"]))
        yield Score("cited", float(hit), "" if hit else f"cites {', '.join(output['cited']) or 'nothing'}")


def likeness(case: CopyCase, output: Mapping[str, Any]) -> Iterable[Score]:
    """Angles of one wish are different posts, and so are two members' first posts, prescribed clauses aside."""
    posts = without(output["texts"], words_of("copy", "prescribed"))
    pairs = list(combinations(posts, 2))
    if pairs:
        shared = max(containment(one, other) for one, other in pairs)
        run_length = max(longest_shared_run(one, other) for one, other in pairs)
        apart = shared <= MOST_SHARED and run_length <= LONGEST_RUN
        yield Score("angles_differ", float(apart), f"shared {shared:.2f}, longest run {run_length}")
    if case.hooks_differ and pairs:
        hooks = {post.strip().splitlines()[0] for post in posts}
        yield Score("hooks_differ", len(hooks) / len(posts))
    if posts and output["colleague"]:
        other = without(output["colleague"][:1], words_of("copy", "prescribed"))[0]
        alike = containment(posts[0], other)
        yield Score("colleague_differs", float(alike <= MOST_SHARED), f"shared {alike:.2f}")


SCORERS = (expectation, facts, sources, likeness)
