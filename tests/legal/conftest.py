"""The application and the indicator engine, for what the law asks of them."""

from __future__ import annotations

from tests.indicator.conftest import evaluate
from tests.portal.conftest import app, client_as, platform

__all__ = ["app", "client_as", "evaluate", "platform"]
