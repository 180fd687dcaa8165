#!/usr/bin/env python3
"""Records in float64 what PyTorch computes for losses (losses.json) and for short training runs (runs.json).

The networks are ClassNet and MaskNet of ../../train/golden-nets.cnn. Inputs and first weights are multiples of 1/32,
so that they print short. Where PyTorch 1.13 has no such thing (lion, dice, averages of weights), the formula of its
paper or documentation stands here in a few lines.
"""
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(21)
here = pathlib.Path(__file__).parent


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


# ---- losses ----

def known(target, classes, ignore=None):
    mask = (target >= 0) & (target < classes)
    return mask if ignore is None else mask & (target != ignore)


def one_hot(target, classes):
    inside = known(target, classes)
    hot = F.one_hot(target.clamp(0, classes - 1), classes).to(torch.float64) * inside.unsqueeze(-1)
    return hot.movedim(-1, 1)


def dice(scores, target, smooth=1.0, ignore=None):
    """MONAI's DiceLoss with softmax, by sample and class, and a mask of what counts."""
    if scores.shape[1] == 1:
        p, y, classes = torch.sigmoid(scores), target.unsqueeze(1).to(torch.float64), 2
    else:
        p, y, classes = torch.softmax(scores, 1), one_hot(target, scores.shape[1]), scores.shape[1]
    counted = known(target, classes, ignore).unsqueeze(1).to(torch.float64)
    axes = tuple(range(2, scores.dim()))
    total = (lambda x: x.sum(axes)) if axes else (lambda x: x)
    ratio = (2 * total(p * y * counted) + smooth) / (total(p * counted) + total(y * counted) + smooth)
    return (1 - ratio).mean()


def elements(function):
    """A loss on one-hot targets, the mean over the elements of what counts."""
    def loss(scores, target):
        classes = scores.shape[1]
        expected = target.unsqueeze(1).to(torch.float64) if classes == 1 else one_hot(target, classes)
        mask = known(target, max(2, classes)).unsqueeze(1).expand_as(scores)
        return function(scores[mask], expected[mask])
    return loss


def loss_case(name, terms, scores, target, function):
    leaf = scores.clone().requires_grad_()
    value = function(leaf, target)
    value.backward()
    return {"name": name, "terms": terms, "scores": tensor(scores), "target": tensor(target.to(torch.float64)),
            "loss": value.item(), "gradient": tensor(leaf.grad)}


def term(kind, factor=1, **options):
    return {"kind": kind, "factor": factor, **options}


