#!/usr/bin/env python3
"""Records what PyTorch computes in float64 for small seeded cases of each op, as <op>.json beside this file.

Run it again after adding a case; the output is the same for the same PyTorch. Inputs are multiples of 1/32, so that
they print short; attributes are the IR's own.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(20)


def values(shape, low=-64, high=64):
    return torch.randint(low, high + 1, shape, generator=generator).to(torch.float64) / 32


def tensor(x):
    data = [int(v) if v == math.floor(v) and abs(v) < 2**53 else v for v in x.flatten().tolist()]
    return {"shape": list(x.shape), "data": data}


def case(name, attrs, inputs, output):
    return {"name": name, "attrs": attrs, "inputs": [tensor(x) for x in inputs], "output": tensor(output)}


def padded(x, padding, value=0.0):
    top, left, bottom, right = padding
    return F.pad(x, (left, right, top, bottom), value=value)


def conv2d(name, x, weight, bias=True, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1):
    attrs = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    inputs = [values(x), values(weight)] + ([values((weight[0],))] if bias else [])
    out = F.conv2d(padded(inputs[0], padding), *inputs[1:], stride=stride, dilation=dilation, groups=groups)
    return case(name, attrs, inputs, out)


def conv2d_cases():
    same = (1, 1, 1, 1)
    return [
        conv2d("1x1", (2, 3, 3, 4), (5, 3, 1, 1)),
        conv2d("1x1 stride 2 without bias", (1, 4, 5, 6), (3, 4, 1, 1), bias=False, stride=(2, 2)),
        conv2d("3x3 same", (2, 3, 5, 4), (4, 3, 3, 3), padding=same),
        conv2d("3x3 stride 2", (1, 3, 8, 7), (4, 3, 3, 3), stride=(2, 2), padding=same),
        conv2d("3x3 stride and padding by axis", (1, 2, 7, 9), (3, 2, 3, 3), stride=(1, 3), padding=(2, 0, 1, 3)),
        conv2d("wide padding", (1, 2, 2, 3), (2, 2, 3, 3), padding=(4, 3, 5, 4)),
        conv2d("dilation 2", (1, 3, 8, 8), (2, 3, 3, 3), padding=(2, 2, 2, 2), dilation=(2, 2)),
        conv2d("both by axis", (1, 2, 9, 9), (3, 2, 3, 2), stride=(2, 1), padding=(0, 1, 2, 3), dilation=(1, 3)),
        conv2d("two groups", (2, 6, 4, 4), (4, 3, 3, 3), padding=same, groups=2),
        conv2d("three groups dilated", (1, 6, 7, 6), (9, 2, 3, 3), padding=(2, 1, 2, 1), dilation=(2, 1), groups=3),
        conv2d("depthwise", (2, 5, 5, 5), (5, 1, 3, 3), padding=same, groups=5),
        conv2d("depthwise multiplier 2 stride 2", (1, 3, 7, 7), (6, 1, 3, 3), stride=(2, 2), padding=same, groups=3),
        conv2d("depthwise 5x5 dilation 2", (1, 2, 9, 9), (2, 1, 5, 5), padding=(4, 4, 4, 4), dilation=(2, 2), groups=2),
        conv2d("1x3", (1, 3, 4, 6), (2, 3, 1, 3), padding=(0, 1, 0, 1)),
        conv2d("7x1", (1, 2, 8, 3), (2, 2, 7, 1), padding=(3, 0, 3, 0)),
        conv2d("5x5", (1, 1, 6, 6), (2, 1, 5, 5), padding=(2, 2, 2, 2)),
        conv2d("7x7 stride 2", (1, 3, 9, 9), (2, 3, 7, 7), stride=(2, 2), padding=(3, 3, 3, 3)),
        conv2d("one cell", (1, 4, 3, 3), (2, 4, 3, 3)),
    ]


def linear_cases():
    def one(name, x, outputs, bias=True):
        inputs = [values(x), values((outputs, x[-1]))] + ([values((outputs,))] if bias else [])
        return case(name, {}, inputs, F.linear(*inputs))

    return [
        one("matrix", (3, 5), 4),
        one("without bias", (2, 7), 3, False),
        one("sequence", (2, 3, 4), 5),
        one("vector", (6,), 3),
    ]


def batch_norm_cases():
    def one(name, shape, eps, momentum=0.1):
        x, gamma, beta, mean = values(shape), *(values((shape[1],)) for _ in range(3))
        variance = values((shape[1],), 1, 64)
        out = F.batch_norm(x, mean, variance, gamma, beta, False, momentum, eps)
        return case(name, {"eps": eps, "momentum": momentum}, [x, gamma, beta, mean, variance], out)

    return [one("maps", (2, 3, 4, 5), 1e-5), one("eps 0.001", (1, 5, 2, 2), 1e-3, 0.01), one("matrix", (4, 3), 1e-5)]


windows = [
    ("2x2", (2, 3, 4, 6), (2, 2), (2, 2), (0, 0), False),
    ("2x2 odd size", (1, 2, 5, 7), (2, 2), (2, 2), (0, 0), False),
    ("2x2 odd size ceil", (1, 2, 5, 7), (2, 2), (2, 2), (0, 0), True),
    ("3x3 stride 2 padded", (1, 2, 8, 7), (3, 3), (2, 2), (1, 1), False),
    ("3x3 stride 2 padded ceil", (1, 2, 8, 7), (3, 3), (2, 2), (1, 1), True),
    ("3x3 stride 2 ceil", (1, 2, 6, 8), (3, 3), (2, 2), (0, 0), True),
    ("ceil drops a window in the padding", (1, 2, 3, 3), (2, 2), (3, 3), (1, 1), True),
    ("ceil drops a window in the padding, 3x3 stride 4", (1, 1, 6, 7), (3, 3), (4, 4), (1, 1), True),
    ("kernel larger than the input, ceil", (1, 1, 2, 2), (3, 3), (2, 2), (0, 0), True),
    ("by axis", (1, 2, 7, 9), (3, 2), (2, 1), (1, 0), False),
    ("by axis ceil", (1, 2, 8, 9), (2, 5), (3, 4), (0, 2), True),
    ("stride 1", (1, 2, 4, 4), (3, 3), (1, 1), (1, 1), False),
    ("stride larger than kernel", (1, 1, 9, 8), (2, 2), (3, 3), (0, 0), False),
    ("stride larger than kernel ceil", (1, 1, 9, 8), (2, 2), (4, 4), (1, 1), True),
]


def max_pool2d_cases():
    cases = []
    for name, shape, kernel, stride, (down, right), ceil in windows:
        attrs = {"kernel": kernel, "stride": stride, "padding": [down, right, down, right], "ceilMode": ceil}
        x = values(shape, -64, 8)
        cases.append(case(name, attrs, [x], F.max_pool2d(x, kernel, stride, (down, right), ceil_mode=ceil)))
    x, padding = values((1, 2, 5, 6), -64, -32), (0, 1, 1, 0)
    attrs = {"kernel": [3, 3], "stride": [2, 2], "padding": padding, "ceilMode": False}
    cases.append(case("asymmetric", attrs, [x], F.max_pool2d(padded(x, padding, -math.inf), 3, 2)))
    return cases


def average_pool2d_cases():
    cases = []
    for name, shape, kernel, stride, (down, right), ceil in windows:
        for include in (True, False):
            attrs = {"kernel": kernel, "stride": stride, "padding": [down, right, down, right], "ceilMode": ceil}
            x = values(shape)
            out = F.avg_pool2d(x, kernel, stride, (down, right), ceil_mode=ceil, count_include_pad=include)
            label = name if include else name + ", padding not counted"
            cases.append(case(label, attrs | {"countIncludePad": include}, [x], out))
    x, padding = values((1, 2, 5, 6)), (0, 1, 1, 0)
    attrs = {"kernel": [3, 3], "stride": [2, 2], "padding": padding, "ceilMode": False}
    total, count = (F.avg_pool2d(padded(v, padding), 3, 2) for v in (x, torch.ones_like(x)))
    cases.append(case("asymmetric", attrs | {"countIncludePad": True}, [x], total))
    cases.append(case("asymmetric, padding not counted", attrs | {"countIncludePad": False}, [x], total / count))
    return cases


def global_average_pool_cases():
    shapes = [(2, 3, 4, 5), (1, 5, 7, 7), (2, 2, 1, 1)]
    return [case("x".join(map(str, s)), {}, [x := values(s)], F.adaptive_avg_pool2d(x, 1)) for s in shapes]


def adaptive_average_pool2d_cases():
    pairs = [
        ((2, 3, 6, 6), (3, 2)),
        ((1, 2, 7, 5), (3, 3)),
        ((1, 2, 10, 9), (4, 7)),
        ((1, 2, 3, 2), (5, 7)),
        ((2, 2, 4, 5), (1, 1)),
        ((1, 1, 5, 4), (5, 4)),
    ]
    return [
        case(f"{s[2]}x{s[3]} to {z[0]}x{z[1]}", {"size": z}, [x := values(s)], F.adaptive_avg_pool2d(x, z))
        for s, z in pairs
    ]


def concat_cases():
    lists = [
        (1, [(2, 3, 2, 2), (2, 1, 2, 2), (2, 5, 2, 2)]),
        (0, [(1, 3), (2, 3)]),
        (3, [(1, 2, 3, 1), (1, 2, 3, 4)]),
        (2, [(2, 1, 3), (2, 1, 2)]),
    ]
    return [
        case(f"axis {axis} of rank {len(s[0])}", {"axis": axis}, i := [values(p) for p in s], torch.cat(i, axis))
        for axis, s in lists
    ]


def slice_cases():
    rows = [
        ((2, 7, 2, 3), 1, 2, 5),
        ((3, 4), 0, 1, 3),
        ((1, 2, 5, 4), 2, 0, 3),
        ((1, 2, 3, 6), 3, 5, 6),
        ((2, 3, 2, 2, 2), 4, 1, 2),
    ]
    return [
        case(f"axis {a} of rank {len(s)}", {"axis": a, "from": f, "to": t}, [x := values(s)], x.narrow(a, f, t - f))
        for s, a, f, t in rows
    ]


def subsample_cases():
    rows = [((2, 3, 6, 5), (2, 2)), ((1, 2, 7, 8), (3, 2)), ((1, 2, 3, 3), (5, 1))]
    return [case(f"stride {s}", {"stride": s}, [x := values(shape)], x[:, :, :: s[0], :: s[1]]) for shape, s in rows]


def pad_cases():
    rows = [
        ((1, 2, 3, 3), (0, 0, 1, 2), (0, 0, 3, 0), 0),
        ((2, 3, 2, 2), (0, 2, 0, 0), (0, 1, 0, 0), 0.5),
        ((2, 3), (1, 0), (0, 2), -1),
        ((1, 2, 2), (2, 1, 0), (0, 1, 3), 4),
    ]
    cases = []
    for shape, before, after, value in rows:
        amounts = [n for axis in reversed(range(len(shape))) for n in (before[axis], after[axis])]
        attrs = {"before": before, "after": after, "value": value}
        x = values(shape)
        cases.append(case(f"rank {len(shape)} with {value}", attrs, [x], F.pad(x, amounts, value=value)))
    return cases


def reshape_cases():
    rows = [((2, 3, 4), (6, 4)), ((2, 12), (2, 3, 2, 2)), ((6,), (1, 2, 3)), ((1, 2, 3, 4, 2), (4, 12))]
    return [case(f"{len(a)} to {len(b)} axes", {"shape": b}, [x := values(a)], x.reshape(b)) for a, b in rows]


def transpose_cases():
    rows = [
        ((2, 3), (1, 0)),
        ((2, 3, 4), (2, 0, 1)),
        ((2, 3, 4, 2), (0, 2, 3, 1)),
        ((2, 3, 4, 2), (3, 1, 0, 2)),
        ((1, 2, 3, 2, 4), (4, 2, 0, 3, 1)),
    ]
    return [case(f"by {p}", {"permutation": p}, [x := values(s)], x.permute(p)) for s, p in rows]


def channel_shuffle_cases():
    rows = [((2, 6, 2, 2), 2), ((1, 6, 2, 3), 3), ((2, 10, 1, 2), 5), ((1, 4, 2, 2), 1), ((1, 5, 2, 1), 5)]
    return [
        case(f"{s[1]} channels in {g}", {"groups": g}, [x := values(s)], torch.nn.ChannelShuffle(g)(x))
        for s, g in rows
    ]


reductions = [
    ((2, 3, 4, 5), (1,)),
    ((2, 3, 4, 5), (2, 3)),
    ((2, 3, 4), (0, 1, 2)),
    ((2, 3, 4, 2), (3, 0)),
    ((3, 5), (1,)),
    ((2, 2, 3, 2, 2), (1, 3)),
]


def reduce_cases(f):
    cases = []
    for shape, axes in reductions:
        for keep in (True, False):
            x = values(shape)
            name = f"axes {list(axes)} of rank {len(shape)}{' kept' if keep else ''}"
            cases.append(case(name, {"axes": axes, "keepDims": keep}, [x], f(x, axes, keep)))
    return cases


def softmax_cases():
    rows = [
        ((3, 5), 1, 64),
        ((2, 1), 1, 64),
        ((2, 4, 3, 2), 1, 64),
        ((1, 2, 3, 4), 3, 64),
        ((4, 3), 0, 64),
        ((2, 6), 1, 30000),
    ]
    return [case(f"axis {a} of {s}", {"axis": a}, [x := values(s, -m, m)], F.softmax(x, a)) for s, a, m in rows]


def dropout_cases():
    return [case("evaluation mode", {"p": 0.5}, [x := values((2, 3, 2, 2))], F.dropout(x, 0.5, training=False))]


def conv_transpose2d_cases():
    def one(name, x, weight, bias=True, stride=(1, 1), padding=(0, 0), output=(0, 0), dilation=(1, 1), groups=1, cut=None):
        inputs = [values(x), values(weight)] + ([values((weight[1] * groups,))] if bias else [])
        out = F.conv_transpose2d(
            inputs[0], inputs[1], inputs[2] if bias else None, stride, padding, output, groups, dilation
        )
        top, left, bottom, right = cut or (0, 0, 0, 0)
        out = out[:, :, top : out.shape[2] - bottom, left : out.shape[3] - right]
        pads = [padding[0] + top, padding[1] + left, padding[0] + bottom, padding[1] + right]
        attrs = {"stride": stride, "padding": pads, "outputPadding": output, "dilation": dilation, "groups": groups}
        return case(name, attrs, inputs, out)

    two = (2, 2)
    return [
        one("2x2 stride 2", (2, 3, 3, 4), (3, 2, 2, 2), stride=two),
        one("2x2 stride 2 without bias", (1, 2, 3, 2), (2, 3, 2, 2), bias=False, stride=two),
        one("3x3 stride 1", (1, 2, 4, 3), (2, 3, 3, 3)),
        one("3x3 stride 2 padded", (1, 3, 4, 3), (3, 2, 3, 3), stride=two, padding=(1, 1)),
        one("3x3 stride 2 output padding", (1, 2, 3, 4), (2, 2, 3, 3), stride=two, padding=(1, 1), output=(1, 1)),
        one("output padding without padding", (1, 2, 3, 3), (2, 2, 2, 2), stride=(3, 3), output=(2, 1)),
        one("4x4 stride 2 padded", (1, 2, 3, 3), (2, 1, 4, 4), stride=two, padding=(1, 1)),
        one("by axis", (1, 2, 3, 4), (2, 2, 3, 2), stride=(1, 3), padding=(1, 0), dilation=(2, 1)),
        one("dilation beyond the stride", (1, 2, 4, 4), (2, 2, 3, 3), stride=two, dilation=(3, 3), output=(2, 0)),
        one("asymmetric", (1, 2, 4, 4), (2, 2, 3, 3), stride=two, cut=(0, 2, 1, 0)),
        one("two groups", (2, 4, 3, 3), (4, 3, 2, 2), stride=two, groups=2),
        one("depthwise", (1, 3, 4, 3), (3, 1, 4, 4), stride=two, padding=(1, 1), groups=3),
    ]


def resize_cases():
    rows = [
        ((2, 2, 3, 4), (6, 8)),
        ((1, 2, 4, 7), (7, 9)),
        ((1, 2, 9, 10), (4, 3)),
        ((1, 1, 8, 6), (4, 3)),
        ((1, 1, 3, 8), (7, 5)),
        ((1, 2, 1, 1), (3, 4)),
        ((1, 2, 5, 4), (1, 1)),
        ((1, 1, 4, 5), (4, 5)),
    ]
    cases = []
    for mode, options in (("nearest", {}), ("bilinear", {"align_corners": False})):
        for s, z in rows:
            x = values(s)
            out = F.interpolate(x, size=z, mode=mode, **options)
            cases.append(case(f"{mode} {s[2]}x{s[3]} to {z[0]}x{z[1]}", {"size": z, "mode": mode}, [x], out))
    return cases


def pixel_shuffle_cases():
    rows = [((2, 8, 2, 3), 2), ((1, 9, 2, 2), 3), ((1, 32, 1, 2), 4), ((1, 3, 2, 2), 1)]
    return [case(f"{s[1]} channels by {f}", {"factor": f}, [x := values(s)], F.pixel_shuffle(x, f)) for s, f in rows]


def prelu_cases():
    def one(name, shape):
        x, weight = values(shape), values((shape[1],))
        slopes = weight.reshape([-1] + [1] * (len(shape) - 2))
        return case(name, {}, [x, slopes], F.prelu(x, weight))

    return [one("maps", (2, 3, 2, 2)), one("matrix", (3, 4)), one("rank 3", (2, 3, 4))]


def log_softmax_cases():
    rows = [
        ((3, 5), 1, 64),
        ((2, 1), 1, 64),
        ((2, 4, 3, 2), 1, 64),
        ((1, 2, 3, 4), 3, 64),
        ((4, 3), 0, 64),
        ((2, 6), 1, 30000),
    ]
    return [case(f"axis {a} of {s}", {"axis": a}, [x := values(s, -m, m)], F.log_softmax(x, a)) for s, a, m in rows]


def layer_norm_cases():
    def one(shape, axes, eps=1e-5):
        x, gamma, beta = values(shape), values(shape[-axes:]), values(shape[-axes:])
        out = F.layer_norm(x, shape[-axes:], gamma, beta, eps)
        return case(f"the last {axes} of {shape}, eps {eps}", {"eps": eps}, [x, gamma, beta], out)

    return [one((3, 5), 1), one((2, 3, 4), 1), one((2, 3, 4, 2), 3), one((2, 3, 4, 2), 2, 1e-3), one((2, 3), 2)]


def group_norm_cases():
    def one(shape, groups, eps=1e-5):
        x, gamma, beta = values(shape), values((shape[1],)), values((shape[1],))
        out = F.group_norm(x, groups, gamma, beta, eps)
        return case(f"{shape[1]} in {groups}, eps {eps}", {"groups": groups, "eps": eps}, [x, gamma, beta], out)

    return [one((2, 6, 3, 2), 3), one((1, 4, 3, 3), 1), one((2, 3, 2, 2), 3, 1e-3), one((3, 6), 2), one((2, 4, 5), 2)]


recorders = {
    "conv2d": conv2d_cases,
    "linear": linear_cases,
    "batch-norm": batch_norm_cases,
    "max-pool2d": max_pool2d_cases,
    "average-pool2d": average_pool2d_cases,
    "global-average-pool": global_average_pool_cases,
    "adaptive-average-pool2d": adaptive_average_pool2d_cases,
    "concat": concat_cases,
    "slice": slice_cases,
    "subsample": subsample_cases,
    "pad": pad_cases,
    "reshape": reshape_cases,
    "transpose": transpose_cases,
    "channel-shuffle": channel_shuffle_cases,
    "reduce-mean": lambda: reduce_cases(lambda x, axes, keep: x.mean(axes, keep)),
    "reduce-sum": lambda: reduce_cases(lambda x, axes, keep: x.sum(axes, keep)),
    "reduce-max": lambda: reduce_cases(lambda x, axes, keep: x.amax(axes, keep)),
    "softmax": softmax_cases,
    "dropout": dropout_cases,
    "conv-transpose2d": conv_transpose2d_cases,
    "resize": resize_cases,
    "pixel-shuffle": pixel_shuffle_cases,
    "prelu": prelu_cases,
    "log-softmax": log_softmax_cases,
    "layer-norm": layer_norm_cases,
    "group-norm": group_norm_cases,
}

for op, record in recorders.items():
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in record())
    (pathlib.Path(__file__).parent / f"{op}.json").write_text(f"[\n{lines}\n]\n")
