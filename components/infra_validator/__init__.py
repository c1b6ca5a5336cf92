"""InfraValidator: asks an exported model, in a process of its own, what a server will ask it; only what answers is pushed."""
