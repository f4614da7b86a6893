from typing import Any

import numpy as np
import pytest

from nodes.thinker.memory.graph import Edge, Node, Passage, Present, StoryGraph
from nodes.thinker.memory.retrieval import Retrieval, Weights, count_tokens
from nodes.thinker.memory.vectors import SignIndex, signs
from nodes.thinker.memory.view import Tokenizer


def event(text: str, t_start: float, *known_by: str, node_id: str = "") -> Node:
    return Node(node_id or text, "event", "it", text, t_start, known_by=known_by)


NOW = Present(10.0)


def test_the_score_is_the_weighted_sum_of_its_parts(write: Any):
    opened = write(StoryGraph((Node("a", "event", "storm", "the storm", 6.0, salience=0.8),)))
    retrieval = Retrieval(opened.path, opened.encoder, Weights(tau=2.0))
    (hit,) = retrieval.best("storm", NOW)
    assert hit.words == pytest.approx(1.0)
    expected = 0.55 * hit.cosine + 0.20 * hit.words + 0.15 * np.exp(-2.0) + 0.10 * 0.8
    assert hit.score == pytest.approx(expected, abs=1e-6)
    retrieval.close()


def test_rare_words_count_more_than_frequent_ones(write: Any):
    opened = write(StoryGraph((*(event(f"boat {n} boat", 1.0) for n in range(9)), event("the lantern", 1.0))))
    hits = Retrieval(opened.path, opened.encoder, Weights(0.0, 1.0, 0.0, 0.0)).best("boat and lantern", NOW)
    assert hits[0].item.id == "the lantern" and hits[0].words > 2 * hits[1].words


def test_endings_and_accents_make_no_difference_to_words():
    tokenizer = Tokenizer()
    assert tokenizer.terms("Who was Storming the CAFÉ?") == sorted(tokenizer.terms("the storm cafe"))
    assert tokenizer.terms("") == tokenizer.terms("who is it") == []
    tokenizer.close()


def test_an_edge_leads_to_what_the_question_does_not_name(write: Any):
    nodes = (event("the storm", 1.0), event("a ruined pier", 2.0), *(event(f"storm {n}", 3.0) for n in range(20)))
    opened = write(StoryGraph(nodes, (Edge("the storm", "a ruined pier", "causes", 2.0),)))
    recall = opened.retrieval.search("the storm", NOW, nodes=3)
    assert len(recall.nodes) == 3 and [edge.rel for edge in recall.edges] == ["causes"]
    assert [node.id for node in recall.neighbours] == ["a ruined pier"]


def test_passages_come_by_their_own_words_and_by_the_nodes_taken_from_them(write: Any):
    passages = (
        Passage("told", "She rowed out at night.", 1.0, nodes=("the storm",)),
        Passage("named", "A storm came up.", 1.0),
        Passage("other", "Nothing of it.", 1.0),
    )
    opened = write(StoryGraph((event("the storm", 1.0),), passages=passages))
    found = opened.retrieval.search("storm", NOW, passages=2).passages
    assert {hit.item.id for hit in found} == {"told", "named"}


def test_all_texts_together_stay_within_the_tokens(write: Any):
    nodes = tuple(event(f"storm {n} " + "word " * 50, 1.0) for n in range(8))
    edges = (Edge(nodes[0].id, nodes[1].id, "causes", 1.0, "because " * 40),)
    opened = write(StoryGraph(nodes, edges))
    for tokens in (0, 70, 200, 1_000):
        recall = opened.retrieval.search("storm", NOW, tokens=tokens)
        texts = [hit.item.text for hit in recall.nodes] + [edge.text for edge in recall.edges]
        assert sum(map(count_tokens, texts)) <= tokens
    assert len(recall.nodes) == 8 and recall.edges


def test_an_empty_story_and_an_empty_question_find_nothing(write: Any):
    empty = write(StoryGraph())
    assert empty.retrieval.search("storm", NOW).nodes == []
    assert len(write(StoryGraph((event("the storm", 1.0),))).retrieval.search("", NOW).nodes) == 1


def test_the_signs_of_vectors_find_the_nearest_ones():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((3_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = SignIndex.empty().extended(np.arange(3_000) + 10, signs(vectors).tobytes())
    nothing = np.zeros(3_000, np.float32)
    for number in range(20):
        asked = vectors[number] + 0.05 * rng.standard_normal(384).astype(np.float32)
        assert number + 10 in index.best(asked / np.linalg.norm(asked), 5, nothing, 1.0)
    assert len(index.best(vectors[0], 5, nothing, 1.0)) == 5
    assert len(index.best(vectors[0], 5_000, nothing, 1.0)) == 3_000


def test_what_is_salient_is_found_among_many_that_are_as_near():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((3_000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = SignIndex.empty().extended(np.arange(3_000), signs(vectors).tobytes())
    prior = np.zeros(3_000, np.float32)
    prior[[7, 1_234]] = 0.5
    assert {7, 1_234} <= set(index.best(vectors[99], 5, prior, 0.5).tolist())
    assert 99 in index.best(vectors[99], 5, prior, 0.6)
    truly = np.argsort(-(prior + 0.5 * vectors @ vectors[99]))[:3]
    assert set(truly.tolist()) == {7, 1_234, 99} <= set(index.best(vectors[99], 3, prior, 0.5).tolist())
