"""What wires the components together and runs them."""
