#!/usr/bin/env python3
"""Records in float64 the learning rates of PyTorch's schedules that fall on a line or a power of it, alone and behind a
linear warm-up (schedules.json): of 40 steps, at a base rate of 0.1."""
import json
import pathlib
import warnings

import torch
from torch.optim.lr_scheduler import LinearLR, PolynomialLR, SequentialLR

warnings.filterwarnings("ignore")
here = pathlib.Path(__file__).parent
steps, base = 40, 0.1


def curve(make):
    parameter = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = torch.optim.SGD([parameter], lr=base)
    schedule = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def behind_warmup(make):
    return lambda o: SequentialLR(o, [LinearLR(o, 0.1, 1, 10), make(o)], milestones=[10])


curves = {
    "linear": curve(lambda o: LinearLR(o, total_iters=30)),
    "linear falling": curve(lambda o: LinearLR(o, 1, 0, 25)),
    "linear behind a warm-up": curve(behind_warmup(lambda o: LinearLR(o, 1, 0.25, 20))),
    "polynomial behind a warm-up": curve(behind_warmup(lambda o: PolynomialLR(o, 20, 2))),
}
(here / "schedules.json").write_text(json.dumps({"base": base, "curves": curves}, separators=(",", ":")) + "\n")
print(torch.__version__, {name: rates[-1] for name, rates in curves.items()})
