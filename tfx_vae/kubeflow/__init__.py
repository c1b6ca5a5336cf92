"""`tfx-vae kubeflow`: runs the pipeline on Kubeflow, and shows what is going on there."""
