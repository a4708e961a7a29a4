"""Shows: saddle points of a loss, found by minimising the squared gradient norm (double backward), and their index.
Source: Baldi and Hornik, "Neural networks and principal component analysis" (1989); Dauphin et al. (2014).
Result: at every point found, loss (to 1e-8) and index (number of negative Hessian eigenvalues) are the theorem's.
"""

from itertools import combinations

import numpy as np
from _common import canvas, digits, run, save

import autograd_core as torch
import nn

RESULT = {  # gradient descent at rate 0.5 settles only where the sharpness is below 2 / 0.5
    "critical points found": (8, 37), "largest index": (6, 16), "loss against the theorem": (0, 1e-8),
    "indices unlike the theorem's": (0, 0), "largest gradient at them": (0, 1e-8),
    "sharpness of the minimum": (0.1, 4), "loss on both sides of the saddle": (-1, -1e-3),
}  # fmt: skip
INPUTS, HIDDEN, SIZE = 8, 2, 32  # so many weights


def loss(weights: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Half the mean squared error of the linear autoencoder x -> B A x, for many weights (..., SIZE) at once."""
    a = weights[..., : SIZE // 2].reshape(-1, HIDDEN, INPUTS)
    b = weights[..., SIZE // 2 :].reshape(-1, INPUTS, HIDDEN)
    rest = torch.eye(INPUTS, dtype=torch.float64) - b @ a
    return 0.5 * ((rest @ sigma) * rest).sum((-1, -2))


def theorem(eigenvalues: np.ndarray) -> list[tuple[float, int]]:
    """Loss and index of all critical points: B A projects on any HIDDEN or fewer eigenvectors of the covariance."""
    out = []
    for kept in [c for rank in range(HIDDEN + 1) for c in combinations(range(INPUTS), rank)]:
        others = [j for j in range(INPUTS) if j not in kept]
        better = sum(int(eigenvalues[j] > eigenvalues[i]) for i in kept for j in others)  # ways down: turn i into j,
        idle = (HIDDEN - len(kept)) * len(others)  # or let an idle unit take up any j
        out.append((float(eigenvalues[others].sum()) / 2, better + idle))
    return out


def derivatives(weights: torch.Tensor, sigma: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients (N, SIZE) and Hessians (N, SIZE, SIZE) of N losses, one column of all Hessians at a time."""
    weights = weights.detach().requires_grad_()
    (g,) = torch.autograd.grad(loss(weights, sigma).sum(), weights, create_graph=True)
    units = torch.eye(SIZE, dtype=torch.float64).unsqueeze(1).expand(SIZE, *g.shape)
    columns = [torch.autograd.grad(g, weights, unit, retain_graph=True)[0] for unit in units]
    return g.detach(), torch.stack(columns, 2)


def search(sigma: torch.Tensor, starts: int, steps: int) -> torch.Tensor:
    """Critical points of any index: descend on |gradient|^2 / 2 by double backward, then Gauss-Newton steps on it."""
    weights = torch.randn(starts, SIZE, dtype=torch.float64) * torch.linspace(0.05, 1, starts)[:, None]
    optimizer = nn.optim.Adam([weights.requires_grad_()], lr=0.01)
    for _ in range(steps):
        (g,) = torch.autograd.grad(loss(weights, sigma).sum(), weights, create_graph=True)
        optimizer.zero_grad()
        (g.square().sum() / 2).backward()
        optimizer.step()
    point = weights.detach()
    for _ in range(25):
        g, h = derivatives(point, sigma)
        damping = (g.square().sum(1)[:, None, None] + 1e-14) * torch.eye(SIZE)
        point = point - torch.linalg.solve(h @ h + damping, h @ g[:, :, None])[:, :, 0]
    return point[derivatives(point, sigma)[0].norm(dim=1) < 1e-8]


def descend(weights: torch.Tensor, sigma: torch.Tensor, steps: int) -> tuple[torch.Tensor, list[float]]:
    """Gradient descent at rate 0.5: where it ends, and its losses."""
    losses = []
    for _ in range(steps):
        weights = weights.detach().requires_grad_()
        value = loss(weights, sigma).sum()
        weights = weights - 0.5 * torch.autograd.grad(value, weights)[0]
        losses.append(value.item())
    return weights.detach(), losses


def main(small: bool = False, out: str = "runs/saddle_points") -> dict[str, float]:
    """Search, compare with the theorem, look at one saddle, and watch gradient descent pass by saddles."""
    torch.manual_seed(0)
    sigma = digits()[0].squeeze(1).sum(2).double().T.cov()  # of the eight row sums
    sigma = sigma / sigma.trace()
    known = theorem(np.linalg.eigvalsh(sigma.numpy()))
    points = search(sigma, *((100, 100) if small else (1000, 300)))
    gradients, hessians = derivatives(points, sigma)
    values, vectors = torch.linalg.eigh(hessians)
    losses, indices = loss(points, sigma).numpy(), (values < -1e-5).sum(1).numpy()
    nearest = [min(known, key=lambda entry: abs(entry[0] - value)) for value in losses]
    pick = int(np.argmin(np.where(indices > 0, indices, SIZE)))  # a saddle with the fewest ways down
    saddle, down, up = points[pick], vectors[pick, :, 0], vectors[pick, :, -1]
    below = [descend(saddle + sign * 0.01 * down, sigma, 1000)[1][-1] - losses[pick] for sign in (-1, 1)]
    end, path = descend(1e-8 * torch.randn(SIZE, dtype=torch.float64), sigma, 300)
    sharpness = torch.linalg.eigvalsh(derivatives(end[None], sigma)[1]).max().item()
    figure, (left, middle, right) = canvas(1, 3, 10.5, 3.4)
    left.plot(*zip(*known, strict=True), "o", ms=9, mfc="none", color="C7")
    left.plot(losses, indices, ".", color="C3")
    left.set(xlabel="loss", ylabel="index", title=f"Critical points: {len(set(nearest))} of {len(known)} found")
    side = torch.linspace(-1, 1, 41, dtype=torch.float64)
    plane = saddle + 1.5 * side[None, :, None] * down + 0.4 * side[:, None, None] * up
    surface = (loss(plane.reshape(-1, SIZE), sigma).reshape(41, 41) - losses[pick]).clamp(-0.06, 0.06)
    middle.contourf(1.5 * side.numpy(), 0.4 * side.numpy(), surface.numpy(), 20, cmap="coolwarm")
    middle.plot(0, 0, "k+")
    middle.set(xlabel="most negative curvature", ylabel="most positive", title=f"A saddle of index {indices[pick]}")
    right.plot(path, "k")
    for level, index in (known[0], known[INPUTS], known[-1]):
        right.axhline(level, color="C7", ls=":")
        right.text(300, level, f"index {index}", ha="right", va="bottom")
    right.set(xlabel="step", ylabel="loss", title="Gradient descent from 1e-8", ylim=(0.19, 0.53))
    save(figure, out)
    return {
        "critical points found": len(set(nearest)), "largest index": int(indices.max()),
        "loss against the theorem": np.abs(losses - [level for level, _ in nearest]).max(),
        "indices unlike the theorem's": (indices != [index for _, index in nearest]).sum(),
        "largest gradient at them": gradients.norm(dim=1).max().item(),
        "sharpness of the minimum": sharpness, "loss on both sides of the saddle": max(below),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "saddle_points", RESULT)
