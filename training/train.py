#!/usr/bin/env python3
"""Trains the text detector: train.py [--steps N] [--out FOLDER] [--workers N].

Everything follows from the seed and the number of steps: picture N of a run is the same on every machine, and a step waits for the
pictures that are its turn. (Sums of floats may differ in their last bits between processors.) It goes on from FOLDER/state.pt.
"""

import argparse
import copy
import math
import multiprocessing
import os
import random as randoms
import time

import numpy as np
import torch
from torch.nn import functional as F

from network import TextNetwork, channels

#: Pictures of one chunk, grounds that they are cut from, steps between chunks, chunks that are drawn from.
CHUNK, GROUNDS, STEPS_OF_CHUNK, KEPT = 192, 14, 64, 48
CROP, BATCH = 256, 16

_faces = None


def chunk(seed, number):
    """A chunk of pictures and labels: CHUNK x 2 x side x side bytes."""
    global _faces
    from pictures.grounds import Bank
    from pictures.picture import training_picture
    from pictures.typefaces import Typefaces
    _faces = _faces or Typefaces()
    random, numbers = randoms.Random(f"{seed}/{number}"), np.random.default_rng([seed, number])
    bank = Bank(random, numbers, GROUNDS)
    return np.stack([np.stack(training_picture(random, numbers, _faces, bank)) for _ in range(CHUNK)])


def targets(labels):
    """What each cell of 4 x 4 pixels should say, and how much it weighs: cells that text fills by a quarter are text."""
    filled = F.avg_pool2d((labels == 1).float(), 4)
    undecided = F.max_pool2d((labels == 2).float(), 4)
    text = (filled >= 0.25).float()
    weight = ((filled == 0) | (filled >= 0.25)).float() * torch.where(text > 0, torch.ones(()), 1 - undecided)
    return text, weight


def loss_of(answer, text, weight):
    error = F.binary_cross_entropy_with_logits(answer, text, reduction="none") * weight
    found = answer.sigmoid()
    missed = (error * text).sum() / (text.sum() + 1)
    false = error * (1 - text)
    worst_false = false.flatten(1).topk(40, 1)[0].mean()
    worst_missed = (error * text).flatten(1).topk(40, 1)[0].mean()
    overlap = 1 - (2 * (found * text * weight).sum() + 1) / ((found * weight).sum() + (text * weight).sum() + 1)
    parts = (missed, false.sum() / ((1 - text).sum() + 1), worst_false, worst_missed, overlap)
    return sum(share * part for share, part in zip((0.3, 3, 0.15, 0.05, 0.5), parts)), parts


def share_of_rate(step, steps):
    """The whole rate after a short start, until it falls by a cosine over the last two fifths of the steps."""
    falling = max(0, step / steps - 0.6) / 0.4
    return min(1, step / 200 + 0.01) * (0.5 + 0.5 * math.cos(math.pi * falling) + 0.005)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", default="build")
    parser.add_argument("--begin", help="a state whose averaged weights training begins with")
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    network = TextNetwork().to(memory_format=torch.channels_last)
    if arguments.begin:
        network.load_state_dict(torch.load(arguments.begin)["average"])
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.rate, weight_decay=1e-4)
    begin, place = 0, os.path.join(arguments.out, "state.pt")
    if os.path.exists(place):
        state = torch.load(place)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["step"]
    print(f"{sum(parameter.numel() for parameter in network.parameters())} numbers, from step {begin}", flush=True)

    with multiprocessing.get_context("spawn").Pool(arguments.workers) as pool:
        first = max(0, begin // STEPS_OF_CHUNK - KEPT + 1)
        last = arguments.steps // STEPS_OF_CHUNK + 1
        coming, asked, kept = [], first, []

        def next_chunk():
            nonlocal asked
            while asked < last and len(coming) < 2 * arguments.workers:
                coming.append(pool.apply_async(chunk, (arguments.seed, asked)))
                asked += 1
            kept.append(coming.pop(0).get())
            del kept[:-KEPT]

        for _ in range(first, begin // STEPS_OF_CHUNK):
            next_chunk()
        started, sums = time.time(), []
        for step in range(begin, arguments.steps):
            if step % STEPS_OF_CHUNK == 0 or not kept:
                next_chunk()
            random = randoms.Random(f"{arguments.seed}/step/{step}")
            crops = []
            for _ in range(BATCH):
                pictures = random.choice(kept)
                picture = pictures[random.randrange(len(pictures))]
                y, x = random.randrange(picture.shape[1] - CROP + 1), random.randrange(picture.shape[2] - CROP + 1)
                crops.append(picture[:, y:y + CROP, x:x + CROP])
            batch = torch.from_numpy(np.stack(crops))
            seen = channels(batch[:, :1].float() / 255).contiguous(memory_format=torch.channels_last)
            rate = arguments.rate * share_of_rate(step, arguments.steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss, parts = loss_of(network(seen), *targets(batch[:, 1:]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimizer.step()
            with torch.no_grad():
                decay = min(0.998, step / (step + 20))
                for old, new in zip(average.state_dict().values(), network.state_dict().values()):
                    if old.dtype.is_floating_point:
                        old.lerp_(new, 1 - decay)
                    else:
                        old.copy_(new)
            sums.append([float(loss), *map(float, parts)])
            if (step + 1) % 200 == 0 or step + 1 == arguments.steps:
                print(step + 1, f"{time.time() - started:.0f} s", *np.mean(sums, 0).round(4), f"{rate:.1e}", flush=True)
                sums = []
                torch.save({"network": network.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(),
                            "step": step + 1}, place + ".new")
                os.replace(place + ".new", place)


if __name__ == "__main__":
    main()
