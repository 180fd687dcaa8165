#!/usr/bin/env python3
"""Records what PyTorch's fake quantization gives and what its straight-through gradients are (fake-quantize.json)."""
import json
import pathlib

import torch

generator = torch.Generator().manual_seed(5)


def values(shape, low, high):
    """Thirds over powers of two: their quotients by the scales below are never near a tie."""
    return torch.randint(low, high, shape, generator=generator).to(torch.float32) / 3 / 64


def tensor(x):
    return {"shape": list(x.shape), "data": x.detach().flatten().tolist()}


def case(name, x, scale, zero, low, high, axis=None):
    leaf = x.clone().requires_grad_()
    if axis is None:
        y = torch.fake_quantize_per_tensor_affine(leaf, scale, zero, low, high)
        scale, zero = torch.full([1] * x.dim(), scale), torch.full([1] * x.dim(), float(zero))
    else:
        y = torch.fake_quantize_per_channel_affine(leaf, scale, zero, axis, low, high)
        shape = [-1 if at == axis else 1 for at in range(x.dim())]
        scale, zero = scale.reshape(shape), zero.to(torch.float32).reshape(shape)
    factors = values(x.shape, -64, 64)
    (y * factors).sum().backward()
    return {"name": name, "attrs": {"min": low, "max": high},
            "inputs": [tensor(x), tensor(scale), tensor(zero)], "output": tensor(y),
            "factors": tensor(factors), "gradient": tensor(leaf.grad)}


def zeros(*points):
    return torch.tensor(points, dtype=torch.int32)


cases = [
    case("tensor", values((2, 3, 3, 4), -500, 500), 0.015625, 0, -128, 127),
    case("tensor, saturating", values((2, 3, 3, 4), -500, 500), 0.015625, 100, -128, 127),
    case("tensor, after a rectifier", values((1, 5, 4, 4), 0, 1000), 0.015625, -128, -128, 127),
    case("weight by output", values((4, 2, 3, 3), -500, 500), torch.tensor([0.03125, 0.015625, 0.0078125, 0.25]),
         zeros(0, 0, 0, 0), -127, 127, 0),
    case("by channel", values((2, 3, 2, 5), -500, 500), torch.tensor([0.015625, 0.0078125, 0.125]),
         zeros(3, -20, 0), -128, 127, 1),
    case("matrix by output", values((3, 7), -500, 500), torch.tensor([0.015625, 0.0078125, 0.125]),
         zeros(0, 0, 0), -127, 127, 0),
]
folder = pathlib.Path(__file__).parent
(folder / "fake-quantize.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
print(torch.__version__, {c["name"]: (sum(v == 0 for v in c["gradient"]["data"]), len(c["gradient"]["data"])) for c in cases})
