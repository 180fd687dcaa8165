"""Records PyTorch's float64 result of tiny.cnn in tiny.json, written with torch.nn.functional alone."""
import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)


def rounded(*shape: int) -> torch.Tensor:
    """Values that float32 holds exactly and JSON writes shortly."""
    return torch.round(torch.randn(*shape) * 64) / 128


SHAPES = {
    "stem.weight": (6, 2, 3, 1), "stem.bias": (6,),
    "block.0.0.weight": (12, 2, 3, 3),
    "block.0.1.weight": (12,), "block.0.1.bias": (12,), "block.0.1.running_mean": (12,), "block.0.1.running_var": (12,),
    "block.1.weights.weight": (12, 12, 1, 1), "block.1.weights.bias": (12,),
    "block.2.0.weight": (6, 6, 3, 3),
    "block.2.1.weight": (6,), "block.2.1.bias": (6,), "block.2.1.running_mean": (6,), "block.2.1.running_var": (6,),
    "block.3.0.weight": (6, 3, 3, 3),
    "block.3.1.weight": (6,), "block.3.1.bias": (6,), "block.3.1.running_mean": (6,), "block.3.1.running_var": (6,),
    "reduce.weight": (4, 12, 1, 1), "reduce.bias": (4,),
    "head.weight": (4, 8), "head.bias": (4,),
}


def unit(p: dict, path: str, x: torch.Tensor, act, eps: float = 1e-5) -> torch.Tensor:
    y = F.conv2d(x, p[f"{path}.0.weight"], padding=1, groups=2)
    y = F.batch_norm(y, p[f"{path}.1.running_mean"], p[f"{path}.1.running_var"], p[f"{path}.1.weight"], p[f"{path}.1.bias"], eps=eps)
    return act(y)


def tiny(p: dict, image: torch.Tensor) -> torch.Tensor:
    stem = F.leaky_relu(F.conv2d(image, p["stem.weight"], p["stem.bias"], stride=(2, 1), padding=(2, 0), dilation=(2, 1)), 0.2)
    pooled = F.max_pool2d(stem, 2, ceil_mode=True)
    left, right = torch.split(pooled, [4, 2], dim=1)
    wide = unit(p, "block.0", left, F.silu, 0.001)
    gate = F.hardsigmoid(F.conv2d(F.adaptive_avg_pool2d(wide, 1), p["block.1.weights.weight"], p["block.1.weights.bias"]))
    wide = unit(p, "block.3", unit(p, "block.2", wide * gate, F.relu), F.relu)
    narrow = torch.tanh(F.pad(right, (0, 0, 0, 0, 1, 2)))
    joined = F.channel_shuffle(torch.cat([wide, narrow, pooled[:, 0:1]], dim=1), 3)
    mixed = joined * 0.5 - 1.5 + torch.amax(joined, (2, 3), keepdim=True)
    shrunk = F.avg_pool2d(mixed, 3, stride=2, padding=1, count_include_pad=False)
    pixels = F.pixel_shuffle(F.conv2d(F.pad(shrunk, (1, 0, 0, 1)), p["reduce.weight"], p["reduce.bias"]), 2)
    rows = torch.flatten(pixels.mean(2), 1)
    return F.softmax(F.linear(rows, p["head.weight"], p["head.bias"]), dim=1)


def flat(t: torch.Tensor) -> dict:
    return {"shape": list(t.shape), "data": t.flatten().tolist()}


def main() -> None:
    parameters = {name: rounded(*shape) for name, shape in SHAPES.items()}
    for name in parameters:
        if name.endswith("running_var"):
            parameters[name] = parameters[name].abs() + 0.25
    image = rounded(2, 2, 11, 9)
    record = {
        "source": f"torch {torch.__version__}",
        "image": flat(image),
        "parameters": {name: flat(value) for name, value in parameters.items()},
        "output": flat(tiny(parameters, image)),
    }
    pathlib.Path(__file__).with_name("tiny.json").write_text(json.dumps(record, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
