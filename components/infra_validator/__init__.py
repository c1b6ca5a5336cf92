"""InfraValidator: asks an exported model, in a separate process, what a server will ask; only what answers is pushed."""
