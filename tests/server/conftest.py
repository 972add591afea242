"""A service whose codecs are made up, and a picture that somebody has sent it."""

from __future__ import annotations

import pytest

from app.server.service import Service
from app.settings import Settings
from mode_core.pictures.files import png_bytes
from mode_core.types import Image
from tests.made_up.fake_runner import FakeRunner


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def service(runner: FakeRunner) -> Service:
    return Service(Settings(queue_length=2), runner)


@pytest.fixture
def key(service: Service, photo: Image) -> str:
    """The photo, uploaded."""
    return service.add_photo(png_bytes(photo)).key
