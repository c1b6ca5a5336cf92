"""The commands that read ML Metadata, and `gc`. Imports neither tfx nor tensorflow.

`commands.py` is the command line. `runs.py`, `show.py`, `artifacts.py`, `lineage.py` and `diff.py` answer one command each and
print the answer; `json_shape.py` is what `--json` prints. `reader.py` reads the database into `entities.py`. `gc` deletes.
"""
