import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.memory.people import People
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.store import Store
from nodes.thinker.memory.testing import WordEncoder

KILLS = 6
WRITER = """
import sys
from pathlib import Path
from nodes.thinker.memory.graph import Edge, Node, Passage, StoryGraph
from nodes.thinker.memory.people import People, Said
from nodes.thinker.memory.recollection import Recollection
from nodes.thinker.memory.store import Store
from nodes.thinker.memory.testing import WordEncoder

path, name = Path(sys.argv[1]), sys.argv[2]
store, people = Store(path, WordEncoder(20)), People(path)
for number in range(100_000):
    key = f"{name}-{number}"
    told = (Recollection("likes", f"thing {key}"),)
    people.keep(name, "talk", [Said(2 * number, "one", key, "", told), Said(2 * number + 1, "two", key)])
    nodes = (Node(f"a-{key}", "event", "storm", "a storm", 1.0), Node(f"b-{key}", "event", "storm", "a storm", 1.0))
    edge = Edge(nodes[0].id, nodes[1].id, "causes", 1.0)
    store.add(StoryGraph(nodes, (edge,), (Passage(f"p-{key}", "a storm", 1.0, nodes=(nodes[0].id,)),)))
    print(number, flush=True)
"""


def start(path: Path, name: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], stdout=subprocess.PIPE, text=True)


def wait_for(process: "subprocess.Popen[str]", rounds: int) -> int:
    """Number of the last round that it said to have written, after so many."""
    assert process.stdout is not None
    last = -1
    for _ in range(rounds):
        last = int(process.stdout.readline())
    return last


def counts(path: Path) -> Sequence[int]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    tables = ("turn", "recollection", "content WHERE kind = 'node'", "content WHERE kind = 'passage'", "edge", "link")
    found = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    words = connection.execute("SELECT count(DISTINCT doc) FROM word WHERE term = 'storm'").fetchone()[0]
    vectors = connection.execute("SELECT count(*) FROM vector").fetchone()[0]
    assert words == vectors == found[2] + found[3]
    connection.close()
    return found


def test_a_writer_that_is_killed_leaves_whole_turns_and_a_whole_story(tmp_path: Path):
    path = tmp_path / "memory.sqlite"
    written = 0
    for kill in range(KILLS):
        process = start(path, f"p{kill}")
        last = wait_for(process, 3)
        time.sleep(0.002 * kill)  # somewhere in a transaction
        os.kill(process.pid, signal.SIGKILL)
        rest, _ = process.communicate()
        last = int(rest.split()[-1]) if rest.split() else last
        written += last + 1
        turns, told, nodes, passages, edges, links = counts(path)
        assert turns == 2 * told and nodes == 2 * passages and passages == edges == links
        assert written <= passages <= told <= written + kill + 1, "what was written is there"
    assert len(People(path).everybody()) == KILLS


def test_two_processes_read_while_one_writes(tmp_path: Path):
    path = tmp_path / "memory.sqlite"
    encoder = WordEncoder(20)
    store = Store(path, encoder)
    store.load(StoryGraph((Node("n", "event", "storm", "a storm", 1.0),)))
    store.close()
    writer = start(path, "p")
    wait_for(writer, 1)
    code = (
        "import sys; from pathlib import Path; from nodes.thinker.memory.graph import Present\n"
        "from nodes.thinker.memory.people import People; from nodes.thinker.memory.retrieval import Retrieval\n"
        "from nodes.thinker.memory.testing import WordEncoder\n"
        "retrieval = Retrieval(Path(sys.argv[1]), WordEncoder(20))\n"
        "for _ in range(30): assert len(retrieval.search('storm', Present(1.0)).nodes) >= 3\n"
        "assert People(Path(sys.argv[1])).recall('p').before == 1\n"
    )
    reader = subprocess.Popen([sys.executable, "-c", code, str(path)])
    retrieval, found = Retrieval(path, encoder), set[str]()
    while reader.poll() is None:
        hits = retrieval.search("storm", Present(1.0), nodes=2_000, tokens=1_000_000).nodes
        assert found <= (found := {hit.item.id for hit in hits} | found)
    assert reader.returncode == 0 and len(found) > 3
    assert writer.poll() is None, "the writer was not disturbed"
    writer.kill()
    writer.communicate()
    retrieval.close()
