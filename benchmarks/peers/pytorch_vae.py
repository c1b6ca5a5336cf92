"""The VAE of PyTorch's own example (github.com/pytorch/examples, vae): 784-400-20, relu, Adam at 1e-3, a DataLoader.

The network, the loss and the loop are a new implementation of those of the example; the digits come from data/mnist and not
from torchvision, which is slower. With --in-memory, batches come from one tensor and not from a DataLoader.
"""

from collections.abc import Iterator

import torch
from contest import NETWORKS, answer_epochs, contestant, read_digits
from torch import nn
from torch.nn import functional


class Vae(nn.Module):
    """One hidden layer each way."""

    def __init__(self, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden_of_image = nn.Linear(784, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.hidden_of_code = nn.Linear(latent, hidden)
        self.pixels = nn.Linear(hidden, 784)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction, mean and log variance."""
        hidden = functional.relu(self.hidden_of_image(images.view(-1, 784)))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        stddev = torch.exp(0.5 * log_variance)
        code = mean + torch.randn_like(stddev) * stddev
        return torch.sigmoid(self.pixels(functional.relu(self.hidden_of_code(code)))), mean, log_variance


class Digits(torch.utils.data.Dataset[torch.Tensor]):
    """Digits like those of torchvision: each is converted to a float tensor when it is read."""

    def __init__(self) -> None:
        self.digits = torch.from_numpy(read_digits())

    def __len__(self) -> int:
        return len(self.digits)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.digits[index].unsqueeze(0).to(torch.float32).div(255)


class Batches:
    """Batches from one tensor, in a new order every time."""

    def __init__(self, batch_size: int) -> None:
        self.digits = torch.from_numpy(read_digits()).unsqueeze(1).to(torch.float32).div(255)
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[torch.Tensor]:
        for indices in torch.randperm(len(self.digits)).split(self.batch_size):
            yield self.digits[indices]


def main() -> None:
    """Runs the epochs."""
    arguments = contestant("--in-memory")
    torch.set_num_threads(arguments.threads)
    network = NETWORKS[arguments.network]
    [hidden] = network.hidden_units
    if arguments.in_memory:
        loader = Batches(network.batch_size)
    else:
        loader = torch.utils.data.DataLoader(Digits(), batch_size=network.batch_size, shuffle=True)
    model = Vae(hidden, network.latent_dim)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def epoch() -> int:
        model.train()
        done, total = 0, 0.0
        for images in loader:
            optimizer.zero_grad()
            reconstruction, mean, log_variance = model(images)
            cross_entropy = functional.binary_cross_entropy(reconstruction, images.view(-1, 784), reduction="sum")
            divergence = -0.5 * torch.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
            loss = cross_entropy + divergence
            loss.backward()
            total += loss.item()
            optimizer.step()
            done += len(images)
        return done

    answer_epochs(epoch)


if __name__ == "__main__":
    main()
