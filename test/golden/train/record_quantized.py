#!/usr/bin/env python3
"""Records in float64 a short run with fake quantization and straight-through gradients in PyTorch (quantized.json).

The network is Residual of ../../train/quantized-nets.cnn: weights are rounded by output with `max|w| / 127` of the
moment, values with fixed scales where int8 has them.
"""
import json
import math
import pathlib

import numpy
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(8)
steps = 6


def values(shape, low=-64, high=64):
    return torch.randint(low, high + 1, shape, generator=generator).to(torch.float64) / 37


def tensor(x):
    data = [int(v) if v == math.floor(v) and abs(v) < 2**53 else v for v in x.detach().flatten().tolist()]
    return {"shape": list(x.shape), "data": data}


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(context, x, scale, zero, low, high):
        steps = torch.round(x / scale) + zero
        context.save_for_backward((steps >= low) & (steps <= high))
        return (steps.clamp(low, high) - zero) * scale

    @staticmethod
    def backward(context, gradient):
        inside, = context.saved_tensors
        return gradient * inside, None, None, None, None


def affine(low, high):
    """TFLite's scheme, as quantizeAttrsOf has it."""
    low, high = min(0, low), max(0, high)
    scale = float(numpy.float32((high - low) / 255))
    return scale, min(max(math.floor(-128 - low / scale + 0.5), -128), 127)


# Some values lie outside, so that gradients stop there. No quotient is a tie that precision would decide: hence 1.7, and
# odd numerators of the weights.
ranges = {"image/input": [-1.5, 1.6], "conv1/out": [0, 2.5], "conv2/out": [0, 4], "/globalAveragePool": [0, 1.7], "fc/out": [-2, 2]}


def rounded(x, key):
    scale, zero = affine(*ranges[key])
    return StraightThrough.apply(x, scale, zero, -128, 127)


def weight(w):
    largest = w.detach().abs().amax(tuple(range(1, w.dim())), keepdim=True)
    return StraightThrough.apply(w, torch.where(largest > 0, largest / 127, torch.ones_like(largest)), 0, -127, 127)


def forward(p, x):
    x = rounded(x, "image/input")
    h = rounded(F.relu(F.conv2d(x, weight(p["conv1.weight"]), p["conv1.bias"], 2, 1)), "conv1/out")
    y = rounded(F.relu(F.conv2d(h, weight(p["conv2.weight"]), p["conv2.bias"], 1, 1) + h), "conv2/out")
    pooled = rounded(y.mean((2, 3)), "/globalAveragePool")
    return rounded(F.linear(pooled, weight(p["fc.weight"]), p["fc.bias"]), "fc/out")


shapes = {"conv1.weight": (4, 2, 3, 3), "conv1.bias": (4,), "conv2.weight": (4, 4, 3, 3), "conv2.bias": (4,),
          "fc.weight": (3, 4), "fc.bias": (3,)}
start = {n: values(s, -12, 12) + 1 / 74 for n, s in shapes.items()}
# A pruned output: its scale must not be zero.
start["conv2.weight"][1] = 0
images, classes = values((steps, 4, 2, 6, 6)), torch.randint(0, 3, (steps, 4), generator=generator)
named = {n: v.clone().requires_grad_() for n, v in start.items()}
optimizer = torch.optim.SGD(named.values(), lr=0.05, momentum=0.9)
losses = []
for s in range(steps):
    optimizer.zero_grad()
    loss = F.cross_entropy(forward(named, images[s]), classes[s])
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
(pathlib.Path(__file__).parent / "quantized.json").write_text(json.dumps({
    "ranges": ranges, "start": {n: tensor(v) for n, v in start.items()}, "images": tensor(images),
    "classes": tensor(classes.to(torch.float64)), "loss": losses, "final": {n: tensor(v) for n, v in named.items()},
}, separators=(",", ":")) + "\n")
print(torch.__version__, losses)
