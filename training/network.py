"""The network: an encoder down to a sixteenth and back up to a quarter of the picture, 51,301 numbers with its usual widths."""

import torch
from torch import nn
from torch.nn import functional as F


def convolution(inputs, outputs, size=3, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs))


class Separable(nn.Module):
    """A convolution of each channel, then a mixture of channels; added to the input where the shape stays."""

    def __init__(self, inputs, outputs, size=3, stride=1):
        super().__init__()
        self.each, self.mixed = convolution(inputs, inputs, size, stride, inputs), convolution(inputs, outputs, 1)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, x):
        y = self.mixed(F.relu(self.each(x)))
        return F.relu(x + y) if self.adds else F.relu(y)


class TextNetwork(nn.Module):
    """From two channels (`channels`) to a map at a quarter of the size: how likely text is, before the logistic function."""

    def __init__(self, widths=(12, 24, 48, 72), blocks=(2, 3, 3), size=5):
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.to_half, self.to_quarter = convolution(2, half, 3, 2), convolution(half, quarter, 3, 2)
        self.quarter = nn.Sequential(*[Separable(quarter, quarter, size) for _ in range(blocks[0])])
        self.eighth = nn.Sequential(Separable(quarter, eighth, 3, 2), *[Separable(eighth, eighth, size) for _ in range(blocks[1])])
        self.sixteenth = nn.Sequential(Separable(eighth, sixteenth, 3, 2), *[Separable(sixteenth, sixteenth, size) for _ in range(blocks[2])])
        self.from_sixteenth, self.from_eighth = convolution(sixteenth, eighth, 1), convolution(eighth, quarter, 1)
        self.up_eighth, self.up_quarter = Separable(eighth, eighth, 3), Separable(quarter, quarter, 3)
        self.head = nn.Conv2d(quarter, 1, 1)

    def forward(self, x):
        quarter = self.quarter(F.relu(self.to_quarter(F.relu(self.to_half(x)))))
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        eighth = self.up_eighth(F.relu(eighth + F.interpolate(self.from_sixteenth(sixteenth), scale_factor=2.0, mode="nearest")))
        quarter = self.up_quarter(F.relu(quarter + F.interpolate(self.from_eighth(eighth), scale_factor=2.0, mode="nearest")))
        return self.head(quarter)

    def layers(self):
        """The convolutions in the order in which inference carries them out."""
        def of(block):
            return [block.each, block.mixed]
        down = [self.to_half, self.to_quarter]
        for stage in (self.quarter, self.eighth, self.sixteenth):
            for block in stage:
                down += of(block)
        up = [self.from_sixteenth, *of(self.up_eighth), self.from_eighth, *of(self.up_quarter)]
        return down + up + [self.head]


def channels(grey):
    """What the network sees of grey values from 0 to 1, N x 1 x height x width, sides multiples of 16: the values, and how they
    differ from their surroundings by the measure of these."""
    mean, square = F.avg_pool2d(grey, 8), F.avg_pool2d(grey * grey, 8)

    def blurred(blocks):
        return F.avg_pool2d(F.pad(blocks, (1, 1, 1, 1), mode="replicate"), 3, 1)

    def wide(blocks):
        return F.interpolate(blocks, scale_factor=8.0, mode="bilinear", align_corners=False)

    mean, square = blurred(mean), blurred(square)
    deviation = (square - mean * mean).clamp_min(0).sqrt()
    local = (grey - wide(mean)) / (wide(deviation) + 0.03)
    return torch.cat([grey * 2 - 1, local.clamp(-4, 4) * 0.5], 1)
