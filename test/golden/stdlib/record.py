"""Records what the standard library is compared with: torchvision's state_dict names and shapes, parameters and MACs.

Run with a Python that has torch and torchvision; writes <network>.json beside this file. MACs count convolutions and
linear layers of one 224x224 image, as torchvision's own figures (`_ops` of the weights' metadata) do.
"""
import json
import pathlib

import torch
import torchvision

NETWORKS = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
    "shufflenet_v2_x1_0", "shufflenet_v2_x0_5", "squeezenet1_0", "squeezenet1_1",
]


def count_macs(model: torch.nn.Module, size: int = 224) -> int:
    total = 0

    def hook(module: torch.nn.Module, _inputs, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, torch.nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Linear):
            total += output.numel() * module.in_features

    for module in model.modules():
        module.register_forward_hook(hook)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    return total


def main() -> None:
    folder = pathlib.Path(__file__).parent
    for name in NETWORKS:
        model = getattr(torchvision.models, name)(weights=None)
        record = {
            "source": f"torchvision {torchvision.__version__} {name}",
            "parameters": sum(p.numel() for p in model.parameters()),
            "macs": count_macs(model),
            "state_dict": {key: list(value.shape) for key, value in model.state_dict().items()},
        }
        text = json.dumps(record, separators=(",", ":")).replace('"],"', '"],\n"')
        (folder / f"{name}.json").write_text(text + "\n")
        print(name, record["parameters"], record["macs"], len(record["state_dict"]))


if __name__ == "__main__":
    main()
