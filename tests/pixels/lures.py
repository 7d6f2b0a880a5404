"""Patterns that look like text to a detector and are none. Each paints on levels from 0 to 255, grey, and gives them back."""

import numpy as np
from PIL import Image, ImageDraw

from scenes import clouds


def _painted(frame, paint, light):
    """What a pen draws in white, laid over the frame in a tone."""
    canvas = Image.new("L", (frame.shape[1], frame.shape[0]))
    paint(ImageDraw.Draw(canvas))
    share = np.asarray(canvas, np.float32) / 255
    return frame * (1 - share) + light * share


def heart_trace(chance, frame, light):
    height, width = frame.shape
    for row in (0.88, 0.93)[: chance.shape.integers(1, 3)]:
        beat, x = chance.between(28, 70), np.arange(width)
        phase = x % beat / beat
        wave = 0.12 * np.sin(phase * 6.3) + 1.0 * np.exp(-(((phase - 0.4) / 0.03) ** 2)) - 0.3 * np.exp(-(((phase - 0.47) / 0.03) ** 2))
        points = list(zip(x.tolist(), (row * height - wave * height * 0.04).tolist(), strict=True))
        frame = _painted(frame, lambda pen, points=points: pen.line(points, fill=255), light)
    return frame


def ruler(chance, frame, light):
    height, width = frame.shape
    row, step = int(chance.between(0.05, 0.95) * height), int(chance.shape.integers(3, 9))

    def paint(pen):
        pen.line((0.1 * width, row, 0.9 * width, row), fill=255)
        for number, x in enumerate(range(int(0.1 * width), int(0.9 * width), step)):
            pen.line((x, row, x, row - (12 if number % 10 == 0 else 8 if number % 5 == 0 else 5)), fill=255)

    return _painted(frame, paint, light)


