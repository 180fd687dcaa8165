"""Writes archives as NumPy does: python3 record-npz.py, in this folder."""
import numpy as np

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
labels = np.array([[2], [0], [1], [2]], dtype=np.int64)
np.savez("stored.npz", images=images, labels=labels)
np.savez_compressed("parts.npz", train_images=np.zeros((6, 4, 4), np.uint8), train_labels=np.arange(6) % 2,
                    val_images=np.ones((2, 4, 4), np.uint8), val_labels=np.array([0, 1]),
                    x_test=np.full((3, 4, 4), 2, np.uint8), y_test=np.array([0, 1, 0]))
np.savez_compressed("masks.npz", x=np.arange(2 * 3 * 2 * 2, dtype=np.float32).reshape(2, 3, 2, 2),
                    masks=np.zeros((2, 2, 2), np.uint8), y=np.array([[[0, 1], [2, 0]], [[0, 0], [1, 1]]], dtype=np.int32))
print(images[1, 2, 3].tolist())
