"""The model that practises: a Llama of a few thousand weights and a tokenizer, both made here in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from mio.training.seeds import seed_all
from nodes.thinker.training.practice.world import dialogues

_TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|> {{ message.content }} <|end|> {% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIAL = ("<|pad|>", "<|unknown|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
_WIDTH, _LAYERS, _HEADS = 64, 2, 4
_LEARNING_RATE = 6e-3
_BATCH = 64
_TURNS = 2


def make_model(folder: Path, seed: int, steps: int = 600) -> None:
    """Make a tiny base model that speaks the practice world's language, and write it as transformers does.

    Args:
        folder: Where to.
        seed: Of weights and dialogues.
        steps: Of training it on random dialogues.
    """
    disable_progress_bar()
    seed_all(seed)
    random = np.random.default_rng(seed)
    tokenizer: Any = make_tokenizer(random)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_HEADS,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(shape)
    _teach(model, tokenizer, random, steps)
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))


def make_tokenizer(random: np.random.Generator) -> PreTrainedTokenizerFast:
    """A tokenizer with one token per word, trained on the world's dialogues."""
    bare = Tokenizer(models.WordLevel(unk_token="<|unknown|>"))
    bare.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    texts = (message.content for dialogue in dialogues(400, _TURNS, random) for message in dialogue)
    bare.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=list(_SPECIAL)))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bare, pad_token="<|pad|>", unk_token="<|unknown|>", eos_token="<|end|>", padding_side="right"
    )
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _teach(model: LlamaForCausalLM, tokenizer: Any, random: np.random.Generator, steps: int) -> None:
    """Next-word prediction on random dialogues."""
    adam = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE)
    falling: Any = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    model.train()
    for _ in range(steps):
        chats = [[message._asdict() for message in chat] for chat in dialogues(_BATCH, _TURNS, random)]
        texts = [tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats]
        batch: Any = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        loss: Any = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        adam.zero_grad()
        loss.backward()
        adam.step()
        falling.step()
    model.eval()
