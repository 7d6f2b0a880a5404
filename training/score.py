#!/usr/bin/env python3
"""Scores a trained state on seeded pictures with typefaces that training did not see: score.py STATE [COUNT].

A line counts as found where boxes, grown by 3 pixels, cover 95 % of it.
"""

import random as randoms
import sys

import numpy as np
import torch
from scipy import ndimage

from network import TextNetwork, channels
from pictures import marks
from pictures.grounds import Bank
from pictures.picture import text_block
from pictures.typefaces import Lettering, Typefaces

SIDE, MARGIN = 512, 3


def boxes(chance):
    """Boxes of connected cells above 0.15 that have a peak of 0.3 and three cells, in pixels."""
    areas, count = ndimage.label(chance > 0.15, structure=np.ones((3, 3)))
    found = []
    for number, where in enumerate(ndimage.find_objects(areas), 1):
        cells = areas[where] == number
        if cells.sum() >= 3 and chance[where][cells].max() >= 0.3:
            rows, columns = where
            found.append((columns.start * 4 - MARGIN, rows.start * 4 - MARGIN, columns.stop * 4 + MARGIN, rows.stop * 4 + MARGIN,
                          float(chance[where][cells].max())))
    return found


def covered(box, found):
    left, top, right, bottom = box
    area = np.zeros((bottom - top, right - left), bool)
    for x0, y0, x1, y1, _ in found:
        area[max(0, y0 - top):max(0, y1 - top), max(0, x0 - left):max(0, x1 - left)] = True
    return area.mean() if area.size else 1


def main():
    network = TextNetwork()
    network.load_state_dict(torch.load(sys.argv[1])["average"])
    network.eval()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    faces, random, numbers = Typefaces(), randoms.Random("score"), np.random.default_rng(99)
    bank = Bank(random, numbers, 36)
    lines, alarms = {}, {"plain": [0, 0], "marked": [0, 0]}
    with torch.no_grad():
        for index in range(2 * count):
            values, labels, held = bank.part(random, numbers, SIDE, SIDE), np.zeros((SIDE, SIDE), np.uint8), []
            marked = index % 4 >= 2
            if marked:
                values, _ = marks.draw_some(random, numbers, faces, values)
            if index % 2:
                for _ in range(3):
                    text_block(random, values, labels, Lettering(random, faces, held_out=True), held)
            grey = torch.from_numpy(np.clip(values, 0, 255).astype(np.uint8).astype(np.float32) / 255)[None, None]
            found = boxes(network(channels(grey)).sigmoid()[0, 0].numpy())
            if index % 2 == 0:
                alarms["marked" if marked else "plain"][0] += bool(found)
                alarms["marked" if marked else "plain"][1] += 1
            for line in held:
                small = "small" if line["height"] < 8 else "short" if len(line["text"]) < 4 else "usual"
                entry = lines.setdefault((line["contrast"], small), [0, 0])
                entry[0] += covered(line["box"], found) >= 0.95
                entry[1] += 1
    for key, (found, all_) in sorted(lines.items()):
        print(f"{key[0]:5} {key[1]:6} {found:4} of {all_:4}  {100 * found / all_:5.1f} %")
    for key, (some, all_) in alarms.items():
        print(f"without text, {key}: {some} of {all_} with an alarm")


if __name__ == "__main__":
    main()
