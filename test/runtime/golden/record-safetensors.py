"""Records what safetensors 0.8.0 writes: python3 record-safetensors.py > reference.safetensors"""
import sys

import numpy as np
from safetensors.numpy import save

types = {
    "bool": np.bool_, "f16": np.float16, "i32": np.int32, "f32": np.float32, "i64": np.int64, "u8": np.uint8,
    "f64": np.float64, "i8": np.int8, "i16": np.int16, "é": np.float32, "a.b": np.float32, 'Z"q\\': np.float32,
}
tensors = {name: np.zeros(3, dtype=kind) for name, kind in types.items()}
tensors["scalar"] = np.zeros((), dtype=np.float32)
tensors["empty"] = np.zeros((0, 4), dtype=np.float32)
sys.stdout.buffer.write(save(tensors, metadata={"format": "pt"}))
