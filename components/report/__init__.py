"""ModelReport: one page that shows what was trained and whether it is any good."""
