"""What pictures show: scenes that look like those of scanners, computed, without a letter. No picture of a person is used.

Each scene takes a `Chance`, height, width and `z`, the place of a slice in its series from 0 to 1, and gives levels from 0 to 255:
grey, or red, green and blue. The frames of a clip differ by the generator for noise alone.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


@dataclass
class Chance:
    """Two generators: one for what is shown, the same for all frames, and one for noise, another for each."""

    shape: np.random.Generator
    noise: np.random.Generator

    def between(self, low, high):
        return float(self.shape.uniform(low, high))

    def grain(self, size):
        return self.noise.standard_normal(size, np.float32)


def clouds(generator, height, width, size, octaves=1):
    """A smooth field from 0 to 1 whose coarsest lumps are `size` pixels wide; each octave adds lumps of half the size."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(1.0, size / 2**octave)
        coarse = generator.random((int(height / cell) + 3, int(width / cell) + 3)).astype(np.float32)
        total += np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)) / 2**octave
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def blurred(levels, radius):
    """Grey levels made less sharp."""
    return np.asarray(Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)), np.float32)


def grid(height, width):
    """The numbers of rows and of columns, to be combined into fields."""
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None]


def ellipse(height, width, centre, radii, turn=0.0):
    """The squared distance from the centre of an ellipse, 1 on its border. All lengths are shares of height and width."""
    y, x = grid(height, width)
    y, x = y / height - np.float32(centre[0]), x / width - np.float32(centre[1])
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    down, across = np.float32(1 / radii[0]), np.float32(1 / radii[1])
    return (y * (cos * down) - x * (sin * down)) ** 2 + (x * (cos * across) + y * (sin * across)) ** 2


def drawn(height, width, paint, radius=0.0):
    """What `paint` draws with a pen in grey levels."""
    canvas = Image.new("L", (width, height))
    paint(ImageDraw.Draw(canvas))
    levels = np.asarray(canvas, np.float32)
    return blurred(levels, radius) if radius else levels


def ultrasound(chance, height, width, z):
    """A fan or a strip of speckle on black, with a bar of grey, and sometimes a dim banner."""
    shape = chance.shape
    y, x = grid(height, width)
    top, middle = height * chance.between(0.1, 0.16), width * chance.between(0.42, 0.55)
    depth = height * chance.between(0.72, 0.82)
    if shape.random() < 0.7:
        inner, half = height * chance.between(0.04, 0.2), chance.between(0.45, 0.75)
        dy, dx = y - top + inner, x - middle
        away, angle = np.hypot(dy, dx), np.arctan2(dx, dy)
        inside = (np.abs(angle) < half) & (away > inner) & (away < inner + depth)
        down, across = (away - inner) / depth, (angle + half) / (2 * half)
    else:
        half = width * chance.between(0.2, 0.32)
        inside = (np.abs(x - middle) < half) & (y > top) & (y < top + depth)
        down, across = (y - top) / depth, (x - middle + half) / (2 * half)
    lines, samples = 220, 420
    echo = np.hypot(chance.grain((samples, lines)), chance.grain((samples, lines)))
    echo = (echo + np.roll(echo, 1, 1) + np.roll(echo, 1, 0)) / 3
    place = np.clip((down * samples).astype(int), 0, samples - 1), np.clip((across * lines).astype(int), 0, lines - 1)
    tissue = 30 + 90 * clouds(shape, height, width, width / 5, 3)
    for _ in range(shape.integers(1, 4)):
        centre = chance.between(0.3, 0.8) + 0.03 * z, chance.between(0.3, 0.65)
        wall = ellipse(height, width, centre, (chance.between(0.03, 0.1), chance.between(0.03, 0.12)), chance.between(0, 3))
        tissue = np.where(wall < 1, 8, np.where(wall < 1.3, tissue + 60, tissue))
    frame = np.where(inside, np.clip(tissue * echo[place] * (1.05 - 0.6 * down), 0, 235), 0).astype(np.float32)
    bar = slice(int(height * 0.2), int(height * 0.5)), slice(int(width * 0.965), int(width * 0.98))
    frame[bar] = np.linspace(240, 10, frame[bar].shape[0])[:, None]
    if shape.random() < 0.5:
        frame[: int(top * 0.75)] = chance.between(15, 50)
    return frame


