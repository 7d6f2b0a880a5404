"""What stands on pictures and is no text: rulers, traces, calipers, catheters, implants, grids, codes, arrows.

Each takes the picture (an `Image` of grey values), Python's random, NumPy's generator and a grey value, and draws on it.
"""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from .typefaces import Lettering


def _spot(picture, random):
    return random.randrange(picture.width), random.randrange(picture.height)


def ruler(picture, random, numbers, grey):
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    length, step, upright, tick = random.randrange(60, 280), random.choice([3, 4, 5, 6, 8, 10, 12, 20]), random.random() < 0.5, random.randrange(2, 10)
    if random.random() < 0.6:
        draw.line((x, y, x, y + length) if upright else (x, y, x + length, y), fill=grey, width=random.choice([1, 1, 2]))
    for index, at in enumerate(range(0, length, step)):
        end = tick * (2 if index % 5 == 0 else 1)
        draw.line((x, y + at, x + end, y + at) if upright else (x + at, y, x + at, y + end), fill=grey)


def trace(picture, random, numbers, grey):
    """ECG, respiration, or several channels of an EEG."""
    draw, period, base = ImageDraw.Draw(picture), random.randrange(25, 90), random.randrange(picture.height)
    for _ in range(random.choice([1, 1, 1, 2, 6])):
        peak, kind, points = random.randrange(12, 40), random.randrange(3), []
        for x in range(picture.width):
            phase = x % period
            if kind == 0:
                lift = -peak if phase == period // 2 else 8 if phase == period // 2 + 2 else -5 * math.exp(-(((phase - period * 0.75) / 4) ** 2))
            elif kind == 1:
                lift = peak / 2 * math.sin(x / period * 6.3)
            else:
                lift = random.gauss(0, peak / 8)
            points.append((x, base + lift + random.uniform(-1, 1)))
        draw.line(points, fill=grey, width=random.choice([1, 1, 2]))
        base += random.randrange(8, 26)


def colour_bar(picture, random, numbers, grey):
    (x, y), width, height = _spot(picture, random), random.randrange(6, 24), random.randrange(60, 220)
    ramp = np.repeat(np.linspace(255, 0, height)[:, None], width, 1)
    if random.random() < 0.4:
        ramp = ramp // 32 * 32
    picture.paste(Image.fromarray((ramp if random.random() < 0.7 else ramp.T).astype(np.uint8)), (x, y))
    if random.random() < 0.4:
        ImageDraw.Draw(picture).rectangle((x - 1, y - 1, x + width, y + height), outline=grey)


def calipers(picture, random, numbers, grey):
    draw = ImageDraw.Draw(picture)
    for _ in range(random.randrange(1, 6)):
        (x, y), size, kind = _spot(picture, random), random.randrange(2, 8), random.randrange(4)
        if kind == 0:
            draw.line((x - size, y, x + size, y), fill=grey)
            draw.line((x, y - size, x, y + size), fill=grey)
        elif kind == 1:
            draw.line((x - size, y - size, x + size, y + size), fill=grey)
            draw.line((x - size, y + size, x + size, y - size), fill=grey)
        elif kind == 2:
            draw.ellipse((x - size, y - size, x + size, y + size), outline=grey)
        else:
            draw.rectangle((x - size, y - size, x + size, y + size), outline=grey)


def dotted_line(picture, random, numbers, grey):
    draw, (x, y), (end_x, end_y) = ImageDraw.Draw(picture), _spot(picture, random), _spot(picture, random)
    count, size, dash = max(2, int(math.hypot(end_x - x, end_y - y) / random.choice([3, 4, 6, 8]))), random.choice([0, 0, 1, 2]), random.random() < 0.4
    for index in range(count):
        at_x, at_y = x + (end_x - x) * index / count, y + (end_y - y) * index / count
        if dash:
            draw.line((at_x, at_y, at_x + (end_x - x) / count * 0.5, at_y + (end_y - y) / count * 0.5), fill=grey)
        else:
            draw.rectangle((at_x, at_y, at_x + size, at_y + size), fill=grey)


def frames(picture, random, numbers, grey):
    draw = ImageDraw.Draw(picture)
    for _ in range(random.randrange(1, 4)):
        draw.line((*_spot(picture, random), *_spot(picture, random)), fill=grey, width=random.choice([1, 1, 2, 3]))
        x, y = _spot(picture, random)
        fill = None if random.random() < 0.6 else random.randrange(256)
        draw.rectangle((x, y, x + random.randrange(6, 200), y + random.randrange(6, 200)), outline=grey, fill=fill)


