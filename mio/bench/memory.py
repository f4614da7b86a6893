"""A memory of 100,000 nodes: time of a search, alone and while another process writes, and what it misses."""

import argparse
import contextlib
import multiprocessing
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from mio.bench.report import Report, percentile
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.memory.graph import Edge, Node, Passage, Present, StoryGraph
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.store import Store, open_file, transaction
from nodes.thinker.memory.testing import WordEncoder

DURATION = "about 2 min"

_WORDS = 20_000
_SIZE = 384  # of a vector, as all-MiniLM-L6-v2 makes them
_PASSAGES_PER_NODE = 0.1
_SECRET = 0.3  # share of the nodes that not everybody knows of
_PEOPLE = ("mara", "tom", "ida", "jon")
_TARGET_MS = 30.0


class Question(NamedTuple):
    """What is asked, and when."""

    text: str
    present: Present


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--nodes", type=int, default=100_000, help="nodes in the memory (100000)")
    parser.add_argument("--questions", type=int, default=200, help="searches to time (200)")
    parser.add_argument("--seed", type=int, default=0, help="of the made-up story and the questions (0)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure."""
    random = np.random.default_rng(args.seed)
    graph = _story(args.nodes, random)
    questions = list(_questions(graph, args.questions, random))
    encoder = WordEncoder(_SIZE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.sqlite"
        _measure_writing(report, path, encoder, graph)
        report.figure("file_mb", path.stat().st_size / 1e6)
        before = _resident_mb()
        retrieval = Retrieval(path, encoder)
        _measure_opening(report, retrieval, questions[0])
        walls_ms = _measure_searches(report, "", retrieval, questions)
        report.figure("reader_grew_by_mb", _resident_mb() - before)
        _measure_moving_present(report, retrieval, args.nodes)
        _measure_misses(report, path, encoder, questions[: len(questions) // 4])
        with _writer(path):
            _measure_searches(report, "_while_another_process_writes", retrieval, questions)
        retrieval.close()
    both_ms = [sum(pair) for pair in zip(walls_ms, _measure_encoder(report, questions), strict=False)]
    report.figure("embed_and_search_p95_ms", percentile(both_ms, 0.95), target=_TARGET_MS)
    report.note("made-up story: words with a Zipf distribution, vectors as sums of random ones of the words")


def _story(count: int, random: np.random.Generator) -> StoryGraph:
    """Nodes of 8 to 20 words, one in ten with a passage, each led to by an earlier one; one per unit of story time."""
    vocabulary = np.array([_spell(number) for number in range(_WORDS)])
    shares = 1 / np.arange(1, _WORDS + 1)
    lengths = random.integers(8, 21, count)
    drawn = iter(vocabulary[random.choice(_WORDS, int(lengths.sum()), p=shares / shares.sum())].tolist())
    nodes: list[Node] = []
    for number, length in enumerate(lengths.tolist()):
        text = " ".join(next(drawn) for _ in range(length))
        known_by = tuple(random.choice(_PEOPLE, 2, replace=False).tolist()) if random.random() < _SECRET else ()
        salience = float(random.random())
        nodes.append(Node(f"n{number}", "event", text[:12], text, float(number), known_by=known_by, salience=salience))
    causes = random.integers(0, np.arange(1, count)).tolist()
    edges = [Edge(f"n{cause}", f"n{at}", "causes", float(at)) for at, cause in enumerate(causes, start=1)]
    told = [node for node in nodes if random.random() < _PASSAGES_PER_NODE]
    passages = [Passage(f"p-{node.id}", node.text, node.t_start, node.known_by, nodes=(node.id,)) for node in told]
    return StoryGraph(tuple(nodes), tuple(edges), tuple(passages))


def _spell(number: int) -> str:
    """A made-up word: frequent ones are short."""
    letters = ""
    while True:
        letters += "bcdfghklmnprstvz"[number % 16] + "aeiou"[number // 16 % 5]
        number //= 80
        if not number:
            return letters


def _questions(graph: StoryGraph, count: int, random: np.random.Generator) -> Iterator[Question]:
    """Half of a node's words among frequent ones, asked when it has happened, of somebody who may not know it."""
    for _ in range(count):
        node = graph.nodes[int(random.integers(len(graph.nodes) // 2, len(graph.nodes)))]
        words = random.permutation(node.text.split())[:6].tolist()
        yield Question(
            f"what did {' '.join(words)} do then", Present(float(len(graph.nodes)), str(random.choice(_PEOPLE)))
        )


def _measure_writing(report: Report, path: Path, encoder: WordEncoder, graph: StoryGraph) -> None:
    store = Store(path, encoder)
    began_s = time.monotonic()
    store.load(graph)
    report.figure("write_s", time.monotonic() - began_s)
    began_s = time.monotonic()
    store.load(graph)
    report.figure("find_unchanged_s", time.monotonic() - began_s)
    store.close()


def _measure_opening(report: Report, retrieval: Retrieval, first: Question) -> None:
    began_s = time.monotonic()
    retrieval.search(*first)
    report.figure("first_search_ms", (time.monotonic() - began_s) * 1e3)


def _measure_searches(report: Report, when: str, retrieval: Retrieval, questions: Sequence[Question]) -> list[float]:
    """Milliseconds of searches of one person after the other, so that seldom all nodes have to be looked at anew."""
    ordered = sorted(questions, key=lambda question: question.present.knower)
    retrieval.search(*ordered[0])
    walls_ms: list[float] = []
    cpus_ms: list[float] = []
    for before, question in zip(ordered, ordered[1:], strict=False):
        if before.present != question.present:
            retrieval.search(*before._replace(present=question.present))
        wall_s, cpu_s = time.monotonic(), time.process_time()
        retrieval.search(*question)
        walls_ms.append((time.monotonic() - wall_s) * 1e3)
        cpus_ms.append((time.process_time() - cpu_s) * 1e3)
    report.figure(f"search{when}_p50_ms", percentile(walls_ms, 0.5))
    report.figure(f"search{when}_p95_ms", percentile(walls_ms, 0.95), target=_TARGET_MS)
    report.figure(f"search{when}_p95_cpu_ms", percentile(cpus_ms, 0.95))
    return walls_ms


def _measure_moving_present(report: Report, retrieval: Retrieval, count: int) -> None:
    """A search when the story has gone on a little."""
    took_ms: list[float] = []
    for step in range(21):
        began_s = time.monotonic()
        retrieval.search("what happened then", Present(count / 2 + step * 10.0, "mara"))
        took_ms.append((time.monotonic() - began_s) * 1e3)
    report.figure("search_after_a_step_in_time_p95_ms", percentile(took_ms[1:], 0.95))


def _measure_misses(report: Report, path: Path, encoder: WordEncoder, questions: Sequence[Question]) -> None:
    """How much of what a comparison with every vector finds is found."""
    fast, full = Retrieval(path, encoder), Retrieval(path, encoder, candidates=30_000)
    present = questions[0].present
    found = right = 0
    for text, _ in questions:
        wanted = {hit.item.id for hit in full.best(text, present)}
        right += len(wanted & {hit.item.id for hit in fast.best(text, present)})
        found += len(wanted)
    report.figure("found_of_the_true_best_8", right / found, target=0.95, at_least=True)
    fast.close()
    full.close()


def _measure_encoder(report: Report, questions: Sequence[Question]) -> list[float]:
    """Milliseconds of the encoder that is used, for questions of usual length; the story above has made-up words."""
    encoder = SentenceEncoder()
    took_ms: list[float] = []
    for number in range(len(questions)):
        began_s = time.monotonic()
        encoder.embed([f"What did the keeper of the lighthouse do on day {number}?"])
        took_ms.append((time.monotonic() - began_s) * 1e3)
    report.figure("embed_question_p95_ms", percentile(took_ms, 0.95))
    return took_ms


@contextlib.contextmanager
def _writer(path: Path) -> Generator[None, None, None]:
    """Another process that adds to the memory as fast as it can."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    process = context.Process(target=_write, args=(path, stop))
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


def _write(path: Path, stop: Event) -> None:
    connection = open_file(path)
    connection.execute("CREATE TABLE IF NOT EXISTS diary (row INTEGER PRIMARY KEY, text TEXT)")
    while not stop.is_set():
        with transaction(connection):
            connection.executemany("INSERT INTO diary (text) VALUES (?)", [("She said she likes the sea. " * 4,)] * 10)
        time.sleep(0.01)
    connection.close()


def _resident_mb() -> float:
    return psutil.Process().memory_info().rss / 1e6
