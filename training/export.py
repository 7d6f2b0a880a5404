#!/usr/bin/env python3
"""Writes the trained weights as the detector reads them: export.py STATE WEIGHTS. Prints their length and SHA-256.

For each convolution, in the order of inference: outputs, inputs of each, size and stride as 16-bit numbers, then the weights and one
summand for each output as half floats. Everything is little endian, and batch norms are folded in.
"""

import hashlib
import struct
import sys

import torch
from torch import nn

from network import TextNetwork


def main():
    state, place = sys.argv[1:]
    network = TextNetwork()
    network.load_state_dict(torch.load(state)["average"])
    network.eval()
    written = bytearray()
    for layer in network.layers():
        if isinstance(layer, nn.Sequential):
            layer = torch.nn.utils.fuse_conv_bn_eval(*layer)
        outputs, inputs, size, _ = layer.weight.shape
        written += struct.pack("<4H", outputs, inputs, size, layer.stride[0])
        for numbers in (layer.weight, layer.bias):
            if not torch.isfinite(numbers).all() or numbers.abs().max() > 60000:
                raise SystemExit("a weight does not fit a half float")
            written += numbers.detach().numpy().astype("<f2").tobytes()
    with open(place, "wb") as file:
        file.write(written)
    print(len(written), "bytes", hashlib.sha256(written).hexdigest())


if __name__ == "__main__":
    main()
