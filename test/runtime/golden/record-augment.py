"""Records what torchvision does with small PIL pictures: python3 record-augment.py > augment.json"""
import base64
import json
import sys

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F


def picture(width, height, channels):
    """Values from a formula that pictures.ts repeats: a pseudo-random byte for each position."""
    data = bytearray()
    state = width * 31 + height * 17 + channels
    for _ in range(width * height * channels):
        state = (state * 1103515245 + 12345) % 2**31
        data.append(state >> 16 & 0xFF)
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), bytes(data))


def encode(image):
    return base64.b64encode(image.tobytes()).decode()


colours = []
for kind in ["brightness", "contrast", "saturation"]:
    for factor in [0.0, 0.3, 0.85, 1.0, 1.2, 1.9]:
        for channels in [1, 3]:
            changed = getattr(F, f"adjust_{kind}")(picture(7, 5, channels), factor)
            colours.append({"kind": kind, "factor": factor, "from": [7, 5, channels], "data": encode(changed)})

rotations = []
for width, height, channels in [(9, 9, 3), (12, 7, 3), (16, 16, 1)]:
    for angle in [-180.0, -97.5, -90.0, -33.25, -1.0, 0.0, 7.5, 45.0, 90.0, 123.456, 180.0]:
        turned = F.rotate(picture(width, height, channels), angle)
        rotations.append({"from": [width, height, channels], "angle": angle, "data": encode(turned)})

crops = []
for width, height, window, size in [(20, 14, (2, 3, 9, 12), 8), (20, 14, (0, 0, 14, 20), 24), (9, 9, (4, 1, 3, 7), 5)]:
    image, mask = picture(width, height, 3), picture(width, height, 1)
    top, left, h, w = window
    crops.append({"from": [width, height], "window": window, "size": size,
                  "picture": encode(F.resized_crop(image, *window, [size, size], InterpolationMode.BILINEAR)),
                  "mask": encode(F.resized_crop(mask, *window, [size, size], InterpolationMode.NEAREST))})

padded = []
for top, left, size, pad in [(0, 0, 6, 2), (3, 1, 6, 2), (4, 4, 6, 2), (1, 0, 5, 0)]:
    image = F.crop(F.pad(picture(6, 6, 3), pad), top, left, size, size)
    padded.append({"top": top, "left": left, "size": size, "pad": pad, "data": encode(image)})


class Drawn:
    """Stands for torch's generator: every draw takes the next fraction of a list."""

    def __init__(self, fractions):
        self.fractions = list(fractions)

    def next(self):
        return self.fractions.pop(0)


def parameters(width, height, scale, ratio, fractions):
    """Window of RandomResizedCrop when the generator gives these fractions; how many it used."""
    drawn = Drawn(fractions)
    uniform, randint = torch.Tensor.uniform_, torch.randint
    torch.Tensor.uniform_ = lambda tensor, low=0.0, high=1.0: tensor.fill_(float(low) + drawn.next() * (float(high) - float(low)))
    torch.randint = lambda low, high, size: torch.full(size, int(low + drawn.next() * (high - low)))
    try:
        window = transforms.RandomResizedCrop.get_params(Image.new("L", (width, height)), list(scale), list(ratio))
    finally:
        torch.Tensor.uniform_, torch.randint = uniform, randint
    return list(window), len(fractions) - len(drawn.fractions)


windows = []
state = 7
for width, height, scale, ratio in [
    (32, 32, (0.08, 1.0), (0.75, 4 / 3)), (240, 180, (0.08, 1.0), (0.75, 4 / 3)), (37, 91, (0.5, 1.0), (0.75, 4 / 3)),
    (100, 10, (0.9, 1.0), (0.75, 4 / 3)), (10, 100, (0.9, 1.0), (0.75, 4 / 3)), (50, 50, (0.01, 0.2), (0.25, 4.0)),
]:
    for _ in range(4):
        fractions = []
        for _ in range(40):
            state = (state * 1103515245 + 12345) % 2**31
            fractions.append((state >> 11) / 2**20)
        window, used = parameters(width, height, scale, ratio, fractions)
        windows.append({"from": [width, height], "scale": scale, "ratio": ratio, "fractions": fractions[:used], "window": window})

versions = {"pillow": PIL.__version__, "torchvision": torchvision.__version__}
json.dump({**versions, "colours": colours, "rotations": rotations, "crops": crops, "padded": padded, "windows": windows}, sys.stdout, indent=1)
print()
