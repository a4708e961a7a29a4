"""Whole models against PyTorch: the same weights and data, ten training steps, losses within 1e-4 relative in float32.

Each model is written once, as a user would write it, and built for both packages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd_core as ac
import nn

torch = pytest.importorskip("torch")

OURS = SimpleNamespace(name="ours", t=ac, nn=nn, F=nn.functional, optim=nn.optim, utils=nn.utils)
THEIRS = SimpleNamespace(
    name="PyTorch", t=torch, nn=torch.nn, F=torch.nn.functional, optim=torch.optim, utils=torch.nn.utils
)
STEPS = 10


def tensor(p: Any, a: np.ndarray) -> Any:
    return p.t.from_numpy(np.array(a))


def compare(build: Callable[[Any], Any], train: Callable[[Any, Any], list[float]], double: bool = False) -> None:
    """Build twice, copy PyTorch's weights, train twice, compare the losses and the parameters at the end.

    In float64 the same steps must agree to 1e-9: what float32 adds is rounding, which ten steps of training amplify.
    """
    torch.manual_seed(0)
    ac.manual_seed(0)
    other, mine = build(THEIRS), build(OURS)
    mine.load_state_dict({k: ac.from_numpy(v.detach().numpy().copy()) for k, v in other.state_dict().items()})
    assert repr(mine) == repr(other).replace("torch.", "autograd_core.")
    if double:
        mine.double()
        other.double()
    losses, losses_t = train(OURS, mine), train(THEIRS, other)
    assert len(losses) == STEPS
    np.testing.assert_allclose(losses, losses_t, rtol=1e-9 if double else 1e-4)
    if double:
        for (name, p), p_t in zip(mine.state_dict().items(), other.state_dict().values(), strict=True):
            np.testing.assert_allclose(p.numpy(), p_t.numpy(), rtol=1e-7, atol=1e-9, err_msg=name)
    else:
        assert mine.state_dict().keys() == other.state_dict().keys()
        assert {p.dtype for p in mine.parameters()} == {ac.float32}


both_precisions = pytest.mark.parametrize("double", [False, True], ids=["float32", "float64"])


def kind(double: bool) -> type:
    return np.float64 if double else np.float32


# ------------------------------------------------------------------------------------------------ ResNet with batch
# norm


def resnet(p: Any) -> Any:
    class Block(p.nn.Module):
        def __init__(self, inside: int, outside: int, stride: int) -> None:
            super().__init__()
            self.conv1 = p.nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            self.bn1 = p.nn.BatchNorm2d(outside)
            self.conv2 = p.nn.Conv2d(outside, outside, 3, padding=1, bias=False)
            self.bn2 = p.nn.BatchNorm2d(outside)
            self.down = None
            if stride != 1 or inside != outside:
                self.down = p.nn.Sequential(
                    p.nn.Conv2d(inside, outside, 1, stride, bias=False), p.nn.BatchNorm2d(outside)
                )

        def forward(self, x: Any) -> Any:
            y = p.F.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            return p.F.relu(y + (x if self.down is None else self.down(x)))

    class ResNet(p.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = p.nn.Sequential(
                p.nn.Conv2d(3, 8, 3, padding=1, bias=False), p.nn.BatchNorm2d(8), p.nn.ReLU(inplace=True)
            )
            self.layers = p.nn.Sequential(Block(8, 8, 1), Block(8, 16, 2), Block(16, 32, 2))
            self.pool = p.nn.AdaptiveAvgPool2d((1, 1))
            self.fc = p.nn.Linear(32, 10)
            for m in self.modules():
                if isinstance(m, p.nn.Conv2d):
                    p.nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

        def forward(self, x: Any) -> Any:
            return self.fc(p.t.flatten(self.pool(self.layers(self.stem(x))), 1))

    return ResNet()


@both_precisions
def test_resnet(double: bool) -> None:
    random = np.random.default_rng(0)
    images = random.standard_normal((STEPS, 8, 3, 16, 16)).astype(kind(double))
    labels = random.integers(0, 10, (STEPS, 8))

    def train(p: Any, model: Any) -> list[float]:
        optimizer = p.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
        schedule = p.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        criterion = p.nn.CrossEntropyLoss(label_smoothing=0.1)
        losses = []
        for x, y in zip(images, labels, strict=True):
            optimizer.zero_grad()
            loss = criterion(model(tensor(p, x)), tensor(p, y))
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        model.eval()
        with p.t.no_grad():
            losses[-1] += float(model(tensor(p, images[0])).abs().mean())
        return losses

    compare(resnet, train, double)


# ------------------------------------------------------------------------------------------------ GPT with AdamW


def gpt(p: Any) -> Any:
    class Attention(p.nn.Module):
        def __init__(self, width: int, heads: int, length: int) -> None:
            super().__init__()
            self.heads = heads
            self.qkv = p.nn.Linear(width, 3 * width)
            self.proj = p.nn.Linear(width, width)
            self.register_buffer(
                "mask", p.t.tril(p.t.ones(length, length)).view(1, 1, length, length), persistent=False
            )

        def forward(self, x: Any) -> Any:
            b, n, c = x.shape
            q, k, v = self.qkv(x).split(c, dim=2)
            q, k, v = (z.view(b, n, self.heads, c // self.heads).transpose(1, 2) for z in (q, k, v))
            a = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            a = a.masked_fill(self.mask[:, :, :n, :n] == 0, float("-inf"))
            y = p.F.softmax(a, dim=-1) @ v
            return self.proj(y.transpose(1, 2).contiguous().view(b, n, c))

    class Block(p.nn.Module):
        def __init__(self, width: int, heads: int, length: int) -> None:
            super().__init__()
            self.ln1, self.ln2 = p.nn.LayerNorm(width), p.nn.LayerNorm(width)
            self.attn = Attention(width, heads, length)
            self.mlp = p.nn.Sequential(
                p.nn.Linear(width, 4 * width), p.nn.GELU(), p.nn.Linear(4 * width, width), p.nn.Dropout(0.0)
            )

        def forward(self, x: Any) -> Any:
            x = x + self.attn(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    class GPT(p.nn.Module):
        def __init__(
            self, vocabulary: int = 40, width: int = 32, heads: int = 4, length: int = 16, depth: int = 2
        ) -> None:
            super().__init__()
            self.tok, self.pos = p.nn.Embedding(vocabulary, width), p.nn.Embedding(length, width)
            self.blocks = p.nn.ModuleList([Block(width, heads, length) for _ in range(depth)])
            self.norm = p.nn.LayerNorm(width)
            self.head = p.nn.Linear(width, vocabulary, bias=False)
            self.apply(self._init)
            self.tok.weight = self.head.weight

        @staticmethod
        def _init(m: Any) -> None:
            if isinstance(m, (p.nn.Linear, p.nn.Embedding)):
                p.nn.init.normal_(m.weight, mean=0.0, std=0.02)
            if isinstance(m, p.nn.Linear) and m.bias is not None:
                p.nn.init.zeros_(m.bias)

        def forward(self, index: Any, targets: Any = None) -> Any:
            x = self.tok(index) + self.pos(p.t.arange(index.shape[1]))
            for block in self.blocks:
                x = block(x)
            logits = self.head(self.norm(x))
            return logits, p.F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)

    return GPT()


@both_precisions
def test_gpt(double: bool) -> None:
    tokens = np.random.default_rng(0).integers(0, 40, (STEPS, 4, 17))

    def train(p: Any, model: Any) -> list[float]:
        decay = [w for w in model.parameters() if w.dim() >= 2]
        rest = [w for w in model.parameters() if w.dim() < 2]
        groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
        optimizer = p.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
        losses = []
        for batch in tokens:
            x, y = tensor(p, batch[:, :-1].copy()), tensor(p, batch[:, 1:].copy())
            _, loss = model(x, y)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = p.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item() + 0.01 * float(norm))
        return losses

    compare(gpt, train, double)


# ------------------------------------------------------------------------------------------------ packed
# bidirectional LSTM


def tagger(p: Any) -> Any:
    class Tagger(p.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed = p.nn.Embedding(30, 12, padding_idx=0)
            self.lstm = p.nn.LSTM(12, 10, num_layers=2, bidirectional=True, batch_first=True)
            self.out = p.nn.Linear(20, 5)

        def forward(self, words: Any, lengths: Any) -> Any:
            packed = p.utils.rnn.pack_padded_sequence(
                self.embed(words), lengths, batch_first=True, enforce_sorted=False
            )
            y, (h, _) = self.lstm(packed)
            y, _ = p.utils.rnn.pad_packed_sequence(y, batch_first=True)
            return self.out(y), h

    return Tagger()


@both_precisions
def test_packed_lstm(double: bool) -> None:
    random = np.random.default_rng(0)
    lengths = random.integers(2, 9, (STEPS, 6))
    lengths[:, 0] = 9
    words = random.integers(1, 30, (STEPS, 6, 9))
    words[np.arange(9) >= lengths[:, :, None]] = 0
    tags = random.integers(0, 5, (STEPS, 6, 9))
    tags[words == 0] = -100

    def train(p: Any, model: Any) -> list[float]:
        optimizer = p.optim.Adam(model.parameters(), lr=1e-2)
        losses = []
        for w, n, y in zip(words, lengths, tags, strict=True):
            scores, h = model(tensor(p, w), tensor(p, n))
            loss = p.F.cross_entropy(scores.transpose(1, 2), tensor(p, y)) + 0.01 * (h**2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    compare(tagger, train, double)


# ------------------------------------------------------------------------------------------------ convolutional VAE


def vae(p: Any) -> Any:
    class VAE(p.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = p.nn.Sequential(
                p.nn.Conv2d(1, 8, 4, 2, 1), p.nn.ELU(), p.nn.Conv2d(8, 16, 4, 2, 1), p.nn.GroupNorm(4, 16),
                p.nn.SiLU(), p.nn.Flatten(),
            )  # fmt: skip
            self.mu, self.logvar = p.nn.Linear(16 * 16, 6), p.nn.Linear(16 * 16, 6)
            self.decoder = p.nn.Sequential(
                p.nn.Linear(6, 16 * 16), p.nn.ReLU(), p.nn.Unflatten(1, (16, 4, 4)), p.nn.ConvTranspose2d(16, 8, 4,
                2, 1),
                p.nn.LeakyReLU(0.2), p.nn.Upsample(scale_factor=2, mode="bilinear"), p.nn.Conv2d(8, 1, 3, padding=1),
            )  # fmt: skip

        def forward(self, x: Any, noise: Any) -> Any:
            h = self.encoder(x)
            mu, logvar = self.mu(h), self.logvar(h)
            return self.decoder(mu + noise * p.t.exp(0.5 * logvar)), mu, logvar

    return VAE()


@both_precisions
def test_vae(double: bool) -> None:
    random = np.random.default_rng(0)
    images = random.random((STEPS, 6, 1, 16, 16)).astype(kind(double))
    noise = random.standard_normal((STEPS, 6, 6)).astype(kind(double))

    def train(p: Any, model: Any) -> list[float]:
        optimizer = p.optim.RMSprop(model.parameters(), lr=1e-3)
        losses = []
        for x, e in zip(images, noise, strict=True):
            x = tensor(p, x)
            y, mu, logvar = model(x, tensor(p, e))
            kl = -0.5 * p.t.sum(1 + logvar - mu.pow(2) - logvar.exp())
            loss = (p.F.binary_cross_entropy_with_logits(y, x, reduction="sum") + kl) / len(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    compare(vae, train, double)


# ------------------------------------------------------------------------------------------------ WGAN with gradient
# penalty


def gan(p: Any) -> Any:
    generator = p.nn.Sequential(p.nn.Linear(4, 16), p.nn.BatchNorm1d(16), p.nn.ReLU(), p.nn.Linear(16, 2))
    critic = p.nn.Sequential(
        p.nn.Linear(2, 16),
        p.nn.LeakyReLU(0.2),
        p.nn.LayerNorm(16),
        p.nn.Linear(16, 16),
        p.nn.Softplus(),
        p.nn.Linear(16, 1),
    )
    return p.nn.ModuleDict({"generator": generator, "critic": critic})


@both_precisions
def test_wgan_gp(double: bool) -> None:
    random = np.random.default_rng(0)
    real, noise, mix = (random.standard_normal((STEPS, 8, k)).astype(kind(double)) for k in (2, 4, 1))

    def train(p: Any, model: Any) -> list[float]:
        generator, critic = model["generator"], model["critic"]
        for_critic = p.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
        for_generator = p.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
        losses = []
        for x, z, a in zip(real, noise, mix, strict=True):
            x, z, a = tensor(p, x), tensor(p, z), p.t.sigmoid(tensor(p, a))
            fake = generator(z).detach()
            between = (a * x + (1 - a) * fake).requires_grad_(True)
            scores = critic(between)
            (g,) = p.t.autograd.grad(
                outputs=scores, inputs=between, grad_outputs=p.t.ones_like(scores), create_graph=True, retain_graph=True
            )
            penalty = ((g.norm(2, dim=1) - 1) ** 2).mean()
            loss = critic(fake).mean() - critic(x).mean() + 10 * penalty
            for_critic.zero_grad()
            loss.backward()
            for_critic.step()
            cost = -critic(generator(z)).mean()
            for_generator.zero_grad()
            cost.backward()
            for_generator.step()
            losses.append(loss.item() + cost.item() + 10)
        return losses

    compare(gan, train, double)


# ------------------------------------------------------------------------------------------------ Transformer, both
# halves


def translator(p: Any) -> Any:
    class Translator(p.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.source, self.target = p.nn.Embedding(20, 16), p.nn.Embedding(20, 16)
            self.transformer = p.nn.Transformer(16, 4, 2, 2, 32, dropout=0.0, batch_first=True)
            self.out = p.nn.Linear(16, 20)

        def forward(self, src: Any, tgt: Any) -> Any:
            causal = p.nn.Transformer.generate_square_subsequent_mask(tgt.shape[1], dtype=self.out.weight.dtype)
            return self.out(
                self.transformer(
                    self.source(src), self.target(tgt), tgt_mask=causal, src_key_padding_mask=src == 0,
                    tgt_key_padding_mask=p.t.zeros(tgt.shape, dtype=causal.dtype).masked_fill(tgt == 0, float("-inf")),
                    memory_key_padding_mask=src == 0,
                )
            )  # fmt: skip

    return Translator()


@both_precisions
def test_transformer(double: bool) -> None:
    random = np.random.default_rng(0)
    source, target = random.integers(1, 20, (STEPS, 5, 7)), random.integers(1, 20, (STEPS, 5, 9))
    source[:, ::2, 5:] = 0
    target[:, 1::2, 7:] = 0

    def train(p: Any, model: Any) -> list[float]:
        optimizer = p.optim.Adam(model.parameters(), lr=3e-3, betas=(0.9, 0.98), eps=1e-9)
        schedule = p.optim.lr_scheduler.LambdaLR(optimizer, lambda k: min((k + 1) ** -0.5, (k + 1) * 4**-1.5))
        losses = []
        for s, t in zip(source, target, strict=True):
            s, t = tensor(p, s), tensor(p, t)
            scores = model(s, t[:, :-1])
            loss = p.F.cross_entropy(scores.reshape(-1, 20), t[:, 1:].reshape(-1), ignore_index=0)
            optimizer.zero_grad()
            loss.backward()
            p.utils.clip_grad_value_(model.parameters(), 0.1)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        return losses

    compare(translator, train, double)
