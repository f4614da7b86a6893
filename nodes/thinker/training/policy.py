"""One causal language model with two LoRA adapters, the scenario policy and the persona policy.

Without adapters it is the model that both started from. Any causal language model of transformers will do; LoRA is
peft's.
"""

import inspect
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from mio.errors import ConfigError
from nodes.thinker.prompt import ChatMessage
from nodes.thinker.training.config import SelfTrainingConfig

NO_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
"""Chat template for models without one."""


class Role(Enum):
    """Which of the two policies; the value is the name of its adapter."""

    PERSONA = "persona"
    SCENARIO = "scenario"


class Writing(NamedTuple):
    """What a policy wrote.

    Attributes:
        prompt: Token ids that it was given.
        completion: Token ids that it wrote, the end included if it came.
        text: The completion in words.
    """

    prompt: list[int]
    completion: list[int]
    text: str


class Batch(NamedTuple):
    """Writings side by side: prompts end, and completions begin, in the same column.

    Attributes:
        ids: ``[B, P + C]`` tokens.
        mask: ``[B, P + C]`` 1 for tokens, 0 for padding.
        written: ``[B, C]`` True for tokens of the completion.
    """

    ids: Tensor
    mask: Tensor
    written: Tensor


class Policies:
    """Writes as either policy, and says how probable a writing is to it.

    Attributes:
        model: The model with its adapters.
        tokenizer: Its tokenizer.
    """

    def __init__(self, model: Any, tokenizer: Any, config: SelfTrainingConfig) -> None:
        """Add the adapters; they change nothing until they have learned.

        Args:
            model: A causal language model of transformers.
            tokenizer: Its tokenizer; one without a chat template gets a plain one.
            config: Sizes of the adapters and lengths.
        """
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        with warnings.catch_warnings():  # peft asks for an attribute that transformers has renamed
            warnings.simplefilter("ignore", FutureWarning)
            self.model: Any = get_peft_model(model, lora, adapter_name=Role.PERSONA.value)
        self.model.add_adapter(Role.SCENARIO.value, lora)
        self.model.eval()
        self.tokenizer = tokenizer
        if tokenizer.chat_template is None:
            tokenizer.chat_template = NO_TEMPLATE
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self._config = config
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    def parameters(self, role: Role) -> list[torch.nn.Parameter]:
        """Weights of one adapter."""
        return [p for name, p in self.model.named_parameters() if f".{role.value}." in name]

    @torch.no_grad()
    def write(self, role: Role, prompts: Sequence[Sequence[ChatMessage]]) -> list[Writing]:
        """Sample one completion for each prompt, all at once.

        Args:
            role: Who writes.
            prompts: Messages, the last one to be answered.
        """
        ids = [self._encode(prompt) for prompt in prompts]
        batch = self._side_by_side([Writing(prompt, [], "") for prompt in ids])
        with self._as(role):
            made = self.model.generate(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                do_sample=True,
                temperature=self._config.temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=self._config.longest_tokens,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        rows = made[:, batch.ids.shape[1] :].tolist()
        return [self._written(prompt, row) for prompt, row in zip(ids, rows, strict=True)]

    def log_probabilities(self, role: Role | None, batch: Batch) -> Tensor:
        """``[B, C]`` of each completion's tokens at the sampling's temperature, 0 on padding.

        Args:
            role: Whose; None for the model that both started from.
            batch: What was written.
        """
        length = batch.written.shape[1]
        positions = (batch.mask.cumsum(dim=1) - 1).clamp(min=0)
        keep = {"logits_to_keep": length + 1} if self._keeps else {}
        with self._as(role):
            output = self.model(input_ids=batch.ids, attention_mask=batch.mask, position_ids=positions, **keep)
        logits = output.logits[:, -length - 1 : -1].float() / self._config.temperature
        chosen = logits.gather(2, batch.ids[:, -length:, None]).squeeze(2) - logits.logsumexp(dim=2)
        return chosen.masked_fill(~batch.written, 0.0)

    def batch(self, writings: Sequence[Writing]) -> Batch:
        """Put writings side by side."""
        return self._side_by_side(writings)

    def weights(self) -> dict[str, Tensor]:
        """Weights of both adapters by name."""
        return {
            f"{role.value}.{name}": weight
            for role in Role
            for name, weight in get_peft_model_state_dict(self.model, adapter_name=role.value).items()
        }

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Put back what :meth:`weights` gave."""
        for role in Role:
            prefix = f"{role.value}."
            own = {name[len(prefix) :]: weight for name, weight in weights.items() if name.startswith(prefix)}
            set_peft_model_state_dict(self.model, own, adapter_name=role.value)

    def export(self, folder: Path) -> Path:
        """Write the persona policy's adapter as peft does, for whatever serves LoRA adapters, and return its folder."""
        self.model.save_pretrained(str(folder), selected_adapters=[Role.PERSONA.value])
        return folder / Role.PERSONA.value

    @contextmanager
    def _as(self, role: Role | None) -> Generator[None]:
        if role is None:
            with self.model.disable_adapter():
                yield
            return
        self.model.set_adapter(role.value)
        yield

    def _encode(self, prompt: Sequence[ChatMessage]) -> list[int]:
        messages = [message._asdict() for message in prompt]
        text = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids[-self._config.longest_prompt_tokens :]

    def _written(self, prompt: list[int], row: list[int]) -> Writing:
        ends = self.model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        end = next((at for at, token in enumerate(row) if token in ends), len(row) - 1)
        completion = row[: end + 1]
        text: str = self.tokenizer.decode(completion, skip_special_tokens=True)
        return Writing(prompt, completion, text.strip())

    def _side_by_side(self, writings: Sequence[Writing]) -> Batch:
        before = max(len(writing.prompt) for writing in writings)
        after = max(len(writing.completion) for writing in writings)
        ids = torch.full((len(writings), before + after), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, (prompt, completion, _) in enumerate(writings):
            begin, end = before - len(prompt), before + len(completion)
            ids[row, begin:end] = torch.tensor([*prompt, *completion])
            mask[row, begin:end] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        return Batch(ids, mask, mask[:, before:].bool())


def load_model(name: str, device: str) -> tuple[Any, Any]:
    """Load a causal language model and its tokenizer.

    Args:
        name: Folder, or name on the model hub.
        device: Such as ``cpu`` or ``cuda``; on the latter the frozen weights are bfloat16.

    Raises:
        ConfigError: If it cannot be loaded.
    """
    disable_progress_bar()
    kind = torch.float32 if device == "cpu" else torch.bfloat16
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=kind)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"no causal language model at {name}: {reason}", "name a folder or a model of the hub"
        ) from error
    return model.to(device), tokenizer
