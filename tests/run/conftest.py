"""The finished run that tests of the command use too."""

from tests.cli.conftest import done, region

__all__ = ["done", "region"]
