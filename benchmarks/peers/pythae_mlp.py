"""pythae's VAE with its default network (784-512-latent, relu) and its own trainer."""

import tempfile

import torch
from contest import NETWORKS, answer_epochs, contestant, read_digits
from pythae.data.datasets import BaseDataset
from pythae.models import VAE, VAEConfig
from pythae.trainers import BaseTrainer, BaseTrainerConfig


def main() -> None:
    """Runs the epochs."""
    arguments = contestant()
    torch.set_num_threads(arguments.threads)
    network = NETWORKS[arguments.network]
    digits = torch.from_numpy(read_digits()).unsqueeze(1).to(torch.float32).div(255)
    with tempfile.TemporaryDirectory() as directory:
        trainer = BaseTrainer(
            VAE(VAEConfig(input_dim=(1, 28, 28), latent_dim=network.latent_dim, reconstruction_loss="bce")),
            train_dataset=BaseDataset(digits, torch.ones(len(digits))),
            training_config=BaseTrainerConfig(
                output_dir=directory, per_device_train_batch_size=network.batch_size, learning_rate=1e-3
            ),
        )
        trainer.prepare_training()
        trainer.callback_handler.on_train_begin(training_config=trainer.training_config, model_config=trainer.model_config)

        def epoch() -> int:
            trainer.train_step(1)
            return len(digits)

        answer_epochs(epoch)


if __name__ == "__main__":
    main()
