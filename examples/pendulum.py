"""Shows: swinging a pendulum up with a weak motor, by gradients through the simulator (optimal control).
Source: Bryson and Ho, "Applied optimal control" (1969); the pendulum's equation of motion, integrated by semi-implicit Euler.
Result: upright to 3 degrees and at rest to 0.1 rad/s at the end, with a torque that could not even hold it level.
"""

from __future__ import annotations

import math

import numpy as np
from _common import canvas, run, save

import autograd_core as torch
import nn

RESULT = {
    "final angle from upright (degrees)": (0, 3.0), "final speed (rad/s)": (0, 0.1), "largest torque / torque to hold level": (0.1, 0.6),
    "gradient against differences": (0, 1e-6), "swings": (2, 20),
}  # fmt: skip
SMALL = RESULT | {"final angle from upright (degrees)": (0, 5.0), "final speed (rad/s)": (0, 0.3)}
GRAVITY, STEP, LIMIT = 9.81, 0.04, 5.0  # unit mass and length; holding it level would need 9.81 N m


def simulate(control: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor]:
    """Angles (0 = hanging) and speeds from rest, and the torque that was applied."""
    torque = LIMIT * control.tanh()
    angle = torch.zeros((), dtype=torch.float64)
    speed = torch.zeros((), dtype=torch.float64)
    angles, speeds = [angle], [speed]
    for u in torque.unbind():
        speed = speed + STEP * (u - GRAVITY * angle.sin() - 0.05 * speed)
        angle = angle + STEP * speed
        angles.append(angle)
        speeds.append(speed)
    return angles, speeds, torque


def cost(control: torch.Tensor) -> torch.Tensor:
    """Upright and at rest during the last steps, with little effort."""
    angles, speeds, torque = simulate(control)
    end, rate = torch.stack(angles[-8:]), torch.stack(speeds[-8:])
    return (1 + end.cos()).mean() + 0.05 * rate.square().mean() + 1e-4 * torque.square().mean()


def main(small: bool = False, out: str = "runs/pendulum") -> dict[str, float]:
    """Check the gradient through the simulator, then improve the plan with L-BFGS."""
    torch.manual_seed(0)
    steps = 120
    time = STEP * torch.arange(steps, dtype=torch.float64)
    control = (0.5 * (math.sqrt(GRAVITY) * 0.9 * time).sin()).requires_grad_()  # a first guess near the natural frequency
    (gradient,) = torch.autograd.grad(cost(control), control)
    gap = 0.0
    for i in (3, 60, 110):
        shift = torch.zeros(steps, dtype=torch.float64)
        shift[i] = 1e-5
        difference = (cost(control.detach() + shift) - cost(control.detach() - shift)).item() / 2e-5
        gap = max(gap, abs(difference - gradient[i].item()) / gradient.abs().max().item())

    optimizer = nn.optim.LBFGS([control], max_iter=20, history_size=20, line_search_fn="strong_wolfe")
    losses: list[float] = []

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = cost(control)
        loss.backward()
        losses.append(loss.item())
        return loss

    for _ in range(3 if small else 30):
        optimizer.step(closure)
    with torch.no_grad():
        angles, speeds, torque = simulate(control)
    angle, speed = torch.stack(angles).numpy(), torch.stack(speeds).numpy()
    off = abs((angle[-1] - math.pi + math.pi) % (2 * math.pi) - math.pi)

    figure, (left, middle, right) = canvas(1, 3, 10, 3)
    left.plot(np.arange(len(angle)) * STEP, np.degrees(angle), label="angle")
    for level in (-180, 180):
        left.axhline(level, color="k", ls=":", lw=0.7)
    left.set(xlabel="s", ylabel="degrees (180 = upright)", title="Swing-up")
    middle.step(time.numpy(), torque.numpy())
    middle.set(xlabel="s", ylabel="N m", ylim=(-1.1 * LIMIT, 1.1 * LIMIT), title="Planned torque (limit 5, level needs 9.81)")
    right.plot(np.degrees(angle), speed, ".-", ms=3)
    right.set(xlabel="degrees", ylabel="rad/s", title="Phase plane")
    save(figure, out)
    return {
        "final angle from upright (degrees)": math.degrees(off), "final speed (rad/s)": abs(float(speed[-1])),
        "largest torque / torque to hold level": torque.abs().max().item() / GRAVITY, "gradient against differences": gap,
        "swings": int((np.diff(np.sign(speed[1:])) != 0).sum()),
    }  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__, "pendulum", RESULT, SMALL)
