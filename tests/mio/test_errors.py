import importlib
import sys

import pytest

from mio.errors import MioError, Needing
from nodes.body.config import BodyConfig
from nodes.body.engine import build_engine


def test_a_missing_package_is_one_error_that_names_it_and_the_extra() -> None:
    says = r"^flying needs the package no_such_wings -> pip install 'mio\[wings\]'$"
    with pytest.raises(MioError, match=says), Needing("flying", "wings"):
        importlib.import_module("no_such_wings")


def test_other_errors_inside_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), Needing("flying", "wings"):
        _ = 1 / 0


def test_a_node_without_the_package_of_its_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodes.body.flood.engine", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MioError, match=r"engine flood needs the package .* -> pip install 'mio\[flood\]'"):
        build_engine(BodyConfig(engine="flood"))