def catheter(picture, random, numbers, grey):
    points, turn = [_spot(picture, random)], random.uniform(0, 6.3)
    for _ in range(random.randrange(10, 60)):
        turn += random.uniform(-0.4, 0.4)
        points.append((points[-1][0] + 7 * math.cos(turn), points[-1][1] + 7 * math.sin(turn)))
    ImageDraw.Draw(picture).line(points, fill=grey, width=random.randrange(1, 6))


def strokes(picture, random, numbers, grey):
    draw, (x, y), spread = ImageDraw.Draw(picture), _spot(picture, random), random.uniform(20, 70)
    for _ in range(random.randrange(10, 120)):
        at_x, at_y, turn, length = random.gauss(x, spread), random.gauss(y, spread), random.uniform(0, 6.3), random.uniform(1, 9)
        draw.line((at_x, at_y, at_x + length * math.cos(turn), at_y + length * math.sin(turn)), fill=grey, width=random.choice([1, 1, 2]))


def dots(picture, random, numbers, grey):
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    if random.random() < 0.5:
        step, size = random.randrange(4, 20), random.choice([0, 1, 2, 3, 5])
        for row in range(random.randrange(1, 10)):
            for column in range(random.randrange(3, 16)):
                draw.ellipse((x + column * step, y + row * step, x + column * step + size, y + row * step + size), fill=grey)
        return
    for _ in range(random.randrange(5, 120)):
        at_x, at_y, size = random.gauss(x, 70), random.gauss(y, 70), random.choice([0, 0, 1, 2, 3])
        draw.ellipse((at_x, at_y, at_x + size, at_y + size), fill=grey)


def squares(picture, random, numbers, grey):
    """Checkerboards and step wedges."""
    draw, (x, y), size = ImageDraw.Draw(picture), _spot(picture, random), random.choice([1, 2, 3, 4, 6, 8, 14])
    for column in range(random.randrange(3, 14)):
        for row in range(random.randrange(1, 10)):
            if (column + row) % 2 == 0:
                draw.rectangle((x + column * size, y + row * size, x + column * size + size - 1, y + row * size + size - 1), fill=grey)


def line_pairs(picture, random, numbers, grey):
    """The bars of a phantom, fine to coarse, upright or fanned out."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    if random.random() < 0.3:
        for index in range(24):
            turn = index * math.pi / 12
            draw.line((x, y, x + 60 * math.cos(turn), y + 60 * math.sin(turn)), fill=grey, width=random.choice([1, 2]))
        return
    for size in random.sample([1, 2, 3, 4, 5, 6, 8], random.randrange(1, 5)):
        length = random.randrange(8, 50)
        for index in range(random.randrange(3, 8)):
            draw.rectangle((x + 2 * index * size, y, x + 2 * index * size + size - 1, y + length), fill=grey)
        x += 18 * size


def pointers(picture, random, numbers, grey):
    """Polygons, arrows, body marks."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    shape = [(x + random.randrange(-14, 15), y + random.randrange(-14, 15)) for _ in range(random.randrange(3, 7))]
    draw.polygon(shape, fill=grey if random.random() < 0.5 else None, outline=grey)
    end_x, end_y = x + random.randrange(-60, 60), y + random.randrange(-60, 60)
    draw.line((x, y, end_x, end_y), fill=grey, width=random.choice([1, 1, 2]))
    turn = math.atan2(end_y - y, end_x - x)
    for side in (2.6, -2.6):
        draw.line((end_x, end_y, end_x + 8 * math.cos(turn + side), end_y + 8 * math.sin(turn + side)), fill=grey)


