"""What text may stand on: pictures that look like ultrasound, CT, MR, X-ray, mammograms, vessels, endoscopy, tissue, screens and
paper. All of it is computed; no picture of a person is used.

Each takes Python's random, NumPy's generator, height and width, and gives grey values from 0 to 255.
"""

import math

import numpy as np
from PIL import Image
from scipy import ndimage


def smooth_field(numbers, height, width, size):
    """A random field without detail below `size` pixels, from 0 to 1."""
    cells = max(2, int(max(height, width) / size) + 2)
    coarse = Image.fromarray(numbers.random((cells, cells)).astype(np.float32))
    field = np.asarray(coarse.resize((width, height), Image.BICUBIC))
    return (field - field.min()) / (np.ptp(field) + 1e-6)


def grid(height, width):
    return np.mgrid[0:height, 0:width].astype(np.float32)


def normed(field):
    return (field - field.mean()) / (field.std() + 1e-6)


def ultrasound(random, numbers, height, width):
    y, x = grid(height, width)
    apex_x, apex_y = width * random.uniform(0.3, 0.7), -height * random.uniform(0, 0.25)
    radius, angle = np.hypot(x - apex_x, y - apex_y), np.arctan2(x - apex_x, y - apex_y)
    fan = (np.abs(angle) < random.uniform(0.4, 0.9)) & (radius > height * random.uniform(0.05, 0.3)) & (radius < height * random.uniform(0.8, 1.2))
    if random.random() < 0.3:
        fan = (x > width * 0.1) & (x < width * 0.9) & (y > height * 0.05) & (y < height * 0.95)
    if random.random() < 0.3:
        speckle = np.kron(numbers.rayleigh(1, (height // 2 + 1, width // 2 + 1)), np.ones((2, 2)))[:height, :width]
    else:
        speckle = numbers.rayleigh(1, (height, width))
    blur = random.choice([0, 0, 0.6, 0.8, 1.2, 2])
    if blur:
        speckle = 1 + normed(ndimage.gaussian_filter(speckle, (blur, blur * random.uniform(0.8, 3)))) * 0.5
    tissue = smooth_field(numbers, height, width, random.uniform(30, 150)) * random.uniform(60, 190)
    for _ in range(random.randrange(0, 6)):
        at_x, at_y, size = random.uniform(0.1, 0.9) * width, random.uniform(0.1, 0.9) * height, random.uniform(0.02, 0.15) * width
        inside = np.hypot(x - at_x, (y - at_y) * random.uniform(0.6, 1.6)) < size
        tissue = np.where(inside, tissue * random.choice([0.1, 0.2, 1.8, 2.5]), tissue)
    return np.where(fan, np.clip(speckle, 0, 4) * tissue, random.choice([0, 0, 0, 8, 20]))


def scan_lines(random, numbers, height, width):
    """Ultrasound as a scanner converts it: echoes along lines of a fan or a strip, vessels with bright walls."""
    y, x = grid(height, width)
    lines, samples = random.randrange(90, 360), random.randrange(200, 600)
    top, middle = height * random.uniform(-0.1, 0.2), width * random.uniform(0.3, 0.7)
    if random.random() < 0.7:
        inner, half, depth = height * random.uniform(0.03, 0.3), random.uniform(0.35, 0.8), height * random.uniform(0.6, 1.1)
        away, angle = np.hypot(y - top + inner, x - middle), np.arctan2(x - middle, y - top + inner)
        down, across = (away - inner) / depth, (angle + half) / (2 * half)
    else:
        half, depth = width * random.uniform(0.2, 0.5), height * random.uniform(0.6, 1)
        down, across = (y - top) / depth, (x - middle + half) / (2 * half)
    inside = (down >= 0) & (down < 1) & (across >= 0) & (across < 1)
    echo = numbers.rayleigh(1, (samples, lines))
    along, beside = random.choice([0, 0.5, 0.8, 1.2]), random.choice([0, 0.6, 1, 1.6])
    echo = 1 + normed(ndimage.gaussian_filter(echo, (along, beside))) * random.uniform(0.35, 0.65)
    echo = ndimage.map_coordinates(np.clip(echo, 0, 4), [down * samples, across * lines], order=random.choice([0, 0, 1]), mode="nearest")
    tissue = random.uniform(15, 70) + random.uniform(40, 150) * smooth_field(numbers, height, width, random.uniform(30, 150))
    for _ in range(random.randrange(0, 6)):
        at_x, at_y, turn = random.uniform(0.1, 0.9) * width, random.uniform(0.1, 0.9) * height, random.uniform(0, 3.14)
        lengthwise = ((x - at_x) * math.cos(turn) + (y - at_y) * math.sin(turn)) / (random.uniform(0.02, 0.15) * width)
        crosswise = ((y - at_y) * math.cos(turn) - (x - at_x) * math.sin(turn)) / (random.uniform(0.02, 0.12) * width)
        shape, wall = lengthwise**2 + crosswise**2, random.uniform(1.1, 1.6)
        tissue = np.where(shape < 1, random.uniform(3, 25), np.where(shape < wall, tissue + random.uniform(20, 110), tissue))
    fading = 1.05 - random.uniform(0, 0.8) * np.clip(down, 0, 1)
    return np.where(inside, np.clip(tissue * echo * fading, 0, random.uniform(200, 255)), random.choice([0, 0, 0, 8, 20]))


def tomogram(random, numbers, height, width):
    y, x = grid(height, width)
    picture = numbers.normal(random.uniform(0, 40), random.uniform(0, 6), (height, width))
    body = ((x - width / 2) / (width * random.uniform(0.3, 0.48))) ** 2 + ((y - height / 2) / (height * random.uniform(0.25, 0.48))) ** 2 < 1
    texture = normed(ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.choice([0, 0.5, 0.8])))
    organs = np.full((height, width), random.uniform(60, 140))
    for _ in range(random.randrange(4, 25)):
        at_x, at_y, turn = random.uniform(0.15, 0.85) * width, random.uniform(0.2, 0.8) * height, random.uniform(0, 3.14)
        along = (x - at_x) * math.cos(turn) + (y - at_y) * math.sin(turn)
        across = -(x - at_x) * math.sin(turn) + (y - at_y) * math.cos(turn)
        ellipse = (along / (random.uniform(0.006, 0.14) * width)) ** 2 + (across / (random.uniform(0.006, 0.14) * height)) ** 2
        organs = np.where(ellipse < 1, random.choice([10, 40, 80, 120, 170, 230, 255]), organs)
        if random.random() < 0.3:
            organs = np.where((ellipse > 0.75) & (ellipse < 1), 240, organs)
    picture = np.where(body, organs + texture * random.uniform(2, 16), picture)
    if random.random() < 0.3:
        for _ in range(random.randrange(2, 14)):
            turn, offset = random.uniform(0, 3.14), random.uniform(-0.3, 0.3) * width
            distance = (x - width / 2) * math.cos(turn) + (y - height / 2) * math.sin(turn) - offset
            picture = picture + random.uniform(-30, 30) * np.exp(-((distance / random.uniform(1, 5)) ** 2)) * body
    return ndimage.gaussian_filter(picture, random.choice([0, 0.4, 0.7]))


def resonance(random, numbers, height, width):
    picture = tomogram(random, numbers, height, width) * 0.3
    for size, strength in ((80, 70), (30, 60), (12, 50), (6, random.uniform(0, 40))):
        picture = picture + strength * np.abs(2 * smooth_field(numbers, height, width, size) - 1)
    y, x = grid(height, width)
    body = ((x - width / 2) / (width * 0.42)) ** 2 + ((y - height / 2) / (height * 0.44)) ** 2 < 1
    noise = np.hypot(numbers.normal(0, random.uniform(1, 8), (height, width)), numbers.normal(0, 4, (height, width)))
    return np.where(body, picture, 0) + noise


def radiograph(random, numbers, height, width):
    y, x = grid(height, width)
    picture = random.uniform(60, 200) + sum(random.uniform(-90, 90) * smooth_field(numbers, height, width, size) for size in (200, 80))
    for _ in range(random.randrange(0, 12)):
        start, bend, slope = random.uniform(0, height), random.uniform(-0.002, 0.002), random.uniform(-0.5, 0.5)
        rib = (y - start - bend * (x - width / 2) ** 2 + slope * x) / random.uniform(1.5, 14)
        picture = picture + random.uniform(-40, 60) * np.exp(-(rib**2))
    if random.random() < 0.6:
        picture = picture + trabeculae(random, numbers, height, width)
    if random.random() < 0.4:
        lean = random.uniform(-0.15, 0.15)
        field = (x + lean * y > width * random.uniform(0, 0.2)) & (x - lean * y < width * random.uniform(0.8, 1)) & (y > height * random.uniform(0, 0.15))
        picture = np.where(field, picture, random.choice([0, 255, 10]))
    return picture + numbers.normal(0, random.uniform(0, 7), (height, width))


def trabeculae(random, numbers, height, width):
    """The mesh of spongy bone, in some places."""
    noise = numbers.normal(0, 1, (height, width))
    mesh = normed(ndimage.gaussian_filter(noise, random.uniform(0.6, 1.5)) - ndimage.gaussian_filter(noise, random.uniform(1.5, 4)))
    return mesh * random.uniform(5, 35) * (smooth_field(numbers, height, width, 90) > random.uniform(0.2, 0.7))


def mammogram(random, numbers, height, width):
    y, x = grid(height, width)
    breast = (x / (width * random.uniform(0.5, 0.9))) ** 2 + ((y - height / 2) / (height * 0.48)) ** 2
    tissue = sum(strength * smooth_field(numbers, height, width, size) for size, strength in ((100, 80), (40, 60), (15, 50), (6, 35), (3, 20)))
    picture = np.where(breast < 1, tissue * (1 - 0.5 * breast), 2)
    for _ in range(random.randrange(0, 40)):
        at_x, at_y = random.randrange(width), random.randrange(height)
        picture[at_y:at_y + random.randrange(1, 4), at_x:at_x + random.randrange(1, 4)] = random.randrange(180, 255)
    return picture


def vessels(random, numbers, height, width):
    """Angiography: trees of dark or bright vessels, and what is left of bones."""
    ground = random.uniform(110, 200)
    picture = ground + random.uniform(5, 40) * (smooth_field(numbers, height, width, 100) - 0.5)
    ink = np.zeros((height, width), np.float32)
    branches = [(random.uniform(0, width), random.uniform(0, height), random.uniform(0, 6.3), random.uniform(3, 8)) for _ in range(random.randrange(1, 4))]
    y, x = np.ogrid[0:height, 0:width]
    steps = 0
    while branches and steps < 900:
        at_x, at_y, turn, size = branches.pop()
        while size > 0.7 and 0 <= at_x < width and 0 <= at_y < height and steps < 900:
            steps += 1
            low_y, low_x = max(0, int(at_y - size - 1)), max(0, int(at_x - size - 1))
            high_y, high_x = int(at_y + size + 2), int(at_x + size + 2)
            part = np.hypot(x[:, low_x:high_x] - at_x, y[low_y:high_y] - at_y) < size
            area = ink[low_y:high_y, low_x:high_x]
            np.maximum(area, part * min(1, size / 4 + 0.3), out=area)
            at_x, at_y = at_x + math.cos(turn) * 2, at_y + math.sin(turn) * 2
            turn, size = turn + random.uniform(-0.2, 0.2), size * random.uniform(0.985, 1.002)
            if random.random() < 0.03:
                branches.append((at_x, at_y, turn + random.choice([-1, 1]) * random.uniform(0.4, 1), size * 0.7))
    ink = ndimage.gaussian_filter(ink, random.uniform(0.5, 1.2))
    return picture - random.choice([-1, 1, 1, 1]) * ink * random.uniform(40, 120) + numbers.normal(0, random.uniform(1, 9), (height, width))


def endoscopy(random, numbers, height, width):
    y, x = grid(height, width)
    picture = 90 + 90 * smooth_field(numbers, height, width, 120) + 60 * (smooth_field(numbers, height, width, 25) - 0.5)
    veins = np.abs(2 * smooth_field(numbers, height, width, random.uniform(10, 40)) - 1) < random.uniform(0.02, 0.08)
    picture = picture - random.uniform(10, 60) * ndimage.gaussian_filter(veins.astype(np.float32), 1)
    for _ in range(random.randrange(0, 30)):
        at_x, at_y, size = random.uniform(0, width), random.uniform(0, height), random.uniform(1, 6)
        picture = np.where(np.hypot(x - at_x, y - at_y) < size, 255, picture)
    distance = np.hypot(x - width / 2, y - height / 2) / min(height, width)
    return np.where(distance < random.uniform(0.45, 0.7), picture * (1.1 - distance), 0)


def tissue(random, numbers, height, width):
    """Stained cells."""
    picture = 200 + 30 * smooth_field(numbers, height, width, 60) - 40 * smooth_field(numbers, height, width, 12)
    y, x = np.ogrid[0:height, 0:width]
    for _ in range(random.randrange(60, 260)):
        at_x, at_y, a, b = random.uniform(0, width), random.uniform(0, height), random.uniform(2, 9), random.uniform(2, 9)
        low_y, low_x, reach = max(0, int(at_y - 10)), max(0, int(at_x - 10)), 21
        part = ((x[:, low_x:low_x + reach] - at_x) / a) ** 2 + ((y[low_y:low_y + reach] - at_y) / b) ** 2 < 1
        picture[low_y:low_y + reach, low_x:low_x + reach][part] -= random.uniform(30, 120)
    return ndimage.gaussian_filter(picture, random.uniform(0.4, 1)) + numbers.normal(0, 4, (height, width))


def screen(random, numbers, height, width):
    """Even ground, gradients, panels: screens, borders, dose sheets."""
    level = float(random.choice([0, 0, 0, 0, 10, 20, 40, 80, 128, 200, 240, 255]))
    kind = random.randrange(5)
    if kind < 2:
        return np.full((height, width), level) + numbers.normal(0, random.choice([0, 0, 1, 3]), (height, width))
    if kind == 2:
        return 255 * smooth_field(numbers, height, width, random.uniform(60, 400))
    if kind == 3:
        y, x = grid(height, width)
        return np.clip(255 * (x / width * random.uniform(-1, 1) + y / height * random.uniform(-1, 1) + random.random()), 0, 255)
    picture = np.full((height, width), level)
    for _ in range(random.randrange(2, 9)):
        at_x, at_y = random.randrange(width), random.randrange(height)
        picture[at_y:at_y + random.randrange(12, 200), at_x:at_x + random.randrange(20, 300)] = random.choice([0, 30, 60, 128, 200, 235, 255])
    return picture


def paper(random, numbers, height, width):
    """A scanned sheet, without what is printed on it."""
    picture = random.uniform(225, 252) - 12 * smooth_field(numbers, height, width, 200) + numbers.normal(0, random.uniform(0, 3), (height, width))
    if random.random() < 0.5:
        step = random.randrange(14, 60)
        picture[random.randrange(step)::step] -= random.uniform(20, 120)
    return picture


def blobs(random, numbers, height, width):
    """Noise of one band cut at a level: mastoid cells, marrow, foam."""
    field = normed(ndimage.gaussian_filter(numbers.normal(0, 1, (height, width)), random.uniform(1.2, 7)))
    place = smooth_field(numbers, height, width, random.uniform(60, 200)) > random.uniform(0.2, 0.6)
    inside, around = random.choice([255, 230, 180]), random.choice([0, 20, 60, 128])
    return np.where((field > random.uniform(-1.5, 1.5)) & place, inside, around).astype(np.float64)


ALL = (ultrasound, scan_lines, scan_lines, scan_lines, tomogram, resonance, radiograph, mammogram, vessels, endoscopy, tissue, screen, screen, paper, blobs)


class Bank:
    """Some grounds, of which many parts are cut."""

    def __init__(self, random, numbers, count):
        self.pictures = []
        for index in range(count):
            size = random.choice([416, 448, 512])
            make = ALL[(index + random.randrange(len(ALL))) % len(ALL)]
            self.pictures.append(np.clip(make(random, numbers, size, size), 0, 255).astype(np.uint8))

    def part(self, random, numbers, height, width):
        """A part of one of them: turned, mirrored, and with other contrast and noise."""
        picture = random.choice(self.pictures)
        scale = random.choice([1, 1, 1, random.uniform(0.5, 1.8)])
        rows, columns = int(height / scale) + 1, int(width / scale) + 1
        missing = (max(0, rows - picture.shape[0]), max(0, columns - picture.shape[1]))
        if any(missing):
            picture = np.pad(picture, ((0, missing[0]), (0, missing[1])), mode=random.choice(["reflect", "constant"]))
        at_y, at_x = random.randrange(picture.shape[0] - rows + 1), random.randrange(picture.shape[1] - columns + 1)
        part = picture[at_y:at_y + rows, at_x:at_x + columns]
        if scale != 1:
            part = np.asarray(Image.fromarray(part).resize((width, height), random.choice([Image.BICUBIC, Image.BILINEAR])))
        part = part[:height, :width].astype(np.float32)
        if random.random() < 0.5:
            part = part[:, ::-1]
        if random.random() < 0.3:
            part = part[::-1]
        if random.random() < 0.3 and height == width:
            part = part.T
        if random.random() < 0.12:
            part = 255 - part
        if random.random() < 0.5:
            part = 255 * (part / 255) ** random.uniform(0.5, 2)
        if random.random() < 0.3:
            span = random.uniform(0.3, 1)
            part = part * span + random.uniform(0, 255 * (1 - span))
        if random.random() < 0.1:
            # What a narrow window shows: both ends are cut.
            low, high = np.percentile(part, [random.uniform(0, 40), random.uniform(60, 100)])
            part = (part - low) * 255 / max(high - low, 20)
        if random.random() < 0.25:
            part = part + numbers.normal(0, random.uniform(1, 12), part.shape)
        return np.ascontiguousarray(np.clip(part, 0, 255), dtype=np.float32)
