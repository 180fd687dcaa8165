"""Records what Pillow does with small pictures: python3 record-pillow.py > pillow.json"""
import base64
import json
import sys

import PIL
from PIL import Image


def picture(width, height, channels):
    """Values from a formula that resize-image.test.ts repeats: a pseudo-random byte for each position."""
    data = bytearray()
    state = width * 31 + height * 17 + channels
    for _ in range(width * height * channels):
        state = (state * 1103515245 + 12345) % 2**31
        data.append(state >> 16 & 0xFF)
    return Image.frombytes("RGB" if channels == 3 else "L", (width, height), bytes(data))


cases = [
    (8, 8, 3, 4, 4), (13, 9, 3, 7, 5), (13, 9, 3, 29, 20), (17, 11, 1, 5, 11), (5, 23, 3, 5, 4),
    (64, 48, 1, 9, 7), (3, 2, 3, 16, 16), (1, 1, 3, 4, 3), (40, 30, 3, 1, 1), (50, 7, 1, 49, 8), (31, 31, 3, 30, 32),
]
resized = []
for width, height, channels, to_width, to_height in cases:
    result = picture(width, height, channels).resize((to_width, to_height), Image.Resampling.BILINEAR)
    resized.append({"from": [width, height, channels], "to": [to_width, to_height],
                    "data": base64.b64encode(result.tobytes()).decode()})
grey = {"from": [16, 9, 3], "data": base64.b64encode(picture(16, 9, 3).convert("L").tobytes()).decode()}
json.dump({"pillow": PIL.__version__, "resized": resized, "grey": grey}, sys.stdout, indent=1)
print()
