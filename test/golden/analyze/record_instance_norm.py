"""Records PyTorch's float64 results and gradients of instance normalisation in instance-norm.json."""
import json
import pathlib

import torch

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def rounded(*shape: int) -> torch.Tensor:
    """Values that float32 holds exactly and JSON writes shortly."""
    return torch.round(torch.randn(*shape) * 64) / 64


def flat(t: torch.Tensor) -> dict:
    return {"shape": list(t.shape), "data": t.flatten().tolist()}


def case(call: str, shape: tuple, **settings) -> dict:
    """The gradients are those of the sum of the result times `factors`."""
    image = (rounded(*shape) + 0.5).requires_grad_()
    factors = rounded(*shape)
    norm = (torch.nn.InstanceNorm2d if len(shape) == 4 else torch.nn.InstanceNorm1d)(shape[1], **settings)
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter.copy_(rounded(shape[1]))
    result = norm(image)
    (result * factors).sum().backward()
    return {
        "call": call, "image": flat(image), "factors": flat(factors), "result": flat(result), "gradient": flat(image.grad),
        "parameters": {name: {"value": flat(p), "gradient": flat(p.grad)} for name, p in norm.named_parameters()},
    }


cases = [
    case("instance_norm", (2, 3, 4, 5)),
    case("instance_norm(eps=0.1)", (1, 4, 3, 3), eps=0.1),
    case("instance_norm(affine=true)", (2, 5, 3, 2), affine=True),
    case("instance_norm(affine=true)", (2, 2, 7), affine=True),
]
(pathlib.Path(__file__).parent / "instance-norm.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
