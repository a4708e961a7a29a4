"""Make the pictures of ``docs/pictures``: an MLP, a ResNet block, an LSTM over 8 steps and a 4-layer GPT.

    python docs/make_pictures.py [FOLDER]

Writes SVG with Graphviz (and PNG screenshots of the HTML page where a Chromium is found). Everything is seeded.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import autograd_core as ac
import nn
import nn.functional as F
from autograd_core import viz

HERE = Path(__file__).parent


class MLP(nn.Module):
    """Two layers and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(64, 128)
        self.fc2 = nn.Linear(128, 64)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.head(x)


class ResidualBlock(nn.Module):
    """Two convolutions and a way around them (He et al. 2015, figure 5, left)."""

    def __init__(self, channels: int = 16, out: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride=2, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Any) -> Any:
        h = F.relu(self.bn1(self.conv1(x)))
        h = self.bn2(self.conv2(h))
        return F.relu(h + self.shortcut(x))


class Cell(nn.Module):
    """One step of an LSTM, gate by gate."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.x = nn.Linear(inputs, 4 * hidden)
        self.h = nn.Linear(hidden, 4 * hidden, bias=False)

    def forward(self, x: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
        h, c = state
        i, f, g, o = (self.x(x) + self.h(h)).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class LSTM(nn.Module):
    """An LSTM over a sequence, with a classifier on its last state."""

    def __init__(self, inputs: int = 8, hidden: int = 16) -> None:
        super().__init__()
        self.cell = Cell(inputs, hidden)
        self.head = nn.Linear(hidden, 4)
        self.hidden = hidden

    def forward(self, xs: Any) -> Any:
        h = c = ac.zeros(xs.shape[1], self.hidden)
        for x in xs:
            h, c = self.cell(x, (h, c))
        return self.head(h)


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        b, t, w = x.shape
        q, k, v = (p.reshape(b, t, self.heads, w // self.heads).transpose(1, 2) for p in self.qkv(x).chunk(3, dim=-1))
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(a.transpose(1, 2).reshape(b, t, w))


class Block(nn.Module):
    """A transformer block with the norms first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    """A small GPT."""

    def __init__(self, vocabulary: int = 65, width: int = 64, heads: int = 4, depth: int = 4, length: int = 32) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, ids: Any) -> Any:
        x = self.tokens(ids) + self.places(ac.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def loss(self, ids: Any) -> Any:
        """Cross-entropy of each next token."""
        logits = self(ids[:, :-1])
        return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), ids[:, 1:].reshape(-1))


def record(title: str, step: Any, stats: bool = True) -> viz.Graph:
    """Record one training step."""
    with viz.record(stats=stats, title=title) as rec:
        step().backward()
    return rec.graph()


def graphs() -> dict[str, viz.Graph]:
    """The recorded steps, by the name of their picture."""
    ac.manual_seed(0)
    mlp, block, lstm, gpt = MLP(), ResidualBlock(), LSTM(), GPT()
    x, labels = ac.randn(32, 64), ac.randint(0, 10, (32,))
    image = ac.randn(8, 16, 16, 16)
    sequence, classes = ac.randn(8, 4, 8), ac.randint(0, 4, (4,))
    ids = ac.randint(0, 65, (4, 33))
    return {
        "mlp": record("An MLP: one training step", lambda: F.cross_entropy(mlp(x), labels)),
        "resnet-block": record("A ResNet block", lambda: block(image).square().mean()),
        "lstm": record("An LSTM over 8 steps", lambda: F.cross_entropy(lstm(sequence), classes)),
        "gpt": record("A GPT with 4 layers: one training step", lambda: gpt.loss(ids)),
    }


#: How each picture is drawn with Graphviz.
DRAWN: dict[str, dict[str, Any]] = {
    "mlp": {"show": "shapes,rules,time,bytes"},
    "resnet-block": {"show": "shapes"},
    "lstm": {"show": "shapes", "depth": 0, "parameters": False},
    "gpt": {"show": "shapes", "fold_repeats": True},
}


def screenshots(folder: Path, pages: dict[str, Path]) -> None:
    """Pictures of the HTML pages, taken in a headless Chromium."""
    from tests.viz.chromium import Chromium, program

    if program() is None:
        print("no Chromium program here: no screenshots of the pages")
        return
    scenes = {
        "gpt-page": (
            "gpt",
            False,
            "graphPage.select(graphPage.graph.nodes.find(n => n.op.includes('attention') || n.op === 'softmax'))",
        ),
        "gpt-page-backward": (
            "gpt",
            True,
            (
                "(() => { graphPage.setView('backward'); graphPage.setColour('grad'); const p ="
                " graphPage.graph.nodes.find(n => n.name === 'blocks.2.attention.qkv.weight'); graphPage.show(p);"
                " graphPage.highlight(p); })()"
            ),
        ),
        "lstm-page": ("lstm", False, "graphPage.setColour('forward')"),
    }
    for name, (which, dark, script) in scenes.items():
        with Chromium(1400, 900, dark=dark) as b:
            b.open(pages[which])
            b.settle()
            b.js(script)
            b.settle()
            b.screenshot(folder / f"{name}.png")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pages = {}
    for name, g in graphs().items():
        viz.dot(g, **DRAWN[name]).render(outfile=str(folder / f"{name}.svg"), cleanup=True)
        pages[name] = Path(viz.html(g, folder / f"{name}.html"))
        print(f"{name}: {len(g)} nodes")
    screenshots(folder, pages)
    for page in pages.values():
        page.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "pictures")
