"""What Gradio's page lacks: a clock that stops once there is nothing to wait for."""

from __future__ import annotations

_SCRIPT = b"""<script>
{
  const own = window.requestAnimationFrame;
  let waiting = true;
  window.requestAnimationFrame = (step) =>
    waiting || !String(step).includes("performance.now") ? own.call(window, step) : 0;
  addEventListener("mounted", () => {
    waiting = false;
    window.requestAnimationFrame = own;
  });
}
</script>"""
"""Gradio's words "Loading..." count the seconds, and go on after they have left the page: sixty
frames a second and a twentieth of a core for as long as it is open (Gradio 6.31). Their module
keeps the function that it found when it was loaded, and no other one that reads the clock does."""
_HEAD = b"<head>"


def with_quiet_clock(html: bytes) -> bytes:
    """The page, with our script before all others; what has no head stays as it is."""
    return html.replace(_HEAD, _HEAD + _SCRIPT, 1)