def spectrum(picture, random, numbers, grey):
    """A Doppler strip or a histogram."""
    (x, y), height = _spot(picture, random), random.randrange(20, 80)
    width = min(picture.width - x, random.randrange(40, 260))
    if width <= 4 or y + height >= picture.height:
        return
    envelope = np.abs(np.sin(np.arange(width) / random.uniform(6, 20)))[None] * height
    if random.random() < 0.3:
        envelope = np.repeat(numbers.random((1, width // 4 + 1)), 4, 1)[:, :width] * height
    rows = np.arange(height)[:, None]
    values = np.where(rows > height - envelope, numbers.rayleigh(60, (height, width)) if random.random() < 0.6 else grey, 0)
    picture.paste(Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)), (x, y))


def implants(picture, random, numbers, grey):
    """Screws, stents, staples, sutures, coils: small marks along a line."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    count, step, turn, size, kind = random.randrange(4, 24), random.choice([3, 4, 5, 6, 8, 11]), random.choice([0, 1.57, random.uniform(0, 3)]), random.randrange(2, 10), random.randrange(4)
    for index in range(count):
        at_x, at_y = x + index * step * math.cos(turn), y + index * step * math.sin(turn)
        across_x, across_y = size * math.sin(turn), size * math.cos(turn)
        if kind == 0:
            draw.line((at_x - across_x, at_y + across_y, at_x + across_x, at_y - across_y), fill=grey, width=random.choice([1, 1, 2]))
        elif kind == 1:
            draw.line((at_x - across_x, at_y + across_y, at_x + step * math.cos(turn), at_y - across_y + step * math.sin(turn)), fill=grey)
        elif kind == 2:
            draw.arc((at_x - size / 2, at_y - size / 2, at_x + size / 2, at_y + size / 2), random.randrange(360), random.randrange(360), fill=grey)
        else:
            draw.line([(at_x, at_y + size), (at_x, at_y), (at_x + size, at_y), (at_x + size, at_y + size)], fill=grey)


def spongy(picture, random, numbers, grey):
    """A patch of spongy bone or mastoid cells."""
    height, width = min(random.randrange(16, 130), picture.height - 2), min(random.randrange(16, 130), picture.width - 2)
    x, y = random.randrange(picture.width - width), random.randrange(picture.height - height)
    fine, stretch, noise = random.uniform(0.6, 2.2), random.choice([1, 1, random.uniform(0.4, 2.5)]), numbers.normal(0, 1, (height, width))
    mesh = ndimage.gaussian_filter(noise, (fine * stretch, fine)) - ndimage.gaussian_filter(noise, (2 * fine * stretch, 2 * fine))
    mesh, level = mesh / (mesh.std() + 1e-6), random.uniform(-0.3, 1.4)
    ink = np.abs(mesh) < level * 0.5 if random.random() < 0.4 else mesh > level
    rows, columns = np.mgrid[0:height, 0:width]
    inside = (rows / height - 0.5) ** 2 + (columns / width - 0.5) ** 2 < (0.25 if random.random() < 0.75 else 9)
    values = np.array(picture, np.float32)
    part, ground = values[y:y + height, x:x + width], random.choice([None, 0, 60, 128])
    if ground is not None:
        part[inside] = ground
    part[inside & ink] = grey
    if random.random() < 0.6:
        part[:] = ndimage.gaussian_filter(part, random.uniform(0.3, 1.1))
    picture.paste(Image.fromarray(values.astype(np.uint8)))


def row_of_shapes(picture, random, numbers, grey):
    """Teeth, vertebrae, ribs, pearls, keys of a screen."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    width, height = random.randrange(4, 30), random.randrange(5, 44)
    turn = random.uniform(-0.3, 0.3) if random.random() < 0.7 else random.uniform(0, 3.1)
    for _ in range(random.randrange(4, 16)):
        fill = max(0, min(255, grey + random.randrange(-40, 41)))
        box = (x, y, x + width * random.uniform(0.7, 1), y + height * random.uniform(0.7, 1))
        random.choice([draw.ellipse, draw.rectangle])(box, fill=fill, outline=None if random.random() < 0.6 else random.randrange(256))
        x, y = x + (width + random.choice([0, 1, 2])) * math.cos(turn), y + (width + 1) * math.sin(turn)
    if random.random() < 0.6:
        picture.paste(picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1.5))))


def labyrinth(picture, random, numbers, grey):
    """Winding bands, fine as letters or wide as folds of a brain: patches of them, or all of the picture."""
    height, width = picture.height, picture.width
    wave, stretch = random.choice([random.uniform(1.2, 3.5), random.uniform(3, 9)]), random.choice([1, 1, random.uniform(0.5, 2)])
    noise = numbers.normal(0, 1, (height, width))
    bands = ndimage.gaussian_filter(noise, (wave, wave * stretch)) - ndimage.gaussian_filter(noise, (wave * 1.6, wave * 1.6 * stretch))
    bands /= bands.std() + 1e-6
    ink = np.clip(bands * random.uniform(0.8, 4) + random.uniform(-0.6, 0.6), -1, 1) * 0.5 + 0.5
    if random.random() < 0.3:
        ink = np.clip(np.abs(bands) * random.uniform(1, 3), 0, 1)
    where = ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.uniform(12, 40))
    inside = where > np.quantile(where, random.choice([0.0, 0.4, 0.6, 0.75, 0.9]))
    if random.random() < 0.5:
        inside = ndimage.gaussian_filter(inside.astype(np.float32), random.uniform(0.5, 3))
    values = np.array(picture, np.float32)
    ground = random.choice([0, random.randrange(256), None])
    drawn = ink * grey + (1 - ink) * (values if ground is None else ground)
    drawn = values + (drawn - values) * random.choice([1, 1, random.uniform(0.2, 0.8)])
    picture.paste(Image.fromarray(np.clip(values * (1 - inside) + drawn * inside, 0, 255).astype(np.uint8)))


