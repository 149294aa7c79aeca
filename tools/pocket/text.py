"""The tokenizer and the text encoder of `pocket`.

Training a text encoder through a diffusion loss is slow: the signal is faint at first. Here it
first learns, in minutes, to tell what a caption says (subject, colour, pattern, place, mood,
size, style, and the letters of any nonsense word in it). After that it is frozen, and the transformer
finds every attribute ready to be read off its last tokens.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import Qwen2TokenizerFast, Qwen3Config, Qwen3ForCausalLM

from tools.pocket import world
from tools.pocket.common import Log, save_state
from tools.pocket.optim import Muon, split_parameters

WINDOW = 24  # tokens: the longest caption of the world has about twenty
LAYERS = (2, 3, 4)  # hidden states that are handed to the transformer
HIDDEN = 96
VOCABULARY = 1024
END = "<|endoftext|>"
CHAT = (
    "{% for message in messages %}{{ message['content'] }}{% endfor %}{% if add_generation_prompt %}<|say|>{% endif %}"
)
WORD_LETTERS = 7  # so many letters of a nonsense word are read off
LETTERS = " abcdefghijklmnopqrstuvwxyz0123456789"


def build_tokenizer(folder: Path, count: int = 60000) -> Qwen2TokenizerFast:
    """Learn a byte-level BPE from captions and nonsense, and keep it in `folder`."""
    rng = np.random.default_rng(3)
    lines = []
    for i in range(count):
        lines.append(world.random_caption(world.random_scene(rng), rng)[0])
        if i % 2:
            lines.append(world.nonsense(rng))
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    core.train_from_iterator(lines, trainer)
    folder.mkdir(parents=True, exist_ok=True)
    core.model.save(str(folder))
    vocabulary = json.loads((folder / "vocab.json").read_text())
    merges = [line for line in (folder / "merges.txt").read_text().splitlines() if not line.startswith("#")]
    tokenizer = Qwen2TokenizerFast(
        vocab=vocabulary,
        merges=[tuple(line.split(" ")) for line in merges],
        model_max_length=WINDOW,
        extra_special_tokens=["<|say|>"],
    )
    tokenizer.chat_template = CHAT
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(folder)
    return tokenizer


def build_encoder(tokenizer: Qwen2TokenizerFast) -> Qwen3ForCausalLM:
    """The text encoder, untrained."""
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=24,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        use_cache=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return Qwen3ForCausalLM(config)


class TextStack:
    """Captions to the embeddings that the stock pipeline would make of them, only in batches."""

    def __init__(self, tokenizer: Qwen2TokenizerFast, encoder: Qwen3ForCausalLM) -> None:
        self.tokenizer, self.encoder = tokenizer, encoder

    def tokens(self, captions: list[str]) -> tuple[Tensor, Tensor]:
        """Token numbers and mask, padded to the window."""
        made = self.tokenizer([text + "<|say|>" for text in captions], return_tensors="pt",
                              padding="max_length", truncation=True, max_length=WINDOW)  # fmt: skip
        return made["input_ids"], made["attention_mask"]

    def embed(self, captions: list[str]) -> Tensor:
        """`(batch, window, layers x hidden)`, as in `Flux2KleinPipeline`."""
        ids, mask = self.tokens(captions)
        made = self.encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False)
        stacked = torch.stack([made.hidden_states[k] for k in LAYERS], dim=2)
        return stacked.flatten(2)


def word_letters(word: str | None) -> list[int]:
    """A nonsense word's letters as classes, one per place; -100 where there is no word."""
    if word is None:
        return [-100] * WORD_LETTERS
    return [LETTERS.index(letter) for letter in word.ljust(WORD_LETTERS)[:WORD_LETTERS]]