def ct(chance, height, width, z):
    """A slice through trunk or head: skin, fat, organs, bone, noise, and the table below."""
    shape = chance.shape
    centre, radii = (chance.between(0.46, 0.52), 0.5), (chance.between(0.26, 0.36), chance.between(0.34, 0.43))
    shrink = 1 - 0.15 * (z - 0.5) ** 2
    radii = radii[0] * shrink, radii[1] * shrink
    body = ellipse(height, width, centre, radii)
    frame = np.full((height, width), 3, np.float32)
    frame[body < 1] = 58
    frame[body < 0.82] = 74 + 8 * clouds(shape, height, width, width / 6, 2)[body < 0.82]
    for _ in range(shape.integers(4, 9)):
        spot = centre[0] + chance.between(-0.16, 0.14), centre[1] + chance.between(-0.24, 0.24)
        organ = ellipse(height, width, spot, (chance.between(0.03, 0.11), chance.between(0.03, 0.11)), chance.between(0, 3))
        frame[(organ < 1) & (body < 0.8)] = chance.between(66, 98)
    if shape.random() < 0.35:
        for side in (-1, 1):
            lung = ellipse(height, width, (centre[0] - 0.03, 0.5 + side * 0.19), (0.19, 0.13), side * 0.2)
            frame[(lung < 1) & (body < 0.8)] = 12
            vessels = clouds(shape, height, width, 9) > 0.78
            frame[vessels & (lung < 0.9)] = 60
    spine = ellipse(height, width, (centre[0] + radii[0] * 0.6, 0.5 + 0.01 * z), (0.055, 0.06))
    marrow = 100 + 40 * clouds(shape, height, width, 5)
    frame = np.where(spine < 1, np.where(spine < 0.6, marrow, 170), frame)
    for angle in np.linspace(0.3, 2 * np.pi, int(shape.integers(9, 15))):
        rib = centre[0] + radii[0] * 0.87 * np.sin(angle + z), centre[1] + radii[1] * 0.87 * np.cos(angle + z)
        frame[ellipse(height, width, rib, (0.014, 0.028), -angle) < 1] = 165
    y, x = grid(height, width)
    bow = y / height - (centre[0] + radii[0] + 0.03) + 0.12 * ((x / width - 0.5) / 0.4) ** 2
    frame[(np.abs(bow) < 0.006) & (np.abs(x / width - 0.5) < 0.4)] = 70
    grain = blurred(128 + 40 * chance.grain((height, width)), 0.7) - 128
    frame += grain * chance.between(0.08, 0.25) * (1 + 0.6 * (body < 1))
    return np.clip(frame, 0, 235)


def mr(chance, height, width, z):
    """A slice through a head or a knee: bright fat, dark bone, folded or streaky tissue, uneven sensitivity."""
    shape = chance.shape
    frame = np.zeros((height, width), np.float32)
    if shape.random() < 0.7:
        turn, radii = chance.between(-0.1, 0.1), (0.42 * (1 - 0.2 * (z - 0.4) ** 2), chance.between(0.32, 0.37))
        head = ellipse(height, width, (0.5, 0.5), radii, turn)
        folds = np.abs(np.sin(14 * clouds(shape, height, width, width / 7, 2)))
        frame[head < 1] = 190
        frame[head < 0.9] = 22
        frame[head < 0.8] = (85 + 75 * folds)[head < 0.8]
        for side in (-1, 1):
            frame[ellipse(height, width, (0.46, 0.5 + side * 0.055), (0.12 * (1.1 - z / 2), 0.03), side * 0.35) < 1] = 30
    else:
        frame[ellipse(height, width, (0.5, 0.5), (0.6, 0.3)) < 1] = 150
        for centre, radii in (((0.2, 0.5), (0.26, 0.17)), ((0.8, 0.5), (0.26, 0.15))):
            bone = ellipse(height, width, centre, radii)
            frame[bone < 1.1] = 15
            frame[bone < 1] = (120 + 30 * clouds(shape, height, width, 6))[bone < 1]
        frame += 20 * np.abs(np.sin(25 * clouds(shape, height, width, width / 3))) * (frame > 100)
    frame *= 0.65 + 0.5 * clouds(shape, height, width, width / 2)
    spread = chance.between(2, 7)
    frame = np.hypot(frame + spread * chance.grain(frame.shape), spread * chance.grain(frame.shape))
    return np.clip(frame, 0, 235).astype(np.float32)


