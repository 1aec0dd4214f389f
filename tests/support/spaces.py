"""Spaces that several tests read."""

from __future__ import annotations

CONDITIONAL = """\
data: {type: digits, batch_size: {choice: [32, 64]}}
model:
  type: MLP
  layers: {list: {units: {int: [4, 8]}, dropout: {float: [0.2, 0.5]}}, length: {int: [1, 3]}}
optimizer:
  choice:
    - {type: SGD, lr: {float: [1e-3, 1], log: true}, momentum: {float: [0, 0.99]}}
    - {type: AdamW, lr: {float: [1e-4, 1e-2], log: true}}
scheduler: {choice: [null, {type: OneCycleLR, max_lr: {ref: optimizer.lr}}]}
training: {epochs: {int: [2, 9]}}
"""


FOUR_EPOCHS = """\
data: {type: digits, batch_size: 128}
model: {type: MLP, hidden: [8]}
optimizer: {type: SGD, lr: 0.1}
training: {epochs: 4}
"""