def spoken(scene: world.Scene, text: str) -> list[int]:
    """The scene's numbers, -100 where the caption leaves the subject, colour or place unsaid."""
    numbers = scene.numbers()
    if scene.subject not in text.replace(",", " ").split():
        numbers[0] = -100
    if scene.colour not in text.split():
        numbers[1] = -100
    if not any(words in text for words in world.PLACE_WORDS[scene.place]):
        numbers[3] = -100
    return numbers


class Reader(nn.Module):
    """Throw-away linear heads that read attributes and the nonsense word off the embedding."""

    def __init__(self) -> None:
        super().__init__()
        width = HIDDEN * len(LAYERS)
        self.heads = nn.ModuleList(nn.Linear(width, len(v) + 1) for v in world.ATTRIBUTES.values())
        self.word = nn.Linear(width, WORD_LETTERS * len(LETTERS))

    def forward(self, embedding: Tensor, at: Tensor) -> tuple[list[Tensor], Tensor]:
        """Predictions from the token at position `at` of each caption."""
        state = embedding[torch.arange(len(at)), at]
        word = self.word(state).unflatten(1, (WORD_LETTERS, len(LETTERS)))
        return [head(state) for head in self.heads], word


def train(work: Path, steps: int, batch: int = 96, lr: float = 2e-3) -> None:
    """Teach the encoder to read, for so many steps."""
    log = Log(work / "text.log")
    torch.manual_seed(2)
    rng = np.random.default_rng(11)
    tokenizer = build_tokenizer(work / "tokenizer")
    encoder = build_encoder(tokenizer)
    stack, reader = TextStack(tokenizer, encoder), Reader()
    model = nn.ModuleDict({"encoder": encoder, "reader": reader})
    optimiser = Muon(*split_parameters(model, ("embed", "lm_head", "reader")), lr=lr)
    for step in range(steps + 1):
        for group in optimiser.param_groups:
            group["lr"] = lr * min(1.0, step / 50, (steps - step) / (0.4 * steps) + 1e-3)
        scenes = [world.random_scene(rng) for _ in range(batch)]
        told = [world.random_caption(scene, rng) for scene in scenes]
        texts = [text for text, _ in told]
        numbers = torch.tensor([spoken(s, t) for s, t in zip(scenes, texts, strict=True)])
        letters = torch.tensor([word_letters(word) for _, word in told])
        _, mask = stack.tokens(texts)
        embedding = stack.embed(texts)
        last = mask.sum(1) - 1
        # Read at the end of the caption and at some later, padded place: both must tell it all.
        later = last + (torch.rand(batch) * (WINDOW - last)).long()
        loss = torch.zeros(())
        for at in (last, later):
            logits, word = reader(embedding, at)
            for index, head in enumerate(logits):
                target = numbers[:, index].clone()
                target[target == -100] = head.shape[1] - 1
                loss = loss + F.cross_entropy(head, target) / 2
            loss = loss + 4 * F.cross_entropy(word.flatten(0, 1), letters.flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if step % 100 == 0:
            with torch.no_grad():
                right = [(head.argmax(1) == numbers[:, i])[numbers[:, i] >= 0].float().mean().item()
                         for i, head in enumerate(logits)]  # fmt: skip
                spelt = (word.argmax(-1) == letters)[letters >= 0].float().mean().item()
            log(f"text step {step} loss {loss.item():.3f} letters right {spelt:.3f} attributes right "
                + " ".join(f"{share:.2f}" for share in right))  # fmt: skip
    save_state(work / "text.pt", {"step": steps}, {"encoder": encoder})
    encoder.save_pretrained(work / "text_encoder")
    log("text done")


def load(work: Path) -> TextStack:
    """The trained tokenizer and encoder of a work folder, frozen."""
    tokenizer = Qwen2TokenizerFast.from_pretrained(work / "tokenizer")
    encoder = Qwen3ForCausalLM.from_pretrained(work / "text_encoder", dtype=torch.float32)
    encoder.requires_grad_(False).eval()
    return TextStack(tokenizer, encoder)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/pocket"))
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    train(options.work, options.steps)


if __name__ == "__main__":
    main()