def chest(chance, height, width, z):
    """A radiograph of a chest: dark lungs with ribs, bright heart and spine, collar bones."""
    shape = chance.shape
    y, x = grid(height, width)
    frame = (130 + 50 * (y / height) - 60 * np.abs(x / width - 0.5)).astype(np.float32)
    for side in (-1, 1):
        lung = ellipse(height, width, (0.46, 0.5 + side * chance.between(0.19, 0.22)), (0.34, 0.17), side * 0.12)
        frame -= 85 * np.clip(1.3 - lung, 0, 1)
    out = np.clip(np.abs(x / width - 0.5), 0, 0.42)
    along = 0.9 * out * out - 0.1 * np.sin(out * 9)
    # Nine pairs, evenly apart.
    pair = (y / height - 0.088 - along) / 0.085
    ribs = 24 * ((pair > 0) & (pair < 9) & (pair % 1 < 0.28) & (out > 0.03))
    frame += blurred(ribs, width / 260)
    frame += 65 * np.exp(-(((x / width - 0.5) / 0.06) ** 2))
    frame += 70 * np.clip(1.2 - ellipse(height, width, (0.62, 0.56), (0.17, 0.16), 0.5), 0, 0.8)
    frame += 25 * clouds(shape, height, width, width / 12, 4) + 4 * chance.grain(frame.shape)
    if shape.random() < 0.5:
        edge = int(chance.between(0.01, 0.05) * width)
        frame[:, :edge], frame[:, -edge:], frame[:edge], frame[-edge:] = 6, 6, 6, 6
    return np.clip(frame, 0, 238).astype(np.float32)


def mammogram(chance, height, width, z):
    """A breast at one side of a dark picture: glandular clouds, skin, muscle, specks of calcium."""
    shape = chance.shape
    breast = ellipse(height, width, (chance.between(0.45, 0.55), 0), (chance.between(0.36, 0.45), chance.between(0.5, 0.8)))
    frame = np.full((height, width), 5, np.float32)
    tissue = 60 + 120 * clouds(shape, height, width, width / 4, 6) ** 1.6
    frame = np.where(breast < 1, tissue * np.clip(1.25 - breast * 0.7, 0, 1), frame)
    frame = np.where((breast < 1) & (breast > 0.975), 95, frame)
    y, x = grid(height, width)
    muscle = x / width < 0.28 * (1 - y / (0.5 * height))
    frame = np.where(muscle & (breast < 1), np.maximum(frame, 165), frame)
    for _ in range(shape.integers(3, 25)):
        at = int(chance.between(0.3, 0.7) * height), int(chance.between(0.1, 0.4) * width)
        frame[at[0] : at[0] + 2, at[1] : at[1] + 2] = 225
    frame = frame + 3 * chance.grain(frame.shape)
    return np.clip(frame if shape.random() < 0.5 else frame[:, ::-1], 0, 238).astype(np.float32)


def endoscopy(chance, height, width, z):
    """A round or eight-sided picture of red mucosa in a black frame, with folds and bright reflections."""
    shape = chance.shape
    y, x = grid(height, width)
    middle = width * chance.between(0.5, 0.68)
    away = np.hypot(y - height / 2, x - middle) / (height * 0.47)
    if shape.random() < 0.4:
        away = np.maximum(np.maximum(np.abs(y - height / 2), np.abs(x - middle)), (np.abs(y - height / 2) + np.abs(x - middle)) / 1.4)
        away /= height * 0.47
    lumps = clouds(shape, height, width, width / 6, 4)
    folds = 1 - 0.35 * (np.abs(np.sin(9 * lumps + 4 * z)) < 0.25)
    bright = (60 + 120 * lumps) * folds * np.clip(1.25 - 0.7 * away, 0, 1)
    bright += 8 * (clouds(chance.noise, height, width, 4) - 0.5)
    frame = np.stack([bright * 1.15, bright * 0.55, bright * 0.42], -1)
    frame[(clouds(shape, height, width, 14) > 0.9) & (lumps > 0.5)] = 235
    frame = np.where(away[..., None] < 1, frame, 4)
    return np.clip(frame, 0, 238).astype(np.float32)


