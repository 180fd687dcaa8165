"""Records what the standard library is compared with: state_dict names and shapes, parameters and MACs.

Run with a Python that has torch and torchvision; writes <network>.json beside this file. Networks that torchvision
lacks are written down here from their papers. MACs count convolutions and linear layers of one image, as torchvision's
own figures (`_ops` of the weights' metadata) do; a transposed convolution counts each input cell and tap.
"""
import json
import pathlib

import numpy as np
import torch
import torchvision

NETWORKS = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152",
    "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
    "shufflenet_v2_x1_0", "shufflenet_v2_x0_5", "squeezenet1_0", "squeezenet1_1", "efficientnet_b0",
]

nn = torch.nn


def double_conv(channels: int, out: int) -> nn.Sequential:
    def layers(c):
        return [nn.Conv2d(c, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]

    return nn.Sequential(*layers(channels), *layers(out))


class UNet(nn.Module):
    """Ronneberger et al. 2015, with batch normalisation and padding."""

    def __init__(self, classes: int = 21, base: int = 32):
        super().__init__()
        widths = [base * 2**level for level in range(5)]
        for level, (channels, out) in enumerate(zip([3, *widths], widths), 1):
            self.add_module(f"e{level}", double_conv(channels, out))
        for level in (4, 3, 2, 1):
            out = widths[level - 1]
            up = {"grow": nn.ConvTranspose2d(2 * out, out, 2, 2), "fuse": double_conv(2 * out, out)}
            self.add_module(f"d{level}", nn.ModuleDict(up))
        self.head = nn.Conv2d(base, classes, 1)

    def forward(self, x):
        skips = [self.e1(x)]
        for level in (2, 3, 4, 5):
            skips.append(getattr(self, f"e{level}")(nn.functional.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for level in (4, 3, 2, 1):
            up = getattr(self, f"d{level}")
            x = up["fuse"](torch.cat([up["grow"](x), skips.pop()], 1))
        return self.head(x)


class LeNet5(nn.Module):
    """LeCun et al. 1998, with every map connected and a linear output layer."""

    def __init__(self, classes: int = 10):
        super().__init__()
        conv1, conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.features = nn.Sequential(conv1, nn.Tanh(), nn.AvgPool2d(2), conv2, nn.Tanh(), nn.AvgPool2d(2))
        fc = [nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)]
        self.classifier = nn.Sequential(fc[0], nn.Tanh(), fc[1], nn.Tanh(), fc[2])

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=0.001)


class Named(nn.Sequential):
    """A chain of layers under given names."""

    def __init__(self, **layers: nn.Module):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


def bare(channels: int, out: int, k: int = 1, stride: int = 1, dilation: int = 1) -> Named:
    pad = dilation * (k // 2)
    return Named(conv=nn.Conv2d(channels, out, k, stride, pad, dilation, bias=False))


def norm_act(channels: int) -> Named:
    return Named(bn=norm(channels), act=nn.PReLU(channels))


def conv_norm_act(channels: int, out: int, k: int, stride: int = 1) -> Named:
    return Named(conv=bare(channels, out, k, stride).conv, bn=norm(out), act=nn.PReLU(out))


class Pyramid(nn.Module):
    """Mehta et al. 2018, figure 1b and 3: reduce, dilate, add up, join."""

    def __init__(self, channels: int, out: int, k: int = 1, stride: int = 1, skip: bool = False, **behind: nn.Module):
        super().__init__()
        n = out // 5
        self.c1 = bare(channels, n, k, stride)
        self.d1 = bare(n, out - 4 * n, 3)
        for dilation in (2, 4, 8, 16):
            self.add_module(f"d{dilation}", bare(n, n, 3, dilation=dilation))
        for name, layer in behind.items():
            self.add_module(name, layer)
        self.skip, self.behind = skip, list(behind)

    def forward(self, x):
        reduced = self.c1(x)
        parts = [self.d1(reduced), self.d2(reduced)]
        for dilation in (4, 8, 16):
            parts.append(parts[-1] + getattr(self, f"d{dilation}")(reduced))
        y = torch.cat(parts, 1)
        y = x + y if self.skip else y
        for name in self.behind:
            y = getattr(self, name)(y)
        return y


class ESPNetEncoder(nn.Module):
    def __init__(self, classes: int, p: int, q: int):
        super().__init__()
        self.level1 = conv_norm_act(3, 16, 3, 2)
        self.b1 = norm_act(19)
        self.level2_0 = Pyramid(19, 64, 3, 2, bn=norm(64), act=nn.PReLU(64))
        self.level2 = nn.Sequential(*(Pyramid(64, 64, skip=True, bn=norm_act(64)) for _ in range(p)))
        self.b2 = norm_act(131)
        self.level3_0 = Pyramid(131, 128, 3, 2, bn=norm(128), act=nn.PReLU(128))
        self.level3 = nn.Sequential(*(Pyramid(128, 128, skip=True, bn=norm_act(128)) for _ in range(q)))
        self.b3 = norm_act(256)
        self.classifier = bare(256, classes)

    def forward(self, image):
        half = nn.functional.avg_pool2d(image, 3, 2, 1)
        first = self.level1(image)
        at2 = self.b1(torch.cat([first, half], 1))
        down = self.level2_0(at2)
        at4 = self.b2(torch.cat([self.level2(down), down, nn.functional.avg_pool2d(half, 3, 2, 1)], 1))
        down = self.level3_0(at4)
        return first, at2, at4, self.classifier(self.b3(torch.cat([down, self.level3(down)], 1)))


class ESPNet(nn.Module):
    """Mehta et al. 2018, figure 4d; the authors' weights for CamVid join the smaller image as well."""

    def __init__(self, classes: int = 20, p: int = 2, q: int = 8, join_image: bool = False):
        super().__init__()

        def up() -> nn.ConvTranspose2d:
            return nn.ConvTranspose2d(classes, classes, 2, 2, bias=False)

        self.encoder = ESPNetEncoder(classes, p, q)
        self.level3_C = bare(131, classes)
        self.br = norm(classes)
        self.join_image = join_image
        self.conv = conv_norm_act((19 if join_image else 16) + classes, classes, 3)
        self.up_l3 = nn.Sequential(up())
        pyramid = Pyramid(2 * classes, classes, bn=norm_act(classes))
        self.combine_l2_l3 = nn.Sequential(norm_act(2 * classes), pyramid)
        self.up_l2 = nn.Sequential(up(), norm_act(classes))
        self.classifier = up()

    def forward(self, image):
        first, at2, at4, at8 = self.encoder(image)
        joined = torch.cat([self.level3_C(at4), self.up_l3(self.br(at8))], 1)
        skip = at2 if self.join_image else first
        return self.classifier(self.conv(torch.cat([self.up_l2(self.combine_l2_l3(joined)), skip], 1)))


def inception_v3() -> nn.Module:
    return torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)


def drawn(count: int, stream: int) -> np.ndarray:
    """Numbers in [0, 1) that test/stdlib/drawn.ts draws alike."""
    index = np.arange(count, dtype=np.uint64) * np.uint64(7919) + np.uint64(stream * 10007 + 17)
    return (index * np.uint64(2654435761) % np.uint64(2**32)).astype(np.float64) / 2**32


def fill(model: nn.Module) -> None:
    """Every parameter and running statistic from its place in the sorted list of names."""
    state = {key: value for key, value in sorted(model.state_dict().items()) if value.is_floating_point()}
    for stream, (key, value) in enumerate(state.items()):
        u = drawn(value.numel(), stream)
        if value.dim() > 1:
            u = (2 * u - 1) * (6 / value[0].numel()) ** 0.5
        elif key.endswith("weight") or key.endswith("running_var"):
            u = 0.5 + u
        else:
            u = 0.2 * u - 0.1
        value.copy_(torch.from_numpy(u).reshape(value.shape))


def forward(model: nn.Module, shape) -> dict:
    """Up to 60 values, evenly spread, of the result for an image drawn from stream 9999, in float64."""
    model = model.double().eval()
    fill(model)
    image = torch.from_numpy(2 * drawn(int(np.prod(shape)), 9999) - 1).reshape(1, *shape)
    with torch.no_grad():
        result = model(image)
    step = max(1, result.numel() // 60)
    return {"image": list(shape), "shape": list(result.shape), "step": step, "values": result.flatten()[::step].tolist()}


# Images on which whole networks are compared.
SMALL = {
    "efficientnet_b0": (3, 64, 64),
    "inception_v3": (3, 75, 75),
    "unet": (3, 32, 48),
    "lenet5": (1, 28, 28),
    "espnet": (3, 32, 48),
    "espnet_camvid": (3, 32, 48),
}

# Heights and widths of other images, even and odd ones, which torchvision's networks take as well.
OTHER_SIZES = [(96, 160), (131, 107)]

# Source, model, shape of the image.
OTHERS = {
    "inception_v3": (
        f"torchvision {torchvision.__version__} inception_v3 without aux_logits",
        inception_v3,
        (3, 299, 299),
    ),
    "unet": ("Ronneberger et al. 2015, as in record.py", UNet, (3, 64, 64)),
    "lenet5": ("LeCun et al. 1998, as in record.py", LeNet5, (1, 28, 28)),
    "espnet": ("Mehta et al. 2018, as in record.py", ESPNet, (3, 64, 64)),
    "espnet_camvid": ("Mehta et al. 2018, as in record.py", lambda: ESPNet(join_image=True), (3, 64, 64)),
}


def count_macs(model: torch.nn.Module, shape) -> int:
    total = 0

    def hook(module: torch.nn.Module, inputs, output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, torch.nn.ConvTranspose2d):
            total += inputs[0].numel() * module.weight[0].numel()
        if isinstance(module, torch.nn.Conv2d):
            total += output.numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Linear):
            total += output.numel() * module.in_features

    for module in model.modules():
        module.register_forward_hook(hook)
    with torch.no_grad():
        model.eval()(torch.zeros(1, *shape))
    return total


def main() -> None:
    folder = pathlib.Path(__file__).parent
    networks = dict(OTHERS)
    for name in NETWORKS:
        make = getattr(torchvision.models, name)
        networks[name] = (f"torchvision {torchvision.__version__} {name}", lambda make=make: make(weights=None), (3, 224, 224))
    for name, (source, make, shape) in networks.items():
        model = make()
        record = {
            "source": source,
            "parameters": sum(p.numel() for p in model.parameters()),
            "macs": count_macs(model, shape),
            "state_dict": {key: list(value.shape) for key, value in model.state_dict().items()},
        }
        if name in NETWORKS or name == "inception_v3":
            record["others"] = [[h, w, count_macs(make(), (3, h, w))] for h, w in OTHER_SIZES]
        if name in SMALL:
            record["forward"] = forward(model, SMALL[name])
        text = json.dumps(record, separators=(",", ":")).replace('"],"', '"],\n"')
        (folder / f"{name}.json").write_text(text + "\n")
        print(name, record["parameters"], record["macs"], len(record["state_dict"]))


if __name__ == "__main__":
    main()
