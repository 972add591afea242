"""Blind tests over plain HTTP: their page, what it asks, and pictures by names that say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.blind import votes
from app.blind.opened import MOST_RATERS, OpenTest
from app.blind.rater import Rater, answers_in
from app.blind.results import Sheets, own_part, result
from app.blind.tests import OpenTests
from app.http.brought import is_there, parsed
from app.http.intake import visitor_of
from app.server.demands import BadRequest
from mode_core.errors import ModeError

_PAGE = Path(__file__).parents[1] / "blind" / "static" / "blind.html"
_SHORT, _FILES = 64 << 10, 16 << 20
"""Bytes of a request, and of one that brings the files of raters."""
_UNSEEN = {"Cache-Control": "no-store"}
"""A second look must not be faster than the first."""
_UNRANKED = (
    "the ranking took {limits} and was stopped; save the votes, and rank them with "
    "`python -m mode_core votes FILES`"
)
_NO_PICTURE = "there is no such picture in a test here; reload the page of the test"
Asked = dict[str, Any]


class Post(Protocol):
    """Makes the route of something that is sent."""

    def __call__(
        self, path: str, answer: Callable[[bytes, Request], Response], refused: int, *, limit: int
    ) -> Route: ...


def blind_routes(tests: OpenTests, post: Post) -> list[BaseRoute]:
    """The page of a test, its pictures, and what host and raters ask."""
    asking = Asking(tests)
    page = _PAGE.read_text(encoding="utf-8")

    def show(_request: Request) -> Response:
        # It is the same for every test, and for one that never was: the script asks.
        return HTMLResponse(page, headers=_UNSEEN)

    def picture(request: Request) -> Response:
        found = asking.picture(**request.path_params)
        if found is None:
            return JSONResponse({"error": _NO_PICTURE}, 404, headers=_UNSEEN)
        return Response(found, media_type="image/png", headers=_UNSEEN)

    def answer(act: Callable[[Asked, Request], Asked]) -> Callable[[bytes, Request], Response]:
        def answered(data: bytes, request: Request) -> Response:
            asked = parsed(data)
            if not isinstance(asked, dict):
                raise BadRequest("expected a JSON object")
            _check_unicode(data, asked)
            return JSONResponse(act(asked, request), headers=_UNSEEN)

        return answered

    acts = {
        "make": asking.make, "state": asking.state, "cancel": asking.cancel,
        "join": asking.join, "count": asking.count, "finish": asking.finish,
        "close": asking.close, "result": asking.result,
    }  # fmt: skip
    limits = {"result": _FILES}
    return [
        *(
            post(f"/mode/blind/{name}", answer(act), 200, limit=limits.get(name, _SHORT))
            for name, act in acts.items()
        ),
        Route("/mode/blind/{test:str}", show),
        Route("/mode/blind/{test:str}/{mark:str}/{name:str}.png", picture),
    ]


class Asking:
    """What a test's host and its raters can ask."""

    def __init__(self, tests: OpenTests) -> None:
        self.tests = tests
        self.service = tests.service

    def make(self, asked: Asked, request: Request) -> Asked:
        """A new test; only who has made it is told the host's secret."""
        test = self.tests.make(asked, visitor_of(request.scope))
        return {"test": test.id, "host": test.host}

    def state(self, asked: Asked, _request: Request) -> Asked:
        """How far the test is, and for its host how far the raters are."""
        test = self._test(asked)
        if "host" not in asked:
            return test.for_visitor()
        test.check_host(asked["host"])
        return test.for_host()

    def cancel(self, asked: Asked, _request: Request) -> Asked:
        """Nobody waits for the pictures any more."""
        test = self._hosted(asked)
        test.cancelled = True
        return test.for_host()

    def close(self, asked: Asked, _request: Request) -> Asked:
        """The end for everybody: from now on raters may know what was what."""
        test = self._hosted(asked)
        test.closed = True
        return test.for_host()

    def join(self, asked: Asked, _request: Request) -> Asked:
        """A rater's trials; the same again for who comes back."""
        test = self.tests.seen(asked.get("test"))
        secret = asked.get("rater")
        return test.for_rater(test.join(secret if isinstance(secret, str) else ""))

    def count(self, asked: Asked, _request: Request) -> Asked:
        """A rater has finished, whose answers nobody here wants."""
        test = self._test(asked)
        rater = test.rater(asked.get("rater"))
        if test.wish.alone or test.stored or test.wish.each:
            raise BadRequest("this test wants the answers themselves; reload its page")
        rater.seal(asked.get("sealed"))
        return {"shown": False, "said": ""}

    def finish(self, asked: Asked, request: Request) -> Asked:
        """A rater has answered all; what was what, if that may be known by now."""
        test, rater, answers = self._answers(asked)
        rater.finished = True
        said = votes.hand_in(test, rater, answers, self.tests.places)
        return self._own(test, rater, answers, request) | {"said": said}

    def result(self, asked: Asked, request: Request) -> Asked:
        """The joint result for the host of a closed test, or a rater's own."""
        if "host" not in asked:
            test, rater, answers = self._answers(asked)
            return self._own(test, rater, answers, request)
        test = self._hosted(asked)
        if not test.closed:
            raise BadRequest("close the test first; nobody sees answers before that")
        folder = self.service.settings.votes
        files = [*votes.kept(test, folder)] if test.stored and folder is not None else []
        brought, faults = votes.unsealed(test, _files(asked.get("files", [])))
        if faults and not files + brought:
            raise BadRequest(faults[0])
        ranked = self._ranked(test, files + brought, request)
        return {"shown": True} | ranked | {"faults": faults + ranked["faults"]}

    def picture(self, test: str, mark: str, name: str) -> bytes | None:
        """A picture by a rater's name for it; nothing in an address lets anybody rate."""
        try:
            return self.tests.seen(test).picture(self.service, mark, name)
        except ModeError:
            return None

    def _own(self, test: OpenTest, rater: Rater, answers: Sequence[Any], request: Request) -> Asked:
        if not test.may_see(rater):
            return {"shown": False}
        text = votes.named(test, rater, answers)
        file = f"{votes.rater_name(test, rater)}.csv"
        found: Asked = {"shown": True, "file": file, "csv": text} | own_part(text)
        try:
            return found | self._ranked(test, [(file, text)], request)
        except ModeError as error:
            return found | {"unranked": str(error)}  # too early an end, say

    def _ranked(self, test: OpenTest, files: Sheets, request: Request) -> Asked:
        """Computed where strangers' tables are read: what takes too long costs a sentence."""
        visitor, wanted = visitor_of(request.scope), partial(is_there, request)
        call = self.service.runner.reader.call
        how = partial(call, visitor=visitor, wanted=wanted, given_up=_UNRANKED)
        return result(test, files, how)

    def _test(self, asked: Asked) -> OpenTest:
        return self.tests.get(asked.get("test"))

    def _hosted(self, asked: Asked) -> OpenTest:
        test = self._test(asked)
        test.check_host(asked.get("host"))
        return test

    def _answers(self, asked: Asked) -> tuple[OpenTest, Rater, Sequence[Any]]:
        test = self._test(asked)
        rater = test.rater(asked.get("rater"))
        whole = not (test.wish.alone or test.closed)
        answers = answers_in(asked.get("answers"), test.wish.design.trials, whole)
        return test, rater, answers


def _check_unicode(data: bytes, asked: Asked) -> None:
    """BadRequest for halves of a letter, which only escapes can bring and nothing can write."""
    if b"\\u" not in data:
        return
    try:
        json.dumps(asked, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise BadRequest("the request holds halves of letters; send text as Unicode") from error


def _files(sent: object) -> list[tuple[str, str]]:
    """Files that the host has from raters: names and texts."""
    if not isinstance(sent, list) or len(sent) > MOST_RATERS:
        raise BadRequest(f"at most {MOST_RATERS} files of raters are taken together")
    found = []
    for one in sent:
        match one:
            case {"name": str(name), "text": str(text)}:
                found.append((name[:80], text))
            case _:
                raise BadRequest("each file has a name and a text")
    return found
