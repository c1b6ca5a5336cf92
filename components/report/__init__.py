"""ModelReport: one page that shows what was trained and how good it is."""
