"""How the two bundled models were made. It is kept beside them and is not installed.

    python engine/starter/recipe.py prepare en TEXT WORK        # split, tokenize, hold out
    python engine/starter/recipe.py train en WORK OUT --seconds 460
    python engine/starter/recipe.py settle ja WORK MODEL        # texts without a start token
    python engine/starter/recipe.py report en WORK MODEL        # figures on the held-out documents

`en` is a BERT with both of its pretraining heads, `ja` a GPT-2; both are transformers' own classes,
and keep the tokenizers that lie beside this file. Every fiftieth document is held out. Training
stops by the clock; the learning rate falls to nothing on the way, by the clock too.

Examples are packed: a row holds several texts, each with its own positions, and none sees another
(Krell et al. 2021, arXiv:2107.02027). Matrices are trained by Muon (Jordan et al. 2024), the rest
by AdamW. A pair of the BERT is followed by what really follows, or by a random text of the same
source, of another source, or by the two in the wrong order (Lan et al. 2020, arXiv:1909.11942).
"""

from __future__ import annotations

import argparse
import json
import lzma
import math
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset, get_worker_info
from transformers import BertConfig, BertForPreTraining, GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).parent
SEED = 20261126
# How often a source is drawn, over its share of the text: everyday sentences are few, and needed.
SOURCES = {
    "en": {"dialogues": 0.7, "masc": 1.5, "novels": 0.8, "qa": 4.0, "stories": 2.5, "tanaka": 3.0},
    "ja": {
        "aozora": 0.7,
        "aozora_children": 1.2,
        "dialogues": 1.2,
        "qa": 1.0,
        "tanaka": 3.0,
        "wikipedia": 1.6,
    },
}
CONTEXT = {"en": 256, "ja": 512}  # positions, and pieces in a packed row
ROWS = {"en": 256, "ja": 128}  # packed rows a step
WORKERS = {"en": 5, "ja": 3}  # processes that pack, each with a seed of its own
MATRIX_RATE, MATRIX_DECAY, REST_RATE = 4e-3, 0.1, 3e-3
WARM_UP = 200  # steps
CLS, SEP, MASK = 2, 3, 4  # of starter-en; 0 pads
BEGIN, END = 1, 2  # of starter-ja
MASKED = 0.17  # share of all pieces of a step