def contours(picture, random, numbers, grey):
    """Lines of equal height: folds, interference, isodoses, prints of fingers. In patches, or all over the picture."""
    height, width = picture.height, picture.width
    hills = ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.uniform(5, 20))
    hills /= hills.std() + 1e-6
    if random.random() < 0.6:
        finer = ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.uniform(3, 8))
        hills = hills + finer / (finer.std() + 1e-6) * random.uniform(0.1, 0.6)
    ink = np.abs(np.sin(hills * random.uniform(1.5, 12))) ** random.choice([0.5, 1, 2, 3, 6])
    if random.random() < 0.25:
        ink = (ink > random.uniform(0.3, 0.8)).astype(np.float64)
    where = ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.uniform(12, 50))
    inside = (where > np.quantile(where, random.choice([0, 0.3, 0.5, 0.7, 0.85]))).astype(np.float32)
    values = np.array(picture, np.float32)
    drawn = values * random.choice([0, 0.4, 0.4, 1]) + ink * grey * random.choice([1, 0.6, 0.6, random.uniform(0.1, 0.6)])
    picture.paste(Image.fromarray(np.clip(values * (1 - inside) + drawn * inside, 0, 255).astype(np.uint8)))


def coil(picture, random, numbers, grey):
    """A wire that winds along a line, or a helix: pigtails, springs, coils of a lead."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    size, flat, step, turn = random.uniform(3, 14), random.choice([1, random.uniform(0.2, 1)]), random.uniform(0.3, 3), random.uniform(-0.5, 0.5)
    points = []
    for index in range(random.randrange(40, 400)):
        angle = index * 0.2
        along, across = angle * step + size * flat * math.cos(angle), size * math.sin(angle)
        points.append((x + along * math.cos(turn) - across * math.sin(turn), y + along * math.sin(turn) + across * math.cos(turn)))
    draw.line(points, fill=grey, width=random.choice([1, 1, 2, 3]))


def long_ruler(picture, random, numbers, grey):
    """Ticks of two or three lengths from one side to the other, close to one another."""
    draw, upright = ImageDraw.Draw(picture), random.random() < 0.3
    length = picture.height if upright else picture.width
    at, step, across = random.randrange(picture.width if upright else picture.height), random.uniform(2.5, 9), random.choice([-1, 1])
    first, last = sorted(random.randrange(length) for _ in range(2))
    last = max(last, first + 60)
    sizes = random.choice([(4, 8, 12), (3, 6, 6), (5, 10, 14), (6, 6, 6), (2, 5, 9)])
    for index in range(int((last - first) / step)):
        size = sizes[2 if index % 10 == 0 else 1 if index % 5 == 0 else 0] * across
        place, width = first + index * step, random.choice([1, 1, 2]) if index == 0 else 1
        ends = (at, place, at + size, place) if upright else (place, at, place, at + size)
        draw.line(ends, fill=grey, width=width)
    if random.random() < 0.7:
        draw.line((at, first, at, last) if upright else (first, at, last, at), fill=grey, width=random.choice([1, 1, 2]))


def buttons(picture, random, numbers, grey):
    """Rows of outlined boxes, as of a keyboard or a panel, with nothing written on them."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    width, height, gap = random.randrange(5, 22), random.randrange(4, 18), random.randrange(1, 6)
    fill = random.choice([None, None, random.randrange(256)])
    for row in range(random.choice([1, 2, 3, 3, 4, 5])):
        left = x + random.randrange(0, width)
        for column in range(random.randrange(4, 16)):
            wide = width * random.choice([1, 1, 1, 2])
            draw.rounded_rectangle((left, y, left + wide, y + height), radius=random.choice([0, 1, 3]), outline=grey, fill=fill,
                                   width=random.choice([1, 1, 2]))
            left += wide + gap
        y += height + gap


