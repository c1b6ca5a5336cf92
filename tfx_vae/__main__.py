"""`python -m tfx_vae` is `tfx-vae`."""

from tfx_vae.cli import main

if __name__ == "__main__":
    main(prog_name="tfx-vae")
