"""Build the gallery: the pictures and README.md from what the programs left in runs/.

    python examples/gallery.py              # collect what runs/ holds
    python examples/gallery.py --run        # run every program in its long form first (fails if a result is not reached)
    python examples/gallery.py --run xor    # only these
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
CHAPTERS = {
    "First steps": "perceptron xor chain_rule digits_cnn",
    "Optimisation": "optimisers schedules deep_nets regularisation",
    "The error surface": "loss_landscape saddle_points hessian_spectrum",
    "Architectures": "lenet resnet unet detection rnn_memory char_rnn seq2seq addition char_gpt transformer_encoder "
    "graph_convolution mixture_of_experts",
    "Unsupervised and generative": "autoencoder vae gan normalizing_flow diffusion diffusion_digits simclr word2vec",
    "Reinforcement learning": "policy_gradient ppo dqn sarsa",
    "Second order, meta-learning and search": "maml hypergradient hyper_search implicit_layer",
    "Bayesian": "uncertainty hmc mixture_density gaussian_process",
    "Differentiable programming": "neural_ode pinn_burgers pendulum inverse_problem",
    "Looking inside": "attribution lrp adversarial",
    "Training under constraints": "dp_sgd federated fairness continual compression transfer_learning domain_adaptation",
    "Everyday tasks": "sentiment recommender forecasting sound super_resolution translation drift",
    "Bridges": "torch_checkpoint scipy_bridge sklearn_bridge",
}


def entry(name: str, figures: dict[str, float]) -> list[str]:
    """Picture, what it shows, source, result, reached figures."""
    doc = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))) or ""
    shows, source, result = (line.split(": ", 1)[1] for line in doc.splitlines()[:3])
    reached = "; ".join(f"{key} {value:.3g}" for key, value in figures.items() if key != "seconds")
    return [
        f"### [{name}.py]({name}.py)\n", f"{shows[0].upper()}{shows[1:]}\n", f"![{name}](pictures/{name}.png)\n",
        f"*Result*: {result}  \n*Reached*: {reached}; in {figures['seconds']:.0f} s.  \n*Source*: {source}\n",
    ]  # fmt: skip


def main() -> None:
    """Run if asked, collect, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", nargs="*", metavar="NAME", help="run these programs first (none named: all)")
    parser.add_argument("--runs", default="runs", help="folder that holds the programs' results (default: %(default)s)")
    args = parser.parse_args()
    known = {path.stem for path in FOLDER.glob("*.py")} - {"_common", "__init__", "gallery", "digits_cnn"}
    for name in sorted(known) if args.run == [] else args.run or []:
        subprocess.run([sys.executable, str(FOLDER / f"{name}.py"), "--out", f"{args.runs}/{name}"], check=True)

    text = [
        "# Examples\n",
        "Every program is at most 120 lines, runs offline on two CPU cores, and fails if it does not reach its stated result. "
        "The tests run each in a small form (`--small`). `python examples/NAME.py` writes its picture to `runs/NAME/`; "
        "`python examples/gallery.py --run` rebuilds this page. Times are wall-clock on two shared cores.\n",
    ]
    missing = sorted(known - set(" ".join(CHAPTERS.values()).split()))
    for chapter, names in {**CHAPTERS, "More": " ".join(missing)}.items():
        here = [name for name in names.split() if name in known or (name == "digits_cnn" and (FOLDER / "digits_cnn.py").exists())]
        if here:
            text.append(f"## {chapter}\n")
        for name in here:
            left = Path(args.runs) / name
            if name == "digits_cnn":
                text.append("### [digits_cnn.py](digits_cnn.py)\n\nA convolution net learns handwritten digits; checkpoints, resuming.\n")
                continue
            if (left / "picture.png").exists() and (left / "figures.json").exists():
                shutil.copy(left / "picture.png", FOLDER / "pictures" / f"{name}.png")
                text += entry(name, json.loads((left / "figures.json").read_text(encoding="utf-8")))
            else:
                sys.exit(f"{name}: nothing in {left}; run it first (--run {name})")
    (FOLDER / "README.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
