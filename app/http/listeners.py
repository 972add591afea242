"""Who asks through Gradio's queue, and whether they still wait for the answer."""

from __future__ import annotations

import gradio as gr

from app.http.intake import visitor_of
from app.server.queue import Question


def asker(demo: gr.Blocks, request: gr.Request) -> Question:
    """The asker of the event that is being worked on.

    Gradio marks the events of a client that has closed its connection, and then waits for the
    function to end by itself; there is no call that asks for the mark, so it is read here.
    """
    session = request.session_hash

    def listening() -> bool:
        jobs = [job for jobs in demo._queue.active_jobs if jobs for job in jobs]
        mine = [job for job in jobs if job.session_hash == session]
        return not mine or any(job.alive for job in mine)

    scope = {"client": request.client}
    return Question(visitor=visitor_of(scope), listening=listening)
