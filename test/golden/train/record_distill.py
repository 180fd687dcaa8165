#!/usr/bin/env python3
"""Records in float64 short PyTorch runs with a teacher, with hints and with masked weights (distill.json).

The networks are those of ../../train/distill-nets.cnn; first weights and images are multiples of 1/32. The teacher is
in evaluation mode; where its feature map has other channels than the student's, a 1x1 convolution learns to project.
"""
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(33)
steps = 6


def values(shape, low=-64, high=64):
    return torch.randint(low, high + 1, shape, generator=generator).to(torch.float64) / 32


def labels(shape, classes, left_out=()):
    drawn = torch.randint(0, classes + len(left_out), shape, generator=generator)
    for index, label in enumerate(left_out):
        drawn[drawn == classes + index] = label
    return drawn


def tensor(x):
    data = [int(v) if v == math.floor(v) and abs(v) < 2**53 else v for v in x.detach().flatten().tolist()]
    return {"shape": list(x.shape), "data": data}


class ClassNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(2, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, 6, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        first = self.bn1(self.conv1(x))
        second = self.bn2(self.conv2(F.relu(first)))
        self.features = {"bn1": first, "bn2": second}
        return self.fc(F.relu(second).mean((2, 3)))


class MaskNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.down = nn.Conv2d(2, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.head = nn.Conv2d(width, 3, 1)

    def forward(self, x):
        return self.head(F.relu(self.bn1(self.down(x))))


class ScoreNet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(2, width, 3, padding=1)
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(F.relu(self.conv1(x)).mean((2, 3)))


kinds = {"ClassNet": ClassNet, "MaskNet": MaskNet, "ScoreNet": ScoreNet}


def first_weights(net):
    state = {}
    for name, value in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        if name.endswith("running_var"):
            state[name] = values(value.shape, 16, 64)
        else:
            state[name] = values(value.shape, -24, 24)
            if name.startswith("bn") and name.endswith("weight"):
                state[name] += 1
    return state


images = values((steps, 4, 2, 6, 6))
classes = labels((steps, 4), 3)
some = labels((steps, 4), 3, [-1])
others = labels((steps, 4), 3, [-1])
bits = labels((steps, 4), 2)
pixels = labels((steps, 4, 6, 6), 3, [255])
lambdas = [0.25, 0.5, 0.875, 1.0, 0.0625, 0.75]
targets = {"classes": classes, "some": some, "others": others, "bits": bits, "pixels": pixels}
start = {kind: {"student": first_weights(make(4)), "teacher": first_weights(make(5))} for kind, make in kinds.items()}
projections = {"bn1": values((5, 4, 1, 1), -16, 16)}


def known(target, scores, ignore=None):
    mask = (target >= 0) & (target < max(2, scores.shape[1]))
    return mask if ignore is None else mask & (target != ignore)


def label_loss(scores, target):
    if scores.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(scores, target.unsqueeze(1).to(torch.float64))
    kept = torch.where(known(target, scores), target, -100)
    return F.cross_entropy(scores, kept) if known(target, scores).any() else scores.sum() * 0


def teacher_loss(scores, taught, target, temperature):
    counted = known(target, scores).to(torch.float64)
    if scores.shape[1] == 1:
        scores, taught = (torch.cat([z, torch.zeros_like(z)], 1) for z in (scores, taught))
    kl = F.kl_div(F.log_softmax(scores / temperature, 1), F.softmax(taught / temperature, 1), reduction="none").sum(1)
    return temperature**2 * (kl * counted).sum() / counted.sum()


def run(kind, optimizer, options, target, lr, other=None, teacher=None, masks=None):
    """`options` say the same to the reader as the rest does to PyTorch."""
    student = kinds[kind](4)
    student.load_state_dict(start[kind]["student"], strict=False)
    student.train()
    master = kinds[kind](5)
    master.load_state_dict(start[kind]["teacher"], strict=False)
    master.eval()
    hints = teacher["hints"] if teacher else []
    learned = {f"hints.{at}.weight": nn.Parameter(projections[h["student"]].clone())
               for at, h in enumerate(hints) if h["student"] in projections}
    masked = {n: p for n, p in student.named_parameters() if masks and n in masks}
    with torch.no_grad():
        for n, p in masked.items():
            p.mul_(masks[n])
    named = {**dict(student.named_parameters()), **learned}
    opt = optimizer(list(named.values()))
    recorded = {"loss": [], "labelLoss": [], "gradNorm": []}

    def losses(scores, taught, wanted):
        ours = label_loss(scores, wanted)
        if not teacher:
            return ours, ours
        theirs = teacher_loss(scores, taught, wanted, teacher["temperature"])
        return teacher["alpha"] * theirs + (1 - teacher["alpha"]) * ours, ours

    for s in range(steps):
        for group in opt.param_groups:
            group["lr"] = lr[s]
        opt.zero_grad()
        scores = student(images[s])
        with torch.no_grad():
            taught = master(images[s])
        total, ours = losses(scores, taught, targets[target][s])
        if other:
            total2, ours2 = losses(scores, taught, targets[other][s])
            total, ours = (lambdas[s] * a + (1 - lambdas[s]) * b for a, b in ((total, total2), (ours, ours2)))
        for at, hint in enumerate(hints):
            mine = student.features[hint["student"]]
            if f"hints.{at}.weight" in learned:
                mine = F.conv2d(mine, learned[f"hints.{at}.weight"])
            total = total + hint["weight"] * F.mse_loss(mine, master.features[hint["teacher"]])
        total.backward()
        for n, p in masked.items():
            p.grad.mul_(masks[n])
        recorded["gradNorm"].append(torch.sqrt(sum((p.grad**2).sum() for p in named.values())).item())
        opt.step()
        recorded["loss"].append(total.item())
        recorded["labelLoss"].append(ours.item())
    final = {n: tensor(v) for n, v in student.state_dict().items() if not n.endswith("num_batches_tracked")}
    return {"net": kind, "options": options, "teacher": teacher, "target": target, "other": other, "lr": lr, **recorded,
            "masks": {n: tensor(m) for n, m in (masks or {}).items()},
            "final": {**final, **{n: tensor(p) for n, p in learned.items()}}}


def sgd(momentum=0.9, weightDecay=0):
    options = {"optimizer": {"kind": "sgd", "momentum": momentum, "dampening": 0, "nesterov": False,
                             "weightDecay": weightDecay}}
    return (lambda p: torch.optim.SGD(p, lr=1, momentum=momentum, weight_decay=weightDecay)), options


def adamw(weightDecay=0.0):
    options = {"optimizer": {"kind": "adamw", "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weightDecay": weightDecay}}
    return (lambda p: torch.optim.AdamW(p, lr=1, weight_decay=weightDecay)), options


def taught(alpha, temperature, *hints):
    return {"alpha": alpha, "temperature": temperature,
            "hints": [{"student": a, "teacher": a, "weight": w} for a, w in hints]}


steady = [0.02] * steps
bce = {"loss": [{"kind": "bce", "factor": 1, "posWeight": 1}]}
pruned = {n: (values(v.shape).abs() > 0.9).to(torch.float64)
          for n, v in start["ClassNet"]["student"].items() if n in ("conv1.weight", "conv2.weight", "fc.weight")}
runs = {
    "scores": run("ClassNet", *sgd(), "classes", steady, teacher=taught(0.9, 4)),
    "scores alone": run("ClassNet", *adamw(), "some", steady, teacher=taught(1, 2)),
    "scores and features": run("ClassNet", *adamw(0.1), "classes", steady, teacher=taught(0.5, 3, ("bn1", 0.25), ("bn2", 2))),
    "mixed images, labels left out": run("ClassNet", sgd()[0], {**sgd()[1], "mixup": True}, "some", steady,
                                         other="others", teacher=taught(0.7, 4)),
    "pixels, ignoring a class": run("MaskNet", sgd()[0], {**sgd()[1], "ignore": 255}, "pixels", steady,
                                    teacher=taught(0.6, 2)),
    "one score": run("ScoreNet", sgd()[0], {**sgd()[1], **bce}, "bits", steady, teacher=taught(0.8, 5)),
    "masked weights": run("ClassNet", *sgd(weightDecay=0.05), "classes", steady, masks=pruned),
    "masked weights of adamw": run("ClassNet", *adamw(0.1), "classes", steady, masks=pruned),
}
(pathlib.Path(__file__).parent / "distill.json").write_text(json.dumps({
    "images": tensor(images), "targets": {n: tensor(t) for n, t in targets.items()}, "lambdas": lambdas,
    "start": {k: {r: {n: tensor(v) for n, v in s.items()} for r, s in roles.items()} for k, roles in start.items()},
    "projections": {n: tensor(p) for n, p in projections.items()}, "runs": runs,
}, separators=(",", ":")) + "\n")
print(torch.__version__, {n: (round(r["loss"][0], 4), round(r["loss"][-1], 4)) for n, r in runs.items()})
