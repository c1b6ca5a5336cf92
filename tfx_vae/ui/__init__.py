"""`tfx-vae ui`: runs, artifacts and models in a browser. Imports neither tfx nor tensorflow.

`command.py` is the command line. `answers.py` asks the reading layer of the commands (`tfx_vae/metadata/`), `application.py`
sends its answers as JSON, and `page/` shows them.
"""