def stitches(picture, random, numbers, grey):
    """The same small stroke, hook or loop again and again along a line: sutures, coils, staples, chains."""
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    turn, step, size = random.uniform(-0.3, 0.3), random.uniform(2.5, 14), random.uniform(3, 14)
    lean, kind, bow = random.uniform(0, 3.14), random.randrange(5), random.uniform(-0.02, 0.02)
    width = random.choice([1, 1, 2, 3])
    for index in range(random.randrange(6, 40)):
        dx, dy = size / 2 * math.cos(lean), size / 2 * math.sin(lean)
        if kind == 0:
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=grey, width=width)
        elif kind == 1:
            draw.line((x - dx, y - dy, x + dx, y + dy) if index % 2 else (x - dx, y + dy, x + dx, y - dy), fill=grey, width=width)
        elif kind == 2:
            draw.ellipse((x - size / 2, y - size / 2, x + size / 2, y + size / 2), outline=grey, width=width)
        elif kind == 3:
            draw.arc((x - size / 2, y - size / 2, x + size / 2, y + size / 2), 0 if index % 2 else 180, 180 if index % 2 else 360, fill=grey, width=width)
        else:
            draw.line((x - dx, y, x, y - dy, x + dx, y), fill=grey, width=width)
        turn += bow
        x, y = x + step * math.cos(turn), y + step * math.sin(turn)


def rings(picture, random, numbers, grey):
    draw, (x, y) = ImageDraw.Draw(picture), _spot(picture, random)
    for radius in range(4, random.randrange(8, 120), random.randrange(4, 14)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=grey)


def mesh(picture, random, numbers, grey):
    """Grids of lines: millimetre paper, gauze, anti-scatter grids, hatching."""
    draw, (x, y), step = ImageDraw.Draw(picture), _spot(picture, random), random.choice([3, 4, 5, 6, 8, 12, 20])
    width, height, lean = random.randrange(20, 240), random.randrange(20, 240), random.choice([0, 0, random.uniform(-1, 1)])
    for at in range(0, width, step):
        draw.line((x + at, y, x + at + lean * height, y + height), fill=grey)
    if random.random() < 0.7:
        for at in range(0, height, step):
            draw.line((x + lean * at, y + at, x + width + lean * at, y + at), fill=grey)


def hair(picture, random, numbers, grey):
    """Bundles of curved fine lines."""
    draw, (x, y), turn = ImageDraw.Draw(picture), _spot(picture, random), random.uniform(0, 6.3)
    for _ in range(random.randrange(3, 25)):
        points, lean = [(x + random.gauss(0, 14), y + random.gauss(0, 14))], turn + random.gauss(0, 0.3)
        for _ in range(random.randrange(3, 14)):
            lean += random.gauss(0, 0.15)
            points.append((points[-1][0] + 6 * math.cos(lean), points[-1][1] + 6 * math.sin(lean)))
        draw.line(points, fill=max(0, min(255, grey + random.randrange(-30, 31))))


def lead_letter(picture, random, numbers, grey, faces=None):
    """A single `L` or `R`, which counts neither as text nor as none. Gives the box."""
    x, y = _spot(picture, random)
    mask = Lettering(random, faces, size=random.randrange(10, 60), kind="outline").mask(random.choice("LRAPHFlr"))
    if mask is None:
        return None
    values = Image.fromarray((mask * 255).astype(np.uint8))
    picture.paste(grey, (x, y), values)
    if random.random() < 0.3:
        ImageDraw.Draw(picture).ellipse((x - 6, y - 6, x + values.width + 6, y + values.height + 6), outline=grey)
    return (x - 6, y - 6, x + values.width + 6, y + values.height + 6)


ALL = (ruler, ruler, trace, colour_bar, calipers, dotted_line, frames, catheter, strokes, dots, squares, line_pairs, pointers, spectrum,
       implants, implants, spongy, spongy, row_of_shapes, row_of_shapes, rings, mesh, hair, labyrinth, labyrinth, labyrinth, long_ruler,
       long_ruler, buttons, buttons, stitches, stitches, contours, contours, contours, coil, coil, line_pairs)


def draw_some(random, numbers, faces, values):
    """Draws one to five of them. Gives the picture and where a single letter stands."""
    picture, letters = Image.fromarray(values.astype(np.uint8)), np.zeros(values.shape, bool)
    for _ in range(random.randrange(1, 6)):
        grey = random.choice([255, 255, 255, 200, 160, 0, random.randrange(256)])
        if random.random() < 0.06:
            box = lead_letter(picture, random, numbers, grey, faces)
            if box is not None:
                left, top, right, bottom = (max(0, edge) for edge in box)
                letters[top:bottom, left:right] = True
        else:
            random.choice(ALL)(picture, random, numbers, grey)
    return np.array(picture, dtype=np.float32), letters
