import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mio.errors import ConfigError
from mio.runtime.manifest import read_manifest

NODES = Path(__file__).parents[3] / "nodes"
MANIFESTS = sorted(NODES.glob("**/dora-node.yml"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_every_node_has_one_name_everywhere(path: Path) -> None:
    manifest = read_manifest(path)
    folder = path.parent
    package = ".".join(folder.relative_to(NODES.parent).parts)
    assert manifest.name == manifest.entrypoint == f"mio-{folder.name}"
    (script,) = entry_points(group="console_scripts", name=manifest.entrypoint)
    assert script.value == f"{package}.node:main"
    assert f'serve("{package}"' in (folder / "node.py").read_text()
    assert manifest.description
    assert all(port.description for port in (*manifest.inputs.values(), *manifest.outputs.values()))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.parent.name)
def test_the_readme_s_port_table_names_every_port(path: Path) -> None:
    manifest = read_manifest(path)
    readme = (path.parent / "README.md").read_text()
    for name in (*manifest.inputs, *manifest.outputs):
        assert re.search(rf"`{name}`", readme), f"port {name} is missing in {path.parent.name}/README.md"


def test_an_unknown_message_type_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "dora-node.yml"
    path.write_text(
        "apiVersion: 1\nname: mio-x\ndescription: x\nruntime: python\nentrypoint: mio-x\n"
        "inputs:\n  a:\n    type: mio/v1/Smell\n"
    )
    with pytest.raises(ConfigError, match=r"dora-node\.yml:8: unknown type 'mio/v1/Smell' -> one of mio/v1/AudioChunk"):
        read_manifest(path)


def test_an_unknown_delivery_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dora-node.yml"
    path.write_text(
        "apiVersion: 1\nname: mio-x\ndescription: x\nruntime: python\nentrypoint: mio-x\n"
        "inputs:\n  a: {type: mio/v1/Turn, delivery: someday}\n"
    )
    with pytest.raises(ConfigError, match="someday"):
        read_manifest(path)
