"""The Tuner: searches the settings of the model and of the training with KerasTuner, before the Trainer uses the best."""