def capture(chance, height, width, z):
    """The screen of a workstation: panes with slices, buttons, a curve; no letters."""
    shape = chance.shape
    tone = chance.between(20, 70)
    frame = np.full((height, width), tone, np.float32)
    frame[: height // 14] = tone + 45
    side = int(width * chance.between(0.15, 0.28))
    frame[height // 14 :, :side] = tone + 18
    rows, columns = (1, 2) if shape.random() < 0.5 else (2, 2)
    for row in range(rows):
        for column in range(columns):
            tall, wide = (height - height // 14) // rows - 8, (width - side) // columns - 8
            top, left = height // 14 + row * (tall + 8) + 4, side + column * (wide + 8) + 4
            frame[top : top + tall, left : left + wide] = (ct, mr)[shape.integers(2)](chance, tall, wide, z)
    for number in range(shape.integers(3, 8)):
        top = int(height * (0.12 + 0.1 * number))
        frame[top : top + 18, 12 : side - 12] = tone + 60
        frame[top + 1 : top + 17, 13 : side - 13] = tone + 35
    return np.clip(frame, 0, 238)


def dose(chance, height, width, z):
    """The sheet of a dose report without its words: rules and bars on black or white."""
    white = chance.shape.random() < 0.5
    frame = np.full((height, width), 238 if white else 4, np.float32)
    ink = 110 if white else 140
    for row in np.linspace(0.2, 0.9, int(chance.shape.integers(5, 10))):
        frame[int(row * height), int(0.06 * width) : int(0.94 * width)] = ink
    for column in np.linspace(0.06, 0.94, int(chance.shape.integers(3, 6))):
        frame[int(0.2 * height) : int(0.9 * height), int(column * width)] = ink
    return frame


def xa(chance, height, width, z):
    """Contrast medium in a tree of vessels on an uneven bright ground, under a collimator."""
    shape = chance.shape
    frame = 110 + 80 * clouds(shape, height, width, width / 2, 2)

    def tree(pen):
        branches = [(height * 0.1, width * chance.between(0.4, 0.6), 1.57, height / 60)]
        while branches:
            y, x, angle, thick = branches.pop()
            for _ in range(int(shape.integers(6, 14))):
                angle += shape.normal() * 0.25
                to = y + 12 * np.sin(angle), x + 12 * np.cos(angle)
                pen.line((x, y, to[1], to[0]), fill=int(150 * min(1, thick / 4)) + 20, width=max(1, round(thick)))
                y, x = to
            if thick > 1.3 and len(branches) < 40:
                branches += [(y, x, angle + turn, thick * 0.72) for turn in (-0.5, 0.45)]

    frame = frame - drawn(height, width, tree, 0.8) * (0.4 + 0.4 * abs(np.sin(3 * z + 0.8)))
    frame += 5 * chance.grain(frame.shape)
    if shape.random() < 0.5:
        frame = np.where(ellipse(height, width, (0.5, 0.5), (0.5, 0.5)) < 1, frame, 4)
    else:
        frame[: height // 16], frame[-height // 16 :] = 4, 4
    return np.clip(frame, 0, 238).astype(np.float32)


def photograph(chance, height, width, z):
    """Skin with a few moles before a cloth."""
    shape = chance.shape
    cloth = np.array([chance.between(20, 110) for _ in range(3)])
    folds = 0.7 + 0.5 * clouds(shape, height, width, width / 3, 3)
    frame = cloth * folds[..., None]
    limb = ellipse(height, width, (0.5, chance.between(0.4, 0.6)), (chance.between(0.25, 0.4), 0.8), chance.between(-0.4, 0.4))
    dark = chance.between(0.45, 1)
    light = (0.8 + 0.25 * clouds(shape, height, width, width / 5, 5)) * np.clip(1.3 - 0.6 * limb, 0, 1) * dark
    frame = np.where(limb[..., None] < 1, np.array([225, 170, 140]) * light[..., None], frame)
    for _ in range(shape.integers(1, 7)):
        centre = chance.between(0.3, 0.7), chance.between(0.2, 0.8)
        mole = ellipse(height, width, centre, (chance.between(0.006, 0.03), chance.between(0.006, 0.03)))
        frame = np.where(((mole < 1) & (limb < 1))[..., None], frame * 0.5, frame)
    frame += 2.5 * chance.grain(frame.shape)
    return np.clip(frame, 0, 238).astype(np.float32)


def document(chance, height, width, z):
    """A scanned form without its words: paper, rules, a stain, the shadow of a fold."""
    frame = 225 + 8 * clouds(chance.shape, height, width, width / 2) + 2 * chance.grain((height, width))
    for row in np.linspace(0.15, 0.9, int(chance.shape.integers(5, 12))):
        frame[int(row * height), int(0.1 * width) : int(0.9 * width)] -= 70
    frame[int(height * 0.5) : int(height * 0.5) + 3] -= 25
    return np.clip(frame, 0, 243).astype(np.float32)


def furniture(chance, frame):
    """Scales and single letters of orientation at the edges, which are no text that identifies: the letters, and where they stand."""
    height, width = frame.shape[:2]
    light = chance.between(120, 220)
    if chance.shape.random() < 0.5:
        step, left = int(chance.between(12, 30)), chance.shape.random() < 0.5
        column = 3 if left else width - 10
        for number, row in enumerate(range(int(height * 0.15), int(height * 0.85), step)):
            frame[row, column : column + (7 if number % 5 == 0 else 4)] = light
    if chance.shape.random() < 0.5:
        letters = [("L", (0.5, 0.95)), ("R", (0.5, 0.02)), ("A", (0.02, 0.5)), ("P", (0.95, 0.5))]
        return [letters[number] for number in chance.shape.permutation(4)[: chance.shape.integers(1, 4)]], light
    return [], light
