"""Shows: which pixels decide: saliency, integrated gradients, guided back-propagation, Grad-CAM, and a class's ideal digit.
Source: Simonyan (2014); Sundararajan, Taly and Yan (2017); Springenberg (2015); Selvaraju et al., "Grad-CAM" (2017).
Result: integrated gradients sum to the change of the logit within 2 %; Grad-CAM points at the right one of two digits, 90 % of the time.
"""

import math

from _common import accuracy, batches, canvas, digits, run, save, tiles

import autograd_core as torch
import nn
import nn.functional as F

RESULT = {
    "completeness: largest relative gap": (0, 0.02), "accuracy": (0.94, 1.0), "logit left, named / random pixels removed": (-2.0, 0.5),
    "confidence in the ideal digits": (0.99, 1.0), "Grad-CAM: points at the right digit of two": (0.9, 1.0),
    "Grad-CAM: empty maps": (0, 0), "Grad-CAM sums to the logit: largest gap": (0, 1e-4),
}  # fmt: skip
SMALL = RESULT | {"accuracy": (0.85, 1.0), "Grad-CAM: points at the right digit of two": (0.8, 1.0)}


def net() -> nn.Sequential:
    """Three convolutions, the mean of each map, one linear layer: what a map says is where its class is, in a picture of any size."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def pull(model: nn.Module, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Gradient of the true digit's logit with respect to the pixels."""
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(model(x).gather(1, label.unsqueeze(1)).sum(), x)[0]


def integrated(model: nn.Module, x: torch.Tensor, label: torch.Tensor, steps: int = 400) -> torch.Tensor:
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
    """The last maps weighed by their mean gradients, before the final ReLU."""
    maps = model[:7](x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model[7:](maps).gather(1, label.unsqueeze(1)).sum(), maps)
    return (maps * gradient.mean((2, 3), keepdim=True)).sum(1, keepdim=True).detach()


def ideal(model: nn.Module, steps: int) -> torch.Tensor:
    """Ten smooth images that maximise their class's log-probability, by gradient ascent on the pixels."""
    z = (0.1 * torch.randn(10, 1, 8, 8)).requires_grad_()
    optimizer = nn.optim.Adam([z], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        image = z.sigmoid()
        cost = image.mean() + image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean()  # ink and edges
        (F.cross_entropy(model(image), torch.arange(10)) + 0.2 * cost).backward()
        optimizer.step()
    return z.detach().sigmoid()


def main(small: bool = False, out: str = "runs/attribution") -> dict[str, float]:
    """Train, explain, remove pixels."""
    torch.manual_seed(0)
    x, y, t, labels = digits()
    model = net()
    optimizer, epochs = nn.optim.Adam(model.parameters(), lr=5e-3), 10 if small else 40
    schedule = nn.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * (len(x) // 64))
    for pick in batches(len(x), 64, epochs):
        optimizer.zero_grad()
        F.cross_entropy(model(x[pick]), y[pick]).backward()
        optimizer.step()
        schedule.step()
    model.requires_grad_(False)
    few, names = t[:100], labels[:100]
    found = integrated(model, few, names)
    rise = (model(few) - model(torch.zeros_like(few))).gather(1, names.unsqueeze(1))[:, 0]
    gap = ((found.flatten(1).sum(1) - rise).abs() / rise.abs().clamp(min=1.0)).max().item()
    orders = (found.flatten(1).argsort(1, descending=True), torch.rand(len(few), 64).argsort(1))
    hidden = (few.flatten(1).scatter(1, order[:, :8], 0.0).reshape(few.shape) for order in orders)
    left = [model(h).gather(1, names.unsqueeze(1)).mean().item() for h in hidden]
    best = ideal(model, 300)
    # Two digits side by side: asked for one of them, Grad-CAM must light up on its side (an unclassed map: half the time).
    one = (labels[:100] != labels[100:200]).nonzero()[:, 0]
    pair = torch.cat([t[one], torch.zeros(len(one), 1, 8, 4), t[one + 100]], 3)
    sides = [grad_cam(model, pair, labels[one + shift]) for shift in (0, 100)]
    left_map, right_map = (F.interpolate(side[:5].relu(), (8, 20), mode="bilinear") for side in sides)
    apart = left_map / left_map.amax((2, 3), keepdim=True) - right_map / right_map.amax((2, 3), keepdim=True)
    hits = [(side.amax((1, 2)).argmax(1) >= 5) == right for right, side in enumerate(sides)]
    whole = model(pair).gather(1, labels[one].unsqueeze(1))[:, 0] - model[-1].bias[labels[one]]
    show = torch.cat([(names == k).nonzero()[:1, 0] for k in range(10)])
    d, k = few[show], names[show]
    columns = {
        "digits": d, "saliency": pull(model, d, k).abs(), "integrated gradients": found[show], "guided": guided(model, d, k),
        "Grad-CAM": grad_cam(model, d, k).relu(), "ideal digits": best, "two digits": pair[:5], "asked: left, right": apart}  # fmt: skip
    figure, axes = canvas(1, 8, 13, 3.4)
    for ax, (name, images) in zip(axes, columns.items(), strict=True):
        images, signed = images / images.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-9), bool((images < 0).any())
        tiles(ax, images, len(images) // 5, name, cmap="RdBu_r" if signed else "gray_r", vmin=-1 if signed else 0, vmax=1)
    save(figure, out)
    return {
        "completeness: largest relative gap": gap, "accuracy": accuracy(model(t), labels),
        "logit left, named / random pixels removed": left[0] / left[1],
        "Grad-CAM: points at the right digit of two": torch.cat(hits).float().mean().item(),
        "Grad-CAM: empty maps": (grad_cam(model, few, names).amax((1, 2, 3)) <= 0).float().sum().item(),
        "Grad-CAM sums to the logit: largest gap": (sides[0].sum((1, 2, 3)) - whole).abs().max().item(),
        "confidence in the ideal digits": math.exp(-F.cross_entropy(model(best), torch.arange(10)).item()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "attribution", RESULT, SMALL)