def loss_cases():
    flat, flat_target = values((6, 5)), labels((6,), 5)
    some = labels((8,), 5, [-1, -1])
    plane, mask = values((2, 4, 3, 5)), labels((2, 3, 5), 4, [255])
    one, bits = values((7, 1)), labels((7,), 2)
    weights = [0.5, 2, 0, 1.25, 3]
    w = torch.tensor(weights)
    large = values((3, 4)) * 500
    ce = lambda **options: (lambda s, t: F.cross_entropy(s, t, **options))
    dense = values((6, 5))
    distribution = torch.softmax(values((6, 5)), 1)
    distribution[0] = torch.tensor([0, 0.5, 0, 0.5, 0])
    cross = lambda smoothing=0, **options: term("cross_entropy", labelSmoothing=smoothing, **options)
    return [
        loss_case("cross_entropy", [cross()], flat, flat_target, ce()),
        loss_case("cross_entropy of large scores", [cross()], large, labels((3,), 4), ce()),
        loss_case("cross_entropy smoothed", [cross(0.2)], flat, flat_target, ce(label_smoothing=0.2)),
        loss_case("cross_entropy weighted", [cross(classWeights=weights)], flat, flat_target, ce(weight=w)),
        loss_case("cross_entropy weighted and smoothed", [cross(0.1, classWeights=weights)], flat, flat_target,
                  ce(weight=w, label_smoothing=0.1)),
        loss_case("cross_entropy without label", [cross(0.1)], values((8, 5)), some,
                  ce(label_smoothing=0.1, ignore_index=-1)),
        loss_case("cross_entropy weighted, without label", [cross(0.1, classWeights=weights)], values((8, 5)), some,
                  ce(weight=w, label_smoothing=0.1, ignore_index=-1)),
        loss_case("cross_entropy of pixels", [cross(ignore=255)], plane, mask, ce(ignore_index=255)),
        loss_case("cross_entropy ignoring a class", [cross(0.3, ignore=2)], plane, labels((2, 3, 5), 4),
                  ce(ignore_index=2, label_smoothing=0.3)),
        loss_case("mse", [term("mse")], flat, flat_target, elements(F.mse_loss)),
        loss_case("mse without label", [term("mse")], values((8, 5)), some, elements(F.mse_loss)),
        loss_case("l1", [term("l1")], flat, flat_target, elements(F.l1_loss)),
        loss_case("huber", [term("huber", delta=0.7)], flat, flat_target,
                  elements(lambda a, b: F.huber_loss(a, b, delta=0.7))),
        loss_case("huber of pixels", [term("huber", delta=1)], plane, mask, elements(F.huber_loss)),
        loss_case("bce", [term("bce", posWeight=1)], flat, flat_target, elements(F.binary_cross_entropy_with_logits)),
        loss_case("bce of large scores", [term("bce", posWeight=1)], large, labels((3,), 4),
                  elements(F.binary_cross_entropy_with_logits)),
        loss_case("bce weighted", [term("bce", posWeight=2.5)], flat, flat_target,
                  elements(lambda a, b: F.binary_cross_entropy_with_logits(a, b, pos_weight=torch.tensor(2.5)))),
        loss_case("bce of one score", [term("bce", posWeight=0.5)], one, bits,
                  elements(lambda a, b: F.binary_cross_entropy_with_logits(a, b, pos_weight=torch.tensor(0.5)))),
        loss_case("dice", [term("dice", smooth=1)], plane, labels((2, 3, 5), 4), dice),
        loss_case("dice ignoring", [term("dice", smooth=0.5, ignore=255)], plane, mask,
                  lambda s, t: dice(s, t, 0.5, 255)),
        loss_case("dice ignoring a class", [term("dice", smooth=1, ignore=1)], plane, labels((2, 3, 5), 4),
                  lambda s, t: dice(s, t, 1, 1)),
        loss_case("dice without smoothing", [term("dice", smooth=0)], plane, mask, lambda s, t: dice(s, t, 0)),
        loss_case("dice of one score", [term("dice", smooth=1)], values((2, 1, 3, 4)), labels((2, 3, 4), 2), dice),
        loss_case("dice of classes", [term("dice", smooth=1)], flat, flat_target, dice),
        loss_case("kl_div", [term("kl_div")], flat, flat_target,
                  lambda s, t: F.kl_div(F.log_softmax(s, 1), one_hot(t, 5), reduction="batchmean")),
        loss_case("kl_div of distributions", [term("kl_div")], flat, distribution,
                  lambda s, t: F.kl_div(F.log_softmax(s, 1), t, reduction="batchmean")),
        loss_case("cross_entropy of distributions", [cross(0.1, classWeights=weights)], flat, distribution,
                  ce(weight=w, label_smoothing=0.1)),
        loss_case("mse of values", [term("mse")], flat, dense, F.mse_loss),
        loss_case("l1 of values", [term("l1")], flat, dense, F.l1_loss),
        loss_case("huber of values", [term("huber", delta=0.5)], flat, dense,
                  lambda a, b: F.huber_loss(a, b, delta=0.5)),
        loss_case("a sum", [term("cross_entropy", 0.5, labelSmoothing=0, ignore=255), term("dice", 0.25, smooth=1)],
                  plane, mask, lambda s, t: 0.5 * F.cross_entropy(s, t, ignore_index=255) + 0.25 * dice(s, t)),
    ]


# ---- training runs ----

class ClassNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4, momentum=0.3)
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(6, eps=1e-3)
        self.fc = nn.Linear(6, 3)

    def forward(self, x):
        x = F.silu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


class MaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.deep = nn.Conv2d(4, 5, 3, padding=1)
        self.grow = nn.ConvTranspose2d(5, 3, 2, stride=2)
        self.head = nn.Conv2d(7, 3, 1)

    def forward(self, x):
        skip = F.relu(self.bn1(self.down(x)))
        deep = F.leaky_relu(self.deep(F.max_pool2d(skip, 2)), 0.1)
        return self.head(torch.cat([self.grow(deep), skip], 1))


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023, as in google/automl/lion/lion_pytorch.py."""
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["weight_decay"])
                m = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                p.add_((m * beta1 + p.grad * (1 - beta1)).sign(), alpha=-group["lr"])
                m.mul_(beta2).add_(p.grad, alpha=1 - beta2)


def role(net, name):
    owner = net.get_submodule(name.rpartition(".")[0])
    if isinstance(owner, nn.BatchNorm2d):
        return "bn"
    return "bias" if name.endswith(".bias") else "weight"


def grouped(net, decay, kept):
    """Weight decay on the parameters whose name and role `kept` lets by."""
    named = list(net.named_parameters())
    yes = [p for n, p in named if kept(n, role(net, n))]
    no = [p for n, p in named if not kept(n, role(net, n))]
    return [{"params": yes, "weight_decay": decay}, {"params": no, "weight_decay": 0}]


steps = 5
images = values((steps, 4, 2, 6, 6))
classes = labels((steps, 4), 3)
others = labels((steps, 4), 3)
masks = labels((steps, 4, 6, 6), 3, [255])
# Few bits, so that the files stay short; the mixtures themselves are computed by the reader as well.
lambdas = [0.25, 0.5, 0.875, 1.0, 0.0625]


def first_weights(make):
    net = make()
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


start = {"ClassNet": first_weights(ClassNet), "MaskNet": first_weights(MaskNet)}


def run(kind, optimizer, options, lr, loss=None, clip=None, momenta=None, penalty=None, ema=None, mixup=False,
        ignore=None):
    """`options` are what the reader builds its step from; the rest says the same to PyTorch."""
    net = {"ClassNet": ClassNet, "MaskNet": MaskNet}[kind]()
    net.load_state_dict(start[kind], strict=False)
    net.train()
    opt = optimizer(net)
    average = {n: p.detach().clone() for n, p in net.named_parameters()}
    recorded = {"loss": [], "correct": [], "gradNorm": []}
    loss = loss or F.cross_entropy
    for s in range(steps):
        targets = classes[s] if kind == "ClassNet" else masks[s]
        for group in opt.param_groups:
            group["lr"] = lr[s]
            if momenta:
                group["momentum"] = momenta[s]
        x = images[s]
        opt.zero_grad()
        scores = net(x)
        data = loss(scores, targets)
        right = ((scores.argmax(1) == targets) & known(targets, 3, ignore)).sum().item()
        if mixup:
            share = lambdas[s]
            data = share * data + (1 - share) * loss(scores, others[s])
            right = share * right + (1 - share) * (scores.argmax(1) == others[s]).sum().item()
        (data + (penalty(net) if penalty else 0)).backward()
        norm = torch.sqrt(sum((p.grad**2).sum() for p in net.parameters())).item()
        if clip:
            clip(net.parameters())
        opt.step()
        if ema is not None:
            for n, p in net.named_parameters():
                average[n].mul_(ema).add_(p.detach(), alpha=1 - ema)
        recorded["loss"].append(data.item())
        recorded["correct"].append(right)
        recorded["gradNorm"].append(norm)
    final = {n: tensor(v) for n, v in net.state_dict().items() if not n.endswith("num_batches_tracked")}
    if ema is not None:
        final |= {f"ema.{n}": tensor(v) for n, v in average.items()}
        load = {**net.state_dict(), **average}
    else:
        load = net.state_dict()
    net.load_state_dict(load)
    net.eval()
    targets = classes[0] if kind == "ClassNet" else masks[0]
    with torch.no_grad():
        scores = net(images[0])
        recorded["evaluated"] = {"loss": loss(scores[:3], targets[:3]).item(),
                                 "prediction": tensor(scores.argmax(1).to(torch.float64))}
    return {"net": kind, "options": options, "lr": lr, **({"momenta": momenta} if momenta else {}),
            **recorded, "final": final}


def options(optimizer, loss=None, regularizers=(), **more):
    return {"optimizer": optimizer, "loss": loss or [term("cross_entropy", labelSmoothing=0)],
            "regularizers": list(regularizers), **more}


def sgd(momentum=0, dampening=0, nesterov=False, weightDecay=0):
    return {"kind": "sgd", "momentum": momentum, "dampening": dampening, "nesterov": nesterov,
            "weightDecay": weightDecay}


def adam(name, beta1=0.9, beta2=0.999, eps=1e-8, weightDecay=0):
    return {"kind": name, "beta1": beta1, "beta2": beta2, "eps": eps, "weightDecay": weightDecay}


def adagrad(lrDecay=0, initialAccumulatorValue=0, eps=1e-10, weightDecay=0):
    return {"kind": "adagrad", "lrDecay": lrDecay, "initialAccumulatorValue": initialAccumulatorValue, "eps": eps,
            "weightDecay": weightDecay}


def runs():
    torch_sgd = lambda **o: (lambda net: torch.optim.SGD(net.parameters(), lr=1, **o))
    steady = [0.05] * steps
    falling = [0.1, 0.08, 0.05, 0.02, 0.01]
    decay = lambda value, *but: {"kind": "weight_decay", "value": value, "except": list(but)}
    weights_only = lambda n, r: r == "weight"
    named = lambda net, part: [p for n, p in net.named_parameters() if part(n, role(net, n))]
    l1_l2 = lambda net: (0.01 * sum(p.abs().sum() for p in named(net, lambda n, r: not n.startswith("conv")))
                         + 0.02 / 2 * sum((p**2).sum() for p in named(net, weights_only)))
    mask_loss = [term("cross_entropy", 0.5, labelSmoothing=0, ignore=255), term("dice", 0.5, smooth=1)]
    torch_mask_loss = lambda s, t: 0.5 * F.cross_entropy(s, t, ignore_index=255) + 0.5 * dice(s, t)
    class_weights = [0.5, 2, 1.25]
    return {
        "sgd": run("ClassNet", torch_sgd(), options(sgd()), falling),
        "sgd with decayed groups": run(
            "ClassNet", lambda net: torch.optim.SGD(grouped(net, 0.1, weights_only), lr=1, momentum=0.9),
            options(sgd(0.9), regularizers=[decay(0.1, "bias", "bn")]), steady),
        "sgd with a cycled momentum": run(
            "ClassNet", torch_sgd(momentum=0.5, nesterov=True),
            options(sgd(0.5, nesterov=True), cyclesMomentum=True), falling, momenta=[0.95, 0.9, 0.85, 0.9, 0.95]),
        "sgd dampened and decayed": run(
            "ClassNet", torch_sgd(momentum=0.9, dampening=0.4, weight_decay=0.05),
            options(sgd(0.9, 0.4, weightDecay=0.05)), steady),
        "adam with decoupled groups": run(
            "ClassNet", lambda net: torch.optim.AdamW(grouped(net, 0.2, lambda n, r: n != "fc.weight" and r != "bn"), lr=1),
            options(adam("adam"), regularizers=[decay(0.2, "f*.weight", "bn")]), falling),
        "adamw with a large eps": run(
            "ClassNet", lambda net: torch.optim.AdamW(net.parameters(), lr=1, betas=(0.8, 0.9), eps=0.01, weight_decay=0.1),
            options(adam("adamw", 0.8, 0.9, 0.01, 0.1)), steady),
        "rmsprop centered": run(
            "ClassNet", lambda net: torch.optim.RMSprop(net.parameters(), lr=1, alpha=0.9, eps=1e-4, momentum=0.3,
                                                        centered=True, weight_decay=0.02),
            options({"kind": "rmsprop", "alpha": 0.9, "eps": 1e-4, "momentum": 0.3, "centered": True,
                     "weightDecay": 0.02}), [0.01] * steps),
        "rmsprop without momentum": run(
            "ClassNet", lambda net: torch.optim.RMSprop(net.parameters(), lr=1),
            options({"kind": "rmsprop", "alpha": 0.99, "eps": 1e-8, "momentum": 0, "centered": False,
                     "weightDecay": 0}), [0.01] * steps),
        "adagrad slowing down": run(
            "ClassNet", lambda net: torch.optim.Adagrad(net.parameters(), lr=1, lr_decay=0.3, weight_decay=0.02,
                                                        initial_accumulator_value=0.1, eps=1e-4),
            options(adagrad(0.3, 0.1, 1e-4, 0.02)), falling),
        # Not ClassNet: the gradient of a bias in front of a batch norm is zero, and its sign that of rounding.
        "adagrad": run(
            "MaskNet", lambda net: torch.optim.Adagrad(net.parameters(), lr=1),
            options(adagrad(), [term("cross_entropy", labelSmoothing=0, ignore=255)]), [0.01] * steps,
            loss=lambda s, t: F.cross_entropy(s, t, ignore_index=255)),
        "lion": run(
            "MaskNet", lambda net: Lion(net.parameters(), 1, (0.9, 0.99), 0.1),
            options({"kind": "lion", "beta1": 0.9, "beta2": 0.99, "weightDecay": 0.1},
                    [term("cross_entropy", labelSmoothing=0, ignore=255)]),
            falling, loss=lambda s, t: F.cross_entropy(s, t, ignore_index=255)),
        "value clip": run(
            "ClassNet", torch_sgd(momentum=0.9), options(sgd(0.9), clip={"kind": "value", "value": 0.05}), steady,
            clip=lambda p: nn.utils.clip_grad_value_(p, 0.05)),
        "norm clip with l1 and l2": run(
            "ClassNet", torch_sgd(momentum=0.9, weight_decay=0.01),
            options(sgd(0.9, weightDecay=0.01), clip={"kind": "norm", "value": 0.3},
                    regularizers=[{"kind": "l1", "value": 0.01, "except": ["conv1", "conv2"]},
                                  {"kind": "l2", "value": 0.02, "except": ["bias", "bn"]}]),
            steady, clip=lambda p: nn.utils.clip_grad_norm_(p, 0.3), penalty=l1_l2),
        "averaged weights": run(
            "ClassNet", torch_sgd(momentum=0.9), options(sgd(0.9), ema=0.75), steady, ema=0.75),
        "averaged weights of groups": run(
            "ClassNet", lambda net: torch.optim.AdamW(grouped(net, 0.2, lambda n, r: r != "bias"), lr=1),
            options(adam("adamw"), regularizers=[decay(0.2, "bias")], ema=0.5), steady, ema=0.5),
        "class weights, smoothed": run(
            "ClassNet", torch_sgd(),
            options(sgd(), [term("cross_entropy", labelSmoothing=0.1, classWeights=class_weights)]), steady,
            loss=lambda s, t: F.cross_entropy(s, t, weight=torch.tensor(class_weights), label_smoothing=0.1)),
        "mixup": run("ClassNet", torch_sgd(), options(sgd(), mixup=True), steady, mixup=True),
        "huber": run(
            "ClassNet", torch_sgd(), options(sgd(), [term("huber", 2, delta=0.5)]), steady,
            loss=lambda s, t: 2 * F.huber_loss(s, one_hot(t, 3), delta=0.5)),
        "masks": run("MaskNet", lambda net: torch.optim.Adam(net.parameters(), lr=1),
                     options(adam("adam"), mask_loss), steady, loss=torch_mask_loss),
        "masks, ignoring the dataset's class": run(
            "MaskNet", torch_sgd(momentum=0.9), options(sgd(0.9), ignore=1), steady,
            loss=lambda s, t: F.cross_entropy(s, torch.where(t == 255, 1, t), ignore_index=1), ignore=1),
    }


def write(name, value):
    (here / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


write("losses.json", loss_cases())
recorded = runs()
write("runs.json", {
    "images": tensor(images), "classes": tensor(classes), "others": tensor(others), "masks": tensor(masks),
    "lambdas": lambdas,
    "start": {net: {n: tensor(v) for n, v in state.items()} for net, state in start.items()},
    "runs": recorded,
})
print(torch.__version__, {name: (round(r["loss"][0], 4), round(r["loss"][-1], 4)) for name, r in recorded.items()})
