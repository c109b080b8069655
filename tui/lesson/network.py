"""A network of two neurons and one behind them, which learns "one or the other, not both"."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

INPUTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
TARGETS = (0.0, 1.0, 1.0, 0.0)
RATE = 1.0
"""How far each step goes against the gradient."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class Weights:
    """All that the network learns: 6 weights and 3 biases."""

    hidden: tuple[Pair, Pair] = ((0.9, -0.7), (-0.8, 0.6))
    hidden_bias: Pair = (0.1, -0.2)
    output: Pair = (0.5, 0.7)
    output_bias: float = 0.0


@dataclass
class Network:
    """Each hidden neuron is f(weights * inputs + bias), and the output is sigmoid of theirs."""

    bent: bool = True
    """Whether f is tanh; else it is left out, and a neuron only adds up."""
    weights: Weights = field(default_factory=Weights)
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    """The loss before each step."""

    def hidden(self, inputs: Pair) -> Pair:
        """What the two hidden neurons give."""
        one, other = (
            row[0] * inputs[0] + row[1] * inputs[1] + bias
            for row, bias in zip(self.weights.hidden, self.weights.hidden_bias, strict=True)
        )
        return (math.tanh(one), math.tanh(other)) if self.bent else (one, other)

    def output(self, inputs: Pair) -> float:
        """What the network predicts, from 0 to 1."""
        one, other = self.hidden(inputs)
        own = self.weights.output
        return 1 / (1 + math.exp(-(own[0] * one + own[1] * other + self.weights.output_bias)))

    @property
    def loss(self) -> float:
        """The mean squared error over the four examples."""
        pairs = zip(INPUTS, TARGETS, strict=True)
        return sum((self.output(inputs) - target) ** 2 for inputs, target in pairs) / len(INPUTS)

    def learn(self, steps: int) -> None:
        """Go down the gradient of the loss, found by backpropagation."""
        for _ in range(steps):
            self.losses.append(self.loss)
            self._step()
        self.steps += steps

    def _step(self) -> None:
        own = self.weights
        hidden = [[0.0, 0.0], [0.0, 0.0]]
        hidden_bias, output, output_bias = [0.0, 0.0], [0.0, 0.0], 0.0
        for inputs, target in zip(INPUTS, TARGETS, strict=True):
            between, predicted = self.hidden(inputs), self.output(inputs)
            # The chain rule, from the loss back to each weight.
            error = 2 * (predicted - target) * predicted * (1 - predicted) / len(INPUTS)
            output_bias += error
            for n in range(2):
                output[n] += error * between[n]
                back = error * own.output[n] * (1 - between[n] ** 2 if self.bent else 1.0)
                hidden_bias[n] += back
                for m in range(2):
                    hidden[n][m] += back * inputs[m]
        self.weights = Weights(
            (_moved(own.hidden[0], hidden[0]), _moved(own.hidden[1], hidden[1])),
            _moved(own.hidden_bias, hidden_bias),
            _moved(own.output, output),
            own.output_bias - RATE * output_bias,
        )


def _moved(values: Pair, gradient: list[float]) -> Pair:
    return values[0] - RATE * gradient[0], values[1] - RATE * gradient[1]
