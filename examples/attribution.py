"""Shows: which pixels decide: saliency, integrated gradients, guided back-propagation, Grad-CAM, and a class's ideal digit.
Source: Simonyan (2014); Sundararajan, Taly and Yan (2017); Springenberg (2015); Selvaraju et al., "Grad-CAM" (2017).
Result: integrated gradients sum to the change of the logit within 2 %; removing the pixels they name hurts more than random ones.
"""

import math

from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "completeness: largest relative gap": (0, 0.02), "accuracy": (0.94, 1.0), "logit left, named / random pixels removed": (-2.0, 0.8),
    "confidence in the ideal digits": (0.99, 1.0),
}  # fmt: skip
SMALL = RESULT | {"accuracy": (0.7, 1.0), "completeness: largest relative gap": (0, 0.03)}


def net() -> nn.Sequential:
    """Two convolutions (the maps of the second are what Grad-CAM weighs), then one linear layer."""
    first, second = nn.Conv2d(1, 12, 3, padding=1), nn.Conv2d(12, 24, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(384, 10))


def pull(model: nn.Module, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Gradient of the true digit's logit with respect to the pixels."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).gather(1, label.unsqueeze(1)).sum(), x)[0]


def integrated(model: nn.Module, x: torch.Tensor, label: torch.Tensor, steps: int = 128) -> torch.Tensor:
    """Mean gradient on the way from black to x (midpoint rule), times x."""
    return x * sum(pull(model, x * ((k + 0.5) / steps), label) for k in range(steps)) / steps


def guided(model: nn.Sequential, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Back-propagation in which every ReLU also drops negative gradients: a backward hook on the ReLUs."""
    hooks = [m.register_full_backward_hook(lambda m, gi, go: (gi[0].clamp(min=0),)) for m in model if isinstance(m, nn.ReLU)]
    out = pull(model, x, label)
    for hook in hooks:
        hook.remove()
    return out


def grad_cam(model: nn.Sequential, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """ReLU of the second layer's maps, weighed by their mean gradients."""
    maps = model[:4](x.clone().requires_grad_())
    maps.retain_grad()
    model[4:](maps).gather(1, label.unsqueeze(1)).sum().backward()
    return (maps * maps.grad.mean((2, 3), keepdim=True)).sum(1, keepdim=True).relu().detach()


def ideal(model: nn.Module, steps: int) -> torch.Tensor:
    """Ten images that maximise their class's log-probability, by gradient ascent on the pixels."""
    z = (0.1 * torch.randn(10, 1, 8, 8)).requires_grad_()
    optimizer = nn.optim.Adam([z], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (F.cross_entropy(model(z.sigmoid()), torch.arange(10)) + 1e-3 * z.square().mean()).backward()
        optimizer.step()
    return z.detach().sigmoid()


def main(small: bool = False, out: str = "runs/attribution") -> dict[str, float]:
    """Train, explain, remove pixels."""
    torch.manual_seed(0)
    x, y, t, labels = digits()
    model = net()
    optimizer = nn.optim.Adam(model.parameters(), lr=5e-3)
    for pick in batches(len(x), 64, 3 if small else 12):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
    model.requires_grad_(False)
    few, names = t[:100], labels[:100]
    found = integrated(model, few, names)
    logit = model(few).gather(1, names.unsqueeze(1))[:, 0]
    base = model(torch.zeros_like(few)).gather(1, names.unsqueeze(1))[:, 0]
    gap = ((found.flatten(1).sum(1) - (logit - base)).abs() / (logit - base).abs().clamp(min=1.0)).max().item()
    left = []
    for order in (found.flatten(1).argsort(1, descending=True), torch.rand(len(few), 64).argsort(1)):
        hidden = few.flatten(1).scatter(1, order[:, :8], 0.0).reshape(few.shape)
        left.append(model(hidden).gather(1, names.unsqueeze(1)).mean().item())
    best = ideal(model, 100 if small else 300)

    show = torch.cat([(names == k).nonzero()[:1, 0] for k in range(10)])
    d, k = few[show], names[show]
    columns = {
        "digits": d, "saliency": pull(model, d, k).abs(), "integrated gradients": found[show], "guided": guided(model, d, k),
        "Grad-CAM": grad_cam(model, d, k), "ideal digits": best,
    }  # fmt: skip
    figure, axes = canvas(1, 6, 11.5, 3.8)
    for ax, (name, images) in zip(axes, columns.items(), strict=True):
        images = images / images.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-9)
        signed = name in ("integrated gradients", "guided")
        tiles(ax, images, 2, name, cmap="RdBu_r" if signed else "gray_r", vmin=-1 if signed else 0, vmax=1)
    save(figure, out)
    return {
        "completeness: largest relative gap": gap, "accuracy": accuracy(model(t), labels),
        "logit left, named / random pixels removed": left[0] / left[1],
        "confidence in the ideal digits": math.exp(-F.cross_entropy(model(best), torch.arange(10)).item()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "attribution", RESULT, SMALL)