Ids = NDArray[Any]
Encode = Callable[[list[str]], list[list[int]]]
Loss = Callable[[Any, dict[str, Tensor]], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """The size of a model."""

    hidden: int = 384
    layers: int = 5
    heads: int = 6


# ---- text


@dataclass(frozen=True)
class Texts:
    """Pieces of all lines in a row; line i is pieces[starts[i]:starts[i + 1]]."""

    pieces: Ids  # uint16
    starts: Ids  # [lines + 1]
    ends: Ids  # [lines]: the line after the last one of its document
    chars: Ids  # [lines]: characters of the line as written
    sources: dict[str, tuple[int, int]]  # first line, and the line after the last one

    def length(self, line: int) -> int:
        """Pieces of a line."""
        return int(self.starts[line + 1] - self.starts[line])

    def ids(self, line: int, end: int) -> list[int]:
        """The pieces of the lines from `line` up to `end`."""
        found: list[int] = self.pieces[self.starts[line] : self.starts[end]].tolist()
        return found


def documents(language: str, path: Path) -> Iterator[list[str]]:
    """The lines of each document; in English a sentence a line."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        text = file.read()
    for document in re.split(r"\n\s*\n", text):
        lines = [line for line in document.split("\n") if line.strip()]
        if language == "en":  # paragraphs into sentences
            lines = [
                part
                for line in lines
                for part in re.split(r"(?<=[.!?][\"'”’]|.[.!?])\s+(?=\S)", line)
            ]
        if lines:
            yield lines


def prepare(language: str, text: Path, work: Path) -> None:
    """Write WORK/LANGUAGE.train.npz and WORK/LANGUAGE.held.npz."""
    encode = encoder(language)
    kept: dict[str, list[str]] = {"train": [], "held": []}
    spans: dict[str, dict[str, tuple[int, int]]] = {"train": {}, "held": {}}
    ends: dict[str, list[int]] = {"train": [], "held": []}
    for source in SOURCES[language]:
        first = {part: len(kept[part]) for part in kept}
        for number, lines in enumerate(documents(language, text / f"{language}_{source}.txt.xz")):
            part = "held" if number % 50 == 25 else "train"
            kept[part] += lines
            ends[part] += [len(kept[part])] * len(lines)
        for part in kept:
            spans[part][source] = (first[part], len(kept[part]))
    for part, lines in kept.items():
        pieces = encode(lines)
        lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
        np.savez(
            work / f"{language}.{part}.npz",
            pieces=np.concatenate([np.array(row, np.uint16) for row in pieces]),
            lengths=lengths.astype(np.uint16 if lengths.max() < 65536 else np.uint32),
            ends=np.array(ends[part], np.int32),
            chars=np.array([len(line) for line in lines], np.uint16),
            sources=json.dumps(spans[part]),
        )
        print(part, len(lines), "lines", int(lengths.sum()), "pieces", spans[part])


def encoder(language: str) -> Encode:
    """What cuts lines into the ids of pieces."""
    if language == "en":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(HERE / "starter-en" / "tokenizer.json"))
        return lambda lines: [
            row.ids for row in tokenizer.encode_batch(lines, add_special_tokens=False)
        ]
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(
        model_file=str(HERE / "starter-ja" / "spiece.model")
    )
    return lambda lines: model.encode(lines, num_threads=2)


def load(work: Path, language: str, part: str) -> Texts:
    """What `prepare` wrote of the ``train`` or the ``held`` documents."""
    stored = np.load(work / f"{language}.{part}.npz")
    starts = np.concatenate([[0], np.cumsum(stored["lengths"].astype(np.int64))])
    return Texts(
        stored["pieces"],
        starts,
        stored["ends"],
        stored["chars"],
        json.loads(str(stored["sources"])),
    )


# ---- packed rows


class Rows(IterableDataset[dict[str, Tensor]]):
    """Packed batches without end: dictionaries of arrays, [rows, context] each."""

    def __init__(self, language: str, texts: Texts, rows: int) -> None:
        self.language, self.texts, self.rows = language, texts, rows
        self.names = list(texts.sources)
        self.draw = random.Random(SEED)
        self.shares = [
            float(texts.starts[last] - texts.starts[first]) * SOURCES[language][name]
            for name, (first, last) in texts.sources.items()
        ]

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        self.draw = random.Random(SEED * 1000 + (worker.id if worker else 0))
        fill = self.pair_rows if self.language == "en" else self.causal_rows
        while True:
            yield {name: torch.from_numpy(array) for name, array in fill().items()}

    def source(self) -> str:
        """A source by its share."""
        return self.draw.choices(self.names, self.shares)[0]

    def line(self, source: str) -> int:
        """Any line of a source."""
        return self.draw.randrange(*self.texts.sources[source])

    def cut(self, line: int, room: int, lines: int = 10**9, whole: bool = False) -> tuple[Ids, int]:
        """Pieces from `line` on, within its document, at most `room`; and the line after them.

        With `whole`, only whole lines, unless the first is longer than the room.
        """
        starts = self.texts.starts
        last = min(int(self.texts.ends[line]), line + lines)
        stop = min(int(starts[last]), int(starts[line]) + room)
        after = min(int(np.searchsorted(starts, stop, "left")), last)
        if whole and starts[after] > stop and after - 1 > line:
            after -= 1
            stop = int(starts[after])
        return self.texts.pieces[starts[line] : stop], after

    def causal_rows(self) -> dict[str, Ids]:
        """Texts after a start token, the last of each row cut where the row ends."""
        context = CONTEXT["ja"]
        ids = np.empty((self.rows, context), np.int64)
        number = np.empty((self.rows, context), np.int16)
        positions = np.empty((self.rows, context), np.int64)
        for row in range(self.rows):
            at = count = 0
            while at < context:
                line = self.line(self.source())
                part, after = self.cut(line, context - at - 1)
                length = len(part) + 1
                ids[row, at], ids[row, at + 1 : at + length] = BEGIN, part
                if at + length < context and after == self.texts.ends[line]:
                    ids[row, at + length] = END
                    length += 1
                number[row, at : at + length] = count
                positions[row, at : at + length] = np.arange(length)
                at, count = at + length, count + 1
        return {"ids": ids, "number": number, "positions": positions}

    def equal(self, count: int, length: int) -> Tensor:
        """The beginnings of texts that have as many pieces: [count, length]."""
        found: list[list[int]] = []
        while len(found) < count:
            part, _ = self.cut(self.line(self.source()), length)
            if len(part) == length:
                found.append(part.tolist())
        return torch.tensor(found)

    def pair_rows(self) -> dict[str, Ids]:
        """Single texts and pairs, how often their pieces are masked, and whether pairs follow."""
        context = CONTEXT["en"]
        shape = (self.rows, context)
        ids, segments, positions = (np.zeros(shape, np.int64) for _ in range(3))
        number = np.full(shape, -1, np.int16)
        rates = np.zeros(shape, np.float32)
        firsts, follows = [], []
        for row in range(self.rows):
            at = count = 0
            while context - at >= 12:
                room = min(context - at, self.draw.choices([48, 112, 256], [0.5, 0.3, 0.2])[0])
                one, two, label = self.example(room - 3)
                pieces = [CLS, *one, SEP] if two is None else [CLS, *one, SEP, *two, SEP]
                length, second = len(pieces), len(one) + 2
                here = slice(at, at + length)
                ids[row, here] = pieces
                segments[row, at + second : at + length] = 1
                positions[row, here] = np.arange(length)
                number[row, here] = count
                rate = self.draw.choices(
                    [0.0, 0.05, 0.2, 0.4], [0.0 if label is None else 0.3, 0.3, 0.4, 0.3]
                )[0]
                rates[row, here] = rate
                rates[row, [at, at + second - 1, at + length - 1]] = 0
                if label is not None:
                    firsts.append(row * context + at)
                    follows.append(label)
                at, count = at + length, count + 1
        most = self.rows * context // 32
        firsts, follows = firsts[:most], follows[:most]
        spare = most - len(firsts)
        return {
            "ids": ids, "segments": segments, "positions": positions, "number": number,
            "rates": rates, "firsts": np.array(firsts + [0] * spare),
            "follows": np.array(follows + [-100] * spare),
        }  # fmt: skip

    def example(self, room: int) -> tuple[Ids, Ids | None, int | None]:
        """A text, the second of a pair or None, and its label: 0 if it follows, 1 if not."""
        source = self.source()
        line = self.line(source)
        sentence = 1 if self.draw.random() < 0.5 else 10**9
        share = 0.5 if sentence == 1 else self.draw.uniform(0.3, 0.7)
        one, after = self.cut(line, max(2, int(room * share)), sentence, True)
        if self.draw.random() < 0.35 or after >= self.texts.ends[line] or room < 16:
            return self.cut(line, room, sentence, True)[0], None, None
        left = room - len(one)
        kind = self.draw.choices(["next", "same", "other", "swapped"], [0.5, 0.25, 0.1, 0.15])[0]
        if kind == "next" or kind == "swapped":
            two, _ = self.cut(after, left, sentence, True)
            return (one, two, 0) if kind == "next" else (two, one, 1)
        if kind == "other":
            source = self.draw.choice([name for name in self.names if name != source])
        return one, self.cut(self.line(source), left, sentence, True)[0], 1


# ---- models


def build(language: str, shape: Shape) -> Any:
    """A model with random weights."""
    hidden, layers, heads = shape.hidden, shape.layers, shape.heads
    if language == "en":
        return BertForPreTraining(
            BertConfig(
                vocab_size=6000, hidden_size=hidden, num_hidden_layers=layers,
                num_attention_heads=heads, intermediate_size=4 * hidden,
                max_position_embeddings=CONTEXT["en"], hidden_dropout_prob=0.05,
                attention_probs_dropout_prob=0.0,
            )
        )  # fmt: skip
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=8000, n_embd=hidden, n_layer=layers, n_head=heads, n_positions=CONTEXT["ja"],
            bos_token_id=BEGIN, eos_token_id=END, resid_pdrop=0.1, embd_pdrop=0.1, attn_pdrop=0.0,
        )
    )  # fmt: skip


def own(number: Tensor) -> Tensor:
    """[rows, 1, context, context]: true where both pieces belong to one text."""
    return number[:, None, :, None] == number[:, None, None, :]


def masked(batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Ids with pieces masked as BERT does, and the flat places of those that are to be guessed."""
    ids, rates = batch["ids"].flatten(), batch["rates"].flatten()
    race = torch.empty_like(rates).exponential_() / rates  # the smallest win: drawn by rate
    places = race.topk(int(MASKED * len(ids)), largest=False).indices
    dice = torch.rand(places.shape, device=ids.device)
    anything = torch.randint(5, 6000, places.shape, device=ids.device)
    shown = torch.where(dice < 0.8, MASK, torch.where(dice < 0.9, anything, ids[places]))
    return ids.scatter(0, places, shown).view_as(batch["ids"]), places


def pair_loss(model: Any, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean loss of masked pieces, and of the next-sentence head, in nats."""
    ids, places = masked(batch)
    hidden = model.bert(
        ids,
        attention_mask=own(batch["number"]),
        token_type_ids=batch["segments"],
        position_ids=batch["positions"],
    ).last_hidden_state.flatten(0, 1)
    words = model.cls.predictions(hidden[places])
    follows = model.cls.seq_relationship(model.bert.pooler(hidden[batch["firsts"], None]))
    return (
        F.cross_entropy(words.float(), batch["ids"].flatten()[places]),
        F.cross_entropy(follows.float(), batch["follows"], ignore_index=-100),
    )


def causal_loss(model: Any, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Mean loss of the next piece, in nats, and nothing."""
    ids, number = batch["ids"], batch["number"]
    seen = (
        own(number)
        & torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool, device=ids.device).tril()
    )
    hidden = model.transformer(
        ids, attention_mask=seen, position_ids=batch["positions"]
    ).last_hidden_state
    next_ids = torch.where(number[:, 1:] == number[:, :-1], ids[:, 1:], -100)
    logits = model.lm_head(hidden[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1).float(), next_ids.flatten(), ignore_index=-100)
    return loss, torch.zeros_like(loss)


LOSS: dict[str, Loss] = {"en": pair_loss, "ja": causal_loss}


# ---- training


def optimizers(model: Any) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the rest."""
    layers = [
        weight
        for name, weight in model.named_parameters()
        if weight.ndim == 2 and re.search(r"\.(layer|h)\.\d", name)
    ]
    inside = {id(weight) for weight in layers}
    rest = [weight for weight in model.parameters() if id(weight) not in inside]
    groups = [
        {"params": [weight for weight in rest if weight.ndim == 2], "weight_decay": 0.01},
        {"params": [weight for weight in rest if weight.ndim != 2], "weight_decay": 0.0},
    ]
    return [
        torch.optim.Muon(
            layers, lr=MATRIX_RATE, weight_decay=MATRIX_DECAY, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(groups, lr=REST_RATE, betas=(0.9, 0.98)),
    ]


def train(language: str, work: Path, out: Path, seconds: float, shape: Shape, rows: int) -> None:
    """Train until the time is over, and save."""
    deadline = time.monotonic() + seconds
    torch.manual_seed(SEED)
    torch.set_float32_matmul_precision("high")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build(language, shape).to(device)
    loss_of = LOSS[language]
    quick_loss = torch.compile(loss_of) if device == "cuda" else loss_of
    held_out = batches(language, work, "held", rows, device)
    held = [next(held_out) for _ in range(4)]
    fits = optimizers(model)
    peaks = [[group["lr"] for group in fit.param_groups] for fit in fits]
    begun = math.inf
    steps = 0
    for batch in batches(language, work, "train", rows, device):
        now = time.monotonic()
        if steps == 3:  # what the first steps compile is not counted
            begun = now
        way = max(0.0, (now - begun) / (deadline - begun)) if begun < now else 0.0
        if way >= 1:
            break
        for fit, rates in zip(fits, peaks, strict=True):
            for group, rate in zip(fit.param_groups, rates, strict=True):
                group["lr"] = rate * min(1.0, (steps + 1) / WARM_UP) * (1 - way)
        with torch.autocast(device, torch.bfloat16):
            main, second = quick_loss(model, batch)
        torch.autograd.backward(main + second)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for fit in fits:
            fit.step()
            fit.zero_grad(set_to_none=True)
        steps += 1
        if steps % 500 == 0:
            print(f"{way:6.1%} {steps} steps, held out", check(model, loss_of, held, device))
    print(f"{steps} steps, held out", check(model, loss_of, held, device))
    save(model, language, shape, out)


def batches(
    language: str, work: Path, part: str, rows: int, device: str
) -> Iterator[dict[str, Tensor]]:
    """Packed rows on the device; those to train on are packed by other processes."""
    workers = WORKERS[language] if part == "train" else 0
    loader = DataLoader(
        Rows(language, load(work, language, part), rows),
        batch_size=None,
        num_workers=workers,
        pin_memory=device == "cuda",
        prefetch_factor=8 if workers else None,
    )
    for batch in loader:
        yield {name: value.to(device, non_blocking=True) for name, value in batch.items()}


@torch.no_grad()
def check(model: Any, loss_of: Loss, held: list[dict[str, Tensor]], device: str) -> list[float]:
    """The mean losses of held-out rows."""
    model.eval()
    torch.manual_seed(SEED)
    with torch.autocast(device, torch.bfloat16):
        losses = [torch.stack(loss_of(model, batch)) for batch in held]
    model.train()
    return [round(value, 4) for value in torch.stack(losses).mean(0).tolist()]


def save(model: Any, language: str, shape: Shape, out: Path) -> None:
    """Write a checkpoint of transformers' in fp16."""
    twin = build(language, shape).half()
    twin.load_state_dict({name: value.cpu().half() for name, value in model.state_dict().items()})
    twin.save_pretrained(out)


# ---- texts without a start token


def settle(work: Path, folder: Path) -> None:
    """Teach a GPT-2 texts that begin without a start token, which it never saw, and save it.

    Only the vector of the first position moves. The start token's own vector takes back what the
    position's takes on, so that a text with it is read as before; as that vector also answers how
    likely the start token is, the last steps keep that low.
    """
    torch.manual_seed(SEED)
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    model.requires_grad_(False)
    pieces, positions = model.transformer.wte.weight, model.transformer.wpe.weight
    both = pieces[BEGIN] + positions[0]
    first = nn.Parameter(positions[0].clone())
    rows = Rows("ja", load(work, "ja", "train"), 1)
    for steps, rate, weight in ((100, 0.02, 0.0), (60, 0.01, 5.0)):
        fit = torch.optim.Adam([first], lr=rate)
        for step in range(steps):
            fit.param_groups[0]["lr"] = rate * (1 - step / steps)
            ids = rows.equal(24, 24)
            moved = torch.cat([first[None] - positions[:1], torch.zeros(23, len(first))])
            hidden = model.transformer(inputs_embeds=pieces[ids] + moved).last_hidden_state
            logits = hidden @ pieces.T
            start = (hidden @ (both - first))[..., None]
            logits = torch.cat([logits[..., :BEGIN], start, logits[..., BEGIN + 1 :]], -1)
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
            loss = loss + weight * logits.softmax(-1)[..., BEGIN].mean()
            fit.zero_grad()
            torch.autograd.backward(loss)
            fit.step()
    with torch.no_grad():
        pieces[BEGIN] = both - first
        positions[0] = first
    model.half().save_pretrained(folder)


# ---- report


@torch.no_grad()
def report_causal(model: Any, texts: Texts) -> dict[str, float]:
    """Nats a character, by source, in chunks of 255 pieces after the start token."""
    found: dict[str, float] = {}
    all_nats, all_chars = 0.0, 0
    for source, (first, last) in texts.sources.items():
        nats, chars, pieces, line = 0.0, 0, 0, first
        while line < last and pieces <= 25_000:
            end = int(texts.ends[line])
            ids = texts.ids(line, end)
            for at in range(0, len(ids), 255):
                row = torch.tensor([[BEGIN, *ids[at : at + 255]]])
                logits = model(row).logits[0, :-1]
                nats += float(F.cross_entropy(logits, row[0, 1:], reduction="sum"))
            chars += int(texts.chars[line:end].sum())
            pieces += len(ids)
            line = end
        found[source] = nats / chars
        all_nats, all_chars = all_nats + nats, all_chars + chars
    return found | {"all": all_nats / all_chars}


def report_masked(model: Any, texts: Texts) -> dict[str, dict[str, float]]:
    """What a BERT guesses, by source."""
    draw = random.Random(SEED)
    found = {}
    for source, (first, last) in texts.sources.items():
        lines = [line for line in range(first, last) if 4 <= texts.length(line) <= 60]
        found[source] = words(model, texts, lines, draw) | pairs(model, texts, source, lines, draw)
    return found


@torch.no_grad()
def words(model: Any, texts: Texts, lines: list[int], draw: random.Random) -> dict[str, float]:
    """Nats a character and first guesses right of pieces masked one by one; the latter at 15 %."""
    nats = chars = right = tried = 0.0
    for line in draw.sample(lines, min(60, len(lines))):
        row = torch.tensor([CLS, *texts.ids(line, line + 1), SEP])
        places = torch.arange(1, len(row) - 1)
        rows = row.repeat(len(places), 1).scatter(1, places[:, None], MASK)
        logits = model(rows).prediction_logits[torch.arange(len(places)), places]
        nats += float(F.cross_entropy(logits, row[places], reduction="sum"))
        chars += int(texts.chars[line])
        right += int((logits.argmax(-1) == row[places]).sum())
        tried += len(places)
    one_by_one = {"nats a character": nats / chars, "one masked": right / tried}
    right = tried = 0.0
    for line in draw.sample(lines, min(300, len(lines))):
        row = torch.tensor([CLS, *texts.ids(line, line + 1), SEP])
        inner = len(row) - 2
        count = max(1, round(0.15 * inner))
        places = torch.tensor(sorted(draw.sample(range(1, inner + 1), count)))
        logits = model(row.scatter(0, places, MASK)[None]).prediction_logits[0, places]
        right += int((logits.argmax(-1) == row[places]).sum())
        tried += len(places)
    return one_by_one | {"15 % masked": right / tried}


def pairs(
    model: Any, texts: Texts, source: str, lines: list[int], draw: random.Random
) -> dict[str, float]:
    """How often the next line, a random one and the order of two lines are told."""
    known = set(lines)
    first = [line for line in lines if line + 1 < texts.ends[line] and line + 1 in known]
    if not first or source == "tanaka":  # single sentences
        return {}
    others = [
        line
        for name, span in texts.sources.items()
        if name != source
        for line in range(*span)
        if texts.length(line) >= 4
    ]
    right = dict.fromkeys(("next", "same", "other", "order"), 0)
    chosen = draw.sample(first, min(200, len(first)))
    for line in chosen:
        share = follows(model, texts, line, line + 1)
        right["next"] += share > 0.5
        right["same"] += follows(model, texts, line, draw.choice(lines)) < 0.5
        right["other"] += follows(model, texts, line, draw.choice(others)) < 0.5
        right["order"] += share > follows(model, texts, line + 1, line)
    return {name: count / len(chosen) for name, count in right.items()}


@torch.no_grad()
def follows(model: Any, texts: Texts, one: int, two: int) -> float:
    """The probability that a line follows another."""
    a, b = texts.ids(one, one + 1)[:60], texts.ids(two, two + 1)[:60]
    ids = torch.tensor([[CLS, *a, SEP, *b, SEP]])
    segments = torch.tensor([[0] * (len(a) + 2) + [1] * (len(b) + 1)])
    return float(model(ids, token_type_ids=segments).seq_relationship_logits[0].softmax(-1)[0])


def report(language: str, work: Path, folder: Path) -> None:
    """Print the figures of a model."""
    texts = load(work, language, "held")
    kind = BertForPreTraining if language == "en" else GPT2LMHeadModel
    model = kind.from_pretrained(folder, dtype=torch.float32).eval()
    figures = report_masked(model, texts) if language == "en" else report_causal(model, texts)
    print(json.dumps(figures, indent=1))


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, places in {
        "prepare": "text work",
        "train": "work out",
        "settle": "work model",
        "report": "work model",
    }.items():
        added = verbs.add_parser(verb)
        added.add_argument("language", choices=("en", "ja"))
        for place in places.split():
            added.add_argument(place, type=Path)
        if verb == "train":
            added.add_argument("--seconds", type=float, required=True)
            added.add_argument("--hidden", type=int, default=Shape.hidden)
            added.add_argument("--layers", type=int, default=Shape.layers)
            added.add_argument("--heads", type=int, default=Shape.heads)
            added.add_argument("--rows", type=int, help="packed rows a step")
    given = parser.parse_args()
    match given.verb:
        case "prepare":
            prepare(given.language, given.text, given.work)
        case "train":
            shape = Shape(given.hidden, given.layers, given.heads)
            rows = given.rows or ROWS[given.language]
            train(given.language, given.work, given.out, given.seconds, shape, rows)
        case "settle":
            settle(given.work, given.model)
        case _:
            report(given.language, given.work, given.model)


if __name__ == "__main__":
    main()