def fine_grid(chance, frame, light):
    height, width = frame.shape
    top, left = int(chance.between(0, 0.5) * height), int(chance.between(0, 0.5) * width)
    step = int(chance.shape.integers(6, 20))
    patch = frame[top : top + height // 3, left : left + width // 3]
    patch[::step], patch[:, ::step] = light, light
    return frame


def colour_bars(chance, frame, light):
    height, width = frame.shape
    tall, left = int(chance.shape.integers(8, 22)), int(chance.between(0.03, 0.9) * width)
    for number in range(int(chance.shape.integers(5, 12))):
        top = int(height * 0.2) + number * tall
        frame[top : top + tall - 2, left : left + 14] = (number * 67 + 30) % 230
    return frame


def calipers(chance, frame, light):
    height, width = frame.shape

    def paint(pen):
        for _ in range(chance.shape.integers(2, 5)):
            ends = [(chance.between(0.2, 0.8) * width, chance.between(0.2, 0.8) * height) for _ in range(2)]
            for x, y in ends:
                pen.line((x - 5, y, x + 5, y), fill=255)
                pen.line((x, y - 5, x, y + 5), fill=255)
            for share in np.arange(0, 1, 0.03):
                x, y = (ends[0][axis] * (1 - share) + ends[1][axis] * share for axis in (0, 1))
                pen.point((x, y), fill=255)

    return _painted(frame, paint, light)


def trabeculae(chance, frame, light):
    height, width = frame.shape
    net = np.abs(np.sin(clouds(chance.shape, height, width, 22, 2) * 26)) ** 3
    around = clouds(chance.shape, height, width, width / 3)
    return np.where(around > 0.6, frame * 0.4 + net * light * 0.6, frame).astype(np.float32)


def keys(chance, frame, light):
    height, width = frame.shape
    size, top = int(chance.shape.integers(9, 20)), int(chance.between(0.05, 0.8) * height)

    def paint(pen):
        for row in range(chance.shape.integers(1, 4)):
            for column in range(int(width * 0.7 / (size + 4))):
                x, y = width * 0.1 + column * (size + 4) + row * 5, top + row * (size + 4)
                pen.rounded_rectangle((x, y, x + size, y + size * 0.8), 2, outline=255)

    return _painted(frame, paint, light)


def checkerboard(chance, frame, light):
    height, width = frame.shape
    size = int(chance.shape.integers(4, 14))
    top, left = int(chance.between(0, 0.7) * height), int(chance.between(0, 0.7) * width)
    patch = frame[top : top + height // 4, left : left + width // 4]
    y, x = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
    patch[(y // size + x // size) % 2 == 0] = light
    return frame


def stripes(chance, frame, light):
    """Upright bars of uneven width, as of a bar code, at the size of a vessel's wall or a comb."""
    height, width = frame.shape
    top, left, tall = int(chance.between(0.1, 0.8) * height), int(chance.between(0.05, 0.5) * width), int(chance.between(14, 50))
    x = left
    while x < left + width * 0.4:
        bar = int(chance.shape.integers(1, 5))
        frame[top : top + tall, x : x + bar] = light
        x += bar + int(chance.shape.integers(1, 6))
    return frame


def mesh(chance, frame, light):
    """A stent: crossing waves along a tube."""
    height, width = frame.shape
    row, tall = chance.between(0.2, 0.8) * height, chance.between(10, 30)
    x = np.arange(int(width * 0.2), int(width * 0.75))

    def paint(pen):
        for phase in np.arange(0, 6.3, 1.57):
            points = zip(x.tolist(), (row + tall / 2 * np.sin(x / tall * 3 + phase)).tolist(), strict=True)
            pen.line(list(points), fill=255)

    return _painted(frame, paint, light)


def staples(chance, frame, light):
    """A row of clips along a scar."""
    height, width = frame.shape
    y, slope = chance.between(0.2, 0.8) * height, chance.between(-0.3, 0.3)

    def paint(pen):
        x = 0.2 * width
        while x < 0.7 * width:
            middle, tilt = y + slope * (x - 0.2 * width), chance.between(-3, 3)
            pen.line((x - tilt, middle - 6, x + tilt, middle + 6), fill=255, width=2)
            x += chance.between(9, 16)

    return _painted(frame, paint, light)


def line_pairs(chance, frame, light):
    """Groups of bars that get finer, as test objects have them."""
    height, width = frame.shape
    top, x = int(chance.between(0.1, 0.7) * height), int(width * 0.15)
    for bar in (6, 5, 4, 3, 2, 1):
        for _ in range(4):
            frame[top : top + 24, x : x + bar] = light
            x += 2 * bar
        x += 12
    return frame


def teeth(chance, frame, light):
    """A row of uneven rounded blocks with dark gaps."""
    height, width = frame.shape
    top = chance.between(0.2, 0.7) * height

    def paint(pen):
        x = width * 0.15
        while x < width * 0.8:
            wide = chance.between(8, 22)
            bend = 0.0004 * (x - width / 2) ** 2
            pen.rounded_rectangle((x, top + bend, x + wide, top + bend + chance.between(16, 34)), 4, fill=200)
            pen.line((x + wide / 2, top + bend + 5, x + wide / 2, top + bend + 14), fill=90)
            x += wide + 2

    return _painted(frame, paint, light)


def loops(chance, frame, light):
    """A wire that winds: coils of a pigtail or of a lead."""
    height, width = frame.shape
    row, size, step = chance.between(0.2, 0.8) * height, chance.between(4, 10), chance.between(0.8, 2.2)
    turn = np.arange(0, 60, 0.2)
    points = zip((width * 0.2 + turn * step + size * np.cos(turn)).tolist(), (row + size * np.sin(turn)).tolist(), strict=True)
    points = list(points)
    return _painted(frame, lambda pen: pen.line(points, fill=255), light)


def hair(chance, frame, light):
    height, width = frame.shape

    def paint(pen):
        for _ in range(60):
            x, y = chance.between(0.2, 0.8) * width, chance.between(0.2, 0.8) * height
            long, angle = chance.between(6, 22), chance.between(0.9, 2.2)
            pen.line((x, y, x + long * np.cos(angle), y + long * np.sin(angle)), fill=255)

    return _painted(frame, paint, light)


LURES = {
    lure.__name__.replace("_", " "): lure
    for lure in (heart_trace, ruler, fine_grid, colour_bars, calipers, trabeculae, keys, checkerboard, stripes, mesh, staples, line_pairs,
                 teeth, loops, hair)
}  # fmt: skip
