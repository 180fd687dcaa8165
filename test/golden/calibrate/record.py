"""Ranges that calibration methods choose, computed with numpy (python3 record.py writes ranges.json).

Entropy follows Migacz, "8-bit inference with TensorRT" (2017), where the bin at zero counts as the one beside it, with
the small share that ONNX Runtime gives to bins without a counterpart; percentile follows ONNX Runtime's calibrator (half of what is cut beyond each end); mse tries
the same candidates as the compiler, on torch.fake_quantize_per_tensor_affine.
"""
import json
import numpy as np
import torch

rng = np.random.default_rng(7)


def entropy(counts, high, levels=128):
    bins = len(counts)
    counts = counts.copy()
    counts[0] = counts[1]
    best, least = bins, np.inf
    for i in range(levels, bins + 1):
        sliced = counts[:i].astype(np.float64)
        p = sliced.copy()
        p[i - 1] += counts[i:].sum()
        edges = [(level * i) // levels for level in range(levels)] + [i]
        q = np.zeros(i)
        for start, stop in zip(edges[:-1], edges[1:]):
            nonzero = p[start:stop] != 0
            if nonzero.any():
                q[start:stop][nonzero] = sliced[start:stop].sum() / nonzero.sum()
        if q.sum() == 0:
            continue
        p, q = p / p.sum(), q / q.sum()
        q = np.where(q == 0, 1e-4, q)
        kl = np.sum(np.where(p > 0, p * np.log(np.where(p > 0, p, 1) / q), 0))
        if kl < least:
            best, least = i, kl
    return best * high / bins


def percentile(counts, edges, share):
    cdf = np.cumsum(counts) / counts.sum()
    cut = (1 - share) / 2
    low = np.searchsorted(cdf, cut, side="right")
    high = np.searchsorted(cdf, 1 - cut, side="left")
    return edges[low], edges[high + 1]


def mse(counts, edges):
    middles = torch.tensor((edges[:-1] + edges[1:]) / 2, dtype=torch.float64)
    weights = torch.tensor(counts / counts.sum())

    def error(low, high):
        low, high = min(low, 0.0), max(high, 0.0)
        scale = float(np.float32((high - low) / 255))
        zero = int(np.clip(np.floor(-128 - low / scale + 0.5), -128, 127))
        q = torch.fake_quantize_per_tensor_affine(middles.float(), scale, zero, -128, 127).double()
        return float((weights * (q - middles) ** 2).sum())

    low, high = min(edges[0], 0.0), max(edges[-1], 0.0)
    least = error(low, high)
    for _ in range(2):
        for step in range(1, 100):
            if error(low, edges[-1] * step / 100) < least:
                high = edges[-1] * step / 100
                least = error(low, high)
        for step in range(1, 100):
            if error(edges[0] * step / 100, high) < least:
                low = edges[0] * step / 100
                least = error(low, high)
    return low, high


samples = {
    "relu of a normal": np.maximum(rng.normal(size=200_003), 0),
    "laplace with outliers": np.concatenate([np.abs(rng.laplace(size=100_000)), [60.0, 75.0]]),
    "uniform": rng.uniform(0, 6, size=100_000),
    "signed": np.concatenate([rng.normal(0.5, 1, size=100_000), [-14.0, 22.0]]),
}
cases = []
for name, values in samples.items():
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, bins=512, range=(low, high))
    case = {"name": name, "min": low, "max": high, "counts": counts.tolist()}
    case["percentile"] = [list(map(float, percentile(counts, edges, share))) for share in (0.9999, 0.99, 0.9)]
    case["mse"] = list(map(float, mse(counts, edges)))
    if low >= 0:
        case["entropy"] = float(entropy(np.histogram(values, bins=512, range=(0, high))[0], high))
        case["counts"] = np.histogram(values, bins=512, range=(0, high))[0].tolist()
        case["min"] = 0.0
        counts, edges = np.histogram(values, bins=512, range=(0, high))
        case["percentile"] = [list(map(float, percentile(counts, edges, share))) for share in (0.9999, 0.99, 0.9)]
        case["mse"] = list(map(float, mse(counts, edges)))
    cases.append(case)

with open(__file__.replace("record.py", "ranges.json"), "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
