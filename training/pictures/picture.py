"""One training picture: a ground, marks, text, what a camera and a compressor do to it; and where the text stands.

Labels: 1 inside of the box of ink of a line, 2 where neither answer is wrong (single letters, cut lines, ink under 4 pixels).
"""

import io

import numpy as np
from PIL import Image
from scipy import ndimage

from . import marks, texts
from .typefaces import Lettering

TEXT, UNDECIDED = 1, 2
#: The side of a training picture. Crops of 256 are taken from it.
SIDE = 288


def blend(values, top, left, mask, grey, strength=1.0):
    """Draws a mask in a grey value, cut at the edges."""
    height, width = values.shape
    first_y, first_x = max(0, top), max(0, left)
    last_y, last_x = min(height, top + mask.shape[0]), min(width, left + mask.shape[1])
    if last_y > first_y and last_x > first_x:
        part = values[first_y:last_y, first_x:last_x]
        part += (grey - part) * mask[first_y - top:last_y - top, first_x - left:last_x - left] * strength


def fill(values, top, left, bottom, right, grey, strength=1.0):
    part = values[max(0, top):max(0, bottom), max(0, left):max(0, right)]
    part += (grey - part) * strength


def text_block(random, values, labels, lettering, held=None):
    """Writes some lines of one style. `held` collects what was written, for scoring. False where there was no room."""
    height, width = values.shape
    turned = random.random() < 0.07
    count = random.choice([1, 1, 1, 2, 2, 3, 4, 6])
    lines = [(text, lettering.mask(text)) for text in (texts.line(random, lettering) for _ in range(count))]
    lines = [(text, mask) for text, mask in lines if mask is not None and mask.shape[0] < 90 and mask.shape[1] > 3]
    if not lines:
        return False
    if turned:
        quarter = random.choice([1, 3])
        lines = [(text, np.rot90(mask, quarter)) for text, mask in lines]
    gap = max(2, int(lettering.size * random.uniform(0.15, 0.8)))
    if turned:
        block_width, block_height = sum(mask.shape[1] + gap for _, mask in lines), max(mask.shape[0] for _, mask in lines)
    else:
        block_width, block_height = max(mask.shape[1] for _, mask in lines), sum(mask.shape[0] + gap for _, mask in lines)
    left = random.randrange(-min(block_width // 2, 60), max(1, width - min(block_width, 40)))
    top = random.randrange(-4, max(1, height - min(block_height, 12)))
    if random.random() < 0.35:
        left, top = random.choice([2, 4, 6, max(0, width - block_width - 4)]), random.choice([2, 5, max(0, height - block_height - 3)])
    first_y, first_x = max(0, top), max(0, left)
    last_y, last_x = min(height, top + block_height), min(width, left + block_width)
    if last_y - first_y < 4 or last_x - first_x < 4 or (labels[first_y:last_y, first_x:last_x] == TEXT).any():
        return False

    around = values[first_y:last_y, first_x:last_x]
    mean, spread = float(around.mean()), float(around.std())
    style = random.choice(["plain"] * 6 + ["shadow", "outline", "box", "box", "veil", "inverse"])
    contrast = random.choice(["full"] * 4 + ["grey", "grey", "low", "low", "low"])
    brighter = 1 if mean < 128 else -1
    if style != "plain" and random.random() < 0.12:
        brighter = -brighter
    box_grey = mean
    if contrast == "full":
        grey = 255 if brighter > 0 else 0
    elif contrast == "grey":
        grey = mean + brighter * (random.uniform(60, 130) + spread)
    else:
        # Faint, and yet above the noise that it stands on.
        grey = mean + brighter * max(random.uniform(8, 50), random.uniform(0.9, 1.6) * spread + random.uniform(5, 12))
    if style in ("box", "inverse") and contrast != "low":
        box_grey = random.choice([0, 0, 255, 40, 20, 200, random.randrange(256)])
        away = 1 if box_grey < 128 else -1
        grey = (255 if away > 0 else 0) if contrast == "full" else box_grey + random.uniform(60, 130) * away
    grey = min(255, max(0, grey))
    if style == "plain" and abs(grey - mean) < (1.3 if lettering.size < 14 else 0.9) * spread + 8:
        style = "outline"
    margin, strength = random.randrange(1, 5), random.choice([1, 1, 1, 0.85])
    opposite = 0 if grey > 127 else 255

    y, x = top, left
    for text, mask in lines:
        at_y, at_x = (top, x) if turned else (y, left)
        bottom, right = at_y + mask.shape[0], at_x + mask.shape[1]
        if turned:
            x = right + gap
        else:
            y = bottom + gap
        if style in ("box", "inverse"):
            fill(values, at_y - margin, at_x - margin, bottom + margin, right + margin, box_grey)
        elif style == "veil":
            fill(values, at_y - margin, at_x - margin, bottom + margin, right + margin, 0 if grey > mean else 255, 0.6)
        elif style == "shadow":
            for step in range(1, random.choice([2, 2, 3])):
                blend(values, at_y + step, at_x + step, mask, opposite)
        elif style == "outline":
            wide = ndimage.grey_dilation(np.pad(mask, 2), size=(3, 3) if random.random() < 0.7 else (5, 5))
            blend(values, at_y - 2, at_x - 2, wide, opposite)
        blend(values, at_y, at_x, mask, grey, strength)
        seen_y, seen_x, end_y, end_x = max(0, at_y), max(0, at_x), min(height, bottom), min(width, right)
        if end_y <= seen_y or end_x <= seen_x:
            continue
        share = (end_y - seen_y) * (end_x - seen_x) / mask.size
        if len(text.replace(" ", "")) < 2 or share < 0.35 or min(mask.shape) < 4:
            part = labels[max(0, seen_y - 3):end_y + 3, max(0, seen_x - 3):end_x + 3]
            part[part != TEXT] = UNDECIDED
        else:
            labels[seen_y:end_y, seen_x:end_x] = TEXT
            if held is not None:
                held.append({"text": text, "box": [seen_x, seen_y, end_x, end_y], "style": style, "contrast": contrast,
                             "kind": lettering.kind, "height": mask.shape[0], "share": round(share, 2)})
    return True


def compressed(values, quality):
    """What JPEG leaves of it."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer).convert("L"))


def training_picture(random, numbers, faces, bank, side=SIDE):
    """Grey values and labels, both of `side` by `side` bytes."""
    scale = random.choice([1, 1, 1, 1, random.uniform(0.6, 1.7)])
    size = int(side * scale)
    values, labels = bank.part(random, numbers, size, size), np.zeros((size, size), np.uint8)
    if random.random() < 0.6:
        values, letters = marks.draw_some(random, numbers, faces, values)
        labels[letters] = UNDECIDED
    if random.random() < 0.68:
        for _ in range(random.choice([1, 1, 2, 2, 3, 4])):
            text_block(random, values, labels, Lettering(random, faces))
    if random.random() < 0.15:
        values = ndimage.gaussian_filter(values, random.uniform(0.3, 0.9))
    if random.random() < 0.12:
        values = values + numbers.normal(0, random.uniform(1, 9), values.shape)
    values = np.clip(values, 0, 255).astype(np.uint8)
    if size != side:
        how = random.choice([Image.BILINEAR, Image.BICUBIC, Image.NEAREST, Image.BOX])
        values = np.array(Image.fromarray(values).resize((side, side), how))
        labels = np.array(Image.fromarray(labels).resize((side, side), Image.NEAREST))
    if random.random() < 0.3:
        values = compressed(values, random.randrange(25, 92))
    return values, labels
