"""Makes PyTorch models for one point each, in the folder that is named, with weights that make their
answers plain to see."""

import sys
from pathlib import Path

import torch
from torch import nn

HERE = Path(sys.argv[1])


class Sums(nn.Module):
    """Each of `width` answers is the sum of the row."""

    def __init__(self, width: int = 1):
        super().__init__()
        self.width = width

    def forward(self, x):
        return x.sum(1, keepdim=True).repeat(1, self.width)


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Alone(nn.Module):
    """One tensor in a tuple, of one dimension."""

    def forward(self, x):
        return (torch.sigmoid(x.sum(1)),)


class Label(nn.Module):
    def forward(self, x):
        return x.argmax(1)


class Deep(nn.Module):
    def forward(self, x):
        return x.unsqueeze(2)


class Brain(nn.Module):
    """Answers in the format of 16 bits that numpy does not have."""

    def forward(self, x):
        return x.to(torch.bfloat16).softmax(1)


class Gaps(nn.Module):
    def forward(self, x):
        return torch.nan_to_num(x, nan=10.0).sum(1, keepdim=True)


class Both(nn.Module):
    def forward(self, x, y):
        return x + y


def save(name, module):
    torch.jit.save(torch.jit.script(module), str(HERE / f"{name}.pt"))


def export(name, module, *inputs, **options):
    torch.export.save(torch.export.export(module, inputs, **options), str(HERE / f"{name}.pt2"))


for name, module in {
    "sum": Sums(), "logits": Sums(3), "pair": Pair(), "alone": Alone(), "label": Label(), "deep": Deep(),
    "brain": Brain(), "gaps": Gaps(),
}.items():
    save(name, module)
export("rows-1", Sums(), torch.zeros(1, 2))
export("rows-4", Sums(), torch.zeros(4, 2))
export("two-inputs", Both(), torch.zeros(2, 2), torch.zeros(2, 2))
torch.save(nn.Linear(2, 1).state_dict(), HERE / "weights.pt")
